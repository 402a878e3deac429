"""A schedule with its feeds at a time that a test tells, and what reached them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from engine.feeds.feeds import Feeds
from engine.feeds.words import Word
from engine.speech.messages import SpeechSound, decode
from engine.speech.schedule import SpeechSchedule
from tests.engine.speech.made import RATE, START, own_side


class Stage:
    """A schedule with its feeds, at a time that the test tells."""

    def __init__(self) -> None:
        self.feeds: Feeds = own_side()
        self.schedule = SpeechSchedule(self.feeds, START)
        self.now_s = 0.0
        self.words: list[Word] = []
        self.flags: list[tuple[bool | None, float]] = []
        self.blocks: list[np.ndarray] = []
        self.ends: list[float] = []
        self.feeds.words["self"].listen(self.words.append)
        self.feeds.samples["self"].listen(self._heard)
        say = self.feeds.speaking["self"].say

        def watched(flag: bool | None, at_ns: int) -> None:
            self.flags.append((flag, seconds(at_ns)))
            say(flag, at_ns)

        self.feeds.speaking["self"].say = watched  # type: ignore[method-assign]

    def _heard(self, samples: np.ndarray, end_ns: int) -> None:
        self.blocks.append(samples)
        self.ends.append(seconds(end_ns))

    def sound(self, samples: Any, rate: int = RATE, **more: Any) -> None:
        if "at_s" in more:
            more["at_ns"] = ns(more.pop("at_s"))
        self.schedule.sound(SpeechSound(np.asarray(samples, np.float32), rate, **more), lambda: ns(self.now_s))

    def tell(self, **told: Any) -> None:
        message = decode(json.dumps(told).encode())
        assert not isinstance(message, SpeechSound)
        self.schedule.told(message, ns(self.now_s))

    def until(self, second: float, step: float = 0.01) -> None:
        """Let time pass."""
        while self.now_s < second - 1e-9:
            self.now_s = min(second, self.now_s + step)
            self.schedule.release(ns(self.now_s))

    @property
    def played(self) -> np.ndarray:
        return np.concatenate(self.blocks) if self.blocks else np.zeros(0, np.float32)

    def said(self) -> list[tuple[str, float, float]]:
        return [(w.text, seconds(w.start_ns), seconds(w.end_ns or 0)) for w in self.words]


def ns(second: float) -> int:
    return START + round(second * 1e9)


def seconds(at_ns: int) -> float:
    return round((at_ns - START) / 1e9, 6)


def word(start: float, end: float, text: str = "hi") -> dict[str, Any]:
    return {"start": start, "end": end, "text": text}


def ramp(length: float, first: int = 1) -> np.ndarray:
    return (np.arange(round(length * RATE)) + first) / 1e5
