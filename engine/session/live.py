"""A live session: one avatar under one session number, with a slot in each of its bundles."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import engine
from engine.body.humanoid import humanoid
from engine.body.skeleton import Skeleton
from engine.bundle import Bundle
from engine.clock import Clock
from engine.errors import EngineError, SpecError
from engine.feeds.feeds import Feeds, Key
from engine.feeds.words import UNKNOWN_END_S, Word
from engine.phrases import groups
from engine.session.slot import Slot
from engine.sources.base import Source
from engine.spec import StreamSpec

TOLD_WORDS = 32
"""The newest words of the avatar's own that an announcement tells, where what the model hears is published."""
STREAMS_A_BUNDLE = 0x200
"""Stream numbers of a session's second bundle begin here, those of its third at twice that, and so on."""


@dataclass(frozen=True)
class Opening:
    """What a session is asked to be. ``given``: what its sources or its client will bring (a partner's voice among them
    is its clock). ``number`` None takes a free one. ``seconds`` limits its length."""

    bundles: tuple[str, ...]
    seed: int = 0
    number: int | None = None
    controls: Mapping[str, Any] = field(default_factory=dict)
    monitor: bool = False
    given: frozenset[Key] = frozenset()
    seconds: float | None = None
    head: str = "face"
    """Of a face and a body from two bundles, which moves the head (:mod:`engine.session.head`)."""
    idle_s: float = math.inf
    """Seconds without a sign of life (:meth:`LiveSession.touch`) after which it is closed."""


