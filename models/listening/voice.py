"""What a model hears of its avatar's voice: mel bands, level and its rises, computed in the graph from PCM.

An accent is a syllable that stands out of the voice's own last seconds, so levels are told against a running peak of
the voice. Statistics run over the past only.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors, finite, named, part
from models.layers import LogMel

SUBFRAMES = 4
"""Moments a frame at which the voice is looked at."""
MEL_MEAN, MEL_SCALE = -13.0, 4.0
"""Brings log-mel powers of speech near -30 dBFS to about unit size."""
SILENT, FALL_S = -11.5, 6.0
"""Lowest running peak of the level (log power, some -50 dBFS), and seconds in which the peak falls by 9 dB."""
SPAN = 5.0
"""Log power under the peak (some 22 dB) that counts as no voice."""
HANGOVER_S = 0.3
"""Time constant (s) of the trace of speech."""


class VoiceFeatures(nn.Module):
    """PCM hops (B, T, hop) and their validity (B, T) to features (B, T, ``raw_width``); no parameters. ``rate`` frames
    a second, ``bands`` of the mel spectrum."""

    def __init__(self, sample_rate: int, rate: float, bands: int) -> None:
        super().__init__()
        self.rate = rate
        self.mel = LogMel(sample_rate, int(sample_rate / rate), bands, SUBFRAMES)

    @property
    def raw_width(self) -> int:
        """Numbers a frame of :meth:`features`: bands, then levels, rises, the peak, the trace of speech, validity."""
        bands: int = self.mel.filters.shape[1]
        return bands + 2 * SUBFRAMES + 3

    def state_specs(self) -> dict[str, StateSpec]:
        """The running peak, the level before and the trace of speech; the tail of the sound."""
        return {"voice": StateSpec((3,))} | named("mel", self.mel.state_specs())

    def features(self, pcm: Tensor, valid: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Raw features (B, T, ``raw_width``), without parameters, and the updates of ``mel`` and ``voice``."""
        mel, heard = self.mel(pcm * valid[..., None], part(state, "mel"))
        level = mel.logsumexp(-1)
        loudest = level.amax(-1)
        peak, before, speech = state["voice"].unbind(-1)
        keep = math.exp(-1.0 / (self.rate * HANGOVER_S))
        fall = 2.0 / (self.rate * FALL_S)
        rows = []
        for t in range(level.shape[1]):
            # The peak is held as its distance above the lowest, so that a fresh state of zeros is a quiet room.
            above = (loudest[:, t] - SILENT).clamp(min=0.0)
            peak = torch.maximum(peak - fall, torch.minimum(above, peak + 1.5)).clamp(min=0.0)
            relative = ((level[:, t] - SILENT - peak[:, None]) / SPAN).clamp(-1.5, 1.0)
            here = (relative.amax(-1) > -0.6).to(level.dtype)
            speech = torch.maximum(speech * keep, here)
            rise = torch.cat([relative[:, :1] - before[:, None], relative.diff(dim=-1)], -1)
            before = relative[:, -1]
            rows.append(torch.cat([relative, rise, 0.2 * peak[:, None], speech[:, None]], -1))
        bands = (mel.mean(2) - MEL_MEAN) / MEL_SCALE
        told = torch.cat([bands, torch.stack(rows, 1), valid[..., None]], -1)
        return told, named("mel", heard) | {"voice": finite(torch.stack([peak, before, speech], -1))}
