"""Weights in 8 bits: a fourth of the bytes, the same arithmetic.

Only what is stored is rounded: every output channel of a layer, every row of an embedding, has a step of its own
(largest magnitude / 127). In the graph stand the integers, a ``Cast`` and a product with the steps. ONNX Runtime does
both once, as it loads a layer's weights, and then multiplies in float32 as fast as before; of an embedding only the
rows that a text asks for. ``DequantizeLinear`` would say the same, but is left in place by the runtime and computed
again for every text, and integer products would round what flows through the layers too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_MOST = 127.0


def _rounded(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Integers (rows, columns) int8 and the step of each row (rows, 1) of a matrix."""
    step = weight.abs().amax(1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny * 1e6) / _MOST
    return (weight / step).round().clamp(-_MOST, _MOST).to(torch.int8), step


class Linear8(nn.Module):
    """A linear layer (..., inputs) -> (..., outputs) whose weights are int8."""

    weight: Tensor
    step: Tensor

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        whole, step = _rounded(layer.weight.detach().float())
        self.register_buffer("weight", whole.T.contiguous())
        self.register_buffer("step", step.T.contiguous())
        self.bias = nn.Parameter(layer.bias.detach().float()) if layer.bias is not None else None

    def forward(self, values: Tensor) -> Tensor:
        """As of :class:`torch.nn.Linear`."""
        product = values @ (self.weight.to(torch.float32) * self.step)
        return product if self.bias is None else product + self.bias


class Embedding8(nn.Module):
    """A table of rows int8, looked up by ids of any shape."""

    weight: Tensor
    step: Tensor

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        whole, step = _rounded(table.detach().float())
        self.register_buffer("weight", whole)
        self.register_buffer("step", step)

    def forward(self, ids: Tensor) -> Tensor:
        """Rows (..., width) of ids (...)."""
        return nn.functional.embedding(ids, self.weight).to(torch.float32) * nn.functional.embedding(ids, self.step)


def in_eight_bits(module: nn.Module) -> nn.Module:
    """``module`` with every linear layer and every embedding inside it replaced by one of 8 bits."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, Linear8(child))
        elif isinstance(child, nn.Embedding):
            setattr(module, name, Embedding8(child.weight))
        else:
            in_eight_bits(child)
    return module
