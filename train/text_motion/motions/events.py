"""What happens in a motion: walks, turns, jumps, kicks, raised arms and so on, each with its frames and measures.

Each finder is a rule over :class:`~train.text_motion.motions.signals.Signals` with thresholds in metres, seconds and
degrees of the uniform body. What they find is said in words by :mod:`train.text_motion.motions.phrases`.
"""

from __future__ import annotations

import numpy as np

from train.text_motion.motions.event import SIDES, Event, where, within
from train.text_motion.motions.gestures import find_arms, find_kicks, find_knees, find_punches, find_waves
from train.text_motion.motions.signals import (
    HIP,
    RATE,
    Array,
    L,
    R,
    Signals,
    gradient,
    pair,
    peaks,
    runs,
    smooth,
)

MOVING, RUNNING, UP = 0.3, 2.1, 0.4
"""m/s of the pelvis above which a body travels, and runs; m above the floor at which its feet are on something."""
TURN, TURNING, SLOWING = 40.0, 35.0, 8.0
"""Degrees of the smallest turn that is told, degrees a second at which a body turns, and at which it ends to."""
OFF, LEAP, SLOW = 0.05, 0.15, 0.9
"""m by which both soles are off the floor in a jump; m of rise of a leap, or m/s below which any is one."""


def find_events(s: Signals) -> list[Event]:
    """All events of a motion in order of time."""
    jumps = find_jumps(s)
    travel = find_travel(s, jumps)
    found = [
        *travel,
        *(jump for jump in jumps if not any(within(jump, way) for way in travel if way.kind == "run")),
        *find_turns(s),
        *find_climbs(s),
        *find_kicks(s),
        *find_knees(s, jumps),
        *find_arms(s),
        *find_waves(s),
        *find_punches(s),
        *find_bends(s),
        *find_lows(s, jumps),
        *find_upside_down(s),
        *find_stills(s),
    ]
    return sorted(found, key=lambda event: (event.start, event.stop, event.kind, event.side))


def find_travel(s: Signals, jumps: list[Event]) -> list[Event]:
    """``walk`` and ``run``: size metres of way; side where it goes; manner pace, path and number of steps."""
    found = []
    for start, stop in runs((s.speed > MOVING) & (s.base < UP), 0.7, 0.3):
        way = float(s.speed[start:stop].sum() / RATE)
        if way < 0.5:
            continue
        mean = s.velocity[start:stop].mean(0)
        direct = float(np.hypot(*mean)) * (stop - start) / RATE
        angle = float(np.degrees(np.arctan2(mean[1], mean[0])))
        side = ("forward", "left", "backward", "right")[round(angle / 90.0) % 4] if direct > 0.45 * way else "around"
        core = s.speed[start:stop][s.speed[start:stop] > MOVING]
        pace = float(np.median(core))
        flights = sum(jump.stop - jump.start for jump in jumps if start <= jump.start < stop)
        kind = "run" if pace > RUNNING and side != "around" else "walk"
        if flights > 0.3 * (stop - start) and kind == "walk":
            continue
        inner = slice(min(start + 4, stop - 1), max(stop - 4, start + 1))
        bend = float(s.course[inner][-1] - s.course[inner][0]) if side == "forward" else 0.0
        path = "straight" if abs(bend) < 25 else ("left" if bend > 0 else "right")
        if abs(bend) > 270:
            path = f"circle {path}"
        elif (
            abs(bend) > 130
            and float(np.linalg.norm(np.ptp(s.joints[[start, stop - 1], 0][:, [0, 2]], axis=0))) < 0.5 * way
        ):
            path = f"back {path}"
        steps = count_steps(s, start, stop)
        found.append(Event(start, stop, kind, side, way, (_pace(kind, pace), path, str(steps))))
    return found


def find_climbs(s: Signals) -> list[Event]:
    """``climb``: both feet get higher or lower than a body can jump; side up or down, size metres."""
    rate = gradient(s.base)
    found = []
    for sign, side in ((1.0, "up"), (-1.0, "down")):
        for start, stop in runs((sign * rate > 0.12) & ~s.over, 0.5, 0.3):
            size = float(abs(s.base[stop - 1] - s.base[start]))
            if size > UP:
                found.append(Event(start, stop, "climb", side, size))
    return found


def count_steps(s: Signals, start: int, stop: int) -> int:
    """How often a foot is set down between two frames: swings of the ankles in the way of the pelvis."""
    speed = np.linalg.norm(gradient(smooth(s.joints[:, pair("ankle")][..., [0, 2]], 0.05)), axis=-1)
    least = max(0.6, 0.8 * float(np.median(s.speed[start:stop])))
    return sum(len(peaks(speed[start:stop, foot], least, 0.3)) for foot in (L, R))


def find_turns(s: Signals) -> list[Event]:
    """``turn``: size degrees turned, side the way; manner how fast, and whether on the spot."""
    rate = gradient(s.heading)
    found = []
    for sign, side in ((1.0, "left"), (-1.0, "right")):
        turning = runs(sign * rate > TURNING, 0.2, 0.25)
        for number, (first, last) in enumerate(turning):
            before = turning[number - 1][1] if number else 0
            after = turning[number + 1][0] if number + 1 < len(turning) else len(s)
            start = first - _slowed(sign * rate[before : first + 1][::-1])
            stop = last + _slowed(sign * rate[last - 1 : after])
            size = float(abs(s.heading[stop - 1] - s.heading[start]))
            if size >= TURN:
                quick = "fast" if size / ((stop - start) / RATE) > 200 else "slow" if stop - start > 50 else ""
                place = "spot" if float(s.speed[start:stop].mean()) < 0.45 else "way"
                found.append(Event(start, stop, "turn", side, size, (quick, place)))
    return found


