"""Encoders by name: which kinds there are, how their files are made and whose work they hold."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import torch

from engine.text.folder import CREDITS, GRAPH, TOKENIZER, TOKENS
from export.encoders.eight import in_eight_bits
from export.encoders.graph import encoder_graph
from export.errors import ExportError
from export.texts import Encoder


@dataclass(frozen=True)
class Kind:
    """A kind of encoder: the ``module`` here with its ``load(weights)`` and ``CREDITS``, and in words what it is."""

    module: str
    help: str


KINDS = {
    "minilm": Kind("bert", "all-MiniLM-L6-v2 or another BERT with a mean over its tokens: 384 numbers of length 1"),
    "clip": Kind("clip", "the text half of CLIP, ViT-B/32 in the published systems: 512 numbers; needs --weights"),
    "table": Kind("table", "a table of word pieces, no network: 64 numbers of length 1"),
}


def encoder_files(kind: str, weights: Path | None = None, bits: int = 8) -> Encoder:
    """The files of an encoder of a kind of :data:`KINDS`, with the weights of a folder (default: those of the kind),
    stored in 8 or 32 ``bits``. The same input gives the same bytes. Raises :class:`ExportError` for an unknown kind,
    and where weights are absent, unreadable or of another shape."""
    if kind not in KINDS:
        raise ExportError(f"encoder {kind[:60]!r} is unknown; give one of: {', '.join(KINDS)}")
    if bits not in (8, 32):
        raise ExportError(f"an encoder in {bits} bits: give 8 or 32")
    if importlib.util.find_spec("tokenizers") is None:
        raise ExportError(
            f"encoder {kind} needs the package tokenizers, which is not installed: pip install 'reaction-engine[text]'"
        )
    model, tokenizer, tokens = importlib.import_module(f"export.encoders.{KINDS[kind].module}").load(weights)
    with torch.no_grad():
        graph = encoder_graph(in_eight_bits(model) if bits == 8 else model, tokens)
    return Encoder(graph, _bare(tokenizer), tokens)


def credits_of(kind: str) -> str:
    """Origin and licence of an encoder, a sentence for a bundle's card."""
    said: str = importlib.import_module(f"export.encoders.{KINDS[kind].module}").CREDITS
    return said


def write(kind: str, out: Path, weights: Path | None = None, bits: int = 8) -> Encoder:
    """Write an encoder's files into a folder, with whose work it is. Raises as :func:`encoder_files`, and where the
    folder cannot be written."""
    files = encoder_files(kind, weights, bits)
    contents = {
        GRAPH: files.graph,
        TOKENIZER: files.tokenizer,
        TOKENS: f"{files.tokens}\n".encode(),
        CREDITS: f"{credits_of(kind)}\n".encode(),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (out / name).write_bytes(content)
    except OSError as error:
        raise ExportError(f"{out} cannot be written ({error.strerror or error}); give another folder") from error
    return files


def _bare(tokenizer: bytes) -> bytes:
    """The tokenizer without its own ideas of cutting and filling up, which are the engine's."""
    from tokenizers import Tokenizer

    try:
        made = Tokenizer.from_buffer(tokenizer)
    except Exception as error:  # the library raises plain Exceptions
        raise ExportError(f"the tokenizer cannot be read ({' '.join(str(error).split())[:200]})") from error
    made.no_padding()
    made.no_truncation()
    return made.to_str().encode()
