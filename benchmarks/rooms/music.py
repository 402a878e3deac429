"""Recorded music for the rooms, where somebody has some: files that are named, or those of the packages ``arcade`` (its
three-minute pieces) and ``pygame`` (a loop) where these are installed; nobody has to. A band made by code always plays
(:mod:`train.speech.band`).
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.sound.front_end import FrontEnd
from engine.sources.media import MediaFile
from train.speech.rooms import Sound, at_level

KNOWN = {"arcade": "resources/assets/music/*.mp3", "pygame": "examples/data/house_lo.wav"}


def recordings(named: Sequence[str] = ()) -> list[Path]:
    """Files to play: those ``named``, else those of the packages that are there."""
    if named:
        return [Path(name) for name in named]
    found: list[Path] = []
    for package, pattern in KNOWN.items():
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            found += sorted(Path(folder).glob(pattern))
    return found


def played(path: Path, rate: int, count: int, level: float) -> Sound:
    """A recording, (count,) at ``level`` dBFS, over again where it does not last, as one channel."""
    return at_level(np.resize(_decoded(path, rate), count), level)


@functools.lru_cache(maxsize=8)
def _decoded(path: Path, rate: int) -> Sound:
    return np.concatenate([block.samples for block in MediaFile(path).audio(rate, FrontEnd(on=False))])
