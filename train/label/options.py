"""Options of every labelling page: what is shown, where labels go and who gives them."""

from __future__ import annotations

import argparse
from pathlib import Path

PORT = 8060


def add_page_arguments(parser: argparse.ArgumentParser) -> None:
    """TAKE, ``--out``, ``--by``, ``--blind`` and ``--port``."""
    add = parser.add_argument
    add("takes", nargs="+", type=Path, metavar="TAKE", help="a take, or a folder of takes")
    add("--out", type=Path, required=True, metavar="CSV", help="labels; what it holds already is gone on with")
    add("--by", default="person", metavar="NAME", help="who labels, kept with each label (default: person)")
    add("--blind", type=int, metavar="SEED", help="hide the names of takes and shuffle their pieces")
    add("--port", type=int, default=PORT, help=f"of the page (default {PORT}; 0: any that is free)")
