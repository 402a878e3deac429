"""`python -m train label FAMILY TAKE ...`: look at takes in a browser, say how they move, and get a csv to train on.

The page is served on this machine only and keeps nothing in the browser: stop it, start it again with the same --out
and it goes on where it was.
"""

from __future__ import annotations

import argparse

from engine.errors import EngineError
from train.families import add_families, load
from train.label.labels import Labels
from train.label.server import LabelServer

PART = "labelling"
"""A family's module of that name has ``add_arguments(parser)``, which adds those of :mod:`train.label.options` and its
own, and ``asked(args)``, which gives the :class:`train.label.task.Task`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command: the family, and what that family asks for."""
    add_families(parser, PART)


def run(args: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C."""
    task = load(args.family, PART).asked(args)
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
