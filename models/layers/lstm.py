"""Recurrent layer (Hochreiter & Schmidhuber 1997) with its cells as explicit state."""

from __future__ import annotations

from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors, finite
from models.layers.base import Layer


class LSTM(Layer):
    """(B, T, channels) -> (B, T, hidden) through ``layers`` LSTMs, one on top of the other.

    ``hidden`` and ``cell`` are carried, zeros at the start; the influence of a frame fades but has no end, so
    ``memory`` is None.
    """

    memory = None

    def __init__(self, channels: int, hidden: int, layers: int = 1) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, hidden, layers, batch_first=True)

    def state_specs(self) -> dict[str, StateSpec]:
        """``hidden`` and ``cell``, each (layers, hidden)."""
        shape = (self.lstm.num_layers, self.lstm.hidden_size)
        return {"hidden": StateSpec(shape), "cell": StateSpec(shape)}

    def forward(self, x: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """The top layer's output for ``x`` (B, T, channels)."""
        carried = tuple(state[name].transpose(0, 1).contiguous() for name in ("hidden", "cell"))
        y, (hidden, cell) = self.lstm(finite(x), carried)
        return y, {"hidden": hidden.transpose(0, 1), "cell": cell.transpose(0, 1)}
