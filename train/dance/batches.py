"""Which dances and windows a step is trained on, and the batch cut from the streams: all follows from (seed, step).

A batch holds whole dances (segments of some seconds, with the efforts of the windows in them) and single windows for
the objective of M2, where the labels that there are decide what is labelled and what is not.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.dance.config import DanceConfig
from train.dance.settings import Settings
from train.dance.streams import Streams
from train.run.recipe import Batch, Batches

DANCES, HIDING = 0, 1
CHECK_STRIDE = 60


class DanceBatches(Batches):
    """The training batches: ``positions`` (R, T, J, 3), ``vectors`` (R, T, width), ``view`` (R, T, view), ``seen``
    (R, T) and ``levels`` (R, K) of dances; the same with ``window_`` before the names for single windows; ``seed``."""

    settings: Settings

    def __init__(self, streams: Streams, config: DanceConfig, settings: Settings) -> None:
        super().__init__(settings)
        self.streams, self.config = streams, config
        self.dances = streams.starts(settings.segment)
        self.windows = streams.starts(config.window)

    def batch(self, step: int) -> Batch:
        """The batch of a step."""
        chance = np.random.default_rng([self.settings.seed, DANCES, step])
        calm = bool(step % 2)  # the networks see recordings, with their tremor, and dances of the decoder, without
        settings, window = self.settings, self.config.window
        dances, windows = (
            chance.choice(starts, count)
            for starts, count in ((self.dances, settings.rows), (self.windows, settings.windows))
        )
        made = cut(self.streams, dances, settings.segment, self.config, calm)
        single = cut(self.streams, windows, window, self.config, calm)
        hidden = np.random.default_rng([self.settings.seed, HIDING, step]).random(settings.rows)
        made["seen"] = made["seen"] * torch.tensor(hidden >= settings.blind).float()[:, None]
        made["view"] = made["view"] * made["seen"][..., None]
        made |= {f"window_{name}": value for name, value in single.items()}
        return {**made, "seed": int(chance.integers(2**31))}


class Validation:
    """Validation: the same dances every time, one every two seconds."""

    def __init__(self, streams: Streams, config: DanceConfig, settings: Settings) -> None:
        self.streams, self.config, self.settings = streams, config, settings
        starts = streams.starts(settings.segment)
        self.starts = starts[::CHECK_STRIDE]

    def __len__(self) -> int:
        return -(-len(self.starts) // self.settings.rows)

    def __iter__(self) -> Iterator[Batch]:
        for first in range(0, len(self.starts), self.settings.rows):
            chosen = self.starts[first : first + self.settings.rows]
            yield cut(self.streams, chosen, self.settings.segment, self.config, calm=False)


def cut(streams: Streams, starts: NDArray[np.int64], length: int, config: DanceConfig, calm: bool) -> Batch:
    """``length`` frames from each of ``starts`` (R,), ``calm`` or as recorded, and the levels (R, K) of the windows in
    them, one a hop."""
    index = torch.as_tensor(starts)[:, None] + torch.arange(length)
    heads = index[:, : length - config.window + 1 : config.hop]
    return {
        "positions": (streams.calm if calm else streams.positions)[index],
        "vectors": streams.vectors[index],
        "view": streams.view[index],
        "seen": streams.seen[index],
        "levels": streams.levels[heads].long(),
    }


def path(anchors: Tensor, config: DanceConfig, length: int) -> Tensor:
    """What each of ``length`` frames is told (R, length, C) of ``anchors`` (R, K, C), which stand at the middles of
    windows a hop apart: between two of them a mixture, outside them the nearest."""
    at = (torch.arange(length, device=anchors.device) - config.window / 2) / config.hop
    at = at.clamp(0.0, anchors.shape[1] - 1.0)
    low = at.floor().long().clamp_max(max(anchors.shape[1] - 2, 0))
    share = (at - low)[:, None]
    high = (low + 1).clamp_max(anchors.shape[1] - 1)
    return anchors[:, low] * (1.0 - share) + anchors[:, high] * share
