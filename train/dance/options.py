"""Options of every command that reads takes of dancers: their unit, which way is up, their skeleton, and who trains."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class How:
    """How files are read. ``unit`` (a name or metres) and ``up`` ("y" or "z") as for :func:`engine.body.bvh.read_body`,
    None to have them found. ``retarget`` brings bodies of other rigs to the skeleton, where they are left out else."""

    unit: str | None = None
    up: str | None = None
    retarget: bool = False


AS_FOUND = How()


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Options ``--unit``, ``--up`` and ``--retarget``."""
    add = parser.add_argument
    add("--unit", help="unit of the takes' files: m, cm, mm, in, ft, or metres (default: found from the body)")
    add("--up", choices=("y", "z"), help="axis that is up in the takes' files (default: found from the body)")
    add("--retarget", action="store_true", help="bring takes of other rigs to the skeleton (default: left out)")


def add_take_arguments(parser: argparse.ArgumentParser) -> None:
    """The same, and ``--splits``."""
    add_reading_arguments(parser)
    parser.add_argument("--splits", type=Path, help="csv that says which take is in which split (default: drawn)")


def how(args: argparse.Namespace) -> How:
    """How files are read, by the options."""
    return How(unit=args.unit, up=args.up, retarget=args.retarget)
