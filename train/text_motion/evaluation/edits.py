"""Edits of pose codes: does the body show the code that is asked for, and what changes that should not?

An edit holds one group of pose codes at a value for some seconds while a text goes on. It is compared with the very
same stream without it (same text, same noise), and with the same stream that draws otherwise from there on (*redrawn*):
what that changes too, no edit is to be blamed for. Frames in the first :data:`SETTLE_S` seconds do not count: a body
needs time to get there.

*Shown*: share of counted frames in which the body has the code asked for, read off the joints that are published;
*near*: that code or its neighbour; *unedited*: the share that has it anyway. *Others*: share of the other groups whose
code is not that of the unedited stream in the same frame. *Moved*: mean distance from the unedited stream of the joints
that are on no limb of the group, pelvis on pelvis in the body's own frame, cm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from models.bodies.heading import anchor, heading, in_frame
from models.text_motion.posecodes import codes
from models.text_motion.posecodes.table import GROUPS, JOINTS, KINDS, phrases
from train.report.criteria import Criterion, judge
from train.report.evaluation import Counts, Derived, Pooled, Section, measure
from train.report.intervals import Tally
from train.report.tables import Metric
from train.text_motion.evaluation.rows import Ask
from train.text_motion.evaluation.served import Change, Prompted

Array = NDArray[np.floating]
Bins = NDArray[np.integer]

BEFORE_S, HELD_S, SETTLE_S = 3.0, 4.0, 0.6
"""Seconds that a stream runs before an edit, and that the edit holds, and of these the first that do not count."""
LEAST = 0.01
"""Share of training frames in which a code is shown at least for it to be asked for: a body can do it."""
ASKED = {"angle": 0.9, "distance": 0.9, "ground": 0.9}
"""Share of frames that is asked for, by kind of group."""
PLACES = ("left elbow bent to 90", "hands together", "right foot off the ground")
PLACE_S = 1.6
"""What is edited in a motion that is to be looked at, and for how many seconds each."""
_LIMBS = {
    "l_leg": ("l_knee", "l_ankle", "l_foot"),
    "r_leg": ("r_knee", "r_ankle", "r_foot"),
    "l_arm": ("l_shoulder", "l_elbow", "l_wrist", "l_collar", "l_middle", "l_hand"),
    "r_arm": ("r_shoulder", "r_elbow", "r_wrist", "r_collar", "r_middle", "r_hand"),
    "trunk": ("pelvis", "l_hip", "r_hip", "spine1", "spine2", "spine3", "neck", "head", "torso"),
}


class Edit(NamedTuple):
    """A group of pose codes to hold at a bin while a text goes on."""

    group: int
    bin: int
    prompt: str


class Outcome(NamedTuple):
    """What an edit did, each a share or metres; ``redrawn`` the same of the stream that only drew otherwise, not a
    number where there is none."""

    shown: float
    near: float
    unedited: float
    others: float
    moved: float
    others_redrawn: float
    moved_redrawn: float


@dataclass(frozen=True)
class KindRow:
    """The edits of one kind of group, as a row: outcomes by what was edited."""

    name: str
    about: str
    kind: str
    outcomes: Sequence[Outcome]


METRICS = (
    Metric("shown", "shown", "edits", "share of counted frames that show the code asked for", 3),
    Metric("near", "± 1 bin", "edits", "share of frames that show it or its neighbour", 3),
    Metric("unedited", "unedited", "edits", "share of frames that show it without the edit", 3),
    Metric("others", "others %", "edits", "other groups whose code is another than in the unedited stream, %", 1),
    Metric("others_redrawn", "redrawn %", "edits", "the same of a stream that draws otherwise instead", 1),
    Metric("moved", "moved cm", "edits", "distance from the unedited stream of joints on no limb of the group"),
    Metric("moved_redrawn", "redrawn cm", "edits", "the same of a stream that draws otherwise instead"),
    Metric("edits", "edits", "edits", "how many", 0, peak=True),
)


def read(bodies: Array) -> Bins:
    """The pose codes (..., 70) that bodies (..., 22, 3) in metres show."""
    return codes.bins(codes.measures(torch.from_numpy(np.ascontiguousarray(bodies, np.float32)))).numpy()


def own_frame(bodies: Array) -> Array:
    """Joints (..., 22, 3) seen from the body: pelvis in the middle, facing +Z."""
    given = torch.from_numpy(np.ascontiguousarray(bodies, np.float32))
    seen = in_frame(given, anchor(given, codes.BODY), heading(given, codes.BODY))
    return np.asarray((seen - seen[..., :1, :] * torch.tensor([0.0, 1.0, 0.0])).numpy())


@cache
def untouched(group: int) -> tuple[int, ...]:
    """Joints that are on no limb of a group's joints: those that its edit should leave alone."""
    touched = {joint for limb in _LIMBS.values() if set(limb) & set(GROUPS[group].joints) for joint in limb}
    return tuple(number for number, joint in enumerate(JOINTS) if joint not in touched)


