"""Command line of everything before serving: ``python -m train COMMAND``.

A command is a module with ``add_arguments(parser)`` and ``run(args)``; it is imported only when it is asked for, so
that a missing package of one does not stop another. Every learned family (:mod:`train.families`) is a command that
trains it.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import sys
from collections.abc import Iterable, Sequence

from engine import logs
from engine.errors import EngineError
from models.registry import FAMILIES
from train.families import Command, learned, load, tools
from train.run import command as training

SHARED = {
    "partner": Command("train.partner.command", "make the built-in conversation partner (speech and face)"),
    "simulate": Command("train.simulate.command", "make a data set of simulated speakers and their listeners"),
    "simulate meetings": Command(
        "train.simulate.meetings.command", "make a data set of AMI's meetings: real words, listeners real nod for nod"
    ),
    "simulate gestures": Command(
        "train.simulate.gestures.command", "make a data set of talks and simulated people who gesture to them"
    ),
    "simulate dialogues": Command(
        "train.simulate.dialogues.command", "make a data set of dialogues and the avatars of both sides"
    ),
    "simulate timing": Command(
        "train.simulate.gestures.measure", "measure when AMI's people gesture, for the table of the simulation"
    ),
    "label": Command("train.label.command", "look at takes in a browser and say how they move, into a csv to train on"),
    "check": Command("train.check", "read a data set file by file and say what is wrong with it"),
    "evaluate": Command("train.evaluate", "measure a family's models: tables, conclusions and a report to look at"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it succeeded, 2 with one line on stderr when its input or packages are wrong."""
    others = SHARED | tools()
    argv = _joined(sys.argv[1:] if argv is None else argv, others)
    asked = next((word for word in argv if word in (*learned(), *others)), "")
    parser = argparse.ArgumentParser(prog="python -m train", description=(__doc__ or "").splitlines()[0])
    logs.add_arguments(parser)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for family in learned():
        about = f"train {FAMILIES[family].about}"
        sub = commands.add_parser(family, help=about, description=about)
        if asked == family:
            training.add_arguments(sub, family, load(family, "command").TRAINING)
    for name, command in others.items():
        sub = commands.add_parser(name, help=command.about, description=command.about)
        if asked == name:
            importlib.import_module(command.module).add_arguments(sub)
    args = parser.parse_args(argv)
    with logs.set_up(args):
        try:
            return _run(args)
        except EngineError as error:
            logs.refused(f"{parser.prog} {args.command}", error)
            return 2


def _joined(argv: Sequence[str], commands: Iterable[str]) -> list[str]:
    """``argv`` with the two words of a command that has two as one."""
    for at, pair in enumerate(itertools.pairwise(argv)):
        if " ".join(pair) in commands:
            return [*argv[:at], " ".join(pair), *argv[at + 2 :]]
        if pair[0] in commands:
            break
    return list(argv)


def _run(args: argparse.Namespace) -> int:
    """The command's exit code: what it says itself, else 0."""
    if args.command in learned():
        training.run(args, load(args.command, "command").TRAINING)
        return 0
    command = (SHARED | tools())[args.command]
    return int(importlib.import_module(command.module).run(args) or 0)


if __name__ == "__main__":
    raise SystemExit(main())
