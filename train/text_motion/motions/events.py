"""What happens in a motion: walks, turns, jumps, kicks, raised arms and so on, each with its frames and measures.

Each finder is a rule over :class:`~train.text_motion.motions.signals.Signals` with thresholds in metres, seconds and
degrees of the uniform body. What they find is said in words by :mod:`train.text_motion.motions.phrases`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from train.text_motion.motions.signals import HIP, RATE, Array, L, R, Signals, gradient, joint, pair, peaks, runs, smooth

SIDES = ("left", "right")
MOVING, RUNNING, LEAPING = 0.3, 2.1, 1.5
"""m/s of the pelvis: above the first a body travels, above the second it runs."""
TURN, TURNING = 40.0, 35.0
"""Degrees of the smallest turn that is told, and degrees a second at which a body turns."""
OFF = 0.05
"""m by which both soles are off the floor in a jump."""


class Event(NamedTuple):
    """Frames ``start`` to ``stop``, what happens (``kind``), on which side (left, right, both, or none), how much
    (``size``: metres, degrees or times, as the kind has it) and how (``manner``, words of the kind)."""

    start: int
    stop: int
    kind: str
    side: str = ""
    size: float = 0.0
    manner: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        return self.stop - self.start


def find_events(s: Signals) -> list[Event]:
    """All events of a motion in order of time."""
    jumps = find_jumps(s)
    travel = find_travel(s, jumps)
    found = [
        *travel,
        *(jump for jump in jumps if not any(_within(jump, way) for way in travel if way.kind == "run")),
        *find_turns(s),
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
    for start, stop in runs(s.speed > MOVING, 0.7, 0.3):
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
        steps = count_steps(s, start, stop)
        found.append(Event(start, stop, kind, side, way, (_pace(kind, pace), path, str(steps), f"{bend:.0f}")))
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
        for start, stop in runs(sign * rate > TURNING, 0.2, 0.25):
            size = float(abs(s.heading[stop - 1] - s.heading[start]))
            if size >= TURN:
                quick = "fast" if size / ((stop - start) / RATE) > 200 else "slow" if stop - start > 50 else ""
                place = "spot" if float(s.speed[start:stop].mean()) < 0.45 else "way"
                found.append(Event(start, stop, "turn", side, size, (quick, place)))
    return found


def find_jumps(s: Signals) -> list[Event]:
    """``jump``, ``hop`` (on the foot of ``side``) and ``leap`` (from one foot to the other): size metres of rise;
    manner where to."""
    found = []
    both = s.clearance.min(1) > OFF
    height = s.joints[:, 0, 1]
    fall = gradient(gradient(smooth(height, 0.05)))
    for start, stop in runs(both, 0.12):
        if stop - start > 1.2 * RATE or start == 0 or stop == len(s):
            continue
        before, after = max(0, start - 4), min(len(s), stop + 4)
        rise = float(height[start:stop].max() - min(height[before], height[after - 1]))
        if rise < 0.05 or float(fall[start:stop].min()) > -5.0:
            continue
        held = s.clearance[[before, after - 1]].max(0) > 0.15
        way = (s.joints[after - 1, 0] - s.joints[before, 0])[[0, 2]]
        angle = np.radians(s.heading[before])
        ahead = float(np.cos(angle) * way[1] + np.sin(angle) * way[0])
        left = float(np.cos(angle) * way[0] - np.sin(angle) * way[1])
        where = "place" if np.hypot(ahead, left) < 0.3 else _where(ahead, left)
        start_on, land_on = int(s.clearance[before].argmin()), int(s.clearance[after - 1].argmin())
        lifted = abs(float(np.diff(s.clearance[before])[0])) > 0.12 and abs(float(np.diff(s.clearance[after - 1])[0])) > 0.12
        if lifted and held.any() and start_on == land_on:
            found.append(Event(start, stop, "hop", SIDES[start_on], rise, (where,)))
        elif lifted and start_on != land_on:
            found.append(Event(start, stop, "leap", "", rise, (where,)))
        else:
            found.append(Event(start, stop, "jump", "", rise, (where,)))
    return found


def find_kicks(s: Signals) -> list[Event]:
    """``kick``: a foot thrown up or out; size its height in metres, manner to where and how high."""
    found = []
    for side, ankle in enumerate(pair("ankle")):
        fast, at = s.rates[:, ankle], s.local[:, ankle]
        for frame in peaks(fast, 4.0, 0.4):
            near = slice(max(0, frame - 4), min(len(s), frame + 7))
            top = int(at[near, 1].argmax()) + near.start
            out = np.hypot(at[near, 2], at[near, 0]).max()
            ahead = at[near, 2].max()
            if s.clearance[near, 1 - side].min() > 0.15 or out < 0.4:
                continue
            if at[top, 1] > 0.45 and (at[top, 2] > 0.2 or abs(at[top, 0]) > 0.4):
                where = _where(float(at[top, 2]), float(at[top, 0]))
                high = "high" if at[top, 1] > 0.95 else "low" if at[top, 1] < 0.6 else ""
                found.append(Event(near.start, near.stop, "kick", SIDES[side], float(at[top, 1]), (where, high)))
            elif ahead > 0.35 and fast[frame] > 7.0:
                found.append(Event(near.start, near.stop, "kick", SIDES[side], float(at[top, 1]), ("forward", "low")))
    return found


def find_knees(s: Signals, jumps: list[Event]) -> list[Event]:
    """``knee``: a knee raised to the hip and higher; ``leg``: a foot lifted high with a straight knee. Size metres."""
    found = []
    for side, (knee, ankle, hip) in enumerate(zip(pair("knee"), pair("ankle"), pair("hip"), strict=True)):
        lifted = s.local[:, knee, 1] > s.local[:, hip, 1] - 0.12
        stands = s.joints[:, 0, 1] > 0.8 * HIP
        for start, stop in runs(lifted & stands & (s.knees[:, side] < 125), 0.1, 0.1):
            found.append(Event(start, stop, "knee", SIDES[side], float(s.local[start:stop, knee, 1].max())))
        straight = (s.local[:, ankle, 1] > 0.5) & (s.knees[:, side] > 125) & stands
        for start, stop in runs(straight, 0.3, 0.1):
            middle = s.local[(start + stop) // 2, ankle]
            manner = (_where(float(middle[2]), float(middle[0])),)
            found.append(Event(start, stop, "leg", SIDES[side], float(s.local[start:stop, ankle, 1].max()), manner))
    return [event for event in found if not any(_within(event, jump) for jump in jumps)]


def find_arms(s: Signals) -> list[Event]:
    """``raise`` (manner: how high), ``spread`` (both arms out), ``reach`` (an arm in front), ``hips`` (hands there)."""
    found = []
    above = s.hands[..., 1] > 0.05
    for side in (L, R):
        for start, stop in runs(above[:, side], 0.3, 0.2):
            top = float(s.over_head[start:stop, side].max())
            manner = ("over head",) if top > 0.08 else ("shoulder",)
            found.append(Event(start, stop, "raise", SIDES[side], top, manner))
        ahead = (s.hands[:, side, 2] > 0.38) & (np.abs(s.hands[:, side, 1]) < 0.22) & (s.hands[:, side, 0] < 0.25)
        for start, stop in runs(ahead & (s.rates[:, pair("wrist")[side]] < 1.2), 0.5, 0.15):
            found.append(Event(start, stop, "reach", SIDES[side]))
    found = _both(found)
    level = (s.hands[..., 0] > 0.34) & (np.abs(s.hands[..., 1]) < 0.2)
    found += [Event(start, stop, "spread", "both") for start, stop in runs(level.all(1), 0.5, 0.2)]
    hips = s.joints[:, pair("hip")]
    near = np.linalg.norm(s.joints[:, pair("wrist")] - hips, axis=-1) < 0.22
    on_hips = near & (s.elbows < 115)
    found += [Event(start, stop, "hips", "both") for start, stop in runs(on_hips.all(1), 0.8, 0.2)]
    return found


def find_waves(s: Signals) -> list[Event]:
    """``wave``: a raised hand that goes from side to side; size how often."""
    found = []
    for side, (wrist, elbow) in enumerate(zip(pair("wrist"), pair("elbow"), strict=True)):
        raised = s.local[:, wrist, 1] > s.local[:, elbow, 1] + 0.05
        across = smooth(s.hands[:, side, 0] - smooth(s.hands[:, side, 0], 0.6), 0.06)
        for start, stop in runs(raised & (s.hands[:, side, 1] > -0.15), 1.0, 0.1):
            swings = across[start:stop]
            signs = np.sign(swings[np.abs(swings) > 0.05])
            count = int(np.count_nonzero(np.diff(signs)))
            if count >= 4 and count / ((stop - start) / RATE) > 1.2:
                found.append(Event(start, stop, "wave", SIDES[side], float(count)))
    return _both(found)


def find_punches(s: Signals) -> list[Event]:
    """``punch``: a hand thrown forwards until the arm is long, and stopped there."""
    found = []
    for side, (wrist, shoulder) in enumerate(zip(pair("wrist"), pair("shoulder"), strict=True)):
        reach = np.linalg.norm(s.joints[:, wrist] - s.joints[:, shoulder], axis=-1)
        out = gradient(smooth(reach, 0.04))
        for frame in peaks(out, 1.5, 0.25):
            near = slice(max(0, frame - 3), min(len(s), frame + 6))
            end = int(reach[near].argmax()) + near.start
            hand = s.hands[end, side]
            if reach[near].min() < 0.33 and reach[end] > 0.41 and hand[2] > 0.25 and abs(hand[1]) < 0.25:
                found.append(Event(near.start, near.stop, "punch", SIDES[side], float(out[frame])))
    return found


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
    for start, stop in runs(low < 0.8 * HIP, 0.3, 0.15):
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
    heights = s.joints[..., 1]
    over = (heights[:, joint("head")] < heights[:, 0] - 0.15) & (heights[:, pair("ankle")].max(1) > heights[:, 0] + 0.1)
    return [Event(start, stop, "upside down") for start, stop in runs(over, 0.1, 0.2)]


def find_stills(s: Signals) -> list[Event]:
    """``still``: hardly a joint moves for a second."""
    quiet = (s.energy < 0.12) & (s.rates.max(1) < 0.5)
    return [Event(start, stop, "still", "", (stop - start) / RATE) for start, stop in runs(quiet, 1.0, 0.15)]


def _both(events: list[Event]) -> list[Event]:
    """Events of the left and the right side at nearly the same time as one of both."""
    found, used = [], set()
    for number, one in enumerate(events):
        for later, other in enumerate(events[number + 1 :], number + 1):
            if later in used or number in used or (one.kind, one.side) == (other.kind, other.side) or one.kind != other.kind:
                continue
            shared = min(one.stop, other.stop) - max(one.start, other.start)
            if shared > 0.5 * max(one.frames, other.frames):
                used |= {number, later}
                start, stop = min(one.start, other.start), max(one.stop, other.stop)
                found.append(Event(start, stop, one.kind, "both", min(one.size, other.size), one.manner))
    return [event for number, event in enumerate(events) if number not in used] + found


def _within(inner: Event, outer: Event) -> bool:
    return outer.start - 2 <= inner.start and inner.stop <= outer.stop + 2


def _where(ahead: float, left: float) -> str:
    if abs(ahead) >= abs(left):
        return "forward" if ahead > 0 else "backward"
    return "left" if left > 0 else "right"


def _pace(kind: str, speed: float) -> str:
    slow, fast = (2.4, 3.8) if kind == "run" else (0.7, 1.55)
    return "slow" if speed < slow else "fast" if speed > fast else ""


