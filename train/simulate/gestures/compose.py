"""A performance as the movement of a whole body: each arm through its gestures, hands at rest between them, trunk and
head that go along, nods, and a body that never stands quite still.

Every gesture is a preparation from wherever the hand is, which takes no longer than its way needs and arrives a little
before the stroke; the stroke, exactly from ``stroke`` to ``apex`` with the recorded profile of speed; a hold that sinks
a little; and a retraction, or the next preparation. The parts are laid out in continuous time, smoothed over some
hundredths of a second so that no speed jumps, and read in the middle of each frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

from train.simulate.gestures.arms import BODY, MIRROR, RESTS, STEPS, cleared, least_jerk, limited, places, turns
from train.simulate.gestures.idle import Idle, Spans
from train.simulate.gestures.library import Library
from train.simulate.gestures.plan import Gesture, Nod, Performance

Array = NDArray[np.float64]
RATE = 15
"""Frames a second of what is composed."""
FINE = 4
"""Steps a frame at which it is composed."""
SMOOTH_S = 0.030
"""Standard deviation of the smoothing."""
REACH_S, REACH_PER_M = 0.22, 0.75
"""A movement without an accent takes so long, and so much longer for each metre of its way."""
BACK = 0.8
"""How much of the usual time a retraction takes at least."""
FASTEST = 2.5
"""m/s of a hand, at most."""
EARLY = 0.12
"""Share of the time from preparation to stroke in which the hand waits, at most a tenth of a second."""
ENDS = 0.4
"""How much of a stroke's size its end takes: where the hand stops is nearer to the body's middle for small ones."""
LARGEST = 1.5
"""Size beyond which a stroke grows no more: it would leave the space before the body."""
RECOIL, RECOIL_S = 0.10, 0.16
"""Share of a stroke by which the hand comes back after it, and how long that takes."""
SINK = 0.02
"""rad a second by which a held arm sinks."""
DRAG, DRAG_S = 0.16, 0.05
"""rad by which a wrist lags for a metre a second, and its time constant."""
NOD = 0.13
"""Pitch (rad) of a nod of size 1."""


class Motion(NamedTuple):
    """A body in motion on skeleton ``cmu``, 15 frames a second: ``root`` (T, 3) metres, local ``rotations`` (T, 27, 4)
    as quaternions x, y, z, w."""

    root: NDArray[np.float32]
    rotations: NDArray[np.float32]


def compose(
    performance: Performance,
    library: Library,
    seconds: float,
    rng: np.random.Generator,
    speaking: Spans | None = None,
) -> Motion:
    """The movement of ``seconds`` of a performance; the same state of ``rng`` gives the same idle movement.
    ``speaking`` are spans (s) of own words; without them, spans of gestures and nods."""
    frames = int(np.floor(seconds * RATE))
    times = np.arange(frames * FINE) / (RATE * FINE)
    if speaking is None:
        events = (*((g.prep, g.rest) for g in performance.gestures), *((n.start, n.end) for n in performance.nods))
        speaking = [(start - 1.0, end + 1.0) for start, end in events]
    idle = Idle(seconds, rng, performance.persona.restless, speaking)
    arms = [_arm(side, performance, library, times) for side in ("right", "left")]
    smooth = [gaussian_filter1d(arm, SMOOTH_S * RATE * FINE, axis=0, mode="nearest") for arm in arms]
    right, left = (_dragged(limited(arm + drift)) for arm, drift in zip(smooth, idle.arms(times), strict=True))
    right, left = cleared(right, left)
    trunk = idle.trunk(times)
    _go_along(trunk, performance.gestures, times)
    _nod(trunk, performance.nods, times)
    middle = slice(FINE // 2, None, FINE)
    return _motion(right[middle], left[middle], {joint: angles[middle] for joint, angles in trunk.items()})


def _arm(side: str, performance: Performance, library: Library, times: Array) -> Array:
    """Poses (N, WIDTH) of one arm at ``times``."""
    rest = RESTS[performance.persona.rest_pose][0 if side == "right" else 1]
    own = [gesture for gesture in performance.gestures if gesture.hands in (side, "both")]
    out = np.tile(rest, (len(times), 1))
    now = rest
    for number, gesture in enumerate(own):
        until = own[number + 1].prep if number + 1 < len(own) else np.inf
        part = _Part(gesture, _sized(library.entry(gesture.stroke_name).arm(side), gesture.size), now, rest)
        last = min(until, part.rests)
        inside = (times >= gesture.prep) & (times < last)
        out[inside] = part(times[inside])
        now = part(np.array([last]))[0]
    return out


class _Part:
    """One arm's poses through one gesture."""

    def __init__(self, gesture: Gesture, path: Array, before: Array, rest: Array) -> None:
        self._gesture, self._before, self._rest = gesture, before, rest
        ready = gesture.stroke - min(0.1, EARLY * (gesture.stroke - gesture.prep))
        there = before + _within(before, path[0], ready - gesture.prep) * (path[0] - before)
        self._path = _paced(path + np.linspace(1.0, 0.0, STEPS)[:, None] * (there - path[0]), gesture)
        self._arrives = min(gesture.prep + _usual(before, there), ready)
        self._stroke = CubicSpline(np.linspace(0.0, 1.0, STEPS), self._path, bc_type="clamped")
        self.rests = max(gesture.rest, gesture.retract + BACK * _usual(self._path[-1], rest))

    def __call__(self, times: Array) -> Array:
        gesture, path = self._gesture, self._path
        going = self._before + _done(times, gesture.prep, self._arrives) * (path[0] - self._before)
        share = np.clip((times - gesture.stroke) / max(gesture.apex - gesture.stroke, 1e-3), 0.0, 1.0)
        held = path[-1] + RECOIL * _done(times, gesture.apex, gesture.apex + RECOIL_S) * (path[0] - path[-1])
        held[:, 3] -= SINK * np.clip(times - gesture.apex, 0.0, None)
        back = held + _done(times, gesture.retract, self.rests) * (self._rest - held)
        where = [times < gesture.stroke, times < gesture.apex]
        return np.select([each[:, None] for each in where], [going, self._stroke(share)], back)


