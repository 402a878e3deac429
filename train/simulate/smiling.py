"""Smiles, laughter and brows of a simulated listener: planned over the whole clip as pulses, over a face at rest.

- **Smiles** are returned for the greater part, within a second (Riehle, Kempkensteffen & Lincoln 2017, J. Nonverbal
  Behavior 41), held while the partner smiles, and fade slowly: onsets take half a second, offsets longer (Schmidt, Cohn
  & Tian 2003, Biological Psychology 65). A turn's end gets a small polite one now and then.
- **Laughter** is returned as a broad smile with a few pulses of the jaw at 5 Hz (Bachorowski, Smoski & Owren 2001,
  J. Acoustical Society of America 110) and the head leaning back, or else as a smile.
- **Brows** rise shortly at questions and where the partner raises his (Ekman 1979); course as in the rule listener.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.listener_rules.mirror import IDLE_CALM, IDLE_NAMES, IDLE_TAU, WHILE_SELF_SPEAKING, at_rest
from models.listener_rules.nods import Brows
from models.listening.cell import DT
from train.partner.face import bump
from train.simulate.cues import PAUSE_LEAST
from train.simulate.curves import Curve, follow, lognormal, wander
from train.simulate.floor import ConversationFloor
from train.simulate.nodding import start_of
from train.simulate.persona import Persona
from train.simulate.talk import Cue, Talk

ONSET_S, OFFSET_S, LEAST_HOLD_S = 0.55, 1.6, 0.6
SPREAD_S = 0.12
POLITE_LEVEL, POLITE_S = 0.30, 1.3
LAUGH_MORE, LAUGH_HERTZ, LAUGH_JAW, LAUGH_BACK = 1.25, 4.8, 0.13, np.radians(3.0)
BREATH_OF_SMILE = 0.07
"""How much a held smile comes and goes, as a share."""
BROW_AT = {"question": 1.0, "brow": 0.7, "laugh": 0.25}
BROW_LAG_S, BROW_APART_S = 0.35, 2.0
BROW_RISE_S, BROW_MOST = 0.32, 0.7
"""A little slower and lower than the rule listener's flash can be: a listener's news, not a startle."""


@dataclass(frozen=True)
class Pulse:
    """A level between ``start_s`` and ``end_s``, reached within ``rise_s`` and left within ``fall_s`` inside it."""

    kind: str
    start_s: float
    end_s: float
    rise_s: float
    fall_s: float
    level: float

    def event(self) -> Cue:
        """Its start as an event."""
        return Cue("brow" if self.kind == "brow" else "smile", self.start_s, self.level)


def plan_smiles(
    talk: Talk, floor: ConversationFloor, who: Persona, rng: np.random.Generator, foresight: bool
) -> list[Pulse]:
    """Smiles and laughs (kinds ``smile``, ``laugh``) of one listener in order of time."""
    pulses = []
    for act in talk.acts:
        if act.name not in ("smile", "laugh"):
            continue
        laughs = act.name == "laugh" and rng.uniform() < who.laugh_share
        if not laughs and rng.uniform() >= who.smile_share:
            continue
        lag = float(np.clip(who.smile_lag + SPREAD_S * rng.standard_normal(), 0.2, 0.9))
        level = who.smile_gain * act.amount * who.expressiveness * (LAUGH_MORE if laughs else 1.0)
        hold = max(LEAST_HOLD_S, act.end_s - act.start_s) + rng.uniform(0.0, 0.6)
        pulses.append(_smile("laugh" if laughs else "smile", act.start_s + lag, hold, level, rng))
    for turn in floor.turns:
        if rng.uniform() < who.politeness:
            lag, level = rng.uniform(-0.1, 0.6), POLITE_LEVEL * who.expressiveness
            start = turn.end_s + (lag if foresight else max(lag, PAUSE_LEAST))
            pulses.append(_smile("smile", start, lognormal(rng, POLITE_S, 0.3), level * rng.uniform(0.7, 1.3), rng))
    inside = [pulse for pulse in pulses if 0.0 <= pulse.start_s < talk.frames * DT]
    return sorted(inside, key=lambda pulse: pulse.start_s)


def eased(pulses: Sequence[Pulse]) -> list[Cue]:
    """When a smile or laugh is let go, as events of kind ``ease``: where a pulse begins to fall and no other holds."""
    falls = [pulse.end_s - pulse.fall_s for pulse in pulses]
    return [
        Cue("ease", fall, pulse.level)
        for pulse, fall in zip(pulses, falls, strict=True)
        if not any(other.start_s <= fall < later for other, later in zip(pulses, falls, strict=True))
    ]


def _smile(kind: str, start: float, hold: float, level: float, rng: np.random.Generator) -> Pulse:
    rise, fall = lognormal(rng, ONSET_S, 0.2), lognormal(rng, OFFSET_S, 0.3)
    quieter = 0.9 * float(np.tanh(level / 0.9))  # saturates: no face smiles more than it can
    return Pulse(kind, start, start + max(hold, rise) + fall, rise, fall, quieter)


def plan_brows(
    cues: tuple[Cue, ...], floor: ConversationFloor, who: Persona, rng: np.random.Generator, foresight: bool
) -> list[Pulse]:
    """Brow flashes of one listener in order of time."""
    pulses: list[Pulse] = []
    for cue in cues:
        start = start_of(cue.time_s + max(0.1, BROW_LAG_S + SPREAD_S * rng.standard_normal()), cue, foresight, rng)
        taken = rng.uniform() < who.brow_share * BROW_AT.get(cue.kind, 0.0)
        if not taken or floor.owned(start) or (pulses and start - pulses[-1].start_s < BROW_APART_S):
            continue
        level = float(min(BROW_MOST, rng.uniform(0.25, 0.60) * who.expressiveness))
        rise, hold, fall = (lognormal(rng, span, 0.2) for span in (BROW_RISE_S, Brows.HOLD, Brows.FALL))
        pulses.append(Pulse("brow", start, start + rise + hold + fall, rise, fall, level))
    return pulses


def render_pulses(pulses: list[Pulse], frames: int) -> Curve:
    """The pulses' common level (frames,): where two overlap the sum saturates at 1, smoothly."""
    rest = np.ones(frames)
    for pulse in pulses:
        first, stop = max(0, int(pulse.start_s / DT)), min(frames, int(pulse.end_s / DT) + 2)
        time = np.arange(first, stop, dtype=np.float64) * DT
        rest[first:stop] *= 1.0 - pulse.level * bump(time, pulse.start_s, pulse.end_s, pulse.rise_s, pulse.fall_s)
    return 1.0 - rest


