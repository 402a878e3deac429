"""``python -m export encoder KIND OUT``: writes an encoder's files into a folder."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Sequence
from pathlib import Path

from engine import logs
from export.encoders.files import KINDS, write
from export.progress import stage

ENCODER = "encoder"


def encoder(arguments: Sequence[str]) -> int:
    """Exit code 0; refusals are raised as :class:`~export.errors.ExportError`."""
    options = _parser().parse_args(arguments)
    with stage(f"encoder {options.kind}: tracing it to ONNX"):
        files = write(options.kind, options.out, options.weights, options.bits)
    sizes = f"{len(files.graph)} bytes of graph, {len(files.tokenizer)} of tokenizer, {files.tokens} tokens at most"
    print(f"wrote {options.out}: {sizes}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export encoder", description=inspect.cleandoc(__doc__ or ""))
    kinds = "; ".join(f"{name}: {kind.help}" for name, kind in KINDS.items())
    parser.add_argument("kind", metavar="KIND", help=kinds)
    parser.add_argument("out", metavar="OUT", type=Path, help="folder for encode.onnx, tokenizer.json and tokens.txt")
    parser.add_argument(
        "--weights", type=Path, metavar="FOLDER", help="folder with the weights (default: the kind's own)"
    )
    parser.add_argument("--bits", type=int, default=8, help="of the stored weights: 8 or 32 (default 8)")
    logs.add_arguments(parser)
    return parser
