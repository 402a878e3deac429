"""What kind of sound the partner's is: music, which invites no back-channel, or a whisper, which does as speech does.

Three running numbers tell them, over some 1.5 s of the past, near the running peak of the level:

- **steadiness**: of two voiced moments 10 ms apart, the share whose pitch is the same within 6 cents. Notes keep
  theirs, voices glide (pitch and harmonics tell music in Zhang & Kuo 2001, IEEE Trans. Speech and Audio Processing 9).
  It is taken from the loudest moments alone, in which a voice stands out of music beside it. People speaking had 0.1
  to 0.3, synthetic voices up to 0.4, notes 0.5 to 1.
- **swing**: how far the level moves at syllable rate, around 4 Hz (Houtgast & Steeneken 1985, JASA 77; "4 Hz modulation
  energy" of Scheirer & Slaney 1997, ICASSP). Speech had 4 to 9 dB, music, which fills its pauses, 1 to 4.
- **spread**: how far the shape of the spectrum moves (dB, over ten bands), as vowels and fricatives take turns (the
  variances of centroid and flux of Scheirer & Slaney). Speech and whispers had 5 to 8, music 2 to 5.5, noise and
  keyboards 1 to 4.

**Music** is steady and swings little, and so does singing: most of it counts as music. Speech over music 10 dB below it
stays speech. Music without pitch below 400 Hz (drums, a flute) is not told, but it is not heard as a voice either.

**A whisper** swings like speech in level and in shape, without voicing (Jovicic & Saric 2008, J. Voice 22: its source
alone is another). It has no pitch by which to tell the end of a phrase, so shorter pauses invite: the least that count
as pauses (Campione & Veronis 2002, Speech Prosody). In noise 10 dB below, it is not heard.

Weights and limits are ours, set on clips of people, on voices in ten languages, on whispers made of both, on pieces for
solo instruments and bands, and on noises. A kind shows after one to five seconds.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from models.listening.bands import EDGES
from models.listening.cell import DT, RecurrentCell, follow
from models.listening.prosody import Prosody

BANDS = len(EDGES) - 1
SILENT, LEAST = -100.0, -66.0
"""Level (dBFS) of a peak at the start, and below which nothing is judged."""
PEAK_FALL, NEAR_PEAK, LOUDEST = 4.0, 20.0, 9.0
"""The running peak's fall (dB/s); dB below it within which sound is judged at all, and for its pitch."""
SWING, SHAPE = 30.0, 25.0
"""dB below the peak, and below the loudest band, at which level and bands are cut off."""
VOICED, SAME_SEMITONES, SEMITONES = 0.7, 0.06, 12.0 / math.log(2.0)
QUICK, SLOW = 0.03, 0.25
"""Time constants (s) between which the level's swing is: 0.6 to 5 Hz."""
MEMORY, FIRST = 1.5, 1.0
"""Time constant (s) of the running numbers, and least seconds of sound before it is judged."""
STEADY_WEIGHT, SWING_WEIGHT, MUSIC_FROM, CERTAIN, KEEP = 10.0, 0.35, 1.5, 3.0, 0.8
"""Evidence of music: weighted steadiness less weighted swing and spread less a threshold; its bound, and the margin by
which it must change sides."""
WHISPER_SWING, WHISPER_SPREAD, WHISPER_VOICED, WHISPER_PAUSE, WHISPER_AFTER = 4.2, 5.4, 0.12, 0.24, 1.0
"""A whisper swings and spreads at least so much and has at most so many voiced pairs; the pause (s) in it that invites,
and the speech (s) before."""
JUDGING = 0.8
"""Time constant (s) of the evidence."""


class Kind(NamedTuple):
    """One frame, (B,) bool each."""

    music: Tensor
    whisper: Tensor