class LaughMotion(NamedTuple):
    """What laughs move, (frames,) both."""

    jaw: Curve  #: opening, 0..1
    back: Curve  #: head pitch, rad


def render_laughs(pulses: list[Pulse], frames: int, who: Persona, rng: np.random.Generator) -> LaughMotion:
    """The laughs among ``pulses``."""
    jaw, back = np.zeros(frames), np.zeros(frames)
    for pulse in pulses:
        if pulse.kind != "laugh":
            continue
        first, stop = max(0, int(pulse.start_s / DT)), min(frames, int(pulse.end_s / DT) + 2)
        time = np.arange(first, stop, dtype=np.float64) * DT
        beats, pace = rng.integers(3, 8), lognormal(rng, LAUGH_HERTZ, 0.08)
        start = pulse.start_s + 0.6 * pulse.rise_s
        length = beats / pace
        wave = 0.5 * (1.0 - np.cos(2.0 * np.pi * pace * np.clip(time - start, 0.0, length)))
        envelope = bump(time, start - 0.3, start + length + 0.3, 0.5, min(0.6, 0.5 + length / 4))
        jaw[first:stop] += who.expressiveness * LAUGH_JAW * envelope * (0.35 + 0.65 * wave)
        lean = bump(time, pulse.start_s, pulse.start_s + length + 1.5, 0.7, 1.2)
        back[first:stop] -= who.expressiveness * LAUGH_BACK * rng.uniform(0.3, 1.0) * lean
    return LaughMotion(jaw, back)


def mood(smiles: list[Pulse], floor: ConversationFloor, who: Persona, rng: np.random.Generator) -> dict[str, Tensor]:
    """Levels ``smile``, ``raise``, ``press`` and ``shrug`` (T,) of the smiles over a face at rest that lives."""
    frames = len(floor.own)
    idle = {
        name: _tensor(follow(wander(rng, frames, tau)[:, 0], IDLE_CALM))
        for name, tau in zip(IDLE_NAMES, IDLE_TAU, strict=True)
    }
    breath = 1.0 + BREATH_OF_SMILE * follow(wander(rng, frames, 1.5)[:, 0], IDLE_CALM)
    quieter = 1.0 - (1.0 - WHILE_SELF_SPEAKING) * follow(floor.own.astype(float), IDLE_CALM)
    reply = {"smile": _tensor(render_pulses(smiles, frames) * breath * quieter), "raise": torch.zeros(frames)}
    return at_rest(reply, idle, _tensor(np.full(frames, who.expressiveness)))


def _tensor(curve: Curve) -> Tensor:
    return torch.from_numpy(np.asarray(curve, np.float32))
