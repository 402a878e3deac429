"""Prosody of the partner's voice, read frame by frame: who is speaking, pauses, and places that invite a back-channel.

All statistics run over the past only. The cues are the published prosodic rules, whose thresholds (:class:`CueRules`)
each listener states for itself:

- **low pitch** (Ward & Tsukahara 2000, J. Pragmatics 32, English rule): pitch below the speaker's own 26th percentile
  for 110 ms, after at least 700 ms of speech. The percentile is a running one (stochastic quantile estimate, Robbins &
  Monro 1951) over voiced sub-frames of 10 ms.
- **pause** (Truong, Poppe & Heylen 2010, Interspeech): 400 ms of silence after at least 1000 ms of speech.
- **final rise**: pitch rising into the pause, as in questions and checks (also a condition of Truong et al.).

Speech is level above a running noise floor, with voicing not long ago, so steady or unvoiced noise is not speech. The
floor is the lowest level of the last two to four seconds, which speech keeps returning to between its syllables
(minimum statistics, Martin 2001, IEEE Trans. Speech and Audio Processing 9). The margin of 6 dB is low since voicing is
asked for as well; the hangover is the 200 ms of ITU-T P.56, longer than a stop closure and the least that counts as a
pause (Campione & Veronis 2002, Speech Prosody). These constants say how a voice is measured and are shared: trained
listeners depend on them, and a golden test (``tests/models/test_reaction_features.py``) notices if one changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from models.listening.cell import DT, RecurrentCell, follow, timer

FLOOR_START, FLOOR_LEAST, FLOOR_BLOCK, HIGHEST = -60.0, -80.0, 2.0, 0.0
"""Noise floor at the start and at least (dBFS), seconds of a block of its minimum, and a level above every other."""
SPEECH_ABOVE_FLOOR, SPEECH_LEAST = 6.0, -66.0
VOICED_PERIODICITY, VOICED_MEMORY = 0.7, 0.30
ONSET, HANGOVER = 0.08, 0.20
LOUDNESS_SPAN = 30.0
"""dB above the floor that counts as full loudness."""


@dataclass(frozen=True)
class CueRules:
    """Which regions of low pitch and which pauses count as cues. Times in seconds."""

    low_percentile: float  #: share of a speaker's voiced pitch that counts as low
    low_for: float  #: low pitch lasts at least so long
    low_after_speech: float  #: and comes after so much speech
    pause_for: float  #: silence that makes a pause
    pause_after_speech: float  #: speech before it


class Prosody(NamedTuple):
    """One frame of the partner's voice, every entry (B,); flags are bool, times seconds."""

    speaking: Tensor
    onset: Tensor  #: speech begins after a pause
    low_cue: Tensor  #: a region of low pitch has just become long enough
    pause_cue: Tensor  #: a pause has just become long enough
    rise: Tensor  #: semitones by which pitch rose at the end of the last voiced stretch
    quiet_for: Tensor
    loudness: Tensor  #: 0 at the floor, 1 at 30 dB above


class _PitchStatistics(NamedTuple):
    """Running pitch statistics, and how one frame stands to them; all (B,)."""

    columns: dict[str, Tensor]  #: the next ``quantile``, ``voiced``, ``fast``, ``slow`` and ``rise``
    high: Tensor  #: bool: voiced, and mostly above the low percentile
    low_share: Tensor  #: share of the sub-frames below it