class Kinds(RecurrentCell):
    """Level, pitch and bands of one frame in, :class:`Kind` out."""

    fields = (
        "peak",
        "heard_for",
        "pitch",
        "was_voiced",
        "quick",
        "slow",
        "swing",
        "is_music",
        "voiced",
        "steady",
        "music",
        "whisper",
        *(f"mean_{band}" for band in range(BANDS)),
        *(f"square_{band}" for band in range(BANDS)),
    )

    def __call__(
        self, level: Tensor, pitch: Tensor, periodicity: Tensor, bands: Tensor, valid: Tensor, state: Tensor
    ) -> tuple[Kind, Tensor]:
        """``level`` dBFS, ``pitch`` Hz and ``periodicity`` 0..1 are (B, subframes), ``bands`` dBFS (B, 10)."""
        s = self.unpack(state)
        now = 10.0 * torch.log10(torch.pow(10.0, level / 10.0).mean(-1) + 1e-10)
        peak = torch.maximum(s["peak"] - PEAK_FALL * DT, now - SILENT).clamp(min=0.0)
        under = now - SILENT - peak
        judged = (under > -NEAR_PEAK) & (now > LEAST) & (valid > 0.5)
        close = judged & (under > -LOUDEST)

        semitones = SEMITONES * torch.log(pitch.clamp(min=30.0) / 100.0)
        voiced = (periodicity > VOICED) & (pitch > 0.0) & close[:, None]
        tones = torch.cat([s["pitch"][:, None], semitones], 1)
        sounding = torch.cat([s["was_voiced"][:, None], voiced.float()], 1)
        pairs = sounding[:, 1:] * sounding[:, :-1]
        same = pairs * ((tones[:, 1:] - tones[:, :-1]).abs() < SAME_SEMITONES)

        swung = (under + SWING).clamp(0.0, SWING)
        quick, slow = follow(s["quick"], swung, QUICK), follow(s["slow"], swung, SLOW)
        shape = (bands - bands.amax(-1, keepdim=True)).clamp(min=-SHAPE)
        tone, judgement, mean, square = state[:, -2 * BANDS - 4 :].split([2, 2, BANDS, BANDS], -1)
        heard_for = s["heard_for"] + DT * judged
        share = torch.maximum(DT / heard_for.clamp(min=DT), torch.full_like(now, DT / MEMORY))[:, None]

        values = {
            "peak": peak,
            "heard_for": heard_for.clamp(max=60.0),
            "pitch": tones[:, -1],
            "was_voiced": sounding[:, -1],
            "quick": quick,
            "slow": slow,
            "swing": follow(s["swing"], (quick - slow).square(), MEMORY),
        }
        told = torch.stack([pairs, same], 1).mean(-1)
        tone = torch.where(close[:, None], follow(tone, told, MEMORY), tone)
        steady_pairs, voiced_pairs = tone[:, 1], tone[:, 0]
        mean = torch.where(judged[:, None], mean + (shape - mean) * share, mean)
        square = torch.where(judged[:, None], square + (shape.square() - square) * share, square)
        swing = values["swing"].sqrt()
        spread = (square - mean.square()).clamp(min=0.0).mean(-1).sqrt()

        steadiness = steady_pairs / voiced_pairs.clamp(min=0.05)
        music = STEADY_WEIGHT * steadiness - SWING_WEIGHT * (swing + spread) - MUSIC_FROM
        voiceless = (1.0 - voiced_pairs / WHISPER_VOICED) * CERTAIN
        whisper = torch.minimum(torch.minimum(swing - WHISPER_SWING, spread - WHISPER_SPREAD), voiceless)
        sure = judged & (heard_for > FIRST)
        evidence = torch.stack([music, whisper], -1).clamp(-CERTAIN, CERTAIN)
        judgement = torch.where(sure[:, None], follow(judgement, evidence, JUDGING), judgement)
        is_music = judgement[:, 0] > KEEP - 2.0 * KEEP * s["is_music"]
        values["is_music"] = is_music.float()
        first = torch.stack([values[name] for name in self.fields[: -2 * BANDS - 4]], -1)
        kind = Kind(is_music, (judgement[:, 1] > 0.0) & ~is_music)
        return kind, torch.cat([first, tone, judgement, mean, square], -1)


def invites(heard: Prosody, kind: Kind, speech_for: Tensor) -> Prosody:
    """What is ``heard`` as a listener takes it: nothing invites in music, and short pauses do in a whisper after
    ``speech_for`` (B,) seconds of it."""
    # A pause grows by whole frames: one of them is within half a frame of the pause that is asked for.
    begun = (heard.quiet_for - WHISPER_PAUSE).abs() < 0.5 * DT
    soft = kind.whisper & begun & (speech_for >= WHISPER_AFTER)
    speech = ~kind.music
    return heard._replace(
        low_cue=heard.low_cue & speech, pause_cue=(heard.pause_cue | soft) & speech, speaking=heard.speaking & speech
    )
