"""`python -m train label FAMILY TAKE ...`: look at takes in a browser, say how they move, and get a csv to train on.

The page is served on this machine only and keeps nothing in the browser: stop it, start it again with the same --out
and it goes on where it was.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from engine.errors import EngineError
from train.label.labels import Labels
from train.label.server import LabelServer

FAMILIES = {"dance": "train.dance.labelling"}
"""By family the module that has ``task(paths)``: the :class:`train.label.task.Task` of takes at those paths."""
PORT = 8060


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m train label``."""
    add = parser.add_argument
    add("family", choices=FAMILIES, help="what is labelled")
    add("takes", nargs="+", type=Path, metavar="TAKE", help="a take, or a folder of takes")
    add("--out", type=Path, required=True, metavar="CSV", help="labels; what it holds already is gone on with")
    add("--by", default="person", metavar="NAME", help="who labels, kept with each label (default: person)")
    add("--blind", type=int, metavar="SEED", help="hide the names of takes and shuffle their pieces")
    add("--port", type=int, default=PORT, help=f"of the page (default {PORT}; 0: any that is free)")


def run(args: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C."""
    task = importlib.import_module(FAMILIES[args.family]).task(args.takes)
    if args.by in ("", "computed") or args.by != args.by.strip() or not args.by.isprintable():
        raise EngineError(f"--by {args.by!r}: give the name of a person ('computed' marks labels that are nobody's)")
    if args.blind is not None:
        if args.blind < 0:
            raise EngineError(f"--blind {args.blind}: give a seed of 0 or more")
        task = task.blinded(args.blind)
    with Labels(args.out, task, args.by) as labels, LabelServer(task, labels, args.port) as server:
        state = labels.state()
        print(f"{len(task.clips)} pieces of {len(task.names)} takes, {state['rows']} labels in {labels.path}")
        print(f"label them at {server.url} (Ctrl-C ends; every label is on disk at once)", flush=True)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            print(f"\n{labels.state()['rows']} labels in {labels.path}", flush=True)
