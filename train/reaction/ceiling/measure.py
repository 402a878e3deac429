"""How well each kind of knowledge foretells nods, on meetings whose people the model never met.

Every series of meetings is left out once. On it is measured, for each variant: the likelihood of its nods given the
listener's real past (in bits a nod over knowing the mean rate alone), and what nods drawn from the model are like, each
drawn after the *model's* own nods, at the truth's rate: their curve around phrase ends and how often they meet the
listener's real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.reaction.ceiling import columns as known
from train.reaction.ceiling.chances import Fitted, Ticks, fit
from train.reaction.ceiling.views import View
from train.reaction.evaluation.timing import answered
from train.report import hazard
from train.report.intervals import Sums, Tally, by_group
from train.simulate.meetings.people import TICK_S

NEAR_S = 0.6  #: two nods so near agree
DRAWS = 4  #: times that each model is drawn from
SAME_RATE, MOST_TRIES = 0.03, 4
"""How near to the truth's rate is at it, and how often a constant in the logit is moved to come there."""
LEAST_SHIFT_S = 20.0
SHIFTS = 10
TRUTH, SHIFTED, OTHER = "the listeners themselves", "themselves, shifted", "another listener at the table"


class Variant(NamedTuple):
    """What a model knows: columns besides the listener's own past, and how late (s) words and acts are known."""

    name: str
    columns: tuple[str, ...]
    late_s: float = known.LATE_S


VARIANTS = (
    Variant("own past alone", ()),
    Variant("and pauses", known.PAUSES),
    Variant("and words, acts, 0.45 s late", (*known.PAUSES, *known.TEXT)),
    Variant("and words, acts, at once", (*known.PAUSES, *known.TEXT), 0.0),
    Variant("pauses and their future", (*known.PAUSES, *known.FUTURE)),
    Variant("all of it and its future", (*known.PAUSES, *known.TEXT, *known.FUTURE, *known.FUTURE_TEXT), 0.0),
)


class Case(NamedTuple):
    """A view with the columns that a model knows, (T, columns): those of :data:`known.OWN` first."""

    view: View
    columns: NDArray[np.integer]

    def ticks(self) -> Ticks:
        """The ticks that count."""
        begun = np.zeros(len(self.view.risk), bool)
        begun[self.view.nods] = True
        return Ticks(self.columns[self.view.risk].astype(np.int64), begun[self.view.risk])


def told(views: Sequence[View], vocabulary: known.Vocabulary, late_s: float) -> list[known.Columns]:
    """All columns of each view, words and acts known ``late_s`` after they end."""
    speakers: dict[str, list[known.Columns]] = {}
    found = []
    for view in views:
        name = view.meeting.name
        if name not in speakers:
            speakers = {name: known.spoken(view.meeting, vocabulary, late_s)}  # views go by meeting: one is kept
        found.append(known.told(view, speakers[name]))
    return found


def cases(views: Sequence[View], columns: Sequence[known.Columns], variant: Variant) -> list[Case]:
    """The views with what ``variant`` knows of all their ``columns``."""
    names = (*known.OWN, *variant.columns)
    return [
        Case(view, np.stack([found[name] for name in names], 1)) for view, found in zip(views, columns, strict=True)
    ]


def crossed(given: Sequence[Case], sizes: Sequence[int], seed: int) -> list[Fitted]:
    """For each case a model that was fitted without its series; a further series says when fitting stops. Raises
    :class:`EngineError` where there are fewer than three series."""
    series = sorted({case.view.meeting.series for case in given})
    if len(series) < 3:
        raise EngineError(
            f"{len(series)} series of meetings with head gestures: one is left out and one says when to stop, so three "
            "are needed; add more of AMI's meetings"
        )
    ticks = {name: _together([case for case in given if case.view.meeting.series == name]) for name in series}
    models = {}
    for place, left_out in enumerate(series):
        check = series[(place + 1) % len(series)]
        learn = [found for name, found in ticks.items() if name not in (left_out, check)]
        models[left_out] = fit(sizes, Ticks(*map(np.concatenate, zip(*learn, strict=True))), ticks[check], seed + place)
    return [models[case.view.meeting.series] for case in given]


def _together(given: Sequence[Case]) -> Ticks:
    return Ticks(*map(np.concatenate, zip(*(case.ticks() for case in given), strict=True)))


