"""Fundamental frequency of a voice, hop by hop, cheap enough to run inside a served graph.

The signal is low-passed and decimated to about 4 kHz; for each sub-frame the newest stretch is correlated with the
stretch one lag earlier, mean removed and normalised by both energies (the cross-correlation of Talkin's RAPT, 1995).
All correlations come from block sums: a block is one sub-frame, a stretch a few blocks, so overlapping stretches share
their products.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from models.contract import Tensors
from models.layers.audio import PcmLayer, step_samples

ANALYSIS_RATE = 4000
CUTOFF = 900.0
STRETCH_SECONDS = 0.03
QUIET = 10.0 ** (-65 / 10)
"""Mean square added to both energies, so that hiss well below -65 dBFS shows no periodicity."""
LOWEST, HIGHEST = 62.0, 400.0
"""Bounds of f0 in Hz."""
VOICED = 0.65
"""Periodicity from which a sub-frame counts as voiced."""
FIRST_PEAK = 0.88
"""A shorter lag wins when its peak reaches this share of the highest: a period's multiples correlate as well as it."""


class PitchTrack(NamedTuple):
    """Pitch over frames, (B, T, subframes) both."""

    hertz: Tensor  #: f0, 0 where unvoiced
    periodicity: Tensor  #: the correlation in [0, 1] behind it


class Pitch(PcmLayer):
    """f0 and periodicity of each sub-frame.

    ``sample_rate`` in Hz, ``hop`` samples a frame, ``subframes`` a divisor of it. An estimate ends with its sub-frame
    and spans the 30 ms before it plus one period, so it stands for a moment about 20 ms earlier.
    """

    taps: Tensor
    lags: Tensor

    def __init__(
        self,
        sample_rate: int,
        hop: int,
        subframes: int,
    ) -> None:
        step = step_samples(hop, subframes)
        self.factor = max(
            f for f in range(1, step + 1) if step % f == 0 and f * ANALYSIS_RATE <= max(sample_rate, 4000)
        )
        rate = sample_rate / self.factor
        self.block = step // self.factor
        self.spans = max(1, round(STRETCH_SECONDS * rate / self.block))
        self.shortest, self.longest = math.floor(rate / HIGHEST) - 1, math.ceil(rate / LOWEST) + 1
        taps = 16 * self.factor
        history = self.longest + (self.spans - 1) * self.block
        super().__init__(hop, history * self.factor + taps - self.factor)
        self.subframes, self.rate = subframes, rate
        self.quiet = QUIET * self.spans * self.block
        self.register_buffer("taps", lowpass(taps, CUTOFF / sample_rate)[None, None], persistent=False)
        lags = torch.arange(self.longest, self.shortest - 1, -1, dtype=torch.float32)
        self.register_buffer("lags", lags, persistent=False)

    def forward(self, x: Tensor, state: Tensors) -> tuple[PitchTrack, Tensors]:
        """f0 and periodicity of ``x`` (B, T, hop)."""
        signal, updates = self.extend(x, state)
        heard = functional.conv1d(signal[:, None], self.taps, stride=self.factor)[:, 0]
        score = self.correlation(heard)
        before, here, after = score[..., :-2], score[..., 1:-1], score[..., 2:]
        peaks = (here > before) & (here >= after)
        heights = torch.where(peaks, here, 0.0)
        best = heights.amax(-1, keepdim=True)
        # Lags run from long to short, so the shortest acceptable one is the last: weigh by position, take the largest.
        position = torch.arange(here.shape[-1], device=x.device)
        chosen = torch.where(heights >= FIRST_PEAK * best, position, 0).amax(-1, keepdim=True)
        left, top, right = (part.gather(-1, chosen)[..., 0] for part in (before, here, after))
        bend = (left - 2 * top + right).clamp_max(-1e-6)
        offset = (0.5 * (left - right) / bend).clamp(-0.5, 0.5)
        lag = self.lags[1:-1][chosen[..., 0]] - offset
        found = best[..., 0] > 0
        periodicity = torch.where(found, top - 0.25 * (left - right) * offset, 0.0).clamp(0.0, 1.0)
        f0 = torch.where(periodicity >= VOICED, (self.rate / lag).clamp(LOWEST, HIGHEST), 0.0)
        shape = (-1, self.subframes)
        return PitchTrack(f0.unflatten(1, shape), periodicity.unflatten(1, shape)), updates

    def correlation(self, heard: Tensor) -> Tensor:
        """Normalised correlation (B, N, lags) of each sub-frame's stretch with the one a lag earlier; longest lag
        first. ``heard`` (B, samples) is the decimated signal, its first ``longest`` samples only ever the earlier."""
        length = heard.shape[1] - self.longest
        newest = heard[:, self.longest :]
        # Row k must begin k samples later. Copies laid end to end and cut into rows one longer do that by copies alone,
        # where unfold would become a gather of single numbers, over half the cost of the whole layer.
        lags, total = self.lags.numel(), heard.shape[1]
        copies = heard[:, None].expand(-1, lags + 1, -1).flatten(1)
        earlier = copies[:, : lags * (total + 1)].unflatten(1, (lags, total + 1))[..., :length]
        product = self.stretches(newest[:, None] * earlier)
        sums, squares = self.stretches(earlier), self.stretches(earlier.square())
        own, own_square = self.stretches(newest[:, None]), self.stretches(newest[:, None].square())
        count = self.spans * self.block
        shared = product - own * sums / count
        # Rounding may leave a spread a hair below zero; the quiet floor keeps the root real and the quotient finite.
        spread = (squares - sums.square() / count).clamp_min(0.0) + self.quiet
        own_spread = (own_square - own.square() / count).clamp_min(0.0) + self.quiet
        return (shared / (spread * own_spread).sqrt()).transpose(1, 2)

    def stretches(self, values: Tensor) -> Tensor:
        """Sums over each stretch that ends with a block: (B, lags, samples) -> (B, lags, N)."""
        blocks = values.unflatten(-1, (-1, self.block)).sum(-1)
        ends = blocks.shape[-1] - self.spans + 1
        return torch.stack([blocks[..., k : k + ends] for k in range(self.spans)]).sum(0)


def lowpass(taps: int, cutoff: float) -> Tensor:
    """Hann-windowed sinc with unit gain at 0 Hz; ``cutoff`` as a share of the sample rate."""
    time = torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2
    ideal = torch.sinc(2 * cutoff * time)
    shaped = ideal * (0.5 + 0.5 * torch.cos(2 * math.pi * time / (taps + 1)))
    return (shaped / shaped.sum()).float()
