"""The part of YAML that a manifest needs: mappings, lists, text, numbers, true, false, null. Bounded while it is read.

YAML has features by which a small file becomes a huge value or runs something: aliases, tags, numbers to the base 60,
nesting without end. A manifest uses none of them, so they are refused where they are met, before anything is built from
them. Text with control characters is refused too: it would reach somebody's terminal.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from engine.errors import EngineError

MOST_VALUES = 1 << 15
"""Values of a manifest, keys counted; the largest that ships has 1300."""
DEEPEST = 24
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"[-+]?([0-9]{1,40}\.[0-9]{0,40}|\.[0-9]{1,40})([eE][-+][0-9]{1,4})?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


class PlainYamlError(EngineError, ValueError):
    """Text is no YAML, or YAML that is not read here; the message says what and where."""


def parse(text: str) -> Any:
    """The value of one YAML document. Raises :class:`PlainYamlError`."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where the package was built with it
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except yaml.YAMLError as error:
        raise PlainYamlError(" ".join(str(error).split())[:200]) from None
    return builder.value


class _Builder:
    """Builds the value from the parser's events, one after the other."""

    def __init__(self) -> None:
        self.value: Any = None
        self._open: list[dict[str, Any] | list[Any]] = []
        self._keys: list[str | None] = []  # of each open mapping, the key that waits for its value
        self._count = self._documents = 0

    def take(self, event: Any) -> None:
        """One event of the parser."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise _refused(event, "a second document")
        elif isinstance(event, yaml.AliasEvent):
            raise _refused(event, "an alias (*name)")
        elif isinstance(event, yaml.ScalarEvent):
            self._look(event)
            self._put(event, _scalar(event))
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._look(event)
            if len(self._open) >= DEEPEST:
                raise _refused(event, f"values nested more than {DEEPEST} deep")
            whole: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._put(event, whole)
            self._open.append(whole)
            self._keys.append(None)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._open.pop()
            self._keys.pop()

    def _look(self, event: Any) -> None:
        self._count += 1
        if self._count > MOST_VALUES:
            raise _refused(event, f"more than {MOST_VALUES} values")
        if event.anchor is not None:
            raise _refused(event, "an anchor (&name)")
        if event.tag is not None:
            raise _refused(event, f"a tag ({str(event.tag)[:40]!r})")

    def _put(self, event: Any, value: Any) -> None:
        if not self._open:
            self.value = value
            return
        whole = self._open[-1]
        if isinstance(whole, list):
            whole.append(value)
        elif self._keys[-1] is None:
            if not isinstance(event, yaml.ScalarEvent):
                raise _refused(event, "a key that is no text")
            if event.value in whole:
                raise _refused(event, f"the key {event.value[:40]!r} twice")
            self._keys[-1] = event.value
        else:
            whole[self._keys[-1]] = value
            self._keys[-1] = None


def _scalar(event: Any) -> Any:
    text: str = event.value
    if _CONTROL.search(text):
        raise _refused(event, "control characters")
    if not event.implicit[0]:  # quoted
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _refused(event: Any, what: str) -> PlainYamlError:
    mark = event.start_mark
    return PlainYamlError(f"{what} in line {mark.line + 1}, which is not read")