def likelihood(case: Case, model: Fitted, mean_rate: float) -> Sums:
    """``gain``, log-likelihood in bits over the constant chance ``mean_rate`` a tick, and ``nods``."""
    columns, nods = case.ticks()
    logits = model.logits(model.added(columns))
    chance = np.clip(1.0 / (1.0 + np.exp(-logits)), 1e-9, 1.0 - 1e-9)
    gain = np.where(nods, np.log2(chance / mean_rate), np.log2((1.0 - chance) / (1.0 - mean_rate)))
    return {"gain": np.array(gain.sum()), "nods": np.array(float(nods.sum()))}


def drawn(given: Sequence[Case], models: Sequence[Fitted], seed: int) -> list[list[NDArray[np.int64]]]:
    """Ticks of nods that the models draw, (cases, draws): each tick by its chance given the nods drawn before, all
    chances moved by one constant so that there are as many nods as in truth."""
    wanted = max(1, DRAWS * sum(len(case.view.nods) for case in given))
    found, offset = _draw(given, models, 0.0, seed), 0.0
    for _ in range(MOST_TRIES):
        count = sum(len(one) for row in found for one in row)
        if abs(count / wanted - 1.0) <= SAME_RATE:
            break
        offset += float(np.log(wanted / max(count, 1)))
        found = _draw(given, models, offset, seed)
    return found


def _draw(given: Sequence[Case], models: Sequence[Fitted], offset: float, seed: int) -> list[list[NDArray[np.int64]]]:
    rng, count = np.random.default_rng(seed), len(given)
    size, width = max(len(case.view.risk) for case in given), models[0].rows[0].shape[1]
    told, risk = np.zeros((size, count, width), np.float32), np.zeros((size, count), bool)
    for place, (case, model) in enumerate(zip(given, models, strict=True)):
        told[: len(case.columns), place] = model.added(case.columns[:, 1:], 1)
        risk[: len(case.columns), place] = case.view.risk
    since = np.stack([model.rows[0] for model in models])
    weight, bias = np.stack([model.weight for model in models])[:, None], np.array([model.bias for model in models])
    last = np.full((count, DRAWS), -(10**6))
    found: list[list[list[int]]] = [[[] for _ in range(DRAWS)] for _ in given]
    for tick in map(int, np.flatnonzero(risk.any(1))):
        at = np.flatnonzero(risk[tick])
        added = told[tick, at][:, None] + since[at[:, None], known.since_nod(tick - last[at])]
        logits = added[..., 0] + (np.tanh(added[..., 1:]) * weight[at]).sum(-1) + (bias[at] + offset)[:, None]
        for row, draw in np.argwhere(rng.random(logits.shape) < 1.0 / (1.0 + np.exp(-logits))):
            last[at[row], draw] = tick
            found[at[row]][draw].append(tick)
    return [[np.array(one, np.int64) for one in each] for each in found]


def compared(view: View, nods: NDArray[np.int64]) -> Sums:
    """What ``nods`` (ticks) are to the real ones of a view: their curve around phrase ends, and how many agree."""
    times, real = (nods + 0.5) * TICK_S, (view.nods + 0.5) * TICK_S
    both = float(answered(times, real, (-NEAR_S, NEAR_S))[1]) if len(times) and len(real) else 0.0
    agree = {"both": np.array(both), "either": np.array(0.5 * (len(times) + len(real)))}
    return (
        agree
        | hazard.sums("ends", times, view.ends, view.watched)
        | {
            "drawn": np.array(float(len(times))),
            "watched": np.array(view.minutes),
        }
    )


def shifted(view: View, rng: np.random.Generator) -> NDArray[np.int64]:
    """The view's nods moved round by one drawn time within the ticks that count."""
    places = np.flatnonzero(view.risk)
    least = min(round(LEAST_SHIFT_S / TICK_S), len(places) // 3)
    by = int(rng.integers(least, max(least + 1, len(places) - least)))
    return np.sort(places[(np.searchsorted(places, view.nods) + by) % len(places)])


def others(views: Sequence[View]) -> list[tuple[View, NDArray[np.int64]]]:
    """Each view with the nods of each other listener of the meeting, in the ticks that count for both."""
    found = []
    for view in views:
        for other in views:
            if other.meeting is view.meeting and other.place != view.place:
                both = view.risk & other.risk
                found.append((replace(view, risk=both, nods=view.nods[both[view.nods]]), other.nods[both[other.nods]]))
    return found


def tallied(compare: Sequence[tuple[View, NDArray[np.int64]]], more: Callable[[View], Sums]) -> dict[str, Tally]:
    """The sums of all comparisons by series, ``more`` added to each."""
    return by_group((view.meeting.series, Tally(compared(view, nods) | more(view), {})) for view, nods in compare)
