"""The texts that are held: which is meant, which is in force, and what follows from a prompt.

What is set at once comes into force at once: the texts of one call, and the fields that are read in a prompt among
them, wait for each other's vectors as a *batch*. A later call takes its texts out of the batches before, so each text
waits in one batch at most. Of a prompt that cannot be encoded no field counts; of a field that cannot be, the prompt
counts without it. A field that is set together with its prompt belongs to it and goes with it; one that is set alone
stays until it is told to follow again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError, SpecError
from engine.spec import InputSpec, StreamSpec
from engine.text.fields import read_fields
from engine.text.tidy import tidy

LONGEST_TEXT = 1000
"""Characters of a text."""
AUTO, NONE = "auto", "none"

Vector = NDArray[np.float32]


@dataclass(eq=False)
class Batch:
    """Texts by input that come into force together, and what has been made of them so far."""

    texts: dict[str, str]
    made: dict[str, Vector | EngineError] = field(default_factory=dict)


class HeldTexts:
    """Of one session; whoever calls keeps threads apart. ``vectors`` and ``texts`` are in force, "" is none."""

    def __init__(self, spec: StreamSpec) -> None:
        self._items = {item.name: item for item in spec.texts}
        self._by_hand: set[str] = set()
        self._batches: list[Batch] = []
        self._troubles: dict[str, str] = {}
        self.texts = dict.fromkeys(self._items, "")
        self.vectors = {name: _missing(item) for name, item in self._items.items()}

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    @property
    def pending(self) -> bool:
        """Whether a text waits for its vector."""
        return bool(self._batches)

    def check(self, name: str, value: Any) -> str | None:
        """A value as :meth:`plan` takes it: the text, "" for none (set as "none"), or None where it is to follow again
        (None or "auto"; a text that follows nothing is none then). Raises :class:`SpecError`."""
        item = self._items[name]
        word = value.strip().lower() if isinstance(value, str) else ""
        if value is None or word == AUTO:
            return None if item.follows else ""
        if word == NONE:
            return ""
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT or not tidy(value):
            said = f"{len(value)} characters" if isinstance(value, str) else f"a {type(value).__name__}"
            said += ", none of which can be shown" if word and not tidy(value) else ""
            raise SpecError(
                f"text {name} is {said}: give words, {LONGEST_TEXT} characters at most, or {NONE!r} for no text"
            )
        return value

    def follow(self, asked: Mapping[str, str | None]) -> dict[str, str]:
        """All texts that setting these would set: they, and what follows from them."""
        wanted = {name: text for name, text in asked.items() if text is not None}
        by_hand = self._by_hand_after(asked)
        for name, item in self._items.items():
            given = name in wanted or name in by_hand
            if item.follows and not given and (item.follows in wanted or name in asked):
                leader = wanted.get(item.follows, self._meant(item.follows))
                wanted[name] = read_fields(leader).get(name, "")[:LONGEST_TEXT]
        return wanted

    def plan(self, asked: Mapping[str, str | None]) -> list[tuple[Batch, str, str]]:
        """Mean these texts from now on: batch, input and text of each that is to be encoded."""
        wanted = self.follow(asked)
        self._by_hand = self._by_hand_after(asked)
        for batch in self._batches:
            for name in wanted:
                batch.texts.pop(name, None)
        new, places = Batch({}), list[tuple[Batch, str, str]]()
        self._batches.append(new)
        for name, text in wanted.items():
            leader = self._items[name].follows
            # A field that follows again while its prompt waits comes into force with that prompt.
            batch = next((one for one in self._batches if leader in one.texts and leader not in wanted), new)
            batch = batch if name not in self._by_hand else new
            batch.texts[name] = text
            batch.made.pop(name, None)
            if text:
                places.append((batch, name, text))
            else:
                batch.made[name] = _missing(self._items[name])
        self._settle()
        return places

    def made(self, batch: Batch, name: str, text: str, made: Vector | EngineError) -> bool:
        """What has become of a text; whether something else is in force now, or waits no more."""
        if batch.texts.get(name) != text or batch not in self._batches:
            return False  # another text was set meanwhile
        shape = self._items[name].shape
        batch.made[name] = made if isinstance(made, EngineError) else np.asarray(made, np.float32).reshape(shape)
        return self._settle()

    def told(self) -> dict[str, dict[str, str]]:
        """Of every text: ``text`` in force, ``pending`` the one being encoded ("" for none), ``problem``, and of one
        that can follow another ``follows``, which is "" while it is set by hand."""
        waiting = {name: text for batch in self._batches for name, text in batch.texts.items()}
        told = {
            name: {"text": text, "pending": waiting.get(name, ""), "problem": self._troubles.get(name, "")}
            for name, text in self.texts.items()
        }
        for name, item in self._items.items():
            if item.follows:
                told[name]["follows"] = "" if name in self._by_hand else item.follows
        return told

    def _by_hand_after(self, asked: Mapping[str, str | None]) -> set[str]:
        leaders = {name: item.follows for name, item in self._items.items() if item.follows and name in asked}
        given = {name for name, leader in leaders.items() if leader not in asked and asked[name] is not None}
        return (self._by_hand - leaders.keys()) | given

    def _meant(self, name: str) -> str:
        return next((batch.texts[name] for batch in self._batches if name in batch.texts), self.texts[name])

    def _settle(self) -> bool:
        """Bring what waits for nothing more into force; whether there was such a batch."""
        ready = [batch for batch in self._batches if batch.texts.keys() <= batch.made.keys()]
        for batch in ready:
            self._batches.remove(batch)
            failed = {name for name in batch.texts if isinstance(batch.made[name], EngineError)}
            for name, text in batch.texts.items():
                made, item = batch.made[name], self._items[name]
                follows = bool(item.follows) and name not in self._by_hand
                if isinstance(made, EngineError):
                    self._troubles[name] = str(made)
                    if follows and item.follows not in failed:
                        self.texts[name], self.vectors[name] = "", _missing(item)
                elif not (follows and item.follows in failed):
                    self._troubles.pop(name, None)
                    self.texts[name], self.vectors[name] = text, made
        return bool(ready)


def _missing(item: InputSpec) -> Vector:
    return np.full(item.shape, item.missing, np.float32)
