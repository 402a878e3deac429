"""How a model hears a conversation: rows of sound, made once for a clip, become features that everything else reads.

Two forms with one face, :class:`Hearing`. *Mel* (the default): log-mel bands, two rows a frame of motion, projected to
the width that the published features have. *Wav2vec*: the published one, from a user's weights. ``rows`` of a scene are
made when it is read (mel bands, or speech at 16 kHz), and features once for a clip or a training step: never again for
a step of the diffusion, as the published programs do (which costs 5 to 10 times the rest).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.errors import EngineError
from engine.sound.resample import StreamingResampler
from models.contract import initial_state
from models.layers import LogMel
from models.layers.audio import POWER_FLOOR
from train.conversation.a2p.layout import FPS, HOP, RATE, Array, Scene, Stats
from train.conversation.a2p.wav2vec import SPEECH_RATE, Wav2Vec, features_of

BANDS, SUBFRAMES = 80, 2
PIECE = 30 * FPS
"""Frames of sound that are worked on at a time."""
SILENCE = float(np.log(POWER_FLOOR))
LEADING = 320
"""Samples of silence before what the lip regressor hears, so that 120 frames have 400 features."""
MEASURED_S = 600
"""Seconds of the training scenes together, from the beginning of each, on which statistics are measured."""


class Hearing(nn.Module):
    """``channels`` voices as features (B, N, channels * width)."""

    silence: float
    """What stands in rows where there is no sound."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.width, self.channels = width, channels

    def rows(self, audio: Array) -> Tensor:
        """Rows (n, 2, ...) of a standardised conversation (frames * 1600, 2)."""
        raise NotImplementedError

    def row(self, frame: int) -> int:
        """The row at which a frame begins."""
        raise NotImplementedError

    def features(self, frames: int) -> int:
        """How many features so many frames give."""
        return self.known(frames)

    def known(self, frames: int) -> int:
        """How many features are made of the first so many frames alone."""
        raise NotImplementedError

    def fit(self, rows: Sequence[Tensor]) -> None:
        """Measure what is needed on the rows of training scenes."""
        raise NotImplementedError

    def measured(self, rows: Sequence[Tensor]) -> list[Tensor]:
        """The beginnings of scenes, of equal length where they have it, on which statistics are measured."""
        return [item[: self.row(MEASURED_S * FPS // len(rows))] for item in rows]

    def load(self, path: Path | None) -> None:
        """Published weights. Raises :class:`EngineError` where they are needed and not given, or not needed."""
        raise NotImplementedError


class Mel(Hearing):
    """Log-mel bands, standardised and projected."""

    silence = SILENCE
    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int, channels: int = 2) -> None:
        super().__init__(width, channels)
        self.mel = LogMel(RATE, HOP, BANDS, SUBFRAMES)
        self.register_buffer("mean", torch.zeros(BANDS))
        self.register_buffer("deviation", torch.ones(BANDS))
        self.project = nn.Linear(BANDS, width)

    def forward(self, rows: Tensor) -> Tensor:
        """Features (B, N, channels * width) of rows (B, N, 2, 80)."""
        scaled = (rows[:, :, : self.channels] - self.mean) / self.deviation
        return torch.as_tensor(self.project(scaled).flatten(2))

    @torch.no_grad()
    def rows(self, audio: Array) -> Tensor:
        """Bands (2 * frames, 2, 80); every row is of sound up to its own end."""
        device = self.mean.device
        hops = torch.from_numpy(np.ascontiguousarray(audio.T)).unflatten(1, (-1, HOP))
        state = initial_state(self.mel.state_specs(), 2, device)
        made = []
        for piece in hops.split(PIECE, 1):
            bands, state = self.mel(piece.to(device), state)
            made.append(bands.flatten(1, 2).cpu())
        return torch.cat(made, 1).transpose(0, 1).contiguous()

    def row(self, frame: int) -> int:
        """Two a frame."""
        return SUBFRAMES * frame

    def known(self, frames: int) -> int:
        """Two a frame."""
        return SUBFRAMES * frames

    def fit(self, rows: Sequence[Tensor]) -> None:
        """Mean and deviation of the bands."""
        every = torch.cat([item.flatten(0, 1) for item in self.measured(rows)]).double()
        self.mean.copy_(every.mean(0))
        self.deviation.copy_(every.std(0, correction=0).clamp_min(1e-3))

    def load(self, path: Path | None) -> None:
        """There are none."""
        if path is not None:
            raise EngineError("--wav2vec goes with hearing=wav2vec; give both, or neither")


class Speech(Hearing):
    """wav2vec's features. ``aggregated``: the large model's, after :data:`LEADING` samples of silence."""

    silence = 0.0

    def __init__(self, width: int, channels: int = 2, literal: bool = False, aggregated: bool = False) -> None:
        super().__init__(width, channels)
        self.model = Wav2Vec(width, aggregated, literal)
        self.leading = LEADING if aggregated else 0

    def forward(self, rows: Tensor) -> Tensor:
        """Features (B, N, channels * width) of speech (B, samples, 2)."""
        speech = functional.pad(rows[:, :, : self.channels].transpose(1, 2).flatten(0, 1), (self.leading, 0))
        found = self.model(speech).unflatten(0, (-1, self.channels))
        return torch.as_tensor(found.transpose(1, 2).flatten(2))

    def rows(self, audio: Array) -> Tensor:
        """The conversation (samples, 2) at 16 kHz."""
        made = []
        for channel in audio.T:
            resampler = StreamingResampler(RATE, SPEECH_RATE)
            blocks = np.array_split(channel, max(1, len(channel) // (PIECE * HOP)))
            made.append(np.concatenate([*(resampler.push(block) for block in blocks), resampler.flush()]))
        return torch.from_numpy(np.stack(made, 1)[: self.row(len(audio) // HOP)])

    def row(self, frame: int) -> int:
        """Samples at 16 kHz."""
        return round(frame * SPEECH_RATE / FPS)

    def known(self, frames: int) -> int:
        """1998 for 600 frames."""
        return features_of(self.row(frames) + self.leading, self.model.convs)

    def fit(self, rows: Sequence[Tensor]) -> None:
        """Running statistics, half a minute at a time, of the voices that it hears."""
        pieces = (piece for item in self.measured(rows) for piece in item.split(self.row(PIECE)))
        least = self.row(FPS)  # less than a second has hardly any statistics
        voices = (piece[:, channel] for piece in pieces if len(piece) >= least for channel in range(self.channels))
        self.model.measure(voices)

    def load(self, path: Path | None) -> None:
        """The weights of a fairseq file."""
        if path is None:
            raise EngineError("hearing=wav2vec needs the weights of fairseq: give --wav2vec FILE, or hearing=mel")
        self.model.load(path)


def standardised(scene: Scene, stats: Stats, first: int = 0, last: int | None = None) -> Array:
    """The conversation of frames of a scene, less the channels' means, over the one deviation of both."""
    return np.asarray((scene.audio(first, last) - stats.audio_mean) / stats.audio_std_flat, np.float32)
