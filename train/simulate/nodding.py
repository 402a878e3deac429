"""When a simulated listener nods, and how: planned over the whole clip.

With foresight a nod may come before its pause, as a quarter of people's do; without, none begins before its cue can be
known. A network that imitates the first learns to nod at random near what may become an end: those nods cannot be
foretold, only scattered.

**When.** Each cue is an invitation that a listener takes or leaves. How likely depends on who listens, on the kind and
strength of the cue, on the time since the last nod, and on the turn: acknowledging is rare in a turn's first seconds,
grows while it lasts and is surest at its end (Yngve 1970; Bavelas, Coates & Johnson 2000, J. Personality and Social
Psychology 79). A phrase's end can be foreseen and is often overlapped; a low region is answered some half second on.
Nods without a cue are rare, and so are nods while the avatar itself speaks.

**How.** The cycles of :mod:`models.listener_rules.nods`, with the same sources: raised cosines that start downwards,
slow down, shrink and end at rest without a jump of speed. Ends of turns and questions get larger nods of more cycles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.listener_rules.nods import AMPLITUDE_MEDIAN, CYCLE_DECAY, SIZE_SLOWS, SLOWING, WHILE_SELF_SPEAKING
from models.listening.cell import DT
from train.simulate.curves import Curve, lognormal
from train.simulate.floor import ConversationFloor
from train.simulate.persona import Persona
from train.simulate.talk import Cue

TAKEN = {"question": 1.35, "pause": 1.25, "low": 0.75, "brow": 0.12, "smile": 0.06, "laugh": 0.04}
"""Readiness for each kind of cue, as a factor."""
NEW_TURN, NEW_TURN_S = 0.35, 5.0
"""Readiness at the start of a turn, and the time constant (s) with which it comes to 1."""
JUST_NODDED, PATIENCE_S, REST_S = 0.45, 4.0, 0.5
"""Readiness just after a nod, the time constant (s) of its return, and the least rest (s) between two nods."""
EXPRESSIVE_NODS = 0.35
"""Exponent of expressiveness in readiness."""
TURN_END, TURN_END_SIZE, TURN_END_CYCLE = 1.3, 1.3, 0.6
SPREAD_S, FORESIGHT_S, LATEST_S = 0.12, -0.30, 0.95
"""Spread of lags (s) around the listener's own, and the limits of a lag."""
AFTER_KNOWN_S = 0.2
"""Longest time (s) from a cue's being known to an answer that had been due before."""
STRAY_A_MINUTE, BEFORE_OWN_S = 0.2, 0.4
"""Nods without a cue, and seconds before an own turn in which it is already being prepared instead of nodded."""
LEAST = np.radians(2.6)
"""Amplitude of the smallest nod: what stays below reads as sway."""
MOST_CYCLES, MAX_AMPLITUDE = 4, np.radians(10.0)


@dataclass(frozen=True)
class Nod:
    """A planned nod: ``start_s``, amplitude in radians, whole cycles and the first cycle's frequency in Hz."""

    start_s: float
    amplitude: float
    cycles: int
    hertz: float

    @property
    def end_s(self) -> float:
        """When the last cycle is over."""
        return self.start_s + (self.cycles + 0.5 * SLOWING * self.cycles**2) / self.hertz

    def event(self) -> Cue:
        """The nod as an event, its strength the amplitude over 10 degrees."""
        return Cue("nod", self.start_s, float(min(1.0, np.degrees(self.amplitude) / 10.0)))


