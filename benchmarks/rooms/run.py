"""Listeners in rooms: a room is made, goes through the front end, and several listeners of each bundle hear it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from benchmarks.listen import Partner, listeners
from benchmarks.rooms.conditions import Condition
from benchmarks.rooms.counts import Counts, count
from benchmarks.rooms.faces import FPS
from engine.bundle import Bundle
from engine.errors import EngineError
from engine.runtime import open_runtime
from engine.sound.front_end import FrontEnd

ROWS = 16
"""Listeners in one batch: a network hears many for far less than one after the other."""


class Heard(NamedTuple):
    """What each bundle, by its label, did in a room."""

    room: Condition
    counts: dict[str, Counts]


def listener(name: str) -> Bundle:
    """The bundle of that name. Raises :class:`EngineError` for one that does not listen to a partner, shows no face, or
    runs at another rate than the faces here."""
    bundle = Bundle.load(name)
    spec = bundle.spec
    hears = any(item.of == "partner" for item in spec.by_role("audio"))
    if not hears or all(item.name != "face" for item in spec.outputs) or spec.rate != FPS:
        raise EngineError(
            f"bundle {name}: no listener with a face at {FPS} frames a second, of which alone this can count; "
            "give one like rules or reaction"
        )
    return bundle


def chosen(every: Sequence[Condition], only: Sequence[str]) -> list[Condition]:
    """The rooms whose group or name holds one of the texts ``only``; all without any. Raises :class:`EngineError` for a
    text that no room has."""
    for text in only:
        if not any(_holds(room, text) for room in every):
            groups = ", ".join(dict.fromkeys(room.group for room in every))
            raise EngineError(f"--only {text}: no room has that in its name; give a part of one, or a group: {groups}")
    return [room for room in every if not only or any(_holds(room, text) for text in only)]


def _holds(room: Condition, text: str) -> bool:
    return text == room.group or text in room.name


def compared(every: Sequence[Condition], rooms: Sequence[Condition]) -> list[Condition]:
    """The rooms that ``rooms`` are compared with, and those that these are compared with, in the order of the table."""
    names = {room.against for room in rooms}
    names |= {room.against for room in every if room.name in names}
    return [room for room in every if room.name in names]


def hear(
    every: Sequence[Condition], rooms: Sequence[Condition], bundles: Mapping[str, Bundle], seeds: int, raw: bool
) -> Iterator[Heard]:
    """What ``seeds`` listeners of each bundle do in each of ``rooms``; before that, what twice as many do in those of
    ``every`` that they are compared with. ``raw``: past the front end."""
    first = compared(every, rooms)
    others = [room for room in rooms if room not in first]
    for some, rows in ((first, 2 * seeds), (others, seeds)):
        together = max(1, ROWS // rows)
        for start in range(0, len(some), together):
            yield from _batch(some[start : start + together], bundles, rows, raw)


def _batch(rooms: Sequence[Condition], bundles: Mapping[str, Bundle], rows: int, raw: bool) -> list[Heard]:
    """``rows`` listeners of each bundle in each of ``rooms``, all at once."""
    rate = next(iter(bundles.values())).spec.sample_rate
    made = [room.make() for room in rooms]
    partners = [Partner(FrontEnd(on=not raw).push(partner.pcm, rate), partner.faces) for partner in made]
    found = [Heard(room, {}) for room in rooms]
    for name, bundle in bundles.items():
        runtime = open_runtime(bundle, rows=rows * len(rooms))
        spread = [partner for partner in partners for _ in range(rows)]
        shown = listeners(runtime, spread, [*range(rows)] * len(rooms))["face"]
        for index, heard in enumerate(found):
            faces = [shown[:, index * rows + row] for row in range(rows)]
            heard.counts[name] = count(faces, bundle.spec.rate)
    return found