class ProsodyTracker(RecurrentCell):
    """Level, periodicity and pitch of one frame's sub-frames in, :class:`Prosody` out."""

    fields = (
        "lowest",
        "lowest_before",
        "block_for",
        "since_voiced",
        "burst_for",
        "quiet_for",
        "speech_for",
        "quantile",
        "voiced",
        "low_for",
        "fast",
        "slow",
        "rise",
    )

    def __init__(self, rules: CueRules) -> None:
        self.rules = rules

    def __call__(
        self,
        level: Tensor,
        pitch: Tensor,
        periodicity: Tensor,
        valid: Tensor,
        state: Tensor,
        whisper: Tensor | None = None,
    ) -> tuple[Prosody, Tensor]:
        """``level`` dBFS, ``pitch`` Hz and ``periodicity`` 0..1 are (B, subframes); ``valid`` (B,) is 0 where no audio
        arrived: nothing is learnt from such a frame and it counts as silence. ``whisper`` (B,), bool: sound that is
        speech without a voice; who does not tell whispers leaves it out."""
        s, rules = self.unpack(state), self.rules
        heard = valid > 0.5
        now = 10.0 * torch.log10(torch.pow(10.0, level / 10.0).mean(-1) + 1e-10)

        lowest = torch.minimum(FLOOR_START + s["lowest"], now).clamp(min=FLOOR_LEAST)
        before = FLOOR_START + s["lowest_before"]
        floor = torch.minimum(lowest, before)
        turn = s["block_for"] + DT >= FLOOR_BLOCK

        loud = (now > floor + SPEECH_ABOVE_FLOOR) & (now > SPEECH_LEAST) & heard
        voiced_at = (periodicity > VOICED_PERIODICITY) & (pitch > 0.0) & loud[:, None]
        voiced = voiced_at.any(-1)
        since_voiced = timer(s["since_voiced"], ~voiced)
        active = loud & (since_voiced < VOICED_MEMORY) & ((s["voiced"] > 0.0) | voiced)
        if whisper is not None:
            active = active | (loud & whisper)

        resumed = active & ((s["quiet_for"] >= rules.pause_for) | (s["speech_for"] <= 0.0))
        quiet_for = timer(s["quiet_for"], ~active)
        burst_for = torch.where(active, s["burst_for"] + DT, torch.where(quiet_for > HANGOVER, 0.0, s["burst_for"]))
        burst_for = burst_for.clamp(max=60.0)
        grown = torch.where(active, s["speech_for"] + DT, s["speech_for"])
        speech_for = torch.where(resumed, torch.full_like(grown, DT), grown).clamp(max=60.0)
        speaking = (burst_for >= ONSET) & (quiet_for <= HANGOVER)
        paused = (s["quiet_for"] < rules.pause_for) & (quiet_for >= rules.pause_for)
        pause_cue = paused & (speech_for >= rules.pause_after_speech)

        tone = self._pitch(pitch, voiced_at, s)
        low_for = torch.where(tone.high, 0.0, s["low_for"] + tone.low_share * DT)
        low_for = torch.where(since_voiced > 0.1, 0.0, low_for).clamp(max=5.0)
        low_cue = (s["low_for"] < rules.low_for) & (low_for >= rules.low_for) & (speech_for >= rules.low_after_speech)

        prosody = Prosody(
            speaking=speaking,
            onset=resumed,
            low_cue=low_cue,
            pause_cue=pause_cue,
            rise=tone.columns["rise"],
            quiet_for=quiet_for,
            loudness=((now - floor) / LOUDNESS_SPAN).clamp(0.0, 1.0) * active,
        )
        learnt = {
            "lowest": torch.where(turn, torch.full_like(lowest, HIGHEST), lowest) - FLOOR_START,
            "lowest_before": torch.where(turn, lowest, before) - FLOOR_START,
            "block_for": torch.where(turn, 0.0, s["block_for"] + DT),
            **tone.columns,
        }
        kept = {name: torch.where(heard, value, s[name]) for name, value in learnt.items()}
        times = {"since_voiced": since_voiced, "burst_for": burst_for, "quiet_for": quiet_for}
        return prosody, self.pack({**kept, **times, "speech_for": speech_for, "low_for": low_for})

    def _pitch(self, pitch: Tensor, voiced_at: Tensor, s: dict[str, Tensor]) -> _PitchStatistics:
        """Statistics in semitones above 100 Hz after this frame's sub-frames."""
        semitones = 12.0 / math.log(2.0) * torch.log(pitch.clamp(min=30.0) / 100.0)
        weight = voiced_at.float()
        count = weight.sum(-1)
        here = (semitones * weight).sum(-1) / count.clamp(min=1.0)
        any_voiced, first = count > 0.0, s["voiced"] <= 0.0

        start = torch.where(first, here - 2.0, s["quantile"])
        low_at = voiced_at & (semitones < start[:, None])
        low = low_at.float().sum(-1)
        gain = torch.maximum(4.0 / (s["voiced"] + 8.0), torch.full_like(here, 0.06))
        quantile = start + gain * (self.rules.low_percentile * count - low)
        fast = torch.where(any_voiced, torch.where(first, here, follow(s["fast"], here, 0.06)), s["fast"])
        slow = torch.where(any_voiced, torch.where(first, here, follow(s["slow"], here, 0.4)), s["slow"])
        columns = {
            "quantile": torch.where(any_voiced, quantile, s["quantile"]),
            "voiced": (s["voiced"] + count).clamp(max=10_000.0),
            "fast": fast,
            "slow": slow,
            "rise": torch.where(any_voiced, fast - slow, s["rise"]),
        }
        return _PitchStatistics(columns, any_voiced & (low < 0.5 * count), low / pitch.shape[-1])
