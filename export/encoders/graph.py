"""A text encoder as the graph that :class:`engine.bundle.EncoderFiles` describes: one text, as long as it is.

The graph takes ids and mask filled up to a fixed length, as the engine gives them. What fills up is cut off inside the
graph before anything is computed: a field of four words costs four words, not the longest text.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from export.errors import ExportError
from export.step import traced

_LENGTH = "length"
_GIVEN = ("ids", "mask")


class _Held(nn.Module):
    """Holds an encoder under the name whose weights the export leaves as they are."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        vector: Tensor = self.model(ids, mask)
        return vector


def encoder_graph(model: nn.Module, tokens: int) -> bytes:
    """The ONNX file of an encoder that takes ids and mask (1, n), int64, of any n to ``tokens`` and gives a vector
    (1, width). Raises :class:`ExportError` where it cannot be traced."""
    example = torch.zeros(1, min(7, tokens), dtype=torch.int64), torch.ones(1, min(7, tokens), dtype=torch.int64)
    length = {1: torch.export.Dim(_LENGTH, min=2, max=tokens)}
    try:
        proto = traced(_Held(model).eval(), example, dict.fromkeys(_GIVEN, length), ([*_GIVEN], ["vector"]))
    except Exception as error:  # the exporter's own exceptions share no narrower base
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ExportError(f"the encoder does not export: {reason}") from error
    _cut(proto, tokens)
    return bytes(proto.SerializeToString(deterministic=True))


def _cut(proto: Any, tokens: int) -> None:
    """Give the graph inputs of ``tokens``, and cut them to the ids there are, one at least."""
    from onnx import helper, numpy_helper

    graph = proto.graph
    for node in graph.node:
        node.input[:] = [f"{name}.cut" if name in _GIVEN else name for name in node.input]
    for value in graph.input:
        value.type.tensor_type.shape.dim[1].dim_value = tokens
    one = numpy_helper.from_array(torch.ones(1, dtype=torch.int64).numpy(), "cut.one")
    zero = numpy_helper.from_array(torch.zeros(1, dtype=torch.int64).numpy(), "cut.zero")
    graph.initializer.extend([one, zero])
    nodes = [
        helper.make_node("ReduceSum", ["mask", "cut.one"], ["cut.count"], keepdims=0),
        helper.make_node("Max", ["cut.count", "cut.one"], ["cut.end"]),
        *(helper.make_node("Slice", [name, "cut.zero", "cut.end", "cut.one"], [f"{name}.cut"]) for name in _GIVEN),
    ]
    for place, node in enumerate(nodes):
        graph.node.insert(place, node)
