"""What arms and legs do: kicks, raised knees and legs, raised arms, waves, punches. See :mod:`.events`."""

from __future__ import annotations

import numpy as np

from train.text_motion.motions.event import SIDES, Event, where, within
from train.text_motion.motions.signals import HIP, RATE, L, R, Signals, gradient, pair, peaks, runs, smooth

THROWN, SHOT, RUNNING = 4.0, 6.0, 2.1
"""m/s of a foot against the pelvis: a kick, and one at a ball that need not rise, unless the body runs so fast."""


def find_kicks(s: Signals) -> list[Event]:
    """``kick``: a foot thrown up or out; size its height in metres, manner to where and how high."""
    found = []
    for side, ankle in enumerate(pair("ankle")):
        fast, at = s.rates[:, ankle], s.local[:, ankle]
        for frame in peaks(fast, THROWN, 0.4):
            near = slice(max(0, frame - 4), min(len(s), frame + 7))
            top = int(np.hypot(at[frame : near.stop, 2], at[frame : near.stop, 0]).argmax()) + frame
            out = np.hypot(at[near, 2], at[near, 0]).max()
            ahead = at[near, 2].max()
            if s.clearance[near, 1 - side].min() > 0.15 or out < 0.4:
                continue
            if at[top, 1] > 0.45 and (at[top, 2] > 0.2 or abs(at[top, 0]) > 0.4):
                way = where(float(at[top, 2]), float(at[top, 0]))
                high = "high" if at[top, 1] > 0.95 else "low" if at[top, 1] < 0.6 else ""
                found.append(Event(near.start, near.stop, "kick", SIDES[side], float(at[top, 1]), (way, high)))
            elif ahead > 0.35 and fast[frame] > SHOT and s.speed[frame] < RUNNING:
                found.append(Event(near.start, near.stop, "kick", SIDES[side], float(at[top, 1]), ("forward", "low")))
    return found


def find_knees(s: Signals, jumps: list[Event]) -> list[Event]:
    """``knee``: a knee raised to the hip and higher; ``leg``: a foot lifted high with a straight knee. Size metres."""
    found = []
    for side, (knee, ankle, hip) in enumerate(zip(pair("knee"), pair("ankle"), pair("hip"), strict=True)):
        lifted = s.local[:, knee, 1] > s.local[:, hip, 1] - 0.12
        stands = s.joints[:, 0, 1] > 0.8 * HIP
        for start, stop in runs(np.asarray(lifted & stands) & (s.knees[:, side] < 125), 0.1, 0.1):
            found.append(Event(start, stop, "knee", SIDES[side], float(s.local[start:stop, knee, 1].max())))
        straight = (s.local[:, ankle, 1] > 0.5) & (s.knees[:, side] > 125) & stands
        for start, stop in runs(straight, 0.3, 0.1):
            middle = s.local[(start + stop) // 2, ankle]
            manner = (where(float(middle[2]), float(middle[0])),)
            found.append(Event(start, stop, "leg", SIDES[side], float(s.local[start:stop, ankle, 1].max()), manner))
    return [event for event in found if not any(within(event, jump) for jump in jumps)]


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
    found += [Event(start, stop, "spread", "both") for start, stop in runs(np.asarray(level.all(1)), 0.5, 0.2)]
    hips = s.joints[:, pair("hip")]
    near = np.linalg.norm(s.joints[:, pair("wrist")] - hips, axis=-1) < 0.22
    on_hips = near & (s.elbows < 115)
    found += [Event(start, stop, "hips", "both") for start, stop in runs(np.asarray(on_hips.all(1)), 0.8, 0.2)]
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


def _both(events: list[Event]) -> list[Event]:
    """Events of the left and the right side at nearly the same time as one of both."""
    found, used = [], set()
    for number, one in enumerate(events):
        for later, other in enumerate(events[number + 1 :], number + 1):
            if (
                later in used
                or number in used
                or (one.kind, one.side) == (other.kind, other.side)
                or one.kind != other.kind
            ):
                continue
            shared = min(one.stop, other.stop) - max(one.start, other.start)
            if shared > 0.5 * max(one.frames, other.frames):
                used |= {number, later}
                start, stop = min(one.start, other.start), max(one.stop, other.stop)
                found.append(Event(start, stop, one.kind, "both", min(one.size, other.size), one.manner))
    return [event for number, event in enumerate(events) if number not in used] + found
