"""``python -m train evaluate text_motion``: measure text-to-motion bundles and tokenizers beside held-out takes.

Prints the tables and the conclusions, and with ``--out`` writes ``report.json``, ``report.md``, ``report.html``, strips
of prompts and edits, the motions as ``.npy`` files, and the evaluators that it trained, which the next run takes again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.errors import EngineError
from train.run.settings import pair

HELD_OUT = ("val", "test")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add = parser.add_argument
    add("--data", required=True, type=Path, help="set in HumanML3D's or KIT-ML's layout")
    add(
        "--bundle",
        "-b",
        action="append",
        default=[],
        metavar="NAME|PATH|LABEL=PATH",
        help="a bundle that goes by texts",
    )
    add(
        "--tokenizer",
        action="append",
        default=[],
        metavar="LABEL=PATH",
        help="model.safetensors of a run: what its tokenizer keeps, and edits decoded by it; causal ones are compared "
        "with the first that sees the future",
    )
    add("--encoder", type=Path, metavar="FOLDER", help="text encoder, where there is no bundle to take it from")
    add(
        "--evaluator",
        type=Path,
        metavar="FOLDER",
        help="the released evaluator (finest.tar, mean.npy, std.npy, word vectors); without it some are trained on the "
        "set's training part",
    )
    add("--out", type=Path, help="folder for report.json, report.html, motions and pictures")
    add("--held-out", default="test", metavar="SPLITS", help="splits that are the truth (default: test; or val,test)")
    add("--prompts", type=int, default=192, help="most held-out captions that are asked for (default: 192)")
    add("--again", type=int, default=6, help="motions of each of 24 texts for the multimodality (default: 6; 0: none)")
    add("--edits", type=int, default=24, help="edits of each kind of group (default: 24; 0: none)")
    add("--takes", type=int, default=4000, help="most training takes that are learned from (default: 4000)")
    add("--steps", type=int, default=600, help="of training each evaluator (default: 600)")
    add("--set", action="append", default=[], metavar="CONTROL=VALUE", help="a control of the bundles, temperature say")
    add("--seed", type=int, default=0)
    add("--threads", type=int, default=1, help="of torch (default: 1)")


def run(args: argparse.Namespace) -> None:
    """Evaluate, print, write."""
    from train.text_motion.evaluation import whole  # here, so that --help is quick

    for name, least in (("prompts", 2), ("again", 0), ("edits", 0), ("takes", 2), ("steps", 20), ("threads", 1)):
        if getattr(args, name) < least:
            raise EngineError(f"--{name} {getattr(args, name)}: give at least {least}")
    if not {split.strip() for split in args.held_out.split(",")} <= set(HELD_OUT):
        raise EngineError(f"--held-out {args.held_out}: give val, test or both; what was trained on is never the truth")
    whole.run(
        args,
        dict(pair(item, "temperature=0.7") for item in args.set),
        lambda line: print(line, file=sys.stderr, flush=True),
    )
