"""``python -m train aisle train|sample|render``: the seed's three programs on a set in PATS' layout."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from train.gesture.aisle.settings import Settings, settings_of
from train.run.settings import default

log = logging.getLogger(__name__)
DEVICES = ("auto", "cpu", "cuda")
SWITCHES = {"1": True, "0": False, "true": True, "false": False}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Sub-commands."""
    commands = parser.add_subparsers(dest="program", required=True, metavar="program")
    data: dict[str, Any] = {"type": Path, "required": True, "metavar": "SET", "help": "folder in PATS' layout"}
    load: dict[str, Any] = {
        "type": Path,
        "required": True,
        "metavar": "PREFIX_weights.p",
        "help": "the weights",
    }

    add = commands.add_parser("train", help="train a model of the paper").add_argument
    add("--data", **data)
    add("--save", type=Path, metavar="DIR", help="folder of experiments; needed unless --resume is given")
    add("--minutes", type=float, help="stop in good order after so many minutes of training and checking")
    add("--resume", type=Path, metavar="PREFIX_state.p", help="continue that experiment, under its own settings")
    add("--threads", type=int, default=1, help="of torch (default 1); another number rounds sums otherwise")
    add("--device", choices=DEVICES, default="auto", help="auto (default): cuda where it is")
    for field in dataclasses.fields(Settings):
        about = f"{getattr(field.default, 'description', '')} (default {_shown(default(field))})"
        add(f"--{field.name}", nargs="+", metavar="VALUE", help=about.replace("%", "%%"))

    add = commands.add_parser("sample", help="gestures for whole intervals, as h5, and their metrics").add_argument
    add("--load", **load)
    add("--data", **data)
    add("--split", nargs="+", choices=("train", "dev", "test"), default=["test"], help="default test")
    add("--join", choices=("fade", "whole"), default="fade", help="windows that fade (default), or as published")
    add("--threads", type=int, default=1, help="of torch (default 1)")
    add("--device", choices=DEVICES, default="auto", help="auto (default): cuda where it is")

    add = commands.add_parser("render", help="films of sampled intervals beside the true ones").add_argument
    add("--load", **load)
    add("--data", **data)
    add("--split", choices=("train", "dev", "test"), default="test", help="default test")
    add("--render", type=int, default=20, metavar="N", help="intervals (default 20)")
    add(
        "--render-text",
        "--render_text",
        type=int,
        choices=(0, 1),
        default=1,
        help="1: the words in the picture (default)",
    )


def run(args: argparse.Namespace) -> None:
    """One of the programs. Raises :class:`EngineError` naming what is wrong."""
    try:
        import torch
    except ImportError as error:
        raise EngineError(f"{error.name} is not installed: pip install -e '.[train]'") from error
    if getattr(args, "threads", 1) < 1:
        raise EngineError(f"--threads {args.threads}: give 1 or more")
    torch.set_num_threads(getattr(args, "threads", 1))
    device = getattr(args, "device", "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        raise EngineError("--device cuda: torch sees no GPU here; leave the option out to train on the CPU")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    from train.gesture.aisle import programs

    if args.program == "sample":
        print(json.dumps(programs.sample(args.load, args.data, args.split, args.join, device), indent=1))
    elif args.program == "render":
        from train.gesture.aisle import render

        for path in render.render(args.load, args.data, args.split, args.render, bool(args.render_text)):
            print(path)
    elif args.resume is not None:
        given = [name for name in _names() if getattr(args, name) is not None]
        if given or args.save is not None:
            raise EngineError(f"--resume continues under its own settings; leave out --{' --'.join([*given, 'save'])}")
        print(programs.resume(args.resume, args.data, args.minutes, device))
    else:
        if args.save is None:
            raise EngineError("--save is missing; give a folder for the experiment's files")
        for settings in grid({name: getattr(args, name) for name in _names() if getattr(args, name) is not None}):
            print(programs.begin(args.data, args.save, settings, args.minutes, device), flush=True)


def grid(given: dict[str, list[str]]) -> Iterator[Settings]:
    """The settings of a command line: every combination, where an option has several values. Raises
    :class:`EngineError`; all are checked before the first is given."""
    lists = [[_value(name, text) for text in texts] for name, texts in given.items()]
    every = [settings_of(dict(zip(given, values, strict=True))) for values in itertools.product(*lists)]
    yield from every


def _names() -> list[str]:
    return [field.name for field in dataclasses.fields(Settings)]


def _value(name: str, text: str) -> Any:
    if name == "speaker":
        return _speakers(text)
    kind = type(next(default(field) for field in dataclasses.fields(Settings) if field.name == name))
    if kind is bool:
        if text.lower() not in SWITCHES:
            raise EngineError(f"--{name} {text!r}: give 1 or 0")
        return SWITCHES[text.lower()]
    return text


def _speakers(text: str) -> list[str]:
    """Names with commas between them, or, as the seed has it, a list in JSON; ``all`` is everybody."""
    try:
        found = json.loads(text) if text.startswith("[") else text.split(",")
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, list) or not all(isinstance(name, str) and name for name in found):
        raise EngineError(f"--speaker {text!r}: give names with commas between them, or all")
    return [] if found == ["all"] else found


def _shown(value: Any) -> str:
    return {True: "1", False: "0"}[value] if isinstance(value, bool) else str(value) or "none"
