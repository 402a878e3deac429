"""``python -m train evaluate conversation``: measure avatars that talk and listen on held-out talks.

Prints the tables, the conclusions and one line of JSON with the main figures; with ``--out`` writes ``report.json``,
``report.md``, ``report.html`` and ``lips_KIND.png``; with ``--film`` also a film of dialogues and a strip of it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.errors import EngineError
from train.run.settings import pair

LONGEST_S = 3600.0
"""Longest film."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add = parser.add_argument
    add("--data", required=True, type=Path, metavar="SET", help="set in the layout `talks`")
    add(
        "--bundle",
        "-b",
        action="append",
        nargs="+",
        default=[],
        metavar="NAME|PATH|LABEL=PATH",
        help="bundles that talk, or only listen; `reaction` and `rules` always listen along",
    )
    add("--windowed", type=Path, metavar="FILE", help="an offline model of lips, of `stage=windowed`")
    add("--out", type=Path, help="folder for report.json, report.html and pictures")
    add("--film", type=float, metavar="SECONDS", help="write dialogue.mp4 into --out: both sides by the first bundle")
    add("--split", default="test", choices=("test", "dev"), help="the talks that are measured (default: test)")
    add(
        "--talks",
        type=int,
        default=0,
        help="most dialogues, and captures of a kind, that are measured (default: 0, all)",
    )
    add("--takes", type=int, default=2, help="takes of each dialogue that a model makes (default: 2)")
    add("--no-listeners", dest="listeners", action="store_false", help="leave `reaction` and `rules` out")
    add("--set", action="append", default=[], metavar="CONTROL=VALUE", help="a control of the bundles, temperature say")
    add("--seed", type=int, default=0)
    add("--threads", type=int, default=1, help="of torch (default: 1)")


def run(args: argparse.Namespace) -> None:
    """Evaluate, print, write."""
    from train.conversation.evaluation import whole  # here, so that --help is quick

    for name, least in (("talks", 0), ("takes", 1), ("seed", 0), ("threads", 1)):
        if getattr(args, name) < least:
            raise EngineError(f"--{name} {getattr(args, name)}: give at least {least}")
    if args.film is not None and not (1.0 <= args.film <= LONGEST_S and args.out is not None and args.bundle):
        raise EngineError(
            f"--film {args.film:g}: give 1 to {LONGEST_S:g} seconds, a --bundle, and --out for its folder"
        )
    args.bundle = [one for given in args.bundle for one in given]
    controls = dict(pair(item, "temperature=0.8") for item in args.set)
    whole.run(args, controls, lambda line: print(line, file=sys.stderr, flush=True))
