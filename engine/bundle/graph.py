"""What an ONNX file holds, found by walking its bytes before anything loads it: operators, and data in other files.

A tensor of an ONNX model may say that its numbers lie in a file beside the model. ONNX Runtime then opens that file;
for a model given as bytes it looks in the current folder, and whatever it finds there comes out as numbers. So a graph
with external data is refused, wherever in it the tensor stands.

The format is Protocol Buffers (https://protobuf.dev/programming-guides/encoding), the messages those of ``onnx.proto``.
Only the parts on the way to tensors and nodes are followed; everything else is stepped over by its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from engine.bundle.errors import BundleError

MOST_FIELDS = 2_000_000
"""Fields looked at; a graph of 10 000 nodes has 150 000."""
DEEPEST = 64
CONTRIB = ("com.microsoft",)
"""Domains of operators that ONNX Runtime has beyond the standard: allowed, and said on the card."""
STANDARD = ("", "ai.onnx", "ai.onnx.ml")

# Of each message on the way to a tensor or a node: number of the field -> message in it.
MESSAGES: Mapping[str, Mapping[int, str]] = {
    "Model": {7: "Graph", 20: "TrainingInfo", 25: "Function"},
    "TrainingInfo": {1: "Graph", 2: "Graph"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Function": {7: "Node", 11: "Attribute"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor", 23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
}
# Texts that are read: of a node its operator and domain, of a function its name and domain, of a tensor its name.
_TEXTS: Mapping[str, Mapping[int, str]] = {
    "Node": {4: "name", 7: "domain"},
    "Function": {1: "name", 10: "domain"},
    "Tensor": {8: "name"},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_LONGEST_NAME = 256
_ORT_MARK = slice(4, 8)  # where ONNX Runtime looks for its own format, which is not walked here


class _Field(NamedTuple):
    number: int
    value: int  # of a number; of bytes where they start
    end: int  # where bytes end; -1: a number


class _Malformed(Exception):
    """The bytes are no protobuf message of the kind expected."""


def check_graph(content: bytes, name: str) -> tuple[str, ...]:
    """The operators beyond the standard that a graph uses, as ``domain.Operator``, sorted. ``name``: that of the file.
    Raises :class:`BundleError` (without the bundle's path) for external data, an operator that ONNX Runtime cannot
    have, and what is no ONNX model."""
    if content[_ORT_MARK] == b"ORTM":
        raise BundleError(f"{name} is in ONNX Runtime's own format; export the model as ONNX")
    try:
        used, own, nodes = _walk(content, name)
    except (_Malformed, IndexError) as error:
        reason = str(error) if isinstance(error, _Malformed) else "it ends too early"
        raise BundleError(f"{name} is no ONNX model ({reason}); export the model again") from None
    if not nodes:
        raise BundleError(f"{name} is no ONNX model (it has no operators); export the model again")
    foreign = {item for item in used - own if item[0] not in STANDARD}
    unknown = sorted(f"{domain}.{operator}" for domain, operator in foreign if domain not in CONTRIB)
    if unknown:
        raise BundleError(
            f"{name} uses {', '.join(unknown[:3])}, which ONNX Runtime does not have; "
            "export the model with standard operators"
        )
    return tuple(sorted(f"{domain}.{operator}" for domain, operator in foreign))


def _walk(content: bytes, name: str) -> tuple[set[tuple[str, str]], set[tuple[str, str]], int]:
    """(domain, operator) of all nodes, of the functions that the model brings itself, and how many nodes there are."""
    used: set[tuple[str, str]] = set()
    own: set[tuple[str, str]] = set()
    nodes = looked = 0
    todo = [("Model", 0, len(content), 0)]
    while todo:
        kind, start, end, depth = todo.pop()
        if depth > DEEPEST:
            raise _Malformed(f"nested more than {DEEPEST} deep")
        inner, texts = MESSAGES[kind], _TEXTS.get(kind, {})
        said = {"name": "", "domain": ""}
        external = False
        for field in _fields(content, start, end):
            looked += 1
            if looked > MOST_FIELDS:
                raise _Malformed(f"more than {MOST_FIELDS} fields")
            number = field.number
            if number in inner or number in texts:
                if field.end < 0:
                    raise _Malformed(f"field {number} of a {kind} is a number")
                if number in inner:
                    todo.append((inner[number], field.value, field.end, depth + 1))
                else:
                    said[texts[number]] = _text(content, field, kind)
            elif kind == "Tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and _not_zero(field))):
                external = True
        if external:
            raise BundleError(
                f"{name} takes the data of tensor {said['name'][:60]!r} from another file; a bundle's graph has to "
                "hold its data itself: export it again without external data"
            )
        if kind == "Node":
            nodes += 1
            used.add((said["domain"], said["name"]))
        elif kind == "Function":
            own.add((said["domain"], said["name"]))
    return used, own, nodes


def _not_zero(field: _Field) -> bool:
    return field.end >= 0 or field.value != 0


def _text(content: bytes, field: _Field, kind: str) -> str:
    """A name; of a tensor, where it is only told, its beginning."""
    text = content[field.value : min(field.end, field.value + _LONGEST_NAME)].decode(errors="replace")
    if kind != "Tensor" and (field.end - field.value > _LONGEST_NAME or not text.isprintable()):
        raise _Malformed(f"a {kind} has a name of {field.end - field.value} bytes that is no name")
    return text


def _fields(content: bytes, at: int, end: int) -> Iterator[_Field]:
    """The fields of the message between two places."""
    while at < end:
        tag, at = _varint(content, at)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise _Malformed(f"a field of number {number}")
        if wire == 0:
            value, at = _varint(content, at)
            stop = -1
        elif wire == 2:
            length, value = _varint(content, at)
            stop = at = value + length
        elif wire in (1, 5):
            value, stop = 0, -1
            at += 8 if wire == 1 else 4
        else:
            raise _Malformed(f"a field of kind {wire}")
        if at > end:
            raise _Malformed("a field goes beyond its message")
        yield _Field(number, value, stop)


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number, and where what follows it starts."""
    byte = content[at]
    if byte < 128:  # most are
        return byte, at + 1
    value, shift = byte & 127, 7
    while byte & 128:
        at += 1
        byte = content[at]
        value |= (byte & 127) << shift
        shift += 7
        if shift > 70:
            raise _Malformed("a number of more than 64 bits")
    return value, at + 1
