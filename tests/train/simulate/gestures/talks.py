"""Talks made by hand for the tests of gesturers: words at known times, tones where they are spoken."""

from __future__ import annotations

import numpy as np

from train.speech.talk import RATE, SpokenWord, Stress, Talk

PHRASE = ("the", "river", "and", "a", "mountain", "are", "wonderful", "places", "to", "visit")


def spoken(phrases: int = 8, pause: float = 1.5, name: str = "made") -> Talk:
    """Phrases of ten words in 3.2 s; content words are stressed at 40 % of their length, the later the stronger."""
    words: list[SpokenWord] = []
    stresses: list[Stress] = []
    at = 0.8
    for _ in range(phrases):
        for place, text in enumerate(PHRASE):
            end = at + (0.2 if len(text) < 4 else 0.45)
            if len(text) >= 4:
                stresses.append(Stress(at + 0.4 * (end - at), place / len(PHRASE), len(words)))
            words.append(SpokenWord(text, at, end))
            at = end
        at += pause
    sound = np.zeros(round(at * RATE))
    for word in words:
        first, last = round(word.start * RATE), round(word.end * RATE)
        sound[first:last] = 0.1 * np.sin(2 * np.pi * 150 * np.arange(last - first) / RATE)
    return Talk(
        name, "voice", "train", "made", "none", "nobody", sound.astype(np.float32), tuple(words), tuple(stresses)
    )