def plan_nods(
    cues: tuple[Cue, ...], floor: ConversationFloor, who: Persona, rng: np.random.Generator, foresight: bool
) -> list[Nod]:
    """The nods of one listener in order of time, none overlapping another."""
    length = len(floor.own) * DT
    wanted: list[tuple[float, Cue, float]] = []
    for cue in cues:
        if cue.kind in TAKEN:
            lag = who.low_lag if cue.kind == "low" else who.nod_lag
            start = cue.time_s + np.clip(lag + SPREAD_S * rng.standard_normal(), FORESIGHT_S, LATEST_S)
            wanted.append((start_of(float(start), cue, foresight, rng), cue, rng.uniform()))
    stray = rng.poisson(STRAY_A_MINUTE * length / 60.0)
    for start in rng.uniform(0.0, length, stray):
        wanted.append((float(start), Cue("stray", float(start), 0.3), 0.0))

    nods: list[Nod] = []
    for start, cue, chance in sorted(wanted, key=lambda item: item[0]):
        turn = floor.turn(cue.time_s)
        ends = turn is not None and cue.kind in ("pause", "question") and turn.end_s - cue.time_s < 0.2
        final = ends and foresight  # whether more will be said
        since = start - nods[-1].end_s if nods else 60.0
        if since < REST_S or start < 0.0:
            continue
        likely = who.readiness * TAKEN.get(cue.kind, 1.0) * who.expressiveness**EXPRESSIVE_NODS
        likely *= JUST_NODDED + (1.0 - JUST_NODDED) * (1.0 - np.exp(-since / PATIENCE_S))
        if turn is not None:
            likely *= NEW_TURN + (1.0 - NEW_TURN) * (1.0 - np.exp(-(cue.time_s - turn.start_s) / NEW_TURN_S))
        likely *= (TURN_END if final else 1.0) * (0.7 + 0.5 * cue.strength)
        if floor.owned(start) or floor.owned(start + BEFORE_OWN_S):
            likely *= WHILE_SELF_SPEAKING
        if chance >= likely:
            continue
        nod = _draw(start, cue, final, who, rng)
        if nod.end_s <= length:
            nods.append(nod)
    return nods


def start_of(start_s: float, cue: Cue, foresight: bool, rng: np.random.Generator) -> float:
    """When an answer to ``cue`` that was to begin at ``start_s`` does begin: without ``foresight`` at once where the
    cue can be known by then, else within :data:`AFTER_KNOWN_S` of that."""
    wait = rng.uniform(0.0, AFTER_KNOWN_S)
    return start_s if foresight or cue.known_s is None else max(start_s, cue.known_s + wait)


def _draw(start: float, cue: Cue, final: bool, who: Persona, rng: np.random.Generator) -> Nod:
    """Size, cycles and pace of a nod on ``cue``."""
    grand = final or cue.kind == "question"
    degrees = lognormal(rng, who.nod_degrees, 0.25) * (0.8 + 0.4 * cue.strength) * (TURN_END_SIZE if grand else 1.0)
    amplitude = float(np.clip(np.radians(degrees) * who.expressiveness, LEAST, MAX_AMPLITUDE))
    cycles = 1 + int(grand and rng.uniform() < TURN_END_CYCLE)
    while cycles < MOST_CYCLES and rng.uniform() < who.nod_again:
        cycles += 1
    pace = lognormal(rng, who.nod_hertz, 0.10) * (AMPLITUDE_MEDIAN / amplitude) ** SIZE_SLOWS
    return Nod(start, amplitude, cycles, pace)


def render_nods(nods: list[Nod], frames: int) -> Curve:
    """Head pitch (rad, down positive) of the nods, (frames,)."""
    pitch = np.zeros(frames)
    for nod in nods:
        first, stop = max(0, int(nod.start_s / DT)), min(frames, int(nod.end_s / DT) + 2)
        elapsed = np.clip(np.arange(first, stop) * DT - nod.start_s, 0.0, nod.end_s - nod.start_s)
        # Pace falls with the phase, df/dt = hertz / (1 + SLOWING f), which has this closed form.
        phase = (np.sqrt(1.0 + 2.0 * SLOWING * nod.hertz * elapsed) - 1.0) / SLOWING
        shape = 0.5 * (1.0 - np.cos(2.0 * np.pi * phase)) * np.exp(-CYCLE_DECAY * phase)
        pitch[first:stop] += nod.amplitude * shape
    return pitch
