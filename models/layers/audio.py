"""Audio features computed inside the graph, hop by hop: level, mel spectrum, cepstrum.

Every layer takes PCM hops ``(B, T, hop)`` in [-1, 1] and gives ``subframes`` values a hop, each from samples up to the
end of its own sub-frame and no later. What an analysis window needs of earlier hops is carried as a PCM tail, silence
at the start. Non-finite samples count as silence. Pitch has a file of its own, :mod:`models.layers.pitch`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.spec import StateSpec
from models.contract import Tensors, finite
from models.layers.base import Layer

LOWEST = 20.0
"""Hz at which the lowest mel band begins."""
POWER_FLOOR = 1e-10
"""Mean square below which a sub-frame counts as silent: -100 dB against full scale."""


def step_samples(hop: int, subframes: int) -> int:
    """Samples of one sub-frame. Raises ``ValueError`` where the hop does not divide evenly."""
    if hop % subframes:
        raise ValueError(f"a hop of {hop} samples does not divide into {subframes} sub-frames; choose a divisor")
    return hop // subframes


class PcmLayer(Layer):
    """Base of layers that look back over ``tail`` samples before the current hop."""

    def __init__(self, hop: int, tail: int) -> None:
        super().__init__()
        self.hop, self.tail = hop, tail
        self.memory = -(-tail // hop)

    def state_specs(self) -> dict[str, StateSpec]:
        """``tail``: the last samples heard, oldest first."""
        return {"tail": StateSpec((self.tail,))}

    def extend(self, pcm: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Tail and hops as one signal (B, tail + T * hop), and the update of the tail."""
        signal = torch.cat([state["tail"], finite(pcm).flatten(1)], 1)
        return signal, {"tail": signal[:, signal.shape[1] - self.tail :]}


class Energy(Layer):
    """Level of each sub-frame in dBFS: (B, T, subframes), from -100 (silence) to 0.

    0 dB is a mean square of 1, so a full-scale sine reads -3.01. ``subframes`` divides the ``hop`` samples of a frame:
    4 at 640 samples and 16 kHz is a value each 10 ms.
    """

    def __init__(self, hop: int, subframes: int) -> None:
        super().__init__()
        self.parts = (subframes, step_samples(hop, subframes))

    def forward(self, x: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Levels of ``x`` (B, T, hop)."""
        power = finite(x).unflatten(-1, self.parts).square().mean(-1)
        return 10.0 * torch.log10(power.clamp_min(POWER_FLOOR)), {}


class LogMel(PcmLayer):
    """Natural log of mel-band power, (B, T, subframes, bands), down to log(1e-10).

    Hann windows of 25 ms or twice the sub-frame, the longer, the DFT by matrix product with a fixed windowed basis,
    triangular bands equally spaced on the mel scale 2595 log10(1 + f/700) (Davis & Mermelstein 1980) from 20 Hz to half
    the sample rate. The power of a full-scale sine is about 1 (up to 2.5 where a band is wide enough for the whole of
    its spectral peak).
    """

    basis: Tensor
    filters: Tensor

    def __init__(
        self,
        sample_rate: int,
        hop: int,
        bands: int = 40,
        subframes: int = 1,
    ) -> None:
        step = step_samples(hop, subframes)
        window = max(sample_rate // 40, 2 * step)
        super().__init__(hop, window - step)
        self.step, self.window, self.subframes = step, window, subframes
        points = 1 << (self.window - 1).bit_length()
        self.register_buffer("basis", fourier_basis(self.window, points), persistent=False)
        filters = mel_filters(sample_rate, points, bands)
        self.register_buffer("filters", filters, persistent=False)

    def forward(self, x: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Log power of ``x`` (B, T, hop)."""
        signal, updates = self.extend(x, state)
        real, imaginary = (signal.unfold(-1, self.window, self.step) @ self.basis).chunk(2, -1)
        power = (real.square() + imaginary.square()) @ self.filters
        return power.clamp_min(POWER_FLOOR).log().unflatten(1, (-1, self.subframes)), updates


class MFCC(PcmLayer):
    """Mel-frequency cepstrum (Davis & Mermelstein 1980): orthonormal DCT-II of :class:`LogMel`, the first ``count``
    coefficients, (B, T, subframes, count). The other arguments are those of :class:`LogMel`."""

    cosines: Tensor

    def __init__(
        self,
        sample_rate: int,
        hop: int,
        count: int = 13,
        bands: int = 40,
        subframes: int = 1,
    ) -> None:
        mel = LogMel(sample_rate, hop, bands, subframes)
        super().__init__(hop, mel.tail)
        self.mel = mel
        angle = math.pi / bands * (torch.arange(bands, dtype=torch.float64) + 0.5)[:, None] * torch.arange(count)
        cosines = angle.cos() * math.sqrt(2.0 / bands)
        cosines[:, 0] /= math.sqrt(2.0)
        self.register_buffer("cosines", cosines.float(), persistent=False)

    def forward(self, x: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Coefficients of ``x`` (B, T, hop)."""
        mel, updates = self.mel(x, state)
        return mel @ self.cosines, updates


def fourier_basis(window: int, points: int) -> Tensor:
    """Hann-windowed DFT of ``points`` bins as a matrix (window, 2 * (points // 2 + 1)): cosines, then sines; scaled
    so that a sine of amplitude 1 on a bin has power 1."""
    time = torch.arange(window, dtype=torch.float64)
    hann = 0.5 - 0.5 * torch.cos(2 * math.pi * time / window)
    angle = 2 * math.pi / points * time[:, None] * torch.arange(points // 2 + 1)
    scale = (2.0 / hann.sum() * hann)[:, None]
    return torch.cat([angle.cos() * scale, angle.sin() * scale], 1).float()


def mel_filters(sample_rate: int, points: int, bands: int) -> Tensor:
    """Triangles (points // 2 + 1, bands) with peak 1 from :data:`LOWEST` Hz to half the sample rate. Raises
    ``ValueError`` where a band would hold no bin."""
    low, high = LOWEST, sample_rate / 2

    def mel(hertz: float) -> float:
        return 2595.0 * math.log10(1.0 + hertz / 700.0)

    edges = 700.0 * (10.0 ** (torch.linspace(mel(low), mel(high), bands + 2, dtype=torch.float64) / 2595.0) - 1.0)
    bins = torch.arange(points // 2 + 1, dtype=torch.float64)[:, None] * sample_rate / points
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters = torch.minimum(rise, fall).clamp_min(0.0)
    if bool((filters.sum(0) == 0).any()):
        raise ValueError(
            f"{bands} bands from {low:g} to {high:g} Hz are too many for {points} points: take fewer bands"
        )
    return filters.float()