class LiveSession:
    """Made by :meth:`engine.session.host.Host.open`. ``feeds`` may be written from any thread, every method called from
    any."""

    def __init__(
        self,
        number: int,
        generation: int,
        ask: Opening,
        bundles: Sequence[Bundle],
        slots: Sequence[Slot],
        sources: Sequence[Source],
        clock: Clock,
        close: Callable[[LiveSession, str], None],
    ) -> None:
        self.number, self.generation, self.ask = number, generation, ask
        self.served = tuple(bundles)
        self.bundles = tuple(bundle.name for bundle in bundles)
        self.slots, self.sources = tuple(slots), tuple(sources)
        self.feeds = Feeds.merged([slot.feeds for slot in slots])
        self.ended: str | None = None
        """Why it is over; None while it is not."""
        self.begun = False
        """Whether its sources run."""
        self.done = threading.Event()
        """Set when it is over and its sources have stopped."""
        self.version = 0
        """Counts what changes in :meth:`describe`."""
        self.recording = ""
        self._specs = [bundle.spec for bundle in bundles]
        self._clock, self._close = clock, close
        self._touched_ns = clock.now_ns()
        self._said: deque[Word] = deque(maxlen=TOLD_WORDS)
        self._echo = next((slot.echo for slot in slots if slot.echo is not None), None)
        if self._echo is not None:
            echo = self._echo
            self.feeds.notes.append(lambda: [f"partner's voice: {text}" for text in echo.notices])
        if ask.monitor and "self" in self.feeds.words:
            self.feeds.words["self"].listen(self._said.append)

    def touch(self) -> None:
        """A sign of life."""
        self._touched_ns = self._clock.now_ns()

    def starts(self, now_ns: int) -> None:
        """Recordings that are played, and the frames that follow them, count their times from here."""
        for feeds in (self.feeds, *(slot.feeds for slot in self.slots)):
            feeds.start_ns = now_ns
        self._touched_ns = now_ns

    @property
    def idle_ns(self) -> int:
        """Nanoseconds since the last sign of life."""
        return self._clock.now_ns() - self._touched_ns

    def set(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Change controls and texts in every bundle that has them, or none of them (:class:`SpecError`). Returns
        ``controls``, ``choices`` and ``texts`` as they are now."""
        shares = []
        for slot in self.slots:
            names = {item.name for item in (*slot.spec.controls, *slot.spec.texts)}
            shares.append({name: value for name, value in values.items() if name in names})
        unknown = set(values) - {name for share in shares for name in share}
        if unknown:
            there = ", ".join(item.name for spec in self._specs for item in (*spec.controls, *spec.texts)) or "none"
            raise SpecError(f"{', '.join(self.bundles)}: no control {str(sorted(unknown)[0])[:80]!r}; there is {there}")
        for slot, share in zip(self.slots, shares, strict=True):
            slot.feeds.held.check(share)
        for slot, share in zip(self.slots, shares, strict=True):
            slot.feeds.held.set(share)
        self.version += 1
        return self.held()

    def held(self) -> dict[str, Any]:
        """``controls``, ``choices`` and ``texts`` as they are now."""
        told: dict[str, Any] = {"controls": {}, "choices": {}, "texts": {}}
        for slot in reversed(self.slots):
            told["controls"] |= slot.feeds.held.values()
            told["choices"] |= slot.feeds.held.choices()
            told["texts"] |= slot.feeds.held.texts()
        return told

    def reset(self) -> None:
        """Let the models forget, before the next frame, and let go of what is held in words."""
        for slot in self.slots:
            slot.feeds.held.let_go()
            slot.reset()
        self.version += 1

    def pause(self, paused: bool = True) -> None:
        """Make no frames until :meth:`resume`."""
        for slot in self.slots:
            slot.pause(paused)
        self.version += 1

    def resume(self) -> None:
        """Go on with the frames of now."""
        self.pause(False)

    def close(self, reason: str = "closed") -> None:
        """End the session; its rows are free after the next tick."""
        self._close(self, reason)

    def check_recovered(self) -> None:
        """Raise :class:`EngineError` where a model fails to the end: it must not look like one that runs."""
        for slot in self.slots:
            if slot.failing:
                raise EngineError(
                    f"bundle {slot.spec.name}: {slot.ended or 'no step succeeded at the end'}; last failure: "
                    f"{slot.stats.last_error}; export the model again, or see `engine doctor`"
                )

    def describe(self) -> dict[str, Any]:
        """The announcement: everything that a client has to know, in plain values."""
        first = self._specs[0]
        return {
            "protocol": 1,
            "engine": engine.__version__,
            "session": self.number,
            "generation": self.generation,
            "bundle": self.bundles[0],
            "bundles": list(self.bundles),
            "rate": first.rate,
            "sample_rate": first.sample_rate,
            "lookahead_frames": first.lookahead,
            "quantum_frames": first.quantum,
            "streams": [
                {**stream.describe(), "bundle": name, "rate": slot.spec.rate}
                for name, slot in zip(self.bundles, self.slots, strict=True)
                for stream in slot.streams
            ],
            "skeletons": {item.name: _skeleton(item) for spec in self._specs for item in spec.skeletons},
            "controls": [
                item for spec, slot in zip(self._specs, self.slots, strict=True) for item in _controls(spec, slot)
            ],
            "texts": self.held()["texts"],
            "said": [_said(word) for word in list(self._said)],
            "takes": sorted(f"{what}/{owner}" for what, owner in self.feeds.takes()),
            "given": sorted(f"{what}/{owner}" for what, owner in self.ask.given),
            "sources": [source.describe() for source in self.sources],
            "sound": self.sound(),
            "recording": self.recording,
            **self._av_offset(),
        }

    def stats(self) -> dict[str, Any]:
        """Counters of the first bundle's slot; of the others under their names; the level meters; whether it is
        paused."""
        told = [slot.stats.to_dict() for slot in self.slots]
        more = {"sound": self.sound(), "paused": self.slots[0].paused}
        return {**told[0], **dict(zip(self.bundles[1:], told[1:], strict=True)), **more}

    def sound(self) -> dict[str, dict[str, Any]]:
        """The level meter of each voice that is heard (:meth:`engine.sound.meter.SoundMeter.told`); of the partner's
        also what of it is the avatar's own (:meth:`engine.sound.echo.Echo.told`), where that is looked for."""
        told = {owner: meter.told() for owner, meter in list(self.feeds.meters.items())}
        if self._echo is not None and "partner" in told:
            told["partner"] |= self._echo.told()
        return told

    def _av_offset(self) -> dict[str, dict[str, float]]:
        """The A/V offset (ms) of the first bundle that hears the avatar's own voice, once it has spoken."""
        counted = next((slot.stats.av_offset for slot in self.slots if slot.stats.av_offset is not None), None)
        if counted is None or not counted.count:
            return {}
        return {"av_offset_ms": {name: round(value, 1) for name, value in counted.summary().items()}}


def _skeleton(item: Skeleton) -> dict[str, Any]:
    """A skeleton, and of a person's body the joint by the name of its Humanoid bone."""
    bones = humanoid(item)
    return item.to_dict() | ({"humanoid": bones} if bones else {})


def _said(word: Word) -> list[Any]:
    end_ns = word.start_ns + round(UNKNOWN_END_S * 1e9) if word.end_ns is None else max(word.start_ns, word.end_ns)
    return [word.text, max(word.start_ns, 0), max(end_ns, 0)]


def _controls(spec: StreamSpec, slot: Slot) -> list[dict[str, Any]]:
    held = slot.feeds.held
    known, by_hand, said = held.values(), held.now.by_hand, held.choices()
    return [
        {"name": item.name, "low": item.low, "high": item.high, "default": item.missing, "count": math.prod(item.shape)}
        | {"value": known[item.name], "choices": [] if item.choices else list(item.names), "about": item.about}
        | {"follows": item.follows if item.name not in by_hand else ""}
        | ({"groups": groups(item), "words": said[item.name]} if item.choices else {})
        for item in spec.controls
    ]
