"""The published measures of sampled motion (Audio2Photoreal's five) on this family's numbers: face and body.

FD_g, FD_k, Div_g, Div_k and Div_sample of the 58 numbers of the face, heads in radians and metres as they are, and of
where the joints of the upper body are (m). How much takes of one talk differ is only told of models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from train.conversation.a2p.metrics import PAIRS, Scores, scores
from train.conversation.evaluation.body import CM, seen
from train.conversation.evaluation.cases import Case, Shown
from train.conversation.talks.layout import FPS
from train.report import frechet

Array = NDArray[np.floating]

NAMES = tuple(Scores._fields)
WHAT = ("face", "body")


class Frames(NamedTuple):
    """One take of some talks: the face (T, 58) of each, and where joints are (T, N), none where there are no bodies."""

    face: Sequence[Array]
    body: Sequence[Array]


def frames(take: Mapping[str, Shown], cases: Sequence[Case]) -> Frames:
    """What is shown in the cases."""
    faces = [take[case.name].face_at(FPS, case.frames) for case in cases]
    bodies = [take[case.name].body for case in cases]
    joints = [
        seen(body[: case.frames]).joints / CM for body, case in zip(bodies, cases, strict=True) if body is not None
    ]
    return Frames(faces, joints if len(joints) == len(cases) else [])


def measured(
    takes: Sequence[Frames], truth: Frames, member: Sequence[int], weight: Array, seed: int = 0
) -> dict[str, Array]:
    """The five of face and body, by ``face_fd_g`` and so on, (D,), of one or more takes of the same talks; ``member``
    says of which group each talk is, ``weight`` (D, groups) how often each group counts, first each once: there the
    published program's own count stands. Not a number where there is no body."""
    found = {f"{what}_{name}": np.full(len(weight), np.nan) for what in WHAT for name in NAMES}
    for what in WHAT:
        own, true = [getattr(take, what) for take in takes], getattr(truth, what)
        if not len(true) or not all(map(len, own)):
            continue
        lengths = [min(len(rows), *(len(take[place]) for take in own)) for place, rows in enumerate(true)]
        made = [[rows[:last].astype(float) for rows, last in zip(take, lengths, strict=True)] for take in own]
        base = [rows[:last].astype(float) for rows, last in zip(true, lengths, strict=True)]
        values = _drawn(made, base, member, weight, seed)
        for name, value in _scores(made, base, seed)._asdict().items():
            values[name][0] = value
        found |= {f"{what}_{name}": values[name] for name in NAMES}
    return found


def _drawn(
    takes: Sequence[Sequence[Array]], truth: Sequence[Array], member: Sequence[int], weight: Array, seed: int
) -> dict[str, Array]:
    """The five (D,) of every draw, by sums that are taken once."""
    found: dict[str, Array] = {}
    groups, rng = weight.shape[1], np.random.default_rng(seed)
    count = len(takes)
    for name, order in (("fd_g", 0), ("fd_k", 1)):
        both = [
            frechet.GroupSums(*_joined([np.diff(rows, order, axis=0) for rows in cases], [*member] * many), groups)
            for cases, many in (([rows for take in takes for rows in take], count), (truth, 1))
        ]
        pairs = ([sums.fitted(one) for sums in both] for one in weight)
        found[name] = np.array([frechet.fid(own, true) for own, true in pairs])
    points, whose = _joined([rows for take in takes for rows in take], [*member] * count)
    found["div_g"] = np.array([frechet.spread(points, one[whose], PAIRS, rng) for one in weight])
    counted = weight[:, list(member)]
    moved = np.array([np.mean([take[place].var(0).mean() for take in takes]) for place in range(len(truth))])
    found["div_k"] = counted @ moved / counted.sum(1)
    found["div_sample"] = np.full(len(weight), np.nan)
    if count > 1:
        apart = np.array([np.stack([take[place] for take in takes]).var(0).mean() for place in range(len(truth))])
        found["div_sample"] = counted @ apart / counted.sum(1)
    return found


def _joined(rows: Sequence[Array], member: Sequence[int]) -> tuple[Array, NDArray[np.intp]]:
    """All frames (N, F), and of which group each is."""
    whose = np.repeat(np.asarray(member, np.intp), [len(one) for one in rows])
    return np.concatenate(rows), whose


def _scores(takes: Sequence[Sequence[Array]], truth: Sequence[Array], seed: int) -> Scores:
    lengths = np.array([len(rows) for rows in truth])
    made = np.stack([_padded(rows, lengths.max()) for take in takes for rows in take])
    true = np.stack([_padded(rows, lengths.max()) for rows in truth])
    return scores(made, np.concatenate([true] * len(takes)), len(takes), np.tile(lengths, len(takes)), seed)


def _padded(rows: Array, count: int) -> Array:
    """Rows (T, F) as (F, count)."""
    return np.pad(rows, ((0, count - len(rows)), (0, 0))).T
