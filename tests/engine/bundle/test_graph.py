"""The walk through an ONNX file: no tensor with its data elsewhere gets past it, wherever it stands."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper

from engine.bundle import STEP, Bundle, BundleError, bundled
from engine.bundle.graph import DEEPEST, MESSAGES, check_graph
from tests.engine.bundle.graphs import FLOAT, bundle_of, constant, endless, external, good, greedy, model, out_of_range

SECRET = ".env"


def tensor(name: str = "one") -> onnx.TensorProto:
    return external(constant(name, np.ones(3, np.float32)), SECRET)


def branch(name: str, node: onnx.NodeProto, *initializers: onnx.TensorProto) -> onnx.GraphProto:
    return helper.make_graph([node], name, [], [helper.make_tensor_value_info("z", FLOAT, None)], list(initializers))


def in_initializer() -> onnx.ModelProto:
    return model([helper.make_node("Add", ["x", "one"], ["y"])], [tensor()])


def in_constant() -> onnx.ModelProto:
    return model(
        [helper.make_node("Constant", [], ["one"], value=tensor()), helper.make_node("Add", ["x", "one"], ["y"])]
    )


def in_list_of_tensors() -> onnx.ModelProto:
    node = helper.make_node("Add", ["x", "x"], ["y"])
    node.attribute.append(helper.make_attribute("many", [constant("a", 1.0), tensor()]))
    return model([node])


def in_sparse_constant(part: str = "values") -> onnx.ModelProto:
    sparse = helper.make_sparse_tensor(constant("v", np.ones(1, np.float32)), constant("i", np.int64([0])), [3])
    external(getattr(sparse, part), SECRET)
    return model([helper.make_node("Constant", [], ["y"], sparse_value=sparse)])


def in_sparse_initializer() -> onnx.ModelProto:
    made = good()
    sparse = helper.make_sparse_tensor(constant("v", np.ones(1, np.float32)), constant("i", np.int64([0])), [3])
    external(sparse.indices, SECRET)
    made.graph.sparse_initializer.append(sparse)
    return made


def in_branch() -> onnx.ModelProto:
    there = branch("a", helper.make_node("Add", ["x", "one"], ["z"]), tensor())
    other = branch("b", helper.make_node("Identity", ["x"], ["z"]))
    return model(
        [helper.make_node("If", ["yes"], ["y"], then_branch=other, else_branch=there)],
        [constant("yes", np.array(True))],
    )


def in_function() -> onnx.ModelProto:
    body = [helper.make_node("Constant", [], ["c"], value=tensor()), helper.make_node("Add", ["a", "c"], ["b"])]
    function = helper.make_function("own", "F", ["a"], ["b"], body, [helper.make_opsetid("", 20)])
    return model([helper.make_node("F", ["x"], ["y"], domain="own")], functions=[function], domains=["own"])


def in_default_of_a_function() -> onnx.ModelProto:
    made = in_function()
    made.functions[0].node[0].attribute[0].t.CopyFrom(constant("one", np.ones(3, np.float32)))
    made.functions[0].attribute_proto.append(helper.make_attribute("d", tensor()))
    return made


def in_training() -> onnx.ModelProto:
    made = good()
    made.training_info.add().initialization.initializer.append(tensor())
    return made


def only_named() -> onnx.ModelProto:
    """Without saying so, the tensor names a file all the same."""
    made = in_initializer()
    made.graph.initializer[0].data_location = TensorProto.DEFAULT
    return made


def only_said() -> onnx.ModelProto:
    made = in_initializer()
    del made.graph.initializer[0].external_data[:]
    return made


HIDDEN: dict[str, Callable[[], onnx.ModelProto]] = {
    "initializer": in_initializer,
    "constant": in_constant,
    "tensors": in_list_of_tensors,
    "sparse values": in_sparse_constant,
    "sparse indices": lambda: in_sparse_constant("indices"),
    "sparse initializer": in_sparse_initializer,
    "branch": in_branch,
    "function": in_function,
    "default of a function": in_default_of_a_function,
    "training": in_training,
    "only named": only_named,
    "only said": only_said,
}


@pytest.mark.parametrize("make", HIDDEN.values(), ids=HIDDEN)
def test_data_in_another_file_is_refused(tmp_path: Path, make: Callable[[], onnx.ModelProto]):
    (tmp_path / SECRET).write_bytes(np.float32([7, 8, 9]).tobytes())
    with pytest.raises(BundleError, match=r"takes the data of tensor '.*' from another file") as caught:
        bundle_of(tmp_path, make().SerializeToString())
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(BundleError, match="another file"):
        Bundle.load(tmp_path)


def test_a_field_given_twice_is_merged_by_readers_so_both_are_looked_at():
    """The graph of a model, and the tensor of an attribute, may stand there in pieces."""
    two = in_initializer().SerializeToString() + good().SerializeToString()
    for content in (two, good().SerializeToString() + in_initializer().SerializeToString()):
        with pytest.raises(BundleError, match="another file"):
            check_graph(content, STEP)


def test_the_table_of_messages_is_that_of_onnx():
    """Whatever message of the installed onnx leads to a tensor or a node is followed."""
    found: dict[str, dict[int, str]] = {}

    def leads(message: Any, on_the_way: tuple[str, ...] = ()) -> bool:
        inner = [field.message_type for field in message.fields if field.message_type]
        return message.name not in on_the_way and (
            message.name in ("TensorProto", "NodeProto")
            or any(leads(one, (*on_the_way, message.name)) for one in inner)
        )

    todo = [onnx.ModelProto.DESCRIPTOR]
    while todo:
        message = todo.pop()
        short = message.name.removesuffix("Proto")
        if short in found:
            continue
        inner = [field for field in message.fields if field.message_type and leads(field.message_type)]
        found[short] = {field.number: field.message_type.name.removesuffix("Proto") for field in inner}
        todo += [field.message_type for field in inner]
    assert found == MESSAGES
    numbers = {field.name: field.number for field in onnx.TensorProto.DESCRIPTOR.fields}
    assert (numbers["external_data"], numbers["data_location"], numbers["name"]) == (13, 14, 8)
    numbers = {field.name: field.number for field in onnx.NodeProto.DESCRIPTOR.fields}
    assert (numbers["op_type"], numbers["domain"]) == (4, 7)
    numbers = {field.name: field.number for field in onnx.FunctionProto.DESCRIPTOR.fields}
    assert (numbers["name"], numbers["domain"]) == (1, 10)


@pytest.mark.parametrize("make", [good, endless, greedy, out_of_range])
def test_whole_graphs_pass(make: Callable[[], onnx.ModelProto]):
    assert check_graph(make().SerializeToString(), STEP) == ()


def test_a_function_of_its_own_passes():
    made = in_function()
    made.functions[0].node[0].attribute[0].t.CopyFrom(constant("one", np.ones(3, np.float32)))
    assert check_graph(made.SerializeToString(), STEP) == ()


def test_bundles_that_ship_pass():
    assert [Bundle.load(name).contrib for name in bundled()] == [()] * len(bundled())


def test_operators_of_one_runtime_are_told_others_refused(tmp_path: Path):
    nodes = [
        helper.make_node("FastGelu", ["x"], ["a"], domain="com.microsoft"),
        helper.make_node("Scaler", ["a"], ["b"], domain="ai.onnx.ml", offset=[0.0], scale=[1.0]),
        helper.make_node("QuickGelu", ["b"], ["y"], domain="com.microsoft"),
    ]
    made = bundle_of(tmp_path, model(nodes, domains=["com.microsoft", "ai.onnx.ml"]).SerializeToString())
    assert made.contrib == Bundle.load(tmp_path).contrib == ("com.microsoft.FastGelu", "com.microsoft.QuickGelu")
    assert made.remarks() == [
        "uses operators that ONNX Runtime alone has: com.microsoft.FastGelu, com.microsoft.QuickGelu"
    ]
    for domain in ("mine", "com.microsoft.nchwc", "org.pytorch.aten"):
        node = helper.make_node("Reader", ["x"], ["y"], domain=domain)
        with pytest.raises(BundleError, match=rf"uses {domain}\.Reader, which ONNX Runtime does not have"):
            bundle_of(tmp_path, model([node], domains=[domain]).SerializeToString())


def test_what_is_no_model_is_refused():
    content = good().SerializeToString()
    deep = b"\x0a\x00"  # a node without anything, in a graph, in an attribute, in a node ...
    for _ in range(DEEPEST):
        deep = b"\x32" + varint(len(deep)) + deep
        deep = b"\x2a" + varint(len(deep)) + deep
        deep = b"\x0a" + varint(len(deep)) + deep
    odd = good()
    odd.graph.node[0].op_type = "A" * 300
    escape = good()
    escape.graph.node[0].op_type = "\x1b[2J"
    for wrong, reason in (
        (b"", "no operators"),
        (b"graph", "no ONNX model"),
        (content[:-3], "no ONNX model"),
        (content + b"\x0b", "a field of kind 3"),
        (content + b"\x00\x00", "a field of number 0"),
        (content + b"\x3a\x05\x0a", "beyond its message|ends too early"),
        (content + b"\x38\x01", "field 7 of a Model is a number"),
        (content + b"\xff" * 11, "more than 64 bits|of number"),
        (b"\x3a" + varint(len(deep)) + deep, f"nested more than {DEEPEST} deep"),
        (odd.SerializeToString(), "a name of 300 bytes"),
        (escape.SerializeToString(), "a name of 4 bytes that is no name"),
        (b"\x08\x0a\x12\x00ORTM" + content, "own format"),
    ):
        with pytest.raises(BundleError, match=f"step.onnx .*({reason})"):
            check_graph(wrong, STEP)


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def test_many_fields_end_soon():
    with pytest.raises(BundleError, match=r"more than .* fields"):
        check_graph(b"\x08\x00" * 3_000_000, STEP)


def has_external(message: Any) -> bool:
    """Whether a message, as the reader of the ``onnx`` package has it, holds a tensor with its data elsewhere."""
    if isinstance(message, TensorProto):
        return bool(message.external_data) or message.data_location != TensorProto.DEFAULT
    inner = (value if field.is_repeated else [value] for field, value in message.ListFields() if field.message_type)
    return any(has_external(item) for items in inner for item in items)


@pytest.mark.parametrize("make", HIDDEN.values(), ids=HIDDEN)
def test_the_reader_of_onnx_finds_it_too(make: Callable[[], onnx.ModelProto]):
    assert has_external(onnx.load_model_from_string(make().SerializeToString()))


@pytest.mark.parametrize("seed", range(5))
def test_mutations_hide_nothing(seed: int):
    """40 000 in all: what passes the walk has no external data for the reader of onnx either; the rest is refused."""
    draw = random.Random(seed)
    wholes = [make().SerializeToString() for make in (*HIDDEN.values(), good, endless, in_function)]
    passed = refused = 0
    for _ in range(8000):
        content = bytearray(draw.choice(wholes))
        for _ in range(draw.randint(1, 2)):
            place = draw.randrange(len(content))
            change = draw.randrange(4)
            if change == 0:
                content[place] ^= 1 << draw.randrange(8)
            elif change == 1:
                del content[place : place + draw.randint(1, 3)]
            elif change == 2:
                content[place:place] = content[place : place + draw.randint(1, 20)]
            else:
                content[place] = draw.randrange(256)
        try:
            check_graph(bytes(content), STEP)
        except BundleError as error:
            refused += 1
            assert str(error).isprintable() and len(str(error)) < 500
            continue
        passed += 1
        with suppress(DecodeError):  # what that reader refuses, ONNX Runtime refuses
            assert not has_external(onnx.load_model_from_string(bytes(content)))
    assert passed > 300 and refused > 3000
