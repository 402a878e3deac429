"""The feed of *held* values: controls and texts, which stay as they are until somebody changes them.

A text is not a number. It is given to an encoder off the frame path, and until its vector is there the one before stays
in force; then the vector is swapped between two frames. Which text is meant is known at once, which one is in force can
be asked.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError, SpecError
from engine.spec import ControlValue, InputSpec, StreamSpec

LONGEST_TEXT = 1000
"""Characters of a text."""

Vector = NDArray[np.float32]
Encode = Callable[[str, str, Callable[[Vector | EngineError], None]], None]
"""``encode(input, text, done)``: make the vector elsewhere and call ``done`` with it, or with why there is none."""


@dataclass(frozen=True)
class HeldValues:
    """Everything held at one moment, replaced whole when something changes: ``version`` counts the changes, ``by_hand``
    names the controls that somebody has set, ``pending`` whether a text is still being encoded."""

    version: int
    values: Mapping[str, ControlValue | Vector]
    by_hand: frozenset[str]
    pending: bool


class Checked(NamedTuple):
    """What setting values would set: controls, texts, and controls that follow again what they follow by themselves."""

    controls: dict[str, ControlValue]
    texts: dict[str, str]
    freed: AbstractSet[str]


class Held:
    """Present controls and texts of a spec, set by any thread and read by the loop."""

    def __init__(self, spec: StreamSpec, values: Mapping[str, Any] | None = None, encode: Encode | None = None) -> None:
        self._spec, self._encode = spec, encode
        self._lock = threading.Lock()
        self._texts = {item.name: "" for item in spec.texts}
        self._waiting: dict[str, str] = {}
        self._troubles: dict[str, str] = {}
        start: dict[str, ControlValue | Vector] = {item.name: _default(item) for item in spec.controls}
        start |= {item.name: np.full(item.shape, item.missing, np.float32) for item in spec.texts}
        self.now = HeldValues(0, start, frozenset(), False)
        self.set(values or {})

    def set(self, values: Mapping[str, Any]) -> dict[str, ControlValue]:
        """Change all the given controls and texts or, if one is unknown or cannot be, none (:class:`SpecError`);
        all present controls. A control set to None follows again what it follows by itself."""
        checked, texts, freed = self.check(values)
        with self._lock:
            by_hand = (self.now.by_hand | set(checked)) - freed
            self._waiting |= texts
            self._swap({**self.now.values, **checked}, by_hand)
        for name, text in texts.items():
            assert self._encode is not None
            self._encode(name, text, functools.partial(self._made, name, text))
        return self.values()

    def check(self, values: Mapping[str, Any]) -> Checked:
        """What :meth:`set` would set; raises as that does."""
        texts = {name: value for name, value in values.items() if name in self._texts}
        freed = {name for name, value in values.items() if self._follows(name) and (value is None or value == "auto")}
        rest = {name: value for name, value in values.items() if name not in texts and name not in freed}
        self._check_names(rest)
        for name, text in texts.items():
            self._check_text(name, text)
        return Checked(self._spec.check_controls(rest), texts, freed)

    def values(self) -> dict[str, ControlValue]:
        """A copy of all present controls."""
        now = self.now.values
        return {item.name: now[item.name] for item in self._spec.controls}  # type: ignore[misc]

    def choices(self) -> dict[str, str]:
        """The present names of the controls that are choices."""
        now = self.values()
        chosen = {item.name: now[item.name] for item in self._spec.controls if item.names and not item.shape}
        return {name: self._spec.input(name).names[round(float(value))] for name, value in chosen.items()}  # type: ignore[arg-type]

    def texts(self) -> dict[str, dict[str, str]]:
        """Of every text: ``text`` in force, ``pending`` the one being encoded ("" for none), and ``problem``."""
        with self._lock:
            return {
                name: {"text": text, "pending": self._waiting.get(name, ""), "problem": self._troubles.get(name, "")}
                for name, text in self._texts.items()
            }

    def _follows(self, name: str) -> bool:
        return any(item.name == name and item.follows for item in self._spec.controls)

    def _check_names(self, rest: Mapping[str, Any]) -> None:
        known = [item.name for item in self._spec.controls]
        for name in rest:
            if name not in known:
                there = ", ".join([*known, *self._texts]) or "none"
                raise SpecError(f"{self._spec.name}: no control {str(name)[:80]!r}; there is {there}")

    def _check_text(self, name: str, text: Any) -> None:
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
            said = f"{len(text)} characters" if isinstance(text, str) else f"a {type(text).__name__}"
            raise SpecError(f"text {name} is {said}: give words, {LONGEST_TEXT} characters at most")
        if self._encode is None:
            raise SpecError(f"text {name}: this session has no encoder; serve a bundle that brings one")

    def _made(self, name: str, text: str, made: Vector | EngineError) -> None:
        with self._lock:
            if self._waiting.get(name) != text:
                return  # another text was set meanwhile
            del self._waiting[name]
            values = dict(self.now.values)
            if isinstance(made, EngineError):
                self._troubles[name] = str(made)
            else:
                self._troubles.pop(name, None)
                self._texts[name] = text
                values[name] = np.asarray(made, np.float32).reshape(self._spec.input(name).shape)
            self._swap(values, self.now.by_hand)

    def _swap(self, values: Mapping[str, ControlValue | Vector], by_hand: frozenset[str]) -> None:
        self.now = HeldValues(self.now.version + 1, values, by_hand, bool(self._waiting))


def _default(item: InputSpec) -> ControlValue:
    return tuple(np.full(item.shape, item.missing).ravel().tolist()) if item.shape else item.missing
