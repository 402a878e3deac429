"""Talks of synthetic voices in made words: what there is without recordings and without a synthesiser of speech.

The sound is :mod:`train.simulate.synth`'s: syllables with melody and stress. Words are one to three of its syllables,
cut where the sound is softest between them and spelled from a list of made syllables.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from train.simulate import synth
from train.simulate.voices import synthetic_voice
from train.speech.joining import Piece, joined
from train.speech.stresses import syllable_peaks
from train.speech.talk import RATE, SpokenWord, Talk

SYLLABLES = tuple(a + b for a in "bdfgklmnprstv" for b in "aeio")
SIDES = {"train": "train", "dev": "val", "test": "test"}  #: the simulation calls dev val


def made_talk(split: str, number: int, seed: int) -> Talk:
    """The ``number``-th talk of a split: 45 to 90 s of a voice of its own; the same for the same seed."""
    voice = synthetic_voice(SIDES[split], number, seed)
    assert voice.parameters is not None
    rng = np.random.default_rng([seed, len(split), number])
    seconds, pieces, total = rng.uniform(47.0, 85.0), [], 0.0
    while total < seconds:
        kind = str(rng.choice(synth.KINDS, p=[0.6, 0.15, 0.25]))
        pcm = synth.phrase(voice.parameters, rng.uniform(1.2, 4.5), kind, rng)
        pause = float(rng.uniform(0.3, 0.9) if rng.random() < 0.8 else rng.uniform(1.0, 3.0))
        pieces.append(Piece(pcm, made_words(pcm, rng), pause))
        total += len(pcm) / RATE + pause
    return joined(f"made-{split}-{number:04d}", voice.name, split, voice.source, voice.licence, voice.credit, pieces)


def made_words(pcm: NDArray[np.float32], rng: np.random.Generator) -> tuple[SpokenWord, ...]:
    """Words of one to three syllables laid on the sound of a phrase (n,) at 16 kHz, one after another."""
    peaks = syllable_peaks(pcm)
    words: list[SpokenWord] = []
    first, start = 0, 0.0
    while first < len(peaks):
        last = min(first + int(rng.choice([1, 2, 3], p=[0.45, 0.4, 0.15])), len(peaks))
        end = len(pcm) / RATE
        if last < len(peaks):
            between = np.abs(pcm[round(peaks[last - 1] * RATE) : round(peaks[last] * RATE)])
            softness = np.convolve(between, np.ones(160) / 160, "same")
            end = float(peaks[last - 1] + np.argmin(softness) / RATE)
        text = "".join(str(rng.choice(SYLLABLES)) for _ in range(last - first))
        words.append(SpokenWord(text, start, end))
        first, start = last, end
    return tuple(words)
