"""The base of every layer with explicit state, and the two containers that families share.

A layer says what it carries (``state_specs``) and maps ``(x, state)`` to ``(y, updates)`` for any number of frames;
it holds parameters and nothing else. Modules that carry nothing (norms, linear maps, activations) are plain
``nn.Module``: ``y = module(x)``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors, named, part


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


class Stack(Layer):
    """Modules one after another, layers and plain modules alike; entry ``i`` keeps its state under ``i.``."""

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(modules)
        memories = [item.memory for item in self.parts if isinstance(item, Layer)]
        known = [memory for memory in memories if memory is not None]
        self.memory = sum(known) if len(known) == len(memories) else None

    def state_specs(self) -> dict[str, StateSpec]:
        """The specs of all parts."""
        specs: dict[str, StateSpec] = {}
        for index, item in enumerate(self.parts):
            if isinstance(item, Layer):
                specs |= named(str(index), item.state_specs())
        return specs

    def forward(self, x: Tensor, state: Tensors) -> tuple[Any, Tensors]:
        """``x`` through every part, and the updates of them all."""
        updates: Tensors = {}
        for index, item in enumerate(self.parts):
            if isinstance(item, Layer):
                x, fresh = item(x, part(state, str(index)))
                updates |= named(str(index), fresh)
            else:
                x = item(x)
        return x, updates
