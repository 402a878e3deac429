"""Endless training streams: clips joined one after the other where their poses are near, with what is asked for when.

A set holds single clips that begin and end; what is served never ends and is asked for something else at any moment. So
training runs over streams in which one clip is left, at its end or in the middle, for a frame of another that looks
like it, and the two are blended over :data:`BLEND` frames. Features are told from where the body stands and faces, so a
join is a join of numbers. (Motion graphs, Kovar et al. 2002, choose transitions the same way.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.text_motion.config import TOKEN
from models.text_motion.layout import Layout

BLEND = 8
"""Frames over which one clip becomes another."""
SHORTEST = 6
"""Tokens of a clip that are shown at least before it is left."""
CANDIDATES = 24
"""Clips among which the one that fits best is taken."""
LATEST = 0.5
"""Share of a clip within which it may be entered."""
CUT, IDLE, CHAIN, SILENT = 0.35, 0.5, 0.2, 0.7
"""Chances that a clip is left before its end; that after its end the body idles; that a text asks for two in turn; that
nothing is asked of a body that stands."""
NOTHING = -1
"""The text of a body of which nothing is asked."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Clip:
    """``rows`` (T, width) backward features; ``texts`` are numbers of its captions; ``weight`` says how often it is
    drawn; ``still`` whether it only stands, and so serves as the idle stance."""

    name: str
    rows: Array
    texts: tuple[int, ...]
    weight: float
    still: bool


@dataclass(frozen=True)
class Joined:
    """A stream of N tokens: ``rows`` (4 N, width); of each token the ``text`` asked for (a number, or a pair of them in
    turn, see :class:`Chains`), tokens ``since`` it was asked for, and whether it is the ``last`` of what was asked."""

    rows: Array
    text: NDArray[np.int64]
    since: NDArray[np.int64]
    last: NDArray[np.bool_]


class Chains:
    """Texts that ask for two things in turn ("..., then ..."): numbers beyond those of the single ``texts``."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)
        self._known: dict[tuple[int, int], int] = {}

    def number(self, first: int, second: int) -> int:
        """The number of "first, then second"."""
        known = self._known.get((first, second))
        if known is None:
            known = self._known[first, second] = len(self.texts)
            head, tail = self.texts[first].rstrip(" ."), self.texts[second].rstrip(" .")
            for opening in ("a person ", "someone ", "the person ", "a man ", "a figure "):
                tail = tail.removeprefix(opening)
            self.texts.append(f"{head}, then {tail}")
        return known


def nearness(layout: Layout) -> Array:
    """Weights (width,) of features in the distance of two poses: places and speeds of joints."""
    weights = np.zeros(layout.width, np.float32)
    weights[layout.slices["ric"]] = 1.0
    weights[layout.slices["local_velocity"]] = 3.0
    weights[layout.slices["height"]] = 4.0
    weights[layout.slices["velocity"]] = 6.0
    return weights


def join(clips: Sequence[Clip], chains: Chains, layout: Layout, tokens: int, random: np.random.Generator) -> Joined:
    """A stream of at least ``tokens`` tokens."""
    weights = nearness(layout)
    chance = np.array([clip.weight for clip in clips]) / sum(clip.weight for clip in clips)
    idle = [number for number, clip in enumerate(clips) if clip.still]
    rows: list[Array] = []
    text, since = np.zeros(0, np.int64), np.zeros(0, np.int64)
    last = np.zeros(0, np.bool_)
    number, start = int(random.choice(len(clips), p=chance)), 0
    tail: Array | None = None  # how the clip that was left goes on, to blend from
    asked, parts, clock = NOTHING, 0, 0
    while len(text) < tokens:
        clip = clips[number]
        count = (len(clip.rows) - start) // TOKEN
        ends = count <= 2 * SHORTEST or random.random() >= CUT
        if not ends:
            count = int(random.integers(SHORTEST, count))
        stop = start + TOKEN * count
        shown = _blended(tail, clip.rows[start:stop])
        tail = _continued(clip.rows[stop : stop + BLEND], clip.rows[stop - 1 : stop], layout)
        following, place = _next(clips, chance, idle, shown[-1], weights, ends, random)
        if parts == 0:
            silent = not clip.texts or (clip.still and random.random() < SILENT)
            asked, parts, clock = NOTHING if silent else int(random.choice(clip.texts)), 1, 0
            then = clips[following].texts
            if ends and not silent and then and random.random() < CHAIN:
                asked, parts = chains.number(asked, int(random.choice(then))), 2
        parts -= 1
        rows.append(shown)
        text = np.append(text, np.full(count, asked))
        since = np.append(since, np.arange(clock, clock + count))
        last = np.append(last, np.arange(count) == (count - 1 if ends and parts == 0 and asked != NOTHING else -1))
        clock += count
        number, start = following, place
    return Joined(np.concatenate(rows), text, since, last)


def _blended(tail: Array | None, rows: Array) -> Array:
    """The first of ``rows`` (T, width) mixed with how what was there before went on."""
    if tail is None:
        return rows
    length = min(BLEND, len(rows))
    share = ((np.arange(length) + 1.0) / (BLEND + 1.0))[:, None].astype(np.float32)
    mixed = rows.copy()
    mixed[:length] = tail[:length] * (1 - share) + rows[:length] * share
    return mixed


def _continued(rows: Array, newest: Array, layout: Layout) -> Array:
    """``rows`` (up to BLEND, width), completed by the ``newest`` pose (1, width) standing as it is."""
    still = (rows[-1:] if len(rows) else newest).copy()
    for name in ("yaw", "velocity", "local_velocity"):
        still[:, layout.slices[name]] = 0.0
    return np.concatenate([rows, np.repeat(still, BLEND - len(rows), 0)])


def _next(
    clips: Sequence[Clip],
    chance: NDArray[np.float64],
    idle: Sequence[int],
    pose: Array,
    weights: Array,
    ended: bool,
    random: np.random.Generator,
) -> tuple[int, int]:
    """Which clip follows a ``pose`` (width,), and the frame at which it is entered."""
    drawn = [int(item) for item in random.choice(len(clips), CANDIDATES, p=chance)]
    if ended and idle and random.random() < IDLE:
        drawn = [int(item) for item in random.choice(idle, min(CANDIDATES, len(idle)), replace=False)]
    best, found = np.inf, (drawn[0], 0)
    for number in drawn:
        rows = clips[number].rows
        latest = max(1, min(int(LATEST * len(rows)), len(rows) - TOKEN * SHORTEST))
        entries = np.arange(0, latest, 2)
        # The further in a clip is entered the less of it is shown, so that has to be worth it.
        cost = ((rows[entries] - pose) ** 2 @ weights) + 0.02 * entries
        place = int(cost.argmin())
        if cost[place] < best:
            best, found = float(cost[place]), (number, int(entries[place]))
    return found
