"""``manifest.yaml`` as a class: read by pydantic, every size bounded, every name a name."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from engine.bundle.errors import BundleError
from engine.bundle.files import content
from engine.bundle.plain_yaml import PlainYamlError, parse
from engine.errors import SpecError
from engine.plain import STRICT, PlainError, read
from engine.spec import StreamSpec

FORMAT = 2
MANIFEST = "manifest.yaml"
STEP = "step.onnx"
CARD = "card.md"
MANIFEST_LIMIT = 1 << 20
"""Bytes of a manifest."""
CARD_LIMIT = 1 << 20
MOST_FILES = 64
MOST_BYTES = 2 << 30
"""Of all files of a bundle together; an ONNX file can be no larger."""
MOST_TOKENS = 4096
LONGEST_COMMAND = 200
LONGEST_MESSAGE = 600

_NAME = re.compile(r"\w[\w.+-]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class OnnxFile:
    """The graph of a bundle: its file name, opset and IR version, and the precision of its weights (``fp32``)."""

    file: str
    opset: int
    ir: int
    precision: str

    __pydantic_config__: ClassVar = STRICT


@dataclass(frozen=True)
class EncoderFiles:
    """How a text becomes the vector of an input of role text: by the files ``onnx`` and ``tokenizer`` of the bundle.

    The graph has two inputs, ``ids`` and ``mask``, both int64 (1, ``tokens``): the text's ids, cut to that length or
    filled up to it, and 1 where there is one; and the output ``vector``, float32 (1, width), width being that of the
    input. ``tokenizer`` is a file of the ``tokenizers`` library, or one word a line whose number is its id
    (``words.txt``; id 0, the first line, stands for unknown words).
    """

    onnx: str
    tokenizer: str
    tokens: int

    __pydantic_config__: ClassVar = STRICT

    def __post_init__(self) -> None:
        if not 1 <= self.tokens <= MOST_TOKENS:
            raise ValueError(f"tokens {self.tokens}: give 1 to {MOST_TOKENS}")


@dataclass(frozen=True)
class Listed:
    """A file as the manifest lists it."""

    sha256: str
    bytes: int

    __pydantic_config__: ClassVar = STRICT

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"sha256 {self.sha256[:70]!r}: give 64 hexadecimal digits")
        if not 0 <= self.bytes <= MOST_BYTES:
            raise ValueError(f"bytes {self.bytes}: give 0 to {MOST_BYTES}")


@dataclass(frozen=True)
class Manifest:
    """The manifest's fields, in their order; see :class:`~engine.bundle.Bundle` for what they mean."""

    name: str
    version: str
    description: str
    licence: str
    training_data: str
    credits: str
    command: str
    commit: str
    onnx: OnnxFile
    normalisation: str
    tolerance: dict[str, float]
    parity: dict[str, float]
    files: dict[str, Listed]
    spec: StreamSpec
    encoders: dict[str, EncoderFiles] = field(default_factory=dict)
    vocabulary: str = ""
    format: int = FORMAT

    __pydantic_config__: ClassVar = STRICT

    def __post_init__(self) -> None:
        for what, value in (("name", self.name), ("version", self.version)):
            if not _NAME.fullmatch(value):
                raise ValueError(f"{what} {value[:70]!r}: give letters, digits and . + - _, 64 at most")
        if any(math.isnan(value) or value < 0 for value in (*self.tolerance.values(), *self.parity.values())):
            raise ValueError("tolerance and parity: give numbers from 0")
        for name in self.files:
            if not _FILE.fullmatch(name) or name == MANIFEST:
                raise ValueError(f"files: {name[:70]!r}: only plain names inside the folder are allowed")
        if len(self.files) > MOST_FILES or sum(item.bytes for item in self.files.values()) > MOST_BYTES:
            raise ValueError(f"files: {MOST_FILES} of together {MOST_BYTES >> 20} MiB at most")
        coded = [name for item in self.encoders.values() for name in (item.onnx, item.tokenizer)]
        for name in (self.onnx.file, CARD, *coded, *([self.vocabulary] if self.vocabulary else [])):
            if name not in self.files:
                raise ValueError(f"{name[:70]} is not listed among its files")
        if self.files[CARD].bytes > CARD_LIMIT:
            raise ValueError(f"{CARD} has {self.files[CARD].bytes} bytes, {CARD_LIMIT} at most")

    def text(self) -> str:
        """The manifest as YAML, as :func:`read_manifest` reads it."""
        import yaml

        plain = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        plain = {"format": plain.pop("format"), **plain, "spec": self.spec.to_dict()}
        for name in ("onnx", "files", "encoders"):
            plain[name] = _plain(plain[name])
        return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """The manifest of a bundle's folder, and the SHA-256 of its bytes. Raises :class:`BundleError`."""
    raw = content(folder, MANIFEST, MANIFEST_LIMIT)
    try:
        data = parse(raw.decode())
    except (PlainYamlError, UnicodeDecodeError) as error:
        raise BundleError(f"{folder}: {MANIFEST} does not read as YAML ({error}); copy the bundle again") from None
    if not isinstance(data, dict):
        raise BundleError(f"{folder}: {MANIFEST} holds a {type(data).__name__}, not a mapping; copy the bundle again")
    if data.get("format") != FORMAT:
        raise BundleError(f"{folder}: {_old(data)}")
    try:
        return read(Manifest, data), hashlib.sha256(raw).hexdigest()
    except (PlainError, SpecError) as error:
        raise BundleError(f"{folder}: {MANIFEST}: {_line(str(error))}; export the model again") from None


def _line(text: str) -> str:
    """What is said about a stranger's values, as one line of bounded length that no terminal obeys."""
    line = "".join(letter if letter.isprintable() else " " for letter in text[:LONGEST_MESSAGE])
    return line if len(text) <= LONGEST_MESSAGE else f"{line}..."


def _old(data: Mapping[str, Any]) -> str:
    """What to do with a manifest of another format: what made it is written in it."""
    found = data.get("format")
    shown = found if isinstance(found, int) and abs(found) < 1000 else f"of kind {type(found).__name__}"
    command = data.get("command")
    how = f": {command[:LONGEST_COMMAND]}" if isinstance(command, str) and command.isprintable() else ""
    return f"manifest format {shown}, this engine reads {FORMAT}; export the model again{how}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return dataclasses.asdict(value)
