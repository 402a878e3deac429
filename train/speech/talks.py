"""Talks for training, validation and test: real recordings and synthetic voices, split by voice and by text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.errors import EngineError
from train.speech.made import made_talk
from train.speech.talk import SPLITS, Talk

SHARES = {"train": 0.75, "dev": 0.10, "test": 0.15}
"""How the minutes asked for are dealt among the splits."""


def build_talks(data: Path | None, minutes: float, seed: int) -> Iterator[Talk]:
    """Talks of 45 to 90 s, about ``minutes`` in all, split after split; the same for the same seed.

    Without ``data`` synthetic voices speak made words.
    """
    if not 0 < minutes <= 6000:
        raise EngineError(f"{minutes} minutes of talks cannot be made: ask for more than 0 and at most 6000")
    for split in SPLITS:
        seconds, number = 60.0 * minutes * SHARES[split], 0
        while seconds > 0:
            talk = made_talk(split, number, seed)
            seconds, number = seconds - talk.seconds, number + 1
            yield talk
