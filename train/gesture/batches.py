"""Which pieces of talks a step is trained on, and what is known of their words and sound: all of (seed, step)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from models.gesture.config import GestureConfig
from models.gesture.hearing import SUBFRAMES
from models.gesture.plan import LONGEST
from train.gesture.settings import Settings
from train.gesture.streams import Performance
from train.gesture.words import known_words
from train.run.recipe import Batch, Batches

NOD_S = 0.6
"""Seconds after a nod begins that count as nodding."""
UNHEARD = -1
"""Where validity stands among the raw features."""


class GestureBatches(Batches):
    """Random pieces, with sound and words as they come live: on time, late, or not at all."""

    settings: Settings

    def __init__(self, performances: Sequence[Performance], config: GestureConfig, settings: Settings) -> None:
        super().__init__(settings)
        self.performances, self.config = performances, config
        self.chances = np.array([item.frames for item in performances], float)
        self.chances /= self.chances.sum()

    def batch(self, step: int) -> Batch:
        """The pieces of ``step``."""
        rng = np.random.default_rng([self.settings.seed, 1, step])
        chosen = rng.choice(len(self.performances), self.settings.rows, p=self.chances)
        batch = pieces(
            [(self.performances[k], int(rng.integers(self.performances[k].frames))) for k in chosen],
            self.config,
            self.settings,
            rng,
        )
        return {**batch, "seed": int(rng.integers(2**31))}


class Validation:
    """The same pieces every time: in turn with words on time, late and without, sound always there."""

    def __init__(
        self, performances: Sequence[Performance], config: GestureConfig, settings: Settings, most: int = 240
    ) -> None:
        rng = np.random.default_rng([settings.seed, 2])
        places = [
            (item, first)
            for item in performances
            for first in range(0, max(1, item.frames - settings.segment), settings.segment)
        ]
        places = [places[k] for k in sorted(rng.permutation(len(places))[:most])]
        self.batches = [
            pieces(
                places[at : at + settings.rows], config, settings, np.random.default_rng([settings.seed, 3, at]), True
            )
            for at in range(0, len(places), settings.rows)
        ]

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)


def pieces(
    places: Sequence[tuple[Performance, int]],
    config: GestureConfig,
    settings: Settings,
    rng: np.random.Generator,
    plain: bool = False,
) -> Batch:
    """Tensors of pieces that begin at given frames (moved where the talk would end sooner). ``plain``: no faults of
    sound. ``judged`` (B, T) is 0 where a talk is shorter than a piece."""
    rows: dict[str, list[Tensor]] = {
        name: [] for name in ("raw", "words", "ids", "told", "previous", "pose", "cluster", "judged", "nodding")
    }
    firsts: dict[str, list[Tensor]] = {name: [] for name in ("clock", "clock_then", "pose_before", "course", "style")}
    length = settings.segment
    for item, start in places:
        first = max(0, min(start, item.frames - length))
        here = slice(first, first + length)
        missing = length - (min(item.frames, first + length) - first)
        raw, words = _given(item, first, length, config, settings, rng, plain)
        before = item.clock[first - 1] if first else torch.zeros(4)
        earlier = item.clock[first - 2] if first > 1 else torch.zeros(4)
        ids = torch.nn.functional.pad(item.ids[here], (0, 0, 0, missing))
        drawn = item.ids[first - 1 : first] if first else torch.full((1, 3), 10**6)
        rows["raw"].append(torch.nn.functional.pad(raw, (0, 0, 0, missing)))
        rows["words"].append(words)
        rows["ids"].append(ids)
        rows["told"].append(torch.nn.functional.pad(item.told[here], (0, 0, 0, missing)))
        rows["previous"].append(torch.cat([drawn, ids[:-1]]))
        rows["pose"].append(torch.nn.functional.pad(item.pose[here], (0, 0, 0, missing)))
        rows["cluster"].append(torch.nn.functional.pad(item.cluster[here], (0, missing)))
        rows["judged"].append(torch.nn.functional.pad(torch.ones(length - missing), (0, missing)))
        nodding = (LONGEST - item.clock[here, -1] < NOD_S).float()
        rows["nodding"].append(torch.nn.functional.pad(nodding, (0, missing)))
        firsts["clock"].append(before)  # of the decoder: after the frame before
        firsts["clock_then"].append(earlier)  # of the planner, which advances by the previous ids itself
        firsts["pose_before"].append(item.pose[first - 1] if first else torch.full_like(item.pose[0], torch.nan))
        firsts["course"].append(item.course[first - 1] if first else torch.full_like(item.course[0], torch.nan))
        firsts["style"].append(torch.tensor(item.style))
    return {name: torch.stack(values) for name, values in {**rows, **firsts}.items()}


def _given(
    item: Performance,
    first: int,
    length: int,
    config: GestureConfig,
    settings: Settings,
    rng: np.random.Generator,
    plain: bool,
) -> tuple[Tensor, Tensor]:
    """What is heard (frames there are, F) and the words known (length, count, 4)."""
    raw = item.raw[first : first + length]
    draw, told = rng.random(), item.times[:, 0].copy()
    if draw < settings.wordless:
        told[:] = np.inf
    elif draw < settings.wordless + settings.late:
        told += rng.uniform(0.0, settings.lateness) + rng.uniform(0.0, 0.15, len(told))
    words = known_words(item.words, item.times, told, first, length, config.words)
    if not plain:
        raw = raw.clone()
        bands = raw.shape[1] - 2 * SUBFRAMES - 3
        tilt = rng.normal(0.0, 0.3) + rng.normal(0.0, 0.3) * np.linspace(-1.0, 1.0, bands)
        hiss = rng.normal(0.0, settings.hiss, (len(raw), bands + 2 * SUBFRAMES))
        raw[:, :bands] += torch.from_numpy(tilt.astype(np.float32))
        raw[:, :-3] += torch.from_numpy(hiss.astype(np.float32)) * (settings.hiss > 0)
        if rng.random() < settings.deaf:
            raw[:, :bands] = raw[:, :bands].min()
            raw[:, bands:] = 0.0
            raw[:, bands : bands + SUBFRAMES] = -1.5
    return raw, torch.from_numpy(words)