def drawn(shown: Bins, asks: Sequence[Ask], count: int, seed: int) -> list[Edit]:
    """``count`` edits of every kind: a group, one of its bins among those that training frames ``shown`` (N, 70) have
    often enough, each bin as likely as another, and the text of one of the asks."""
    rng = np.random.default_rng([seed, count, 6])
    found = []
    for kind in KINDS:
        choices = [
            (number, bin_)
            for number, group in enumerate(GROUPS)
            if group.kind == kind
            for bin_ in range(group.size)
            if LEAST <= (shown[:, number] == bin_).mean() <= 1.0 - LEAST
        ]
        order = [int(index) for index in rng.permutation(len(choices))]
        for place in range(count if choices else 0):
            group, bin_ = choices[order[place % len(order)]]
            found.append(Edit(group, bin_, asks[int(rng.integers(len(asks)))].text))
    return found


def outcome(edit: Edit, edited: Array, plain: Array, redrawn: Array | None = None) -> Outcome:
    """What an edit did in counted frames: bodies (T, 22, 3) with it, without it, and drawn otherwise."""
    shown, before = read(edited), read(plain)
    own, limb = shown[:, edit.group], list(untouched(edit.group))
    rest = np.arange(len(GROUPS)) != edit.group

    def changed(other: Bins) -> float:
        return float((other != before)[:, rest].mean())

    def moved(bodies: Array) -> float:
        gap = own_frame(bodies)[:, limb] - own_frame(plain)[:, limb]
        return float(np.linalg.norm(gap, axis=-1).mean()) if limb else float("nan")

    again = None if redrawn is None else (changed(read(redrawn)), moved(redrawn))
    others_redrawn, moved_redrawn = again or (float("nan"), float("nan"))
    return Outcome(
        shown=float((own == edit.bin).mean()),
        near=float((np.abs(own - edit.bin) <= 1).mean()),
        unedited=float((before[:, edit.group] == edit.bin).mean()),
        others=changed(shown),
        moved=moved(edited),
        others_redrawn=others_redrawn,
        moved_redrawn=moved_redrawn,
    )


def held(edit: Edit) -> NDArray[np.int64]:
    """The bins (70,) that hold an edit, all others free."""
    bins = np.full(len(GROUPS), -1, np.int64)
    bins[edit.group] = edit.bin
    return bins


def three(model: Prompted, prompt: str) -> list[tuple[str, Array]]:
    """A served motion (T, 22, 3) as it is and held in :data:`PLACES`, one after the other, each with what it is."""
    before, span = round(BEFORE_S * model.layout.rate), round(PLACE_S * model.layout.rate)
    holds = [Change(before + span * place, hold=held(edit)) for place, edit in enumerate(places(prompt))]
    found = model.play([[Change(0, prompt)], [Change(0, prompt), *holds]], before + span * len(PLACES), [1, 1]).bodies
    told = f"{prompt} (held every {PLACE_S:g} s: {', then '.join(PLACES)})"
    return [(prompt, found[0, before:]), (told, found[1, before:])]


