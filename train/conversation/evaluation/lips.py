"""Lips against captured ones: correlation, error, lag, closures, jitter, and how soon they close after speech.

Channels that a recording did not solve are left out. Sums are taken talk by talk, around the talk's own mean where it
is correlation, so that how one voice's mouth differs from another's counts in the error alone. Everything is a function
of sums that are pooled by the bootstrap.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.conversation.evaluation.cases import Case, within
from train.conversation.evaluation.mouth import APERTURE, COLUMNS, NAMES, SPOKEN, measured
from train.conversation.talks.layout import FPS
from train.report.intervals import Sums, Tally

Array = NDArray[np.floating]

LAGS = 10
"""Frames by which an aperture is shifted at most, to either side."""
SHIFTS = np.arange(-LAGS, LAGS + 1)
NEAR = 3
"""Frames to either side of a moment within which lips count as closed for it."""
MOVES = 0.01
"""Standard deviation (weight) of the true channel below which correlation with it is not told."""
TOLD = 0.2
"""Highest correlation below which a lag is not told."""
PAUSE_S = 0.3
"""Silence after a phrase, at least, in which lips are watched closing."""
LONGEST = 60
"""Frames after which a mouth that has not closed counts as closed."""


@dataclass(frozen=True)
class Talk:
    """A case as lips are measured on it: ``truth`` (T, 28) and which of its columns (28,) were ``solved``, the aperture
    ``below`` which its mouth is closed, frames of ``bilabials`` (N,), ``speech`` (T,) whether a phrase is said, and
    ``ends`` (M, 2): first frame after a phrase, and first frame of what is said next."""

    truth: Array
    solved: NDArray[np.bool_]
    below: float
    bilabials: NDArray[np.intp]
    speech: NDArray[np.bool_]
    ends: NDArray[np.intp]


def frame_of(seconds: Array | float) -> NDArray[np.intp]:
    """The first frames whose middle is not before moments (N,) in s."""
    return np.asarray(np.ceil(np.asarray(seconds, float) * FPS - 0.5 - 1e-9), np.intp)


def ends_of(case: Case) -> NDArray[np.intp]:
    """See :class:`Talk`: phrases that enough silence follows."""
    starts = [span.start_s for span in case.phrases[1:]] + [case.seconds]
    pairs = [
        (span.end_s, after)
        for span, after in zip(case.phrases, starts, strict=bool(case.phrases))
        if after - span.end_s >= PAUSE_S
    ]
    return np.minimum(frame_of(np.array(pairs, float).reshape(-1, 2)), case.frames)


def tally(mouth: Array, talk: Talk) -> Tally:
    """What a mouth (T, 27) adds to the sums."""
    own, true = (np.where(talk.solved, rows, 0.0) for rows in (measured(mouth), talk.truth))
    x, y = own - own.mean(0), true - true.mean(0)
    sums: Sums = {
        "frames": np.array(float(len(own))),
        "xx": (x * x).sum(0),
        "yy": (y * y).sum(0),
        "xy": (x * y).sum(0),
        "told": float(len(own)) * talk.solved,
        "off": np.abs(own - true).sum(0),
        "wiggle": np.array(np.abs(np.diff(own[:, SPOKEN], 2, axis=0)).sum()),
        "wiggle.true": np.array(np.abs(np.diff(true[:, SPOKEN], 2, axis=0)).sum()),
    }
    opened = own[:, NAMES.index(APERTURE)]
    sums |= _shifted(x[:, -1], y[:, -1]) | _closures(opened < talk.below, talk)
    sums["closing"] = np.bincount(closing(opened < talk.below, talk.ends), minlength=LONGEST + 1).astype(float)
    return Tally(sums, {})


def closing(closed: NDArray[np.bool_], ends: NDArray[np.intp]) -> NDArray[np.intp]:
    """Frames (M,) from the end of each phrase until the lips are closed; until the next is said, or as long as is
    counted, where they are not."""
    found = []
    for first, after in ends:
        shut = np.flatnonzero(closed[first:after])
        found.append(min(int(shut[0]) if len(shut) else int(after - first), LONGEST))
    return np.array(found, np.intp)


def around(closed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Frames (T,) within :data:`NEAR` of one in which the lips are closed."""
    padded = np.pad(closed, NEAR)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 2 * NEAR + 1).any(1))


def shuttings(aperture: Array, talk: Talk) -> NDArray[np.intp]:
    """Frames in which the true lips shut while a phrase is said."""
    closed = aperture < talk.below
    begins = np.flatnonzero(closed[1:] & ~closed[:-1]) + 1
    return begins[talk.speech[begins]]


def _closures(closed: NDArray[np.bool_], talk: Talk) -> Sums:
    """Of bilabials and of the truth's own closures how many find closed lips, and how many as many other moments in the
    same talk's speech would."""
    near = around(closed)
    luck = float(near[talk.speech].mean()) if talk.speech.any() else 0.0
    onsets = talk.bilabials[(talk.bilabials >= 0) & (talk.bilabials < len(closed))]
    found: Sums = {}
    for name, moments in (("bilabials", onsets), ("shut", shuttings(talk.truth[:, -1], talk))):
        count = float(len(moments))
        found |= {name: np.array(count), f"{name}.luck": np.array(count * luck)}
        found[f"{name}.closed"] = np.array(float(near[moments].sum()))
    return found


