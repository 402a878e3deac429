"""A model's step as an ONNX graph: one frame, explicit state, batch size free.

One file serves every batch size: the runtime fixes the dimension when it makes a session, and then runs it as fast as
a file exported for that size (measured: 100/167/423 us at batch 1/4/16 on a 4-layer step, static 100/-/423; with the
dimension left free 105/173/429).
"""

from __future__ import annotations

import collections
import copy
import json
import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.runtime.protocol import ACTIVE, BATCH, graph_signature
from engine.spec import AGE, CURSOR
from export.errors import ExportError
from models.contract import StreamModel, where_rows
from models.graph import ORIGIN, WEIGHTS

OPSET = 20
"""Lowest opset with Gelu; attention written as MatMul and Softmax is as fast as opset 23's Attention (measured)."""


@dataclass(frozen=True)
class Graph:
    """An exported step: file content, opset and IR version, and how many nodes of which kind it has."""

    content: bytes
    opset: int
    ir: int
    nodes: dict[str, int]


class StepModule(nn.Module):
    """A model over one frame with positional tensors in the order of
    :func:`~engine.runtime.protocol.graph_signature`; small state of rows that are not active is passed through."""

    def __init__(self, model: StreamModel) -> None:
        super().__init__()
        self.model = model
        self.names = graph_signature(model.spec)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Graph outputs, in order, of graph inputs (B, ...)."""
        given = dict(zip(self.names[0], tensors, strict=True))
        spec = self.model.spec
        state = {name: given[f"state.{name}"] for name in spec.state} | {name: given[name] for name in (CURSOR, AGE)}
        outputs, updates = self.model({item.name: given[item.name] for item in spec.inputs}, state)
        results = {item.name: outputs[item.name] for item in spec.outputs}
        for name, item in spec.state.items():
            if item.kind == "small":
                results[f"next.{name}"] = where_rows(given[ACTIVE], updates[name], state[name])
            else:
                results[f"row.{name}"] = updates[name][:, 0]
        return tuple(results[name] for name in self.names[1])

    def example(self, batch: int) -> tuple[Tensor, ...]:
        """Zeros for every graph input, all rows active."""
        return tuple(
            torch.ones(batch, dtype=torch.bool)
            if name == ACTIVE
            else torch.zeros(batch, *shape, dtype=getattr(torch, dtype))
            for name, (dtype, shape) in self.names[0].items()
        )

    def check(self) -> None:
        """Run once and hold every result against the spec. Raises :class:`ExportError` naming what differs."""
        batch = 2
        name = self.model.spec.name
        try:
            with torch.no_grad():
                results = self(*self.example(batch))
        except KeyError as error:
            raise ExportError(f"model {name} does not return {error}, which its spec names; return it") from error
        for (result, (dtype, shape)), tensor in zip(self.names[1].items(), results, strict=True):
            if tuple(tensor.shape) != (batch, *shape) or tensor.dtype != getattr(torch, dtype):
                raise ExportError(
                    f"model {name} returns {result} as {tensor.dtype} {tuple(tensor.shape)} for batch {batch}, its "
                    f"spec says {dtype} {(batch, *shape)}; make one fit the other"
                )


def to_onnx(model: StreamModel, opset: int = OPSET, origin: Mapping[str, Any] | None = None) -> Graph:
    """Export a model's step; ``origin`` says what it is an export of. Raises :class:`ExportError` when the model
    breaks its spec or cannot be traced."""
    # A copy, since tracing replaces an LSTM's flat weights and would leave them replaced.
    step = StepModule(copy.deepcopy(model).eval())
    step.check()
    names = step.names
    arguments = step.example(2)
    shapes = {"tensors": tuple({0: torch.export.Dim(BATCH, min=1, max=4096)} for _ in arguments)}
    try:
        proto = traced(step, arguments, shapes, (list(names[0]), list(names[1])), opset)
    except Exception as error:  # the exporter's own exceptions share no narrower base
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ExportError(
            f"model {model.spec.name} does not export: {reason}; write it so that the batch size may be any and "
            "no tensor's value decides a shape or a branch"
        ) from error
    if origin is not None:
        held = {item.name.removeprefix(WEIGHTS) for item in proto.graph.initializer}
        unused = sorted(model.state_dict().keys() - held)
        proto.metadata_props.add(key=ORIGIN, value=json.dumps({**origin, "unused": unused}))
    versions = [item.version for item in proto.opset_import if item.domain == ""]
    counts = collections.Counter(node.op_type for node in proto.graph.node)
    return Graph(proto.SerializeToString(deterministic=True), versions[0], proto.ir_version, dict(counts.most_common()))


def traced(
    module: nn.Module,
    arguments: tuple[Tensor, ...],
    shapes: Any,
    names: tuple[list[str], list[str]],
    opset: int = OPSET,
) -> Any:
    """A module as an ONNX model (a proto), with inputs and outputs of these ``names``; ``shapes`` as of
    ``torch.export``. Weights have the names that they have in the module; those under ``model.`` (:data:`WEIGHTS`) are
    left as they are. Nothing in it names a folder. Raises whatever torch does where it cannot be traced."""
    noisy = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Traced here, not by the exporter: that one, where the batch cannot stay free, fixes it and says nothing.
            program = torch.export.export(module, arguments, dynamic_shapes=shapes, strict=False)
            exported = torch.onnx.export(
                program,
                dynamo=True,
                input_names=names[0],
                output_names=names[1],
                opset_version=opset,
                dynamic_shapes=shapes,  # of a traced program, this gives the axis its name
                external_data=False,
                verbose=False,
                optimize=False,
            )
            assert exported is not None
            proto = _simplified(exported.model)
    finally:
        noisy.setLevel(level)
    _strip(proto.graph)
    for function in proto.functions:
        function.doc_string = ""
        _strip_nodes(function.node)
    del proto.metadata_props[:]
    return proto


def _simplified(model: Any) -> Any:
    """The model with constants folded, equal nodes shared and unused ones gone, as a proto.

    The exporter's own optimiser does more, and too much: onnxscript 0.7 takes a constant within 1e-8 of 0 for 0 and
    drops the addition, so that ``log(x + 1e-10)`` loses its floor (found by the parity ladder). What it gains, ONNX
    Runtime gains again when it loads the graph: 616 us with it, 631 without, on a step of 1700 nodes. Weights are
    not folded into anything, so that a bundle holds them under their own names (:mod:`export.weights`).
    """
    import onnx_ir
    from onnx_ir.passes.common import CommonSubexpressionEliminationPass, LiftConstantsToInitializersPass
    from onnxscript import optimizer

    optimizer.inline(model)
    optimizer.fold_constants(model, should_fold=_no_weights)
    CommonSubexpressionEliminationPass()(model)
    optimizer.remove_unused_nodes(model)
    LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    return onnx_ir.to_proto(model)


def _no_weights(node: Any) -> bool | None:
    """False for a node that reads a weight; None leaves the choice to the optimiser."""
    named = any(value is not None and (value.name or "").startswith(WEIGHTS) for value in node.inputs)
    return False if named else None


def _strip(graph: Any) -> None:
    """Remove what tracing wrote for developers: stack traces name folders of the machine that exported."""
    graph.doc_string = ""
    del graph.metadata_props[:]
    _strip_nodes(graph.node)
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.doc_string = ""
        del value.metadata_props[:]


def _strip_nodes(nodes: Any) -> None:
    for node in nodes:
        node.doc_string = ""
        del node.metadata_props[:]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _strip(attribute.g)
