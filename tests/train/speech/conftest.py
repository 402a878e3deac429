"""What the tests of speech share: a made sound of syllables whose loudness, pitch and length are known, and AMI's csvs
in small."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.train.speech.corpus import write_corpus
from train.speech.ami import FOLDER
from train.speech.talk import RATE, SpokenWord


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings and annotations."""
    folder = os.environ.get("ENGINE_DATA")
    if not folder or not (Path(folder) / FOLDER).is_dir():
        pytest.skip("ENGINE_DATA does not name the folder of recordings and of AMI's annotations")
    return Path(folder)


def syllable(seconds: float, hertz: float, loud: float) -> np.ndarray:
    """A vowel: harmonics of ``hertz`` with a formant at 700 Hz, swelling and waning."""
    time = np.arange(round(seconds * RATE)) / RATE
    shape = np.sin(np.pi * time / seconds) ** 0.7
    harmonics = np.arange(1, 30) * hertz
    weights = 1.0 / (1 + ((harmonics - 700) / 300) ** 2) + 0.02
    wave = sum(w * np.sin(2 * np.pi * h * time) for w, h in zip(weights, harmonics, strict=True))
    return loud * shape * wave / np.sqrt(2 * np.sum(weights**2))


def spoken(plan: Sequence[tuple[str, float, float, float]]) -> tuple[np.ndarray, tuple[SpokenWord, ...]]:
    """Sound and words of a plan of one-syllable words: text, seconds, Hz, loudness, one after another with gaps of
    30 ms."""
    parts, words, clock = [np.zeros(RATE // 5)], [], 0.2
    for text, seconds, hertz, loud in plan:
        parts += [syllable(seconds, hertz, loud), np.zeros(round(0.03 * RATE))]
        words.append(SpokenWord(text, clock, clock + seconds))
        clock += (len(parts[-2]) + len(parts[-1])) / RATE
    return np.concatenate([*parts, np.zeros(RATE // 5)]).astype(np.float32), tuple(words)


@pytest.fixture
def corpus(tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder of data with AMI's files: ``corpus(words=[...rows], handGesture=[...])``."""

    def write(**rows: list[str]) -> Path:
        return write_corpus(tmp_path, **rows)

    return write
