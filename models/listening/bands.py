"""Levels of ten bands of a voice, once a frame and cheap: what tells a changing spectrum from a steady one."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from engine.spec import StateSpec
from models.contract import Tensors, finite
from models.layers import Layer
from models.layers.audio import POWER_FLOOR, fourier_basis

WINDOW_S = 0.010
EDGES = (100.0, 300.0, 500.0, 800.0, 1200.0, 1700.0, 2400.0, 3300.0, 4500.0, 6000.0, 8000.0)
"""Hz between the bands: each is two or three of hearing's critical bands wide (Zwicker & Terhardt 1980, JASA 68)."""


class BandLevels(Layer):
    """dBFS of each band over a frame's Hann windows of 10 ms: (B, T, hop) to (B, T, 10). Lines 100 Hz apart are all
    that is asked for, so no window reaches into the frame before and nothing is carried. ``sample_rate`` is at least
    16 kHz, ``hop`` whole windows."""

    basis: Tensor
    bands: Tensor

    def __init__(self, sample_rate: int, hop: int) -> None:
        super().__init__()
        window = round(WINDOW_S * sample_rate)
        self.parts = (hop // window, window)
        hertz = torch.arange(window // 2 + 1) * (sample_rate / window)
        inside = [(hertz >= low) & (hertz < high) for low, high in itertools.pairwise(EDGES)]
        self.register_buffer("basis", fourier_basis(window, window), persistent=False)
        # Cosines stand before sines: a line's power is the sum of both squares.
        self.register_buffer("bands", torch.stack(inside, 1).float().repeat(2, 1), persistent=False)

    def state_specs(self) -> dict[str, StateSpec]:
        """Nothing is carried."""
        return {}

    def forward(self, x: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Levels of ``x`` (B, T, hop), at least -100."""
        lines = finite(x).unflatten(-1, self.parts) @ self.basis
        power = lines.square().mean(-2) @ self.bands
        return 10.0 * torch.log10(power.clamp_min(POWER_FLOOR)), {}
