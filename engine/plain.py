"""Plain values (of YAML or JSON, from anybody) into the project's dataclasses, checked by pydantic against their types.

What does not fit is refused with the place, the value (cut short) and what was wanted; fields that a class does not
have are refused as well, so that a misspelt or newer field never passes in silence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from engine.errors import EngineError

T = TypeVar("T")
STRICT = {"extra": "forbid"}
"""For a dataclass's ``__pydantic_config__``: fields that it does not have are refused."""
_SHOWN = 60
_MOST = 3
_ADAPTERS: dict[type[Any], Any] = {}


class PlainError(EngineError, ValueError):
    """Plain values do not fit the class they were read for; the message names the places."""


def read(kind: type[T], data: Any, exact: bool = False) -> T:
    """An instance of the dataclass ``kind``. With ``exact`` every value has to be of the very kind that JSON has for
    it: true is no number, and "5" none either. Raises :class:`PlainError`, or what the class's own checks raise."""
    from pydantic import ValidationError

    try:
        if exact:
            return cast(T, _adapter(kind).validate_json(json.dumps(data), strict=True))
        return cast(T, _adapter(kind).validate_python(data))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        told = [_told(item) for item in found[:_MOST]]
        more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
        raise PlainError("; ".join(told) + more) from None


def _told(found: Mapping[str, Any]) -> str:
    """One error in words: where, what is wanted, and unless that says it already, what was found."""
    words = found["msg"].removeprefix("Value error, ")
    instead = "" if found["type"] in ("value_error", "missing") else f", not {_cut(found.get('input'))}"
    place = _place(found["loc"])
    return f"{place}: {words}{instead}" if place else f"{words}{instead}"


def _adapter(kind: type[Any]) -> Any:
    from pydantic import TypeAdapter

    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def _place(where: tuple[int | str, ...]) -> str:
    return ".".join(_cut(part) if isinstance(part, str) and len(part) > _SHOWN else str(part) for part in where)


def _cut(value: object) -> str:
    """A value as text of bounded length, without building the whole text of something huge first."""
    if isinstance(value, (dict, list, tuple, set)):
        return f"a {type(value).__name__} of {len(value)}"
    text = repr(value[: 2 * _SHOWN] if isinstance(value, (str, bytes)) else value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
