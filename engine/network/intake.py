"""From a client's messages to the feeds of its session: times onto the engine's clock, sound to the bundle's rate.

Sound that comes faster than :mod:`engine.session.pushed` takes it is thrown away, and counted; so are words that come
faster than anybody speaks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

from engine.bundle import Bundle
from engine.channels import FACE_NAMES
from engine.feeds.feeds import Key, columns, key, wanted
from engine.feeds.latest import PoseRing, PoseSample
from engine.feeds.words import WORDS_A_SECOND, WORDS_AT_ONCE, Word
from engine.network.limits import Bucket
from engine.network.messages import Input, MessageError, Record, Said, Words, parse_records
from engine.network.timing import ClientClock
from engine.roles import ROLES
from engine.session.live import LiveSession
from engine.session.pushed import PushedSound
from engine.sources.pictures import FACE, PICTURES, PicturesSource

AHEAD_S = 60.0
"""How far ahead words and flags may be told."""


def check_gives(bundles: Sequence[Bundle], gives: Collection[Key], pictures: bool = False) -> None:
    """Raises :class:`MessageError` naming what no bundle can be given; ``pictures``: whether faces are looked for in
    them here."""
    takes = {name for bundle in bundles for name in wanted(bundle.spec)}
    if FACE in takes and pictures:
        takes.add(PICTURES)
    elif FACE in takes and PICTURES in gives:
        raise MessageError(
            "gives pictures/partner: this engine takes no pictures (engine serve --pictures does); give face/partner"
        )
    for what, owner in sorted(set(gives) - takes):
        there = ", ".join(sorted(f"{name}/{whose}" for name, whose in takes)) or "nothing"
        raise MessageError(f"gives {what[:60]}/{owner}: {', '.join(item.name for item in bundles)} takes {there}")


def numbered(bundles: Sequence[Bundle], gives: Collection[Key]) -> list[Input]:
    """What of ``gives`` comes as numbers, in the order of the announcement."""
    shapes: dict[Key, tuple[int, ...]] = {}
    for bundle in bundles:
        for item in bundle.spec.inputs:
            if ROLES[item.role].feed == "latest":
                shapes.setdefault(key(item), item.shape if columns(item) is None else (len(FACE_NAMES),))
    poses = [Input(name, shapes[name]) for name in sorted(gives) if name in shapes]
    return [Input(name) for name in sorted(gives) if name[0] == "audio"] + poses


class Intake:
    """Writes to the feeds of ``session`` what its client sends. ``sample_rate`` of its sound in Hz; ``pictures`` takes
    those it sends, where it said that it would."""

    def __init__(
        self, session: LiveSession, sample_rate: int, now_ns: int, pictures: PicturesSource | None = None
    ) -> None:
        self.clock = ClientClock(now_ns)
        self.too_fast = self.too_many_words = 0
        self._words_allowed = Bucket(WORDS_A_SECOND, WORDS_AT_ONCE, now_ns)
        self.inputs = numbered(session.served, session.ask.given)
        self._session, self._given = session, session.ask.given
        self._sinks: list[Callable[[Record, int], None]] = []
        for item in self.inputs:
            if item.shape:
                self._sinks.append(self._poses(session.feeds.latest[item.key]))
            else:
                self._sinks.append(self._voice(item.key[1], sample_rate, now_ns))
        if pictures is not None:
            self.inputs.append(Input(PICTURES))
            self._sinks.append(self._seen(pictures))

    def describe(self) -> list[dict[str, object]]:
        """The numbered inputs, for the announcement."""
        return [
            {"input": number, "gives": "/".join(item.key), "count": math.prod(item.shape) if item.shape else 0}
            for number, item in enumerate(self.inputs)
        ]

    def binary(self, message: bytes, now_ns: int) -> int:
        """Sound, poses and pictures; how many records it were. Raises :class:`MessageError`."""
        records = parse_records(message, self.inputs)
        for record in records:
            self._sinks[record.input](record, now_ns)
        return len(records)

    def words(self, told: Words, now_ns: int) -> None:
        """Words that are, or will be, said. Raises :class:`MessageError`."""
        ring = self._session.feeds.words[self._asked("words", told.owner)]
        for text, start, end in told.words:
            if not self._words_allowed.take(1, now_ns):
                self.too_many_words += 1
                continue
            start_ns = self.clock.to_engine(start, now_ns, AHEAD_S)
            end_ns = None if end is None else self.clock.to_engine(end, now_ns, AHEAD_S)
            ring.put(Word(text, start_ns, end_ns))

    def said(self, told: Said, now_ns: int) -> None:
        """Whether somebody speaks. Raises :class:`MessageError`."""
        speaking = self._session.feeds.speaking[self._asked("speaking", told.owner)]
        speaking.say(told.flag, now_ns if told.at_ns is None else self.clock.to_engine(told.at_ns, now_ns, AHEAD_S))

    def _asked(self, what: str, owner: str) -> str:
        if (what, owner) not in self._given:
            raise MessageError(f"{what} of {owner}: the opening did not name {what}/{owner} among what it gives")
        return owner

    def _poses(self, ring: PoseRing) -> Callable[[Record, int], None]:
        def take(record: Record, now_ns: int) -> None:
            ring.put(PoseSample(self.clock.to_engine(record.at_ns, now_ns), record.values, record.valid))

        return take

    def _seen(self, pictures: PicturesSource) -> Callable[[Record, int], None]:
        def take(record: Record, now_ns: int) -> None:
            jpeg = record.values.tobytes() if record.valid else None
            pictures.put(jpeg, self.clock.to_engine(record.at_ns, now_ns), now_ns)

        return take

    def _voice(self, owner: str, rate: int, now_ns: int) -> Callable[[Record, int], None]:
        pushed = PushedSound(self._session.feeds, owner, rate, now_ns)

        def take(record: Record, now_ns: int) -> None:
            if not pushed.fits(len(record.values), now_ns):
                self.too_fast += len(record.values)
                return
            pushed.write(record.values, record.valid, self.clock.to_engine(record.at_ns, now_ns))

        return take
