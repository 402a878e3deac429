"""When lips have to close: onsets of b, p and m in words whose times are known.

PocketSphinx aligns phones in two passes: words in the sound, then the phones of these words. Where it finds the words
nowhere, or there is none of it, only letters that begin a word count, at the time that is told for the word.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.speech.align import RATE, feed, spelled, sphinx
from train.conversation.evaluation.cases import Case, resampled

Array = NDArray[np.floating]

CLOSING = ("B", "P", "M")
"""Phones (ARPAbet) made with closed lips."""
FRAMES = 100.0
"""Frames a second in which PocketSphinx counts."""


def bilabials(case: Case) -> Array:
    """Onsets (N,) in s of the closing phones in what is said; none where no words are told."""
    words = [word for word in case.told.words if any(letter.isalpha() for letter in word.text)]
    if not words:
        return np.zeros(0)
    texts = [word.text.casefold() for word in words]
    try:
        return aligned(resampled(case.sound.own, case.sound.rate, RATE), texts)
    except EngineError:
        starts = [word.start for word, text in zip(words, texts, strict=True) if text.startswith(("b", "p", "m"))]
        return np.array(starts, float)


def aligned(pcm: NDArray[np.float32], texts: list[str]) -> Array:
    """Onsets (N,) in s of closing phones of ``texts``, words in small letters, in ``pcm`` (n,) at 16 kHz. Raises
    :class:`EngineError` where the words are not found, and where PocketSphinx is not installed."""
    decoder, level = _decoder()
    for text in texts:
        if decoder.lookup_word(text) is None:
            decoder.add_word(text, spelled(text) or "AH", True)
    try:
        decoder.set_cmn(level)  # each sound is heard as if it were the first
        decoder.set_align_text(" ".join(texts))
        feed(decoder, pcm)
        decoder.set_alignment()
        feed(decoder, pcm)
        phones = [phone for word in decoder.get_alignment() or () for phone in word]
    except RuntimeError as error:  # PocketSphinx' word for a text that does not fit
        told = " ".join(texts)[:60]
        raise EngineError(f"{told!r} is not found in {len(pcm) / RATE:.1f} s of sound: check the text") from error
    return np.array([phone.start / FRAMES for phone in phones if phone.name in CLOSING], float)


@cache
def _decoder() -> tuple[Any, str]:
    """A decoder, and the level at which it hears a first sound."""
    decoder = sphinx(lm=None)
    return decoder, decoder.get_cmn()
