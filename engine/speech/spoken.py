"""A word with its times, as whoever recognises, aligns or writes down speech gives it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.feeds.words import LONGEST_WORD, UNKNOWN_END_S
from engine.text.tidy import tidy

LATEST_S = 7 * 86_400.0
"""Seconds from the start of a sound beyond which no word is believed."""
SILENCES = frozenset({"sp", "sil", "pau", "#", "<sil>", "<eps>", "<p:>", "[sil]", "<s>", "</s>"})
"""What people and programs write where nothing is said, in lower case."""


class WordsError(ValueError):
    """What is wrong in a list of words; whoever reads it adds where it is."""


@dataclass(frozen=True)
class SpokenWord:
    """A word as it was spoken: ``start`` and ``end`` in seconds from the start of the sound."""

    text: str
    start: float
    end: float


def timed_word(entry: Any) -> SpokenWord:
    """A word as JSON has it, ``{"start": 0.1, "end": 0.4, "text": "hi"}``; without an end it is over
    :data:`~engine.feeds.words.UNKNOWN_END_S` after its start. Raises ValueError saying what it is not."""
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        raise ValueError('no {"start": s, "end": s, "text": "hello"}')
    start = _seconds(entry.get("start"))
    end = start + UNKNOWN_END_S if entry.get("end") is None else _seconds(entry.get("end"))
    if not 0.0 <= start <= end <= LATEST_S:
        raise ValueError(f"start {start:g} and end {end:g}: give seconds from 0, and no end before the start")
    text = as_word(entry["text"])
    if not text:
        raise ValueError("a text without letters")
    return SpokenWord(text, start, end)


def as_word(text: str) -> str:
    """A word's text as it is kept: one line of :data:`~engine.feeds.words.LONGEST_WORD` characters at most."""
    return tidy(text[: 4 * LONGEST_WORD])[:LONGEST_WORD]


def shared(words: Sequence[str], start: float, end: float) -> Iterator[SpokenWord]:
    """Words said from ``start`` to ``end``: each has a share of the time as large as its share of the letters."""
    letters = sum(len(word) for word in words)
    for word in words:
        until = start + max(0.0, end - start) * len(word) / max(letters, 1)
        letters -= len(word)
        if word:
            yield SpokenWord(word[:LONGEST_WORD], start, until)
        start = until


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LATEST_S:
        raise ValueError(f"a time that is {type(value).__name__}, not seconds up to {LATEST_S:g}")
    return float(value)