def _slowed(rate: Array) -> int:
    """After how many frames a turn has slowed down, or else is slowest."""
    slow = np.flatnonzero(rate < SLOWING)
    return int(slow[0] if len(slow) else rate.argmin())


def find_jumps(s: Signals) -> list[Event]:
    """``jump``, ``hop`` (on the foot of ``side``) and ``leap`` (from one foot to the other): size metres of rise;
    manner where to. Small ones from one foot in which the body travels are the steps of a run, and none."""
    found = []
    height = s.joints[:, 0, 1]
    fall = gradient(gradient(smooth(height, 0.05)))
    for start, stop in runs(s.clearance.min(1) > OFF, 0.12):
        if stop - start > 1.2 * RATE or start == 0 or stop == len(s):
            continue
        before, after = max(0, start - 4), min(len(s), stop + 4)
        rise = float(height[start:stop].max() - min(height[before], height[after - 1]))
        flight = 9.81 * ((stop - start) / RATE) ** 2 / 8
        if rise < max(0.05, 0.4 * flight) or float(fall[start:stop].min()) > -5.0:
            continue
        way = (s.joints[after - 1, 0] - s.joints[before, 0])[[0, 2]]
        angle = np.radians(s.heading[before])
        ahead = float(np.cos(angle) * way[1] + np.sin(angle) * way[0])
        left = float(np.cos(angle) * way[0] - np.sin(angle) * way[1])
        manner = ("place" if np.hypot(ahead, left) < 0.3 else where(ahead, left),)
        leaves, lands = _only_foot(s.clearance[:start][::-1]), _only_foot(s.clearance[stop:])
        if leaves is None or lands is None:
            found.append(Event(start, stop, "jump", "", rise, manner))
        elif rise > LEAP or float(s.speed[start:stop].mean()) < SLOW:
            kind, side = ("hop", SIDES[leaves]) if leaves == lands else ("leap", "")
            found.append(Event(start, stop, kind, side, rise, manner))
    return found


def _only_foot(clearance: Array) -> int | None:
    """The foot on the floor beside a jump, seen from the jump; None where both get there within two frames."""
    first = [np.flatnonzero(side < OFF) for side in clearance[: round(0.4 * RATE)].T]
    frames = [int(side[0]) if len(side) else len(clearance) for side in first]
    return None if abs(frames[0] - frames[1]) <= 2 else int(np.argmin(frames))


def find_bends(s: Signals) -> list[Event]:
    """``bend``: the trunk leans; side where to, size degrees."""
    found = []
    upright = np.abs(s.lean).max(1) < 150
    for axis, names, least in ((0, ("forward", "backward"), (42.0, 24.0)), (1, SIDES, (24.0, 24.0))):
        for sign, name, limit in zip((1.0, -1.0), names, least, strict=True):
            lean = sign * s.lean[:, axis]
            main = lean > 0.8 * np.abs(s.lean[:, 1 - axis])
            for start, stop in runs((lean > limit) & upright & main, 0.35, 0.2):
                found.append(Event(start, stop, "bend", name, float(lean[start:stop].max())))
    return found


def find_lows(s: Signals, jumps: list[Event]) -> list[Event]:
    """``crouch``, ``squat``, ``ground``: how low the pelvis is over the soles; size metres."""
    found = []
    low = s.joints[:, 0, 1] - s.soles.min(1)
    for start, stop in runs(np.asarray(low < 0.8 * HIP), 0.3, 0.15):
        least = float(low[start:stop].min())
        hands = float(s.joints[start:stop, pair("wrist"), 1].min())
        kind = "crouch" if least > 0.64 * HIP else "squat" if least > 0.36 * HIP else "ground"
        if kind == "squat" and float(np.abs(np.diff(s.local[start:stop, pair("ankle")][..., 2], axis=1)).max()) > 0.5:
            kind = "lunge"
        if kind == "crouch" and float(np.abs(np.diff(s.local[start:stop, pair("ankle")][..., 2], axis=1)).max()) > 0.6:
            kind = "lunge"
        if not any(jump.start - 8 <= start and stop <= jump.stop + 10 for jump in jumps):
            found.append(Event(start, stop, kind, "", least, ("hands down",) if hands < 0.25 else ()))
    return found


def find_upside_down(s: Signals) -> list[Event]:
    """``upside down``: the head lower than the pelvis and a foot higher than both."""
    return [Event(start, stop, "upside down") for start, stop in runs(s.over, 0.1, 0.2)]


def find_stills(s: Signals) -> list[Event]:
    """``still``: hardly a joint moves for a second."""
    quiet = (s.energy < 0.12) & (s.rates.max(1) < 0.5)
    return [Event(start, stop, "still", "", (stop - start) / RATE) for start, stop in runs(quiet, 1.0, 0.15)]


def _pace(kind: str, speed: float) -> str:
    slow, fast = (2.4, 3.8) if kind == "run" else (0.7, 1.55)
    return "slow" if speed < slow else "fast" if speed > fast else ""
