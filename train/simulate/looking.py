"""Where a simulated listener looks, and when it blinks, planned over the whole clip.

Sources, directions, sizes and the course of a saccade are those of :mod:`models.listener_rules.gaze` and
:mod:`~models.listener_rules.blinks`. Knowing the clip adds what people do around turns: they look back when the partner
begins to speak, look at whom they nod and smile to (Bavelas, Coates & Johnson 2002, J. Communication 52: responses come
within windows of mutual gaze), look away as their own turn begins and back towards its end (Kendon 1967, Acta
Psychologica 26).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from models.listener_rules import blinks, gaze
from models.listening.cell import DT
from train.simulate.curves import Curve, HeldValue, follow, held, lognormal, spring
from train.simulate.floor import ConversationFloor
from train.simulate.persona import Persona
from train.simulate.talk import Cue, Span

LEAST_AWAY_S, LATENCY_S = 0.30, (0.15, 0.45)
"""A look away shorter than this is not begun; time (s) it takes to look back once something calls."""
OWN_START_AWAY, LEAVE_S, OWN_END_BACK_S = 0.7, (0.1, 0.45), 0.8
"""Chance to look away as an own turn begins, how long (s) after its begin, and how long before its end gaze is back.
People begin up to 0.3 s earlier; whoever hears the own voice only as it comes cannot know then that it will speak."""
LARGEST_LOOK = np.radians(45.0)
OWN_BLINK_HURRY = 1.5
"""Blinks come so much faster while speaking (17 to 26 a minute, Bentivoglio et al. 1997)."""


class GazeShift(NamedTuple):
    """When gaze moves, and how far (rad)."""

    time_s: float
    size: float


class Target(NamedTuple):
    """A point looked at from a moment on: radians from the partner's eyes, channel signs."""

    time_s: float
    yaw: float
    pitch: float
    away: bool = False  #: from the partner


@dataclass(frozen=True)
class GazeTrack:
    """Directions (T,), radians in channel signs: gaze from the partner's eyes, and the head's share in it."""

    yaw: Curve
    pitch: Curve
    head_yaw: Curve
    head_pitch: Curve
    shifts: tuple[GazeShift, ...]
    events: tuple[Cue, ...]  #: ``away`` and ``back``: a look away begins and ends; strength is its size over 45 degrees


def plan_look(
    floor: ConversationFloor, own_turns: tuple[Span, ...], calls: list[float], who: Persona, rng: np.random.Generator
) -> GazeTrack:
    """The gaze of one listener. ``calls`` are moments (s) at which it should rest on the partner."""
    return track(_targets(floor, own_turns, calls, who, rng), len(floor.own))


def track(targets: list[Target], frames: int) -> GazeTrack:
    """Gaze that goes to each of ``targets``, in order of time, over ``frames``."""
    before, shifts, events = Target(0.0, 0.0, 0.0), [], []
    for target in targets:
        size = float(np.hypot(target.yaw - before.yaw, target.pitch - before.pitch))
        shifts.append(GazeShift(target.time_s, size))
        if target.away != before.away:
            events.append(Cue("away" if target.away else "back", target.time_s, min(1.0, size / LARGEST_LOOK)))
        before = target
    yaw = held(frames, [HeldValue(target.time_s, target.yaw) for target in targets])
    pitch = held(frames, [HeldValue(target.time_s, target.pitch) for target in targets])
    # Only the larger looks take the head along.
    share = gaze.HEAD_SHARE * np.clip(1.0 - gaze.HEAD_FROM / np.hypot(yaw, pitch).clip(1e-3), 0.0, 1.0)
    # A saccade covers the same share of what is left in every frame: a one-pole filter with this time constant.
    tau = -DT / np.log(1.0 - gaze.SACCADE)
    return GazeTrack(
        yaw=follow(yaw, tau),
        pitch=follow(pitch, tau),
        head_yaw=spring(share * yaw, gaze.HEAD_OMEGA),
        head_pitch=spring(share * pitch, gaze.HEAD_OMEGA),
        shifts=tuple(shifts),
        events=tuple(events),
    )


