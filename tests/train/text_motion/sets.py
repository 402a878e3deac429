"""Small sets in the layout of HumanML3D and KIT-ML, of bodies that move at random."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.text_motion.layout import HUMANML3D, Layout
from tests.models.walkers import walker
from train.text_motion.texts import Caption
from train.text_motion.write import write_set

CAPTIONS = (Caption("a person walks forward."), Caption("someone waves the left hand", (), 0.5, 1.25))


@dataclass(frozen=True)
class Clip:
    name: str
    joints: NDArray[np.float32]
    captions: tuple[Caption, ...] = CAPTIONS
    split: str = "train"


def clip(name: str, split: str = "train", frames: int = 51, layout: Layout = HUMANML3D, seed: int = 0) -> Clip:
    return Clip(name, walker(layout, frames, seed).astype(np.float32), split=split)


def small_set(folder: Path, layout: Layout = HUMANML3D) -> Path:
    """A set of six clips, one of them mirrored by its name."""
    parts = [("a", "train"), ("Ma", "train"), ("b", "train"), ("c", "val"), ("d", "test"), ("e", "test")]
    write_set(folder, (clip(name, split, 45 + n, layout, n) for n, (name, split) in enumerate(parts)), layout)
    return folder
