"""A word with its times, as whoever recognises or aligns speech gives it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SpokenWord:
    """A word as it was spoken: ``start`` and ``end`` in seconds from the start of the sound."""

    text: str
    start: float
    end: float
