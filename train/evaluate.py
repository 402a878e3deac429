"""``python -m train evaluate FAMILY``: the evaluation of a model family, loaded only when it is asked for."""

from __future__ import annotations

import argparse

from train.families import add_families, load

PART = "evaluation.command"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command: the family, and what that family asks for."""
    add_families(parser, PART)


def run(args: argparse.Namespace) -> None:
    """Evaluate, print, write."""
    load(args.family, PART).run(args)
