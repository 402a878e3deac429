"""A file of settings for ``engine serve``, for whoever runs the engine as a service.

YAML; its keys are the long names of the command's own options, so each has one meaning, one check and one text of help:

    bundle: [rules, reaction]
    listen: 0.0.0.0:8080
    tokens: /etc/reaction-engine/tokens
    set: {nod_rate: 1.5}

What the command line says wins over the file; of what may be given several times (``set``, ``origin`` ...) both count.
Paths count from the folder in which the engine is started.
"""

from __future__ import annotations

import argparse
import difflib
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from engine.bundle.plain_yaml import PlainYamlError, parse
from engine.cli_parser import serve_parser
from engine.errors import EngineError, reason

LONGEST = 64 * 1024
"""Bytes of a file of settings."""
PAIRS = ("set", "track")
"""Options of the form NAME=VALUE, which may be written as a mapping."""
_WIDTH = 110


def arguments(path: Path) -> list[str]:
    """The arguments of ``engine serve`` that a file of settings stands for. Raises :class:`EngineError` naming file,
    key and remedy for what cannot be read, is not known or is not right."""
    found = _read(path)
    known = _options()
    out: list[str] = []
    for key, value in found.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise EngineError(f"{path}: {key!r} is no setting{hint} `engine config --explain` lists all")
        try:
            given = _given(known[key], key, value)
            _checked(given)
        except EngineError as error:
            raise EngineError(f"{path}: {key}: {error}") from None
        out += given
    return out


def explained() -> str:
    """Every setting with its default and what it means, as a file of settings in which all lines are comments."""
    lines = ["# Settings of `engine serve --config FILE`: take the # away from the lines that you want."]
    for key, action in _options().items():
        text = " ".join(str(action.help or "").split()) + _choices(action)
        wrapped = textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")
        lines += ["", *wrapped, f"#{key}: {_shown(action)}".rstrip()]
    return "\n".join(lines)


def _read(path: Path) -> Mapping[str, Any]:
    wanted = "give YAML as `engine config --explain` shows it"
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
        if len(content) > LONGEST:
            raise EngineError(f"{path}: more than {LONGEST} bytes; {wanted}")
        found = parse(content.decode())
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"{path} cannot be read ({reason(error)}); {wanted}") from None
    except PlainYamlError as error:
        raise EngineError(f"{path}: {error}; {wanted}") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise EngineError(f"{path}: holds a {type(found).__name__}, not keys with values; {wanted}")
    return found


def _options() -> dict[str, argparse.Action]:
    """The settings there are, by key."""
    names = {action: next((one for one in action.option_strings if one.startswith("--")), "") for action in _actions()}
    return {name[2:]: action for action, name in names.items() if name not in ("", "--help", "--config")}


def _actions() -> list[argparse.Action]:
    return list(serve_parser()._actions)


def _given(action: argparse.Action, key: str, value: Any) -> list[str]:
    """The arguments for one key."""
    option = f"--{key}"
    if value is None:
        return []
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise EngineError(f"{value!r}: give true or false")
        return [option] if value else []
    if action.nargs == "?" and isinstance(value, bool):  # with or without a value
        return [option] if value else []
    if isinstance(value, dict):
        if key not in PAIRS:
            raise EngineError(f"a mapping where {_form(action)} is meant")
        value = [f"{name}={_text(one)}" for name, one in value.items()]
    values = [_text(one) for one in (value if isinstance(value, list) else [value])]
    if not values:
        return []
    several = action.nargs in ("+", "*")
    repeated = isinstance(action, argparse._AppendAction)
    if len(values) > 1 and not (several or repeated):
        raise EngineError(f"{len(values)} values where {_form(action)} is meant")
    if several:
        for one in values:
            if one.startswith("-"):
                raise EngineError(f"{one!r}: a value here may not begin with -")
        return [option, *values]
    return [f"{option}={one}" for one in values]


def _text(value: Any) -> str:
    """A scalar as it stands on a command line."""
    if isinstance(value, (dict, list)) or value is None or isinstance(value, bool):
        raise EngineError(f"{value!r}: give a text or a number; put quotes around a word such as yes, true or null")
    return str(value)


def _form(action: argparse.Action) -> str:
    return "a list" if action.nargs in ("+", "*") else "one value"


def _checked(given: list[str]) -> None:
    """Let the command line's own checks look at the arguments of one key."""
    parser = serve_parser()

    def refuse(message: str) -> NoReturn:
        raise EngineError(message.partition(": ")[2] or message)

    parser.error = refuse  # type: ignore[method-assign]
    parser.parse_args(given)


def _choices(action: argparse.Action) -> str:
    return f"; one of {', '.join(map(str, action.choices))}" if action.choices else ""


def _shown(action: argparse.Action) -> str:
    """The default as a file would have it."""
    if action.nargs == 0:
        return "true" if action.default == action.const else "false"
    if isinstance(action.default, (list, tuple)):
        return f"[{', '.join(map(str, action.default))}]"
    return "" if action.default is None else str(action.default)
