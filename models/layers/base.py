"""The base of every layer with explicit state.

A layer says what it carries (``state_specs``) and maps ``(x, state)`` to ``(y, updates)`` for any number of frames;
it holds parameters and nothing else. Modules that carry nothing (norms, linear maps, activations) are plain
``nn.Module``: ``y = module(x)``.
"""

from __future__ import annotations

from torch import nn

from engine.spec import StateSpec


class Layer(nn.Module):
    """Base of a layer. ``forward(x, state)`` gives ``(y, updates)`` for ``x`` (B, T, ...), small states whole and for
    each ring the T new rows; a layer that attends to a second stream takes it as a third argument. ``memory`` is the
    number of past frames that one output frame depends on, None if it fades without end."""

    memory: int | None = 0

    def state_specs(self) -> dict[str, StateSpec]:
        """What one row of the layer carries, by name; empty for a layer that forgets at once."""
        return {}