def places(prompt: str) -> list[Edit]:
    """The edits of :data:`PLACES`."""
    known = phrases()
    return [Edit(*known[phrase], prompt) for phrase in PLACES]


def played(model: Prompted, edits: Sequence[Edit]) -> list[Outcome]:
    """What each edit does to a bundle that is served."""
    rate = model.layout.rate
    start, stop = round(BEFORE_S * rate), round((BEFORE_S + HELD_S) * rate)
    plain = [[Change(0, edit.prompt)] for edit in edits]
    edited = [[*script, Change(start, hold=held(edit))] for script, edit in zip(plain, edits, strict=True)]
    counted = slice(start + round(SETTLE_S * rate), stop)
    bodies = [
        model.play(scripts, stop, fork=fork).bodies[:, counted]
        for scripts, fork in ((edited, -1), (plain, -1), (plain, start))
    ]
    return [outcome(edit, *found) for edit, *found in zip(edits, *bodies, strict=True)]


@dataclass(kw_only=True)
class Edits(Section):
    """Outcomes of edits, a row a kind of group."""

    of: str

    def sentences(self) -> list[str]:
        """Whether each kind shows what was asked for where it is served, and what else changes."""
        if all(math.isnan(row.value("others_redrawn")) for row in self.results):
            shown = ", ".join(f"{row.name} {row.value('shown'):.2f}" for row in self.results)
            return [f"{self.of}: share of frames that show the code asked for, before serving corrects it: {shown}."]
        told = []
        for row in self.results:
            if row.name in ASKED:
                criterion = Criterion("shown", f"edits of {row.name} codes shown", low=ASKED[row.name])
                told += [f"{self.of}: {judged.sentence}" for judged in judge(row, [criterion])]
        return [
            *told,
            f"{self.of}: an edit changes {self._span('others', 0)} % of the other groups' codes and moves joints of "
            f"other limbs by {self._span('moved', 1)} cm; a stream that only draws otherwise, "
            f"{self._span('others_redrawn', 0)} % and {self._span('moved_redrawn', 1)} cm.",
        ]

    def _span(self, key: str, digits: int) -> str:
        """The least and the most of a metric over the kinds."""
        values = [row.value(key) for row in self.results]
        return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


def section(name: str, about: str, edits: Sequence[Edit], outcomes: Sequence[Outcome], seed: int) -> Edits:
    """The report's part of the edits of ``name``, ``about`` says how they were made; bootstrapped over edits."""
    rows = [
        KindRow(
            kind,
            f"groups of kind {kind}",
            "model",
            [found for edit, found in zip(edits, outcomes, strict=True) if GROUPS[edit.group].kind == kind],
        )
        for kind in KINDS
    ]

    def count(row: KindRow) -> Counts:
        tallies = {f"{number:04d}": Tally(_sums(one), {}) for number, one in enumerate(row.outcomes)}
        return Counts(tallies, len(row.outcomes) * (HELD_S - SETTLE_S))

    def derive(own: Pooled, _: object) -> Derived:
        sums, found = own.tally.sums, {}
        with np.errstate(invalid="ignore", divide="ignore"):
            for key in Outcome._fields:
                scale = 100.0 if key.startswith(("others", "moved")) else 1.0
                found[key] = scale * sums[key] / sums[f"{key}.count"]
        return Derived(found | {"edits": sums["edits"]})

    title = f"Edits, {name}: {about}; the first {SETTLE_S:g} s of each do not count"
    results = measure([row for row in rows if row.outcomes], count, derive, seed)
    return Edits(title=title, metrics=METRICS, results=results, of=f"{name}, {about}")


def _sums(found: Outcome) -> dict[str, Array]:
    sums = {"edits": np.array(1.0)}
    for key, value in found._asdict().items():
        sums[key], sums[f"{key}.count"] = np.nan_to_num(np.array(value)), np.array(float(np.isfinite(value)))
    return sums
