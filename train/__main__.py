"""Command line of the offline builders: ``python -m train <command>``, one subcommand per builder.

A builder is a module with ``add_arguments(parser)`` and ``run(args)``; it is imported only when its command is asked
for, so that a missing package of one builder does not stop another.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from engine.errors import EngineError

COMMANDS = {
    "partner": ("train.partner.command", "make the built-in conversation partner (speech and face)"),
    "simulate": ("train.simulate.command", "make a data set of simulated speakers and their listeners"),
    "view": ("train.reaction.view", "show a talk of a data set and its listeners, as a video or a strip of pictures"),
    "reaction": ("train.reaction.command", "train the learned listener on a folder of talks"),
    "dance": ("train.dance.command", "train the dancer on a folder of takes, or sweep over its settings"),
    "calibrate": ("train.reaction.calibrate", "how boldly the trained listener draws, set without training"),
    "ablate": ("train.reaction.ablate", "the trained listener with a part switched off, to be measured"),
    "label": ("train.label.command", "look at takes in a browser and say how they move, into a csv to train on"),
    "evaluate": ("train.evaluate", "measure listeners on a split: tables, verdict and a report to look at"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one builder; 0 when it succeeded, 2 with one line on stderr when its input or packages are wrong."""
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, (module, text) in COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=text)
        if argv and argv[0] == name:
            importlib.import_module(module).add_arguments(sub)
    args = parser.parse_args(argv)
    try:
        importlib.import_module(COMMANDS[args.command][0]).run(args)
    except EngineError as error:
        print(f"{parser.prog} {args.command}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
