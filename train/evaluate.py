"""``python -m train evaluate FAMILY``: the evaluation of a model family, loaded only when it is asked for."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

FAMILIES = {
    "reaction": ("train.reaction.evaluation.command", "listeners, on a split of recorded or simulated talks"),
    "dance": ("train.dance.evaluation.command", "dances, beside held-out takes"),
}


class _Lazy(argparse.ArgumentParser):
    """A parser that learns its options from the family's module when it is used."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        family = self.prog.split()[-1]
        importlib.import_module(FAMILIES[family][0]).add_arguments(self)
        return super().parse_known_args(args, namespace)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command: the family, and what that family asks for."""
    families = parser.add_subparsers(dest="family", required=True, metavar="family", parser_class=_Lazy)
    for name, (_, about) in FAMILIES.items():
        families.add_parser(name, help=about, description=about)


def run(args: argparse.Namespace) -> None:
    """Evaluate, print, write."""
    importlib.import_module(FAMILIES[args.family][0]).run(args)
