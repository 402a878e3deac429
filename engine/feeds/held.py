"""The feed of *held* values: controls and texts, which stay as they are until somebody changes them.

A text is not a number. It is given to an encoder off the frame path, and until its vector is there the one before stays
in force; then the vector is swapped between two frames, with those of all that was set with it
(:mod:`engine.feeds.texts`). Which text is meant is known at once, which one is in force can be asked. What is held for
a span ends with the frame in which it is over (:mod:`engine.feeds.running`).
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from engine.errors import EngineError, SpecError
from engine.feeds.running import Running
from engine.feeds.texts import AUTO, LONGEST_TEXT, Batch, HeldTexts, Vector
from engine.phrases import Hold, nothing, read
from engine.spec import ControlValue, InputSpec, StreamSpec

__all__ = ["LONGEST_TEXT", "Checked", "Encode", "Held", "HeldValues", "Vector"]

Encode = Callable[[str, str, Callable[[Vector | EngineError], None]], None]
"""``encode(input, text, done)``: make the vector elsewhere and call ``done`` with it, or with why there is none."""


@dataclass(frozen=True)
class HeldValues:
    """Everything held at one moment, replaced whole when something changes: ``version`` counts the changes, ``by_hand``
    names the controls that somebody has set, ``texts`` the texts that are not empty, ``pending`` says whether a text is
    still being encoded, ``ends`` whether something held ends by itself."""

    version: int
    values: Mapping[str, ControlValue | Vector]
    by_hand: frozenset[str]
    texts: frozenset[str]
    pending: bool
    ends: bool


class Checked(NamedTuple):
    """What setting values would set: controls, what is held in words, texts (see :meth:`HeldTexts.check`), and controls
    that follow again what they follow by themselves."""

    controls: dict[str, ControlValue]
    holds: dict[str, Hold]
    texts: dict[str, str | None]
    freed: AbstractSet[str]


class Held:
    """Present controls and texts of a spec, set by any thread and read by the loop."""

    def __init__(self, spec: StreamSpec, values: Mapping[str, Any] | None = None, encode: Encode | None = None) -> None:
        self._spec, self._encode = spec, encode
        self._lock, self._setting = threading.Lock(), threading.Lock()
        self._texts = HeldTexts(spec)
        self._holds = {item.name: Running(spec, item, nothing(item)) for item in spec.controls if item.choices}
        self._controls = {item.name: _default(item) for item in spec.controls}
        self._by_hand: frozenset[str] = frozenset()
        self._version = -1
        self.now = self._made_now()
        self.set(values or {})

    def set(self, values: Mapping[str, Any]) -> dict[str, ControlValue]:
        """Change all the given controls and texts or, if one is unknown or cannot be, none (:class:`SpecError`);
        all present controls. A control or text set to None follows again what it follows by itself."""
        checked = self.check(values)
        with self._setting:  # of two that set a text the later one is also encoded later
            with self._lock:
                self._by_hand = (self._by_hand | set(checked.controls)) - checked.freed
                self._controls |= checked.controls
                for name, hold in checked.holds.items():
                    self._holds[name] = Running(self._spec, self._spec.input(name), hold)
                places = self._texts.plan(checked.texts)
                self.now = self._made_now()
            for batch, name, text in places:
                assert self._encode is not None
                self._encode(name, text, functools.partial(self._made, batch, name, text))
        return self.values()

    def check(self, values: Mapping[str, Any]) -> Checked:
        """What :meth:`set` would set; raises as that does."""
        texts = {name: value for name, value in values.items() if name in self._texts}
        held = {name: value for name, value in values.items() if name in self._holds}
        freed = {name for name, value in values.items() if self._follows(name) and (value is None or value == AUTO)}
        rest = {name: value for name, value in values.items() if name not in {*texts, *held, *freed}}
        self._check_names(rest)
        said = {name: self._texts.check(name, value) for name, value in texts.items()}
        if self._encode is None and any(said.values()):
            name = next(name for name, text in said.items() if text)
            raise SpecError(f"text {name}: this session has no encoder; serve a bundle that brings one")
        holds = {name: read(self._spec.input(name), value) for name, value in held.items()}
        return Checked(self._spec.check_controls(rest), holds, said, freed)

    def encoded(self, values: Mapping[str, Any]) -> dict[str, str]:
        """The texts by input that :meth:`set` would have encoded, those that follow from others among them."""
        with self._lock:
            wanted = self._texts.follow(self.check(values).texts)
        return {name: text for name, text in wanted.items() if text}

    def at(self, frame: int) -> HeldValues:
        """What is held in a session's ``frame``; frames only grow. For the loop's thread."""
        if self.now.ends:
            with self._lock:
                ended = [one.at(frame) for one in self._holds.values() if one.ends]
                if any(ended):
                    self.now = self._made_now()
        return self.now

    def let_go(self) -> None:
        """Hold nothing in words any more."""
        with self._lock:
            for name in self._holds:
                item = self._spec.input(name)
                self._holds[name] = Running(self._spec, item, nothing(item))
            self.now = self._made_now()

    def values(self) -> dict[str, ControlValue]:
        """A copy of all present controls."""
        now = self.now.values
        return {item.name: now[item.name] for item in self._spec.controls}  # type: ignore[misc]

    def choices(self) -> dict[str, str]:
        """The present names of the controls that are choices, and what is held in words."""
        with self._lock:
            now, said = self.values(), {name: one.words() for name, one in self._holds.items()}
        chosen = {item.name: now[item.name] for item in self._spec.controls if item.names and not item.shape}
        return {name: self._spec.input(name).names[round(float(value))] for name, value in chosen.items()} | said  # type: ignore[arg-type]

    def texts(self) -> dict[str, dict[str, str]]:
        """Of every text what :meth:`HeldTexts.told` says."""
        with self._lock:
            return self._texts.told()

    def _follows(self, name: str) -> bool:
        return any(item.name == name and item.follows for item in self._spec.controls)

    def _check_names(self, rest: Mapping[str, Any]) -> None:
        known = [item.name for item in self._spec.controls]
        for name in rest:
            if name not in known:
                there = ", ".join([*known, *self._texts]) or "none"
                raise SpecError(f"{self._spec.name}: no control {str(name)[:80]!r}; there is {there}")

    def _made(self, batch: Batch, name: str, text: str, made: Vector | EngineError) -> None:
        with self._lock:
            if self._texts.made(batch, name, text, made):
                self.now = self._made_now()

    def _made_now(self) -> HeldValues:
        self._version += 1
        held = {name: one.now.values for name, one in self._holds.items()}
        return HeldValues(
            version=self._version,
            values={**self._controls, **held, **self._texts.vectors},
            by_hand=self._by_hand,
            texts=frozenset(name for name, text in self._texts.texts.items() if text),
            pending=self._texts.pending,
            ends=any(one.ends for one in self._holds.values()),
        )


def _default(item: InputSpec) -> ControlValue:
    return tuple(np.full(item.shape, item.missing).ravel().tolist()) if item.shape else item.missing
