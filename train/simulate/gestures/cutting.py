"""Takes cut into strokes of hands: arms as angles, the lows between which a hand moves, and which of that is usable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from engine.body.bvh import read_body
from engine.body.skeleton import Skeleton, skeleton
from engine.body.solve import solve_rotations
from train.simulate.gestures.arms import APART, HIGH, LOW, SHOULDER, STEPS, fitted, inside, limited, places, reached
from train.text_motion.motions.takes import FOLDER, read_recordings, sound_pieces

Array = NDArray[np.float64]
TAKES = (
    *(f"conv_train_basketball_signal_{number}" for number in (1, 2, 3, 5)),
    *(f"conv_train_directing_traffic_{number}" for number in (1, 4)),
    "conv_test_washwindow_1",
    *(f"shared_indian_{number:02d}" for number in (4, 6, 7, 8, 13, 14, 15)),
)
"""Recordings of ``text_motion_cmu20`` in which arms do something."""
WAVE = Path("body_animateddrawings_bvh") / "fair1_wave_hello.bvh"
RATE, FINE, SMOOTH = 20, 60, 0.8
"""Frames a second of recordings and of what is cut, and frames over which a recording is smoothed."""
FASTEST, LEAST_SPEED, LOWS, STILL = 3.2, 0.55, 0.45, 0.08
"""m/s of a usable stroke's fastest moment: at most, at least; the shares of it of a low, and of no movement."""
SHORTEST, LONGEST, TRAVEL, FARTHEST = 0.18, 0.80, 0.09, 0.45
"""Seconds, and metres from where a hand was to where it comes."""
SIZES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
"""How much smaller a movement is made until it is in the space before the body."""
ELBOW = 0.7
"""Share of the way to a hanging elbow by which it is lowered."""
STRAIGHT = -0.75
"""Elbow angle (rad, as in :mod:`train.simulate.gestures.arms`) below which an arm is stretched."""
TOGETHER = 0.2
"""Seconds by which the strokes of two hands may differ in where they begin and end."""


class Cut(NamedTuple):
    """A piece of a take: ``path`` (arms, STEPS, 7), one arm as a right one, or right and left."""

    take: str
    side: str
    path: Array
    seconds: float


class _Arms(NamedTuple):
    """Both arms of a piece of a take over frames of :data:`FINE`, and the middles of their hands there (2, N, 3)."""

    take: str
    poses: tuple[CubicSpline, CubicSpline]
    hands: Array


def cuts(data: Path) -> Iterator[Cut]:
    """Every usable stroke of the takes in the folder ``data``, in their order."""
    for arms in _takes(data):
        found = [_spans(hand) for hand in arms.hands]
        for side, spans in zip(("right", "left"), found, strict=True):
            number = 0 if side == "right" else 1
            for first, last in spans:
                yield from _usable(arms, side, (number,), first, last)
        for first, last in found[0]:
            for other, end in found[1]:
                if max(abs(first - other), abs(last - end)) <= TOGETHER * FINE:
                    yield from _usable(arms, "both", (0, 1), min(first, other), max(last, end))


def _takes(data: Path) -> Iterator[_Arms]:
    recordings = {recording.name: recording for recording in read_recordings(data / FOLDER)}
    body = skeleton("humanml3d")
    sides = (("r_shoulder", "r_elbow", "r_wrist"), ("l_shoulder", "l_elbow", "l_wrist"))
    for name in (name for name in TAKES if name in recordings):
        # arms are read against the chest, so takes whose hips are turned wrongly are as good: a name of no such take
        for _, joints in sound_pieces(recordings[name]._replace(name=""))[0]:
            turned = solve_rotations(body, joints.astype(np.float32))
            yield _arms(name, body, "spine3", sides, joints.astype(np.float64), turned, RATE)
    if (data / WAVE).is_file():
        motion = read_body(data / WAVE, skeleton("cmu")).motion
        if motion.rotations is not None:
            names = (("rShldr", "rForeArm", "rHand"), ("lShldr", "lForeArm", "lHand"))
            at = motion.positions.astype(np.float64)
            yield _arms("wave_hello", motion.skeleton, "chest", names, at, motion.rotations, motion.rate)


