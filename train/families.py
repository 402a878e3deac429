"""Where the parts of a model family stand: found by name in its folder, so that a family is listed once.

The list is :data:`models.registry.FAMILIES`. A learned family's folder ``train/NAME/`` holds ``command`` (with
``TRAINING``, see :mod:`train.run.command`) and, where it has them, ``evaluation.command``, ``labelling`` and ``check``;
further commands of its own stand in ``TOOLS`` of ``train/NAME/__init__.py``.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
from types import ModuleType
from typing import Any, NamedTuple

from models.registry import FAMILIES


class Command(NamedTuple):
    """A command line's command: the module that has ``add_arguments`` and ``run``, and what it does in a line."""

    module: str
    about: str


def learned() -> list[str]:
    """The families that are trained."""
    return [name for name, family in FAMILIES.items() if family.learned]


def having(part: str) -> list[str]:
    """The families that have a module of that name."""
    return [name for name in learned() if _there(f"train.{name}.{part}")]


def load(family: str, part: str) -> ModuleType:
    """That module of a family."""
    return importlib.import_module(f"train.{family}.{part}")


def tools() -> dict[str, Command]:
    """The further commands of all families, by name."""
    found: dict[str, Command] = {}
    for name in learned():
        found |= getattr(importlib.import_module(f"train.{name}"), "TOOLS", {})
    return found


def add_families(parser: argparse.ArgumentParser, part: str) -> None:
    """A sub-parser for each family that has ``part``, whose options the part adds when the family is asked for; the
    choice comes as ``family``."""
    families = parser.add_subparsers(dest="family", required=True, metavar="family", parser_class=_lazy(part))
    for name in having(part):
        about = FAMILIES[name].about
        families.add_parser(name, help=about, description=about)


def _lazy(part: str) -> type[argparse.ArgumentParser]:
    class Lazy(argparse.ArgumentParser):
        """A parser that learns its options from the family's module when it is used."""

        def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
            load(self.prog.split()[-1], part).add_arguments(self)
            return super().parse_known_args(args, namespace)

    return Lazy


def _there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # a package on the way is absent
        return False
