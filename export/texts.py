"""What a model brings to read texts and words: encoders and vocabulary become files of its bundle.

A model that has inputs of role text says ``encoders``: a mapping from each of them to the bytes of its ONNX graph, the
bytes of its tokenizer and the number of tokens (:class:`engine.bundle.EncoderFiles` says what they have to be). One
that has inputs of role words says ``vocabulary``: the bytes of a list with one word a line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.bundle import EncoderFiles

VOCABULARY = "words.txt"


@dataclass(frozen=True)
class Texts:
    """``encoders`` and ``vocabulary`` as a :class:`~engine.bundle.Bundle` names them, and their ``files``."""

    encoders: dict[str, EncoderFiles] = field(default_factory=dict)
    vocabulary: str = ""
    files: dict[str, bytes] = field(default_factory=dict)


def texts_of(model: Any) -> Texts:
    """What ``model`` brings. Files of the same content are kept once. Whether it brings what its spec asks for is found
    by :func:`engine.bundle.fillable.check_fillable`."""
    encoders: dict[str, EncoderFiles] = {}
    files: dict[str, bytes] = {}
    for name, (graph, tokenizer, tokens) in (getattr(model, "encoders", None) or {}).items():
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