def _arms(
    take: str,
    body: Skeleton,
    chest: str,
    sides: tuple[tuple[str, str, str], ...],
    joints: Array,
    turned: NDArray[np.float32],
    rate: float,
) -> _Arms:
    line = [body.index(chest)]
    while body.parents[line[0]] >= 0:
        line.insert(0, body.parents[line[0]])
    world = np.eye(3)
    for joint in line:
        world = world @ turned[:, joint].astype(np.float64)
    poses = []
    for mirror, names in zip((1.0, -1.0), sides, strict=True):
        shoulder, elbow, wrist = (joints[:, body.index(name)] for name in names)
        bones = [
            np.einsum("tji,tj->ti", world, bone) * (mirror, 1.0, 1.0) for bone in (elbow - shoulder, wrist - elbow)
        ]
        coarse = gaussian_filter1d(fitted(*bones), SMOOTH * rate / RATE, axis=0, mode="nearest")
        poses.append(CubicSpline(np.arange(len(coarse)) * FINE / rate, coarse))
    frames = np.arange(int((len(joints) - 1) * FINE / rate))
    return _Arms(take, (poses[0], poses[1]), np.stack([places(pose(frames)).hand for pose in poses]))


def _spans(hand: Array) -> list[tuple[int, int]]:
    """First and last frame of each movement of a hand (N, 3) between two lows of its speed."""
    speed = gaussian_filter1d(np.linalg.norm(np.gradient(hand, 1.0 / FINE, axis=0), axis=-1), 1.5)
    lows = [0, *(np.flatnonzero((speed[1:-1] <= speed[:-2]) & (speed[1:-1] < speed[2:])) + 1), len(speed) - 1]
    spans, first = [], lows[0]
    for low in lows[1:]:
        between = speed[first : low + 1]
        peak = float(between.max())
        if speed[low] > LOWS * peak:
            continue
        if peak >= LEAST_SPEED and speed[first] <= LOWS * peak:
            moves = first + np.flatnonzero(between > STILL * peak)
            if SHORTEST * FINE <= moves[-1] - moves[0] <= LONGEST * FINE:
                spans.append((int(moves[0]), int(moves[-1])))
        first = low
    return spans


def _usable(arms: _Arms, side: str, which: tuple[int, ...], first: int, last: int) -> Iterator[Cut]:
    """The stroke, made smaller until it is in the space before the body; nothing where that does not help."""
    at = np.linspace(first, last, STEPS)
    path = np.stack([_relaxed(arms.poses[arm](at)) for arm in which])
    seconds = (last - first) / FINE
    for size in SIZES:
        scaled = limited(size * path)
        if all(_before_the_body(arm) for arm in scaled) and _clear(scaled):
            hands = np.stack([places(arm).hand for arm in scaled])
            travel = np.linalg.norm(hands[:, -1] - hands[:, 0], axis=-1)
            fastest = np.linalg.norm(np.diff(hands, axis=1), axis=-1).max() * (STEPS - 1) / seconds
            if travel.min() >= TRAVEL and travel.max() <= FARTHEST and fastest <= FASTEST:
                yield Cut(arms.take, side, scaled, seconds)
                return


def _relaxed(arm: Array) -> Array:
    """The same way of the wrist with an elbow that hangs lower: who signals to a hall lifts it, who talks does not."""
    wrist = places(arm).wrist
    hanging = reached(np.zeros_like(arm), wrist)
    return reached(arm + ELBOW * (hanging - arm), wrist)


def _before_the_body(arm: Array) -> bool:
    """Whether an arm stays where people gesture: hands ahead, between hips and chin, elbows down and bent."""
    at = places(arm)
    hand, elbow = at.hand, at.elbow
    usual = (
        (hand[:, 1] > -0.20) & (hand[:, 1] < 0.30) & (hand[:, 2] > 0.14) & (hand[:, 0] > -0.44) & (hand[:, 0] < 0.05)
    )
    low = (elbow[:, 1] < SHOULDER[1] - 0.15) & (elbow[:, 0] < -0.12) & (elbow[:, 2] > -0.15)
    fits = (arm >= LOW).all() and (arm <= HIGH).all() and (arm[:, 3] > STRAIGHT).all()
    return bool(fits and usual.all() and low.all() and (inside(hand) > 1.15).all())


def _clear(path: Array) -> bool:
    """Whether two hands keep apart."""
    if len(path) == 1:
        return True
    right, left = (places(arm).hand for arm in path)
    return bool((np.linalg.norm(right - left * (-1.0, 1.0, 1.0), axis=-1) > APART).all())
