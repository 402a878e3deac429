"""What the predictor hears: log-mel bands and prosody, computed in the graph from PCM, without parameters.

Prosody is read as by every listener (:mod:`models.listening.prosody`: level over a running noise floor, speech and
pauses, pitch against the speaker's own low percentile, final rises), regions of low pitch more exactly
(:mod:`.low_pitch`), and becomes bounded numbers: timers turn into decaying traces, so a pause of a minute looks like
one of ten seconds. Statistics run over the past only.

Music is heard as silence, in bands and prosody alike (:mod:`models.listening.kinds` tells it): who never learned from
music then still does not answer it. A whisper is told, and counts as speech.

Bands are free of level and of the microphone's colour: each is told as its distance from how loud it has lately been, a
running form of cepstral mean subtraction (Atal 1974, JASA 55) that rises within a syllable and falls over some pauses.
Another gain, a telephone's band or a steady noise shift both alike.

Weights are trained on these features, so nothing that is tuned for another listener may enter here. A golden test
(``tests/models/test_reaction_features.py``) pins them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors, named, part
from models.layers import Energy, LogMel, Pitch, PitchTrack
from models.listening import HOP, SAMPLE_RATE, CueRules, ProsodyTracker, RecurrentCell
from models.listening.bands import BandLevels
from models.listening.cell import DT
from models.listening.kinds import Kinds
from models.listening.prosody import VOICED_MEMORY
from models.reaction.low_pitch import LONG_FOR, LowPitch

SUBFRAMES = 4
CUES = CueRules(low_percentile=0.26, low_for=0.110, low_after_speech=0.700, pause_for=0.400, pause_after_speech=1.000)
"""What counts as a cue in the features that the shipped weights were trained on: another choice needs new weights."""
LOUD_START, LOUD_RISE, LOUD_FALL = -13.0, 0.3, 3.0
"""How loud (natural log of power) a band is taken to be before anything was heard, near speech at -30 dBFS, and the
time constants (s) of its running estimate."""
BELOW, ABOVE, MEL_MEAN, MEL_SCALE = -8.0, 2.0, -3.0, 3.0
"""Least and largest distance from it, and what brings distances in speech to about unit size."""
SILENCE = (BELOW - MEL_MEAN) / MEL_SCALE
"""A band in which nothing is heard."""
PAUSES, STRETCHES = (0.25, 1.0, 4.0), (0.5, 2.0, 8.0)
"""Time constants (s) of the traces of the time since speech and of the length of speech."""
LISTENS_ON_S = 2.0
"""Seconds of a pause for which a partner still counts as talking."""
LOW_TRACES = (0.3, 1.0, 3.0)
"""Time constants (s) of the traces of the time since a region of low pitch: it is answered some half second on."""
PROSODY = (
    "speaking",
    "onset",
    "low_cue",
    "pause_cue",
    "rise",
    "loudness",
    "voiced",
    "tone",
    "tone_speed",
    "low_for",
    *(f"quiet_{tau:g}" for tau in PAUSES),
    *(f"speech_{tau:g}" for tau in STRETCHES),
    "low",
    "height",
    "low_lasts",
    *(f"low_{tau:g}" for tau in LOW_TRACES),
    "whisper",
)
"""Names of the prosodic features, which follow the bands."""


class AudioFeatures(nn.Module):
    """PCM hops (B, T, hop) and their validity (B, T) to features (B, T, ``width``): ``bands``, then :data:`PROSODY`."""

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.mel = LogMel(SAMPLE_RATE, HOP, bands, SUBFRAMES)
        self.energy = Energy(HOP, SUBFRAMES)
        self.pitch = Pitch(SAMPLE_RATE, HOP, SUBFRAMES)
        self.levels = BandLevels(SAMPLE_RATE, HOP)
        self.kinds, self.prosody, self.low = Kinds(), ProsodyTracker(CUES), LowPitch(SUBFRAMES)
        self.width = bands + len(PROSODY)

    def state_specs(self) -> dict[str, StateSpec]:
        """PCM tails of the features and the running statistics of the voice."""
        layers = {"mel": self.mel, "energy": self.energy, "pitch": self.pitch}
        specs = {key: spec for name, layer in layers.items() for key, spec in named(name, layer.state_specs()).items()}
        bands = StateSpec((self.width - len(PROSODY),))
        cells = {name: cell.state_spec() for name, cell in self._cells().items()}
        return specs | cells | {"loud": bands}

    def _cells(self) -> dict[str, RecurrentCell]:
        return {"kinds": self.kinds, "voice": self.prosody, "low": self.low}

    def forward(self, pcm: Tensor, valid: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Features of ``pcm``; a hop that is not valid counts as silence."""
        present = pcm * valid[..., None]
        mel, mel_update = self.mel(present, part(state, "mel"))
        level, level_update = self.energy(present, part(state, "energy"))
        pitch, pitch_update = self.pitch(present, part(state, "pitch"))
        levels, _ = self.levels(present, {})
        prosody, heard, cells = self._prosody(level, pitch, levels, valid, state)
        bands, loud = self._level_free(mel.mean(2), heard, state["loud"])
        # Not zeroed: a hop that did not arrive is the network's to judge, by its validity.
        music = (valid - heard)[..., None]
        bands = bands + (SILENCE - bands) * music
        features = torch.cat([bands, prosody], -1)
        updates = named("mel", mel_update) | named("energy", level_update) | named("pitch", pitch_update)
        return features, updates | cells | {"loud": loud}

    def talks(self, features: Tensor) -> Tensor:
        """True (B, T) where, by what :meth:`forward` gave, the partner talks or did within :data:`LISTENS_ON_S`."""
        told = dict(zip(PROSODY, features[..., self.width - len(PROSODY) :].unbind(-1), strict=True))
        recently = told[f"quiet_{PAUSES[-1]:g}"] > math.exp(-LISTENS_ON_S / PAUSES[-1])
        begun = told[f"speech_{STRETCHES[-1]:g}"] < math.exp(-0.5 * DT / STRETCHES[-1])
        return begun & (recently | (told["speaking"] > 0.5))

    def _level_free(self, mel: Tensor, valid: Tensor, loud: Tensor) -> tuple[Tensor, Tensor]:
        """Log powers (B, T, bands) as distances from how loud each band has been, and that, less its start, after
        them. Of a hop that did not arrive nothing is learnt."""
        rows = []
        for t in range(mel.shape[1]):
            apart = mel[:, t] - LOUD_START - loud
            rate = torch.where(apart > 0.0, DT / LOUD_RISE, DT / LOUD_FALL) * valid[:, t, None]
            loud = loud + rate * apart
            rows.append(mel[:, t] - LOUD_START - loud)
        return (torch.stack(rows, 1).clamp(BELOW, ABOVE) - MEL_MEAN) / MEL_SCALE, loud

    def _prosody(
        self, level: Tensor, pitch: PitchTrack, bands: Tensor, valid: Tensor, state: Tensors
    ) -> tuple[Tensor, Tensor, Tensors]:
        """The features :data:`PROSODY` (B, T, F), frame by frame; 1 (B, T) where what arrived is not music; and the
        states of the cells after them."""
        rows, there = [], []
        kinds, voice, low = state["kinds"], state["voice"], state["low"]
        for t in range(level.shape[1]):
            sound = level[:, t], pitch.hertz[:, t], pitch.periodicity[:, t]
            kind, kinds = self.kinds(*sound, bands[:, t], valid[:, t], kinds)
            there.append(valid[:, t] * (~kind.music).to(valid.dtype))
            heard, voice = self.prosody(*sound, there[-1], voice, kind.whisper)
            s = self.prosody.unpack(voice)
            voiced = (sound[1] > 0.0) & (s["since_voiced"] < VOICED_MEMORY)[:, None]
            region, low = self.low(sound[1], voiced, s["speech_for"], low)
            known = (s["voiced"] > 0.0).float()
            columns = [
                heard.speaking.float(),
                heard.onset.float(),
                heard.low_cue.float(),
                heard.pause_cue.float(),
                (heard.rise / 4.0).clamp(-2.0, 2.0),
                heard.loudness,
                (s["since_voiced"] < 0.05).float(),
                known * ((s["fast"] - s["quantile"]) / 6.0).clamp(-2.0, 2.0),
                known * ((s["fast"] - s["slow"]) / 3.0).clamp(-2.0, 2.0),
                s["low_for"].clamp(max=1.0),
                *(torch.exp(-heard.quiet_for / tau) for tau in PAUSES),
                *(torch.exp(-s["speech_for"] / tau) for tau in STRETCHES),
                region.begins.float(),
                (region.height / 6.0).clamp(-2.0, 2.0),
                (region.lasts / LONG_FOR).clamp(max=2.0),
                *(torch.exp(-region.since / tau) for tau in LOW_TRACES),
                kind.whisper.float(),
            ]
            rows.append(torch.stack(columns, -1))
        return torch.stack(rows, 1), torch.stack(there, 1), {"kinds": kinds, "voice": voice, "low": low}
