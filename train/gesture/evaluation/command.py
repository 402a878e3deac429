"""``python -m train evaluate gesture``: measure gesture bundles and sampled windows beside held-out gesturers.

Prints the tables and the conclusions, and with ``--out`` writes ``report.json``, ``report.md``, ``report.html``, strips
of talks and the motions of the bundles as ``.npy`` files. ``ENGINE_DATA`` with AMI's annotations adds its people.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.errors import EngineError
from train.run.settings import pair

BUNDLE = "NAME|PATH|LABEL=PATH"
SAMPLES = "[LABEL=]PREFIX_weights.p|FOLDER"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add = parser.add_argument
    add("--data", required=True, type=Path, metavar="SET", help="set of `python -m train simulate gestures`")
    add("--bundle", "-b", action="append", default=[], metavar=BUNDLE, help="a bundle that hears its own voice")
    add(
        "--aisle",
        nargs="+",
        action="extend",
        default=[],
        metavar=SAMPLES,
        help="what `python -m train aisle sample` wrote: the first is what FID and W1 are held against, and what the "
        "others, such as one trained without the sampler, are compared with",
    )
    add("--out", type=Path, help="folder for report.json, report.html, motions and pictures")
    add("--split", default="test", choices=("test", "dev"), help="the intervals that are the truth (default: test)")
    add("--talks", type=int, default=0, help="most talks that are measured (default: 0, all)")
    add(
        "--over",
        default="auto",
        choices=("auto", "voices", "talks"),
        help="what intervals are drawn over (default: voices; talks where the voices are few)",
    )
    add("--strips", type=int, default=4, help="talks that are drawn (default: 4)")
    add("--no-ablations", dest="ablations", action="store_false", help="without words, without voice, words late: skip")
    add("--set", action="append", default=[], metavar="CONTROL=VALUE", help="a control of the bundles, amplitude say")
    add("--seed", type=int, default=0)
    add("--threads", type=int, default=1, help="of torch (default: 1)")


def run(args: argparse.Namespace) -> None:
    """Evaluate, print, write."""
    from train.gesture.evaluation import whole  # here, so that --help is quick

    for name, least in (("talks", 0), ("strips", 0), ("seed", 0), ("threads", 1)):
        if getattr(args, name) < least:
            raise EngineError(f"--{name} {getattr(args, name)}: give at least {least}")
    whole.run(
        args,
        dict(pair(item, "amplitude=0.8") for item in args.set),
        lambda line: print(line, file=sys.stderr, flush=True),
    )
