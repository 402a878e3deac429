"""Feeds of an avatar's own side, for tests of what writes them."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from engine.feeds.feeds import Feeds
from engine.feeds.samples import AudioRing
from engine.feeds.speaking import Speaking
from engine.feeds.words import WordRing
from tests.engine.feeds.made import feeds

RATE, HOP = 16_000, 640
START = 3_000_000_000


def own_side(capacity_s: float = 4.0) -> Feeds:
    """Voice, words and whether it speaks, connected as a session's are."""
    made = feeds(start_ns=START)
    made.samples["self"] = AudioRing(RATE, HOP, capacity_s)
    made.words["self"] = WordRing()
    made.speaking["self"] = Speaking()
    made.raw_sound = True  # what is played is compared sample by sample
    return Feeds.merged([made])


def write_wav(file: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """A mono sound file of ``samples`` (n,) from -1 to 1."""
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, rate, 0, "NONE", ""))
        out.writeframes((samples * 32767).astype("<i2").tobytes())
    return file