def _targets(
    floor: ConversationFloor, own_turns: tuple[Span, ...], calls: list[float], who: Persona, rng: np.random.Generator
) -> list[Target]:
    """Every point looked at, in order of time."""
    length = len(floor.own) * DT
    back = [turn.end_s - OWN_END_BACK_S for turn in own_turns]
    summons = sorted([*calls, *(time + rng.uniform(*LATENCY_S) for time in (*floor.resumes, *back))])
    leaves = [turn.start_s + rng.uniform(*LEAVE_S) for turn in own_turns if rng.uniform() < OWN_START_AWAY]
    points: list[Target] = []
    now = 0.0
    while now < length:
        until = now + _look_for(now, floor, who, rng)
        forced = [time for time in leaves if now < time < until]
        until = min(forced, default=until)
        fixate(points, now, min(until, length), who, rng)
        speaking = floor.owned(until)
        away_for = lognormal(rng, gaze.AWAY_SPEAKING if speaking else gaze.AWAY_LISTENING, gaze.AWAY_SIGMA)
        called = bisect_left(summons, until - LEAST_AWAY_S)
        end = min(until + away_for, summons[called]) if called < len(summons) else until + away_for
        if end - until >= LEAST_AWAY_S and until < length:
            points.append(_away(until, who, rng))
            now = end
        else:
            now = max(end, until)
    return points


def _look_for(now: float, floor: ConversationFloor, who: Persona, rng: np.random.Generator) -> float:
    """Seconds for which a look at the partner lasts that begins now."""
    frame = min(len(floor.own) - 1, int(now / DT))
    median = who.look_s
    if floor.own[frame]:
        median *= gaze.TOWARDS_SPEAKING / gaze.TOWARDS_LISTENING
    elif floor.quiet_for[frame] > gaze.IDLE_AFTER:
        median /= gaze.IDLE_HURRY
    return lognormal(rng, median, gaze.TOWARDS_SIGMA)


def fixate(points: list[Target], start: float, stop: float, who: Persona, rng: np.random.Generator) -> None:
    """Add to ``points`` fixations on the partner's eyes and mouth from ``start`` to ``stop`` s."""
    while start < stop:
        yaw, pitch = 0.01 * rng.uniform(-0.5, 0.5), 0.01 * rng.uniform(-0.5, 0.5)
        if rng.uniform() < who.mouth_share:
            pitch += gaze.FACE_HEIGHT
        else:
            yaw += rng.choice((-1.0, 1.0)) * gaze.FACE_HALF_WIDTH
        points.append(Target(start, yaw, pitch))
        start += lognormal(rng, gaze.FIXATION_MEDIAN, gaze.FIXATION_SIGMA)


def _away(time_s: float, who: Persona, rng: np.random.Generator) -> Target:
    """A look away."""
    size = lognormal(rng, gaze.AWAY_MEDIAN, gaze.AWAY_SPREAD)
    side = size if rng.uniform() < who.side else -size
    where = rng.uniform()
    if where < gaze.SIDEWAYS_SHARE:
        return Target(time_s, side, 0.35 * size * rng.uniform(-0.3, 0.7), away=True)
    down = where < gaze.SIDEWAYS_SHARE + gaze.DOWN_SHARE
    return Target(time_s, 0.35 * side, 0.9 * size if down else -0.6 * size, away=True)


def blink(floor: ConversationFloor, look: GazeTrack, who: Persona, rng: np.random.Generator) -> Curve:
    """Closure of the lids 0..1, (T,): timers that hurry in pauses and in own turns, and blinks that come
    along with large shifts of gaze."""
    frames = len(floor.own)
    first, last = blinks.PAUSE_WINDOW
    hurry = np.where((floor.quiet_for > first) & (floor.quiet_for < last), blinks.PAUSE_HURRY, 1.0)
    clock = np.concatenate([[0.0], np.cumsum(DT * hurry * np.where(floor.own > 0.5, OWN_BLINK_HURRY, 1.0))])
    span = blinks.SHIFT_SURE - blinks.SHIFT_LEAST
    with_look = [time_s for time_s, size in look.shifts if rng.uniform() < (size - blinks.SHIFT_LEAST) / span]
    closure, now = np.zeros(frames), 0.0
    while True:
        due = np.interp(now, np.arange(frames + 1) * DT, clock) + lognormal(rng, who.blink_interval, blinks.SIGMA)
        start = float(np.interp(due, clock, np.arange(frames + 1) * DT))
        ready = now + blinks.LEAST_INTERVAL + DT
        start = max(min([time for time in with_look if ready <= time < start], default=start), ready)
        if start >= (frames - 1) * DT:
            return closure
        depth = 1.0 if rng.uniform() >= blinks.PARTIAL_SHARE else rng.uniform(blinks.PARTIAL_LEAST, 0.9)
        begin = int(start / DT) + 1
        elapsed = np.arange(begin, min(frames, begin + 12)) * DT - start
        lids = blinks.lid_course(torch.from_numpy(elapsed)).numpy()
        closure[begin : begin + len(lids)] = np.maximum(closure[begin : begin + len(lids)], depth * lids)
        now = start
