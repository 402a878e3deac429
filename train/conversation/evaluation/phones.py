"""When lips have to close: onsets of b, p and m, as a talk tells them, or in words whose times are known.

Where PocketSphinx finds the words nowhere, or there is none of it, only letters that begin a word count, at the time
that is told for the word.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.speech.align import RATE, Aligner
from train.conversation.evaluation.cases import Case, resampled
from train.conversation.talks.closings import closings

Array = NDArray[np.floating]


def bilabials(case: Case) -> Array:
    """Onsets (N,) in s of the closing phones in what is said; none where no words are told."""
    if case.told.closings is not None:
        return np.array([start for start, _ in case.told.closings], float)
    words = [word for word in case.told.words if any(letter.isalpha() for letter in word.text)]
    if not words:
        return np.zeros(0)
    texts = [word.text.casefold() for word in words]
    try:
        found = closings(_aligner(), resampled(case.sound.own, case.sound.rate, RATE), texts)
        return np.array([start for start, _ in found], float)
    except EngineError:
        starts = [word.start for word, text in zip(words, texts, strict=True) if text.startswith(("b", "p", "m"))]
        return np.array(starts, float)


@cache
def _aligner() -> Aligner:
    return Aligner()
