"""What a model brings to read texts and words: encoders and vocabulary become files of its bundle.

A model that has inputs of role text says ``encoders``: a mapping from each of them to the bytes of its ONNX graph, the
bytes of its tokenizer and the number of tokens (:class:`engine.bundle.EncoderFiles` says what they have to be). One
that was trained with an encoder that lies apart says none: that is given to the export (``--encoder``), or taken from
the bundle that is exported again. A model that has inputs of role words says ``vocabulary``: the bytes of a list with
one word a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from engine.bundle import EncoderFiles
from engine.spec import InputSpec
from engine.text.folder import encoders_in
from export.errors import ExportError

VOCABULARY = "words.txt"


@dataclass(frozen=True)
class Texts:
    """``encoders`` and ``vocabulary`` as a :class:`~engine.bundle.Bundle` names them, and their ``files``."""

    encoders: dict[str, EncoderFiles] = field(default_factory=dict)
    vocabulary: str = ""
    files: dict[str, bytes] = field(default_factory=dict)


class Encoder(NamedTuple):
    """What reads the texts of one input."""

    graph: bytes
    tokenizer: bytes
    tokens: int


def encoders_from(which: Path, texts: Iterable[InputSpec]) -> dict[str, Encoder]:
    """For these inputs the encoder of a folder, or those that a bundle has for them, else its first. Raises
    :class:`~engine.errors.EngineError` where there is none, or it gives another number of values than one takes."""
    bundle = encoders_in(which)
    first = bundle.spec.texts[0].name
    found = {}
    for item in texts:
        name = item.name if item.name in bundle.encoders else first
        given = bundle.spec.input(name).shape
        if given != item.shape:
            raise ExportError(
                f"the encoder of {which} gives {given} numbers, text input {item.name!r} takes {item.shape}; "
                "give the encoder with which the model was trained"
            )
        files = bundle.encoders[name]
        found[item.name] = Encoder(bundle.read(files.onnx), bundle.read(files.tokenizer), files.tokens)
    return found


def texts_of(model: Any, more: Mapping[str, Encoder] | None = None) -> Texts:
    """What ``model`` brings, and those encoders of ``more`` that it does not bring itself. Files of the same content
    are kept once. Whether that is what its spec asks for is found by :func:`engine.bundle.fillable.check_fillable`."""
    encoders: dict[str, EncoderFiles] = {}
    files: dict[str, bytes] = {}
    for name, (graph, tokenizer, tokens) in {**(more or {}), **(getattr(model, "encoders", None) or {})}.items():
        encoders[name] = EncoderFiles(
            onnx=_keep(files, "encode", ".onnx", graph),
            tokenizer=_keep(files, "tokenizer", _kind(tokenizer), tokenizer),
            tokens=tokens,
        )
    words: bytes = getattr(model, "vocabulary", b"")
    if words:
        files[VOCABULARY] = words
    return Texts(encoders, VOCABULARY if words else "", files)


def _kind(tokenizer: bytes) -> str:
    """The library ``tokenizers`` writes JSON objects; what is none is a list of words."""
    return ".json" if tokenizer.lstrip().startswith(b"{") else ".txt"


def _keep(files: dict[str, bytes], stem: str, kind: str, content: bytes) -> str:
    number = 1
    while files.get(name := f"{stem}{number if number > 1 else ''}{kind}", content) != content:
        number += 1
    files[name] = content
    return name
