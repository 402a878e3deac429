"""Graphs of strangers, made with the ``onnx`` package, and bundles around them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from engine.bundle import STEP, Bundle, OnnxFile
from engine.spec import InputSpec, OutputSpec, StreamSpec

SPEC = StreamSpec(
    "small",
    25.0,
    (InputSpec("x", "feature", (3,), names=("a", "b", "c"), of="partner"), InputSpec("nod", "control", low=0, high=3)),
    (OutputSpec("y", (3,)),),
)
INT, FLOAT = TensorProto.INT64, TensorProto.FLOAT


def constant(name: str, value: Any) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(np.asarray(value), name)


def model(
    nodes: Sequence[onnx.NodeProto],
    initializers: Sequence[onnx.TensorProto] = (),
    functions: Sequence[onnx.FunctionProto] = (),
    domains: Sequence[str] = (),
) -> onnx.ModelProto:
    """A step of :data:`SPEC` whose nodes make ``y`` of ``x``."""
    graph = helper.make_graph(
        list(nodes),
        "step",
        [
            helper.make_tensor_value_info("x", FLOAT, ["batch", 1, 3]),
            helper.make_tensor_value_info("nod", FLOAT, ["batch", 1]),
            helper.make_tensor_value_info("cursor", INT, ["batch"]),
            helper.make_tensor_value_info("age", INT, ["batch"]),
            helper.make_tensor_value_info("active", TensorProto.BOOL, ["batch"]),
        ],
        [helper.make_tensor_value_info("y", FLOAT, ["batch", 1, 3])],
        list(initializers),
    )
    opsets = [helper.make_opsetid(domain, 20 if not domain else 1) for domain in ("", *domains)]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=10)


def good() -> onnx.ModelProto:
    """Adds one to x."""
    return model([helper.make_node("Add", ["x", "one"], ["y"])], [constant("one", np.float32(1))])


def endless() -> onnx.ModelProto:
    """A ``Loop`` without a bound whose condition stays true."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["v", "v"], ["w"])],
        "body",
        [
            helper.make_tensor_value_info("i", INT, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", FLOAT, None),
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, []), helper.make_tensor_value_info("w", FLOAT, None)],
    )
    return model([helper.make_node("Loop", ["", "yes", "x"], ["y"], body=body)], [constant("yes", np.array(True))])


def greedy(most: int = 1 << 34) -> onnx.ModelProto:
    """``ConstantOfShape`` of a shape that is computed: ``most`` numbers, and some because of the input."""
    return model(
        [
            helper.make_node("Shape", ["x"], ["shape"]),
            helper.make_node("Add", ["shape", "most"], ["huge"]),
            helper.make_node("ReduceMax", ["huge"], ["one_number"], keepdims=1),
            helper.make_node("ConstantOfShape", ["one_number"], ["filled"]),
            helper.make_node("ReduceSum", ["filled"], ["sum"], keepdims=0),
            helper.make_node("Add", ["x", "sum"], ["y"]),
        ],
        [constant("most", np.int64(most))],
    )


def out_of_range() -> onnx.ModelProto:
    """Its first run gathers at a place that there is not: the frame's cursor and 99 more."""
    return model(
        [
            helper.make_node("Add", ["cursor", "far"], ["place"]),
            helper.make_node("Gather", ["table", "place"], ["found"]),
            helper.make_node("ReduceSum", ["found"], ["sum"], keepdims=0),
            helper.make_node("Add", ["x", "sum"], ["y"]),
        ],
        [constant("far", np.int64(99)), constant("table", np.zeros(5, np.float32))],
    )


def external(tensor: onnx.TensorProto, location: str) -> onnx.TensorProto:
    """The tensor, its numbers in a file beside the model."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "12")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def bundle_of(folder: Path, content: bytes, spec: StreamSpec = SPEC, **changes: Any) -> Bundle:
    """A bundle around a graph, written and loaded."""
    more = changes.pop("more", None)
    values: dict[str, Any] = {
        "path": folder,
        "name": "small",
        "version": "1.2.0",
        "spec": spec,
        "onnx": OnnxFile(STEP, 20, 10, "fp32"),
        "licence": "Apache-2.0",
        "description": "Small: né à l'essai.",
        "training_data": "none: published rules",
        "credits": "none",
        "command": "python -m export small small",
        "commit": "unknown",
        "tolerance": {"onnx_fp32": 1e-5},
        "parity": {"torch whole": 0.0},
    }
    return Bundle(**{**values, **changes}).write(content, "# small\n", more)
