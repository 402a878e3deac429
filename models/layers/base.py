"""The base of every layer with explicit state.

A layer says what it carries (``state_specs``) and maps ``(x, state)`` to ``(y, updates)`` for any number of frames;
it holds parameters and nothing else. Modules that carry nothing (norms, linear maps, activations) are plain
``nn.Module``: ``y = module(x)``.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors


class Layer(nn.Module):
    """Base of a layer. ``memory`` is the number of past frames that one output frame depends on, None if it fades
    without end."""

    memory: int | None = 0

    def state_specs(self) -> dict[str, StateSpec]:
        """What one row of the layer carries, by name; empty for a layer that forgets at once."""
        return {}

    def forward(self, x: Tensor, state: Tensors) -> tuple[Any, Tensors]:
        """``(y, updates)`` for ``x`` (B, T, ...): small states whole, for each ring the T new rows."""
        raise NotImplementedError
