"""``python -m export shipped``: the bundles that come with the engine, exported again by the code as it is now.

Each is read back from itself (:mod:`export.weights`), or with ``--weights`` made of what a training run handed out.
What its card tells beside the measured stands in ``models/FAMILY/shipped/``: ``BUNDLE.md``, ``training_data.txt`` and
``credits.txt``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from engine import logs
from export.errors import ExportError
from export.revision import BUNDLES, ROOT
from models.registry import FAMILIES

SHIPPED = "shipped"


def shipped(arguments: Sequence[str], export: Callable[[Sequence[str]], int]) -> int:
    """Export what is asked for, one after the other, by ``export`` (the command's own entry); its exit code, the first
    that is not 0. Raises :class:`ExportError` for a bundle or family that there is not."""
    options = _parser().parse_args(arguments)
    known = {name: family for family, it in FAMILIES.items() for name in it.bundles}
    for name in options.names:
        if name not in known:
            raise ExportError(f"no bundle {name!r} comes with the engine; there is {', '.join(known)}")
    weights = dict(_pair(item) for item in options.weights)
    for name in options.names or known:
        command = _command(name, known[name], weights.get(known[name])) + ["--require-clean"] * options.clean
        made = export([*command, "--log-level", options.log_level, *(["--log-json"] * options.log_json)])
        if made:
            return made
    return 0


def _command(name: str, family: str, weights: Path | None) -> list[str]:
    """What would be written on the command line."""
    out = ROOT / BUNDLES / name
    command = [FAMILIES[family].bundles[name]]
    if FAMILIES[family].learned:
        command.append(str(weights or out))
    command.append(str(out))
    told = ROOT / "models" / family / "shipped"
    for option, file in (("training-data", "training_data.txt"), ("credits", "credits.txt")):
        if (told / file).is_file():
            command += [f"--{option}", (told / file).read_text("utf-8").strip()]
    if (told / f"{name}.md").is_file():
        command += ["--notes", str(told / f"{name}.md")]
    return command


def _pair(given: str) -> tuple[str, Path]:
    family, equals, path = given.partition("=")
    if not equals or family not in FAMILIES or not FAMILIES[family].learned:
        learned = ", ".join(name for name, it in FAMILIES.items() if it.learned)
        raise ExportError(f"--weights {given!r}: write FAMILY=FILE, the family one of {learned}")
    return family, Path(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m export {SHIPPED}", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="bundles (default: all)")
    parser.add_argument(
        "--weights", action="append", default=[], metavar="FAMILY=FILE", help="weights of a training run"
    )
    parser.add_argument("--require-clean", dest="clean", action="store_true", help="refuse a source tree with changes")
    logs.add_arguments(parser)
    return parser
