"""``python -m train evaluate dance``: measure dancers beside held-out takes.

Prints the tables and the conclusions, and with ``--out`` writes ``report.json``, ``report.md``, ``report.html``, the
dances as ``.npy`` files with a csv of what was asked for, ``dances.gif``, ``dances.mp4`` and comics.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.errors import EngineError
from train.dance.options import add_take_arguments
from train.run.settings import pair


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add = parser.add_argument
    add("--data", required=True, type=Path, help="folder of takes, as for `python -m train dance`")
    add("--bundle", "-b", action="append", default=[], metavar="NAME|PATH|LABEL=PATH", help="a bundle that dances")
    add("--untrained", metavar="PATH", help="a bundle of the same network with fresh weights")
    add("--checkpoint", type=Path, help="model.safetensors of a run: reconstructions, latents, its classifier")
    add("--labels", type=Path, help="labels given by people, as `python -m train label` writes them")
    add("--recognition", type=Path, metavar="CSV", help="labels that a person gave generated dances, blind")
    add("--asked", type=Path, metavar="CSV", help="what had been asked for, for --recognition")
    add("--partner", action="store_true", help="measure also how bundles dance with held-out partners")
    add("--out", type=Path, help="folder for report.json, report.html, dances and films")
    add("--effort", choices=("time", "space"), default="time", help="which effort was asked for (default: time)")
    add("--held-out", default="val,test", metavar="SPLITS", help="splits that are the truth (default: val,test)")
    add_take_arguments(parser)
    add("--split-seed", type=int, default=0, help="seed of the drawn splits, as in training (default: 0)")
    add("--dances", type=int, default=8, help="dances of each level (default: 8)")
    add("--seconds", type=float, default=12.0, help="length of each, s (default: 12)")
    add("--set", action="append", default=[], metavar="CONTROL=VALUE", help="another control of the bundles")
    add("--windows", type=int, default=400, help="most windows of a row that are measured as a set (default: 400)")
    add("--seed", type=int, default=0)
    add("--threads", type=int, default=1, help="of torch (default: 1)")


def run(args: argparse.Namespace) -> None:
    """Evaluate, print, write."""
    from train.dance.evaluation import whole  # here, so that --help is quick

    for name, least in (("dances", 2), ("windows", 40), ("threads", 1)):
        if getattr(args, name) < least:
            raise EngineError(f"--{name} {getattr(args, name)}: give at least {least}")
    whole.run(
        args, dict(pair(item, "speed=0.8") for item in args.set), lambda line: print(line, file=sys.stderr, flush=True)
    )
