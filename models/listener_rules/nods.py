"""When the listener nods, and how: back-channel nods on the voice's cues, with human kinematics.

**When.** A low-pitch cue asks for a response 700 ms later (Ward & Tsukahara 2000), a pause cue at once (Truong, Poppe &
Heylen 2010), never within 1.4 s of the last (ibid.). A cue is an invitation, not an order: people take fewer than half
of the places where somebody responds (about 0.47 in the MultiLis recordings, de Kok & Heylen 2011), listeners give some
6 to 10 back-channels a minute, and both too few and too many look less human (Poppe, Truong & Heylen 2011, IVA). So the
chance starts low after a response and grows with a time constant of 8 s (our choice, set so that running speech gets
6-10 nods a minute). A pause entered on a rise of 3 semitones or more (30 Hz in Truong et al.) is answered more often.

**How.** One to four cycles with the shares of Kihara, Fukushima & Naemura (2016, GROUP: 55, 24, 12, 3 %), at 1.6 to 3.2
Hz, the "ordinary" band of Hadar, Steiner, Grant & Rose (1983, Human Movement Science 2). First amplitude around 5.5
degrees: small Western nods have 2-6, motion templates of listening robots 8-11 (MaAI, Kato et al. 2025). Larger nods
are slower, which keeps peak speed near the 36-49 deg/s of those templates. Later cycles shrink to about 0.64 of the one
before (Mori, Den & Jokinen 2025, PLoS ONE 20: declination). Movement starts downwards and ends at rest with no speed.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from models.listening.cell import DT, FOREVER, RecurrentCell, ease, lognormal, timer
from models.listening.prosody import CueRules, Prosody

CUES = CueRules(low_percentile=0.26, low_for=0.110, low_after_speech=0.700, pause_for=0.400, pause_after_speech=1.000)
"""Low pitch as in Ward & Tsukahara (2000), pauses as in Truong, Poppe & Heylen (2010); of this listener alone."""
RESPONSE_DELAY, REFRACTORY = 0.700, 1.400
TAKE_RATE, TAKE_MOST, IMPATIENCE = 0.15, 0.75, 8.0
"""Chance of taking a cue just after the last response, its limit, and the time constant (s) of the rise between."""
RISE_SEMITONES, RISE_BONUS = 3.0, 0.25
WHILE_SELF_SPEAKING = 0.1
CYCLE_SHARES = (0.57, 0.82, 0.95)
"""Cumulative shares of nods with at most 1, 2, 3 cycles."""
AMPLITUDE_MEDIAN, AMPLITUDE_SIGMA = math.radians(5.5), 0.35
FREQUENCY_MEDIAN, FREQUENCY_SIGMA, SIZE_SLOWS = 2.2, 0.15, 0.4
CYCLE_DECAY, SLOWING = 0.45, 0.12


class Nodding(NamedTuple):
    """One frame of nodding, (B,) both."""

    pitch: Tensor  #: of the head, rad, down positive
    starts: Tensor  #: bool: a nod starts now


class Nods(RecurrentCell):
    """Cues in, head pitch out."""

    fields = ("wait", "since", "phase", "cycles", "frequency", "amplitude")
    draws = 4

    def __call__(
        self, heard: Prosody, rate: Tensor, size: Tensor, self_speaking: Tensor, noise: Tensor, state: Tensor
    ) -> tuple[Nodding, Tensor]:
        """``rate`` multiplies the chance to take a cue, ``size`` the amplitude; all (B,)."""
        s = self.unpack(state)
        chance, cycles_draw, amplitude_draw, frequency_draw = noise.unbind(-1)

        due = (s["wait"] > 0.0) & (s["wait"] <= DT)
        wait = (s["wait"] - DT).clamp(min=0.0)
        wait = torch.where(heard.low_cue & (wait <= 0.0), torch.full_like(wait, RESPONSE_DELAY), wait)
        cue = due | heard.pause_cue

        since = (s["since"] + DT).clamp(max=FOREVER)
        eager = TAKE_RATE + (TAKE_MOST - TAKE_RATE) * (
            1.0 - torch.exp(-(since - REFRACTORY).clamp(min=0.0) / IMPATIENCE)
        )
        eager = eager + RISE_BONUS * (heard.pause_cue & (heard.rise > RISE_SEMITONES))
        taken = eager.clamp(max=1.0) * rate * (1.0 - (1.0 - WHILE_SELF_SPEAKING) * self_speaking)
        idle = s["phase"] >= s["cycles"]
        start = cue & idle & (since >= REFRACTORY) & (chance < taken)

        one, two, three = CYCLE_SHARES
        drawn = 1.0 + (cycles_draw > one).float() + (cycles_draw > two).float() + (cycles_draw > three).float()
        cycles = torch.where(start, drawn, s["cycles"])
        amplitude = torch.where(start, lognormal(amplitude_draw, AMPLITUDE_MEDIAN, AMPLITUDE_SIGMA), s["amplitude"])
        pace = lognormal(frequency_draw, FREQUENCY_MEDIAN, FREQUENCY_SIGMA)
        pace = pace * torch.pow(AMPLITUDE_MEDIAN / amplitude.clamp(min=0.01), SIZE_SLOWS)
        frequency = torch.where(start, pace, s["frequency"])
        step = frequency * DT / (1.0 + SLOWING * s["phase"])
        phase = torch.where(start, step, torch.where(idle, s["phase"], torch.minimum(s["phase"] + step, cycles)))

        shape = (1.0 - torch.cos(2.0 * math.pi * phase)) * 0.5 * torch.exp(-CYCLE_DECAY * phase)
        pitch = amplitude * size * shape
        values = {"wait": wait, "since": torch.where(start, 0.0, since), "phase": phase}
        values |= {"cycles": cycles, "frequency": frequency, "amplitude": amplitude}
        return Nodding(pitch, start), self.pack(values)


class Brows(RecurrentCell):
    """A short brow raise: the listener's "oh?" at the partner's question contour, and now and then with a nod.

    Brow flashes accompany acknowledgement and surprise (Ekman 1979, "About brows"); onset and offset of brow actions
    take about 0.2-0.3 s each around a short apex (Ekman's "conversational signals"; Schmidt, Cohn & Tian 2003 for the
    smooth onset profile)."""

    fields = ("elapsed", "active", "height")
    draws = 2
    RISE, HOLD, FALL = 0.24, 0.35, 0.45
    AT_QUESTION, AT_NOD = 0.6, 0.15

    def __call__(
        self, heard: Prosody, nod_starts: Tensor, size: Tensor, noise: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Brow raise 0..1, (B,)."""
        s = self.unpack(state)
        chance, height_draw = noise.unbind(-1)
        question = heard.pause_cue & (heard.rise > RISE_SEMITONES)
        wanted = (question & (chance < self.AT_QUESTION)) | (nod_starts & (chance < self.AT_NOD))
        start = wanted & (s["active"] < 0.5)
        active = torch.where(start, torch.ones_like(chance), s["active"])
        elapsed = timer(torch.where(start, 0.0, s["elapsed"]), active > 0.5)
        height = torch.where(start, 0.25 + 0.35 * height_draw, s["height"])
        up = ease(elapsed / self.RISE)
        down = 1.0 - ease((elapsed - self.RISE - self.HOLD) / self.FALL)
        done = elapsed >= self.RISE + self.HOLD + self.FALL
        raised = active * height * torch.minimum(up, down) * size
        return raised, self.pack({"elapsed": elapsed, "active": torch.where(done, 0.0, active), "height": height})