def _shifted(x: Array, y: Array) -> Sums:
    """Products (lags,) of two apertures, the first as many frames late."""
    found: dict[str, list[float]] = {"lag.xx": [], "lag.yy": [], "lag.xy": []}
    for shift in map(int, SHIFTS):
        late = x[max(shift, 0) : len(x) + min(shift, 0)]
        base = y[max(-shift, 0) : len(y) - max(shift, 0)]
        for name, product in (("xx", late * late), ("yy", base * base), ("xy", late * base)):
            found[f"lag.{name}"].append(float(product.sum()))
    return {name: np.array(values) for name, values in found.items()}


def derive(sums: Sums, mean: Sums) -> dict[str, Array]:
    """Metrics (D,) of sums with the draws on axis 0; ``mean`` are those of the mean mouth."""
    found: dict[str, Array] = {}
    moving = np.sqrt(sums["yy"][0] / sums["frames"][0]) > MOVES
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(sums["xx"] * sums["yy"])
        each = np.where(spread > 1e-9, sums["xy"] / spread, 0.0)  # what does not move follows nothing
        off, base = (np.where(part["told"] > 0, part["off"] / part["told"], np.nan) for part in (sums, mean))
        for group, columns in COLUMNS.items():
            told = [column for column in columns if moving[column]]
            found[f"r_{group}"] = each[:, told].mean(1) if told else np.full(len(each), np.nan)
            found[f"mae_{group}"] = _mean(off[:, columns])
            found[f"over_{group}"] = found[f"mae_{group}"] / _mean(base[:, columns])
        found["mae"] = _mean(off[:, SPOKEN])
        found["over_mean"] = found["mae"] / _mean(base[:, SPOKEN])
        found["lag"] = lags(sums)
        for name in ("bilabials", "shut"):
            found[f"closed_{name}"], found[f"luck_{name}"] = (
                sums[f"{name}.{k}"] / sums[name] for k in ("closed", "luck")
            )
            found[f"gain_{name}"] = found[f"closed_{name}"] - found[f"luck_{name}"]
        found["jitter"] = sums["wiggle"] / sums["wiggle.true"]
    for share in (50, 90):
        found[f"closing_{share}"] = quantile(sums["closing"], share / 100.0) / FPS
    return found


def _mean(columns: Array) -> Array:
    """Mean (D,) of the columns (D, n) that are told; not a number where none is."""
    told = np.isfinite(columns)
    return np.asarray(np.where(told, columns, 0.0).sum(1) / told.sum(1))


def lags(sums: Sums) -> Array:
    """By how many frames (D,) the apertures are late at the highest correlation, between frames by a parabola; not a
    number where they hardly correlate at any lag."""
    with np.errstate(divide="ignore", invalid="ignore"):
        r = sums["lag.xy"] / np.sqrt(sums["lag.xx"] * sums["lag.yy"])
    r = np.where(sums["lag.xx"] > 1e-9, np.nan_to_num(r), 0.0)
    best = r.argmax(1)
    rows = np.arange(len(r))
    inner = np.clip(best, 1, len(SHIFTS) - 2)
    before, peak, after = (r[rows, inner + step] for step in (-1, 0, 1))
    bend = before - 2.0 * peak + after
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where((inner == best) & (bend < 0.0), 0.5 * (before - after) / bend, 0.0)
    return np.where(r[rows, best] >= TOLD, SHIFTS[best] + part, np.nan)


def quantile(histogram: Array, share: float) -> Array:
    """The frames (D,) that a share of what is counted in (D, frames) does not exceed; not a number of nothing."""
    total = histogram.sum(1)
    place = (np.cumsum(histogram, 1) >= share * total[:, None] - 1e-9).argmax(1).astype(float)
    return np.where(total > 0, place, np.nan)


def spoken(case: Case) -> NDArray[np.bool_]:
    """Frames (T,) in which a phrase is said; all where no phrase is heard."""
    inside = within(case.phrases, case.frames)
    return inside if inside.any() else np.ones(case.frames, bool)


def stretches(frames: int, seconds: float) -> list[tuple[int, int]]:
    """First and last frames of stretches of about so many seconds, in which all of a talk lies."""
    count = max(1, round(frames / FPS / seconds))
    edges = np.linspace(0, frames, count + 1).round().astype(int)
    return [(int(first), int(last)) for first, last in itertools.pairwise(edges)]


def stretch(talk: Talk, first: int, last: int) -> Talk:
    """A part of a talk; a phrase's end belongs to where it is, though the silence may go on."""
    inside = (talk.bilabials >= first) & (talk.bilabials < last)
    ends = talk.ends[(talk.ends[:, 0] >= first) & (talk.ends[:, 0] < last)]
    return Talk(
        talk.truth[first:last],
        talk.solved,
        talk.below,
        talk.bilabials[inside] - first,
        talk.speech[first:last],
        np.minimum(ends, last) - first,
    )