def _way(start: Array, end: Array) -> float:
    """Metres between the hands of two poses."""
    hands = places(np.stack([start, end])).hand
    return float(np.linalg.norm(hands[1] - hands[0]))


def _usual(start: Array, end: Array) -> float:
    """Seconds that the movement from one pose to another takes where nothing hurries it."""
    return REACH_S + REACH_PER_M * _way(start, end)


def _within(start: Array, end: Array, seconds: float) -> float:
    """The share of a movement that a hand can make in ``seconds``; the highest speed of one with least jerk is 15/8 of
    its mean."""
    return min(1.0, FASTEST * max(seconds, 1e-3) / (15.0 / 8.0 * max(_way(start, end), 1e-6)))


def _paced(path: Array, gesture: Gesture) -> Array:
    """A stroke that is as fast as a hand can be at most: where its time is too short, it is smaller."""
    steps = np.linalg.norm(np.diff(places(path).hand, axis=0), axis=-1)
    speed = float(steps.max()) * (STEPS - 1) / max(gesture.apex - gesture.stroke, 1e-3)
    return np.asarray(path[0] + min(1.0, FASTEST / max(speed, 1e-6)) * (path - path[0]))


def _done(times: Array, start: float, end: float) -> Array:
    """How much of a movement from ``start`` to ``end`` is done at ``times``, (N, 1)."""
    return least_jerk((times - start) / max(end - start, 1e-3))[:, None]


def _sized(path: Array, size: float) -> Array:
    """A stroke made smaller or larger: its way wholly, where it ends less so."""
    size = min(size, LARGEST)
    return np.asarray(limited((1.0 - ENDS + ENDS * size) * path[-1] + size * (path - path[-1])))


def _dragged(arm: Array) -> Array:
    """The arm's poses with a wrist that lags behind the movement of the forearm."""
    turned = turns(arm)
    fore = turned.shoulder * turned.elbow
    speed = np.gradient(places(arm).wrist, 1.0 / (RATE * FINE), axis=0)
    own = fore.inv().apply(speed)  # along the arm, to the back of the hand, to the thumb
    keep = float(np.exp(-1.0 / (DRAG_S * RATE * FINE)))
    lag = lfilter([1.0 - keep], [1.0, -keep], np.stack([own[:, 1], -0.6 * own[:, 2]], -1), axis=0)
    out = arm.copy()
    out[:, 5:7] += np.clip(DRAG * lag, -0.4, 0.4)
    return limited(out)


def _go_along(trunk: dict[str, Array], gestures: Sequence[Gesture], times: Array) -> None:
    """Trunk and head turn a little with each gesture and lean into its stroke."""
    for gesture in gestures:
        size = min(gesture.size, LARGEST)
        there = (_done(times, gesture.prep, gesture.apex) - _done(times, gesture.retract, gesture.rest + 0.3))[:, 0]
        near = np.exp(-0.5 * ((times - gesture.apex) / 0.18) ** 2)
        side = {"right": 1.0, "left": -1.0, "both": 0.0}[gesture.hands]
        trunk["chest"][:, 1] += 0.035 * size * side * there
        trunk["abdomen"][:, 0] += 0.012 * size * there
        trunk["chest"][:, 0] += 0.015 * size * near
        trunk["neck"][:, 0] += 0.015 * size * near
        trunk["head"][:, 0] += 0.030 * size * near
        trunk["head"][:, 1] -= 0.030 * size * side * there


def _nod(trunk: dict[str, Array], nods: Sequence[Nod], times: Array) -> None:
    for nod in nods:
        pulse = (_done(times, nod.start, nod.apex) - _done(times, nod.apex, nod.end))[:, 0]
        trunk["neck"][:, 0] += 0.4 * NOD * nod.size * pulse
        trunk["head"][:, 0] += 0.6 * NOD * nod.size * pulse


def _motion(right: Array, left: Array, trunk: dict[str, Array]) -> Motion:
    frames = len(right)
    rotations = np.zeros((frames, len(BODY.joints), 4), np.float32)
    rotations[..., 3] = 1.0
    turned: dict[str, Rotation] = {joint: Rotation.from_rotvec(angles) for joint, angles in trunk.items()}
    for side, poses in (("r", right), ("l", left)):
        for joint, turn in zip(("Shldr", "ForeArm", "Hand"), turns(poses), strict=True):
            turned[side + joint] = turn if side == "r" else Rotation.from_rotvec(turn.as_rotvec() * MIRROR)
    for name, turn in turned.items():
        rotations[:, BODY.index(name)] = turn.as_quat(canonical=True)
    lowest = float(BODY.rest_positions()[[BODY.index(foot) for foot in BODY.feet], 1].min())
    root = np.tile(np.array([0.0, -lowest, 0.0], np.float32), (frames, 1))
    return Motion(root, rotations)
