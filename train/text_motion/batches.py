"""Which pieces of the streams a step is trained on: all follows from (seed, step)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.text_motion.config import LEVELS, TOKEN
from models.text_motion.posecodes.codes import khot
from train.run.recipe import Batch, Batches
from train.text_motion.settings import Settings
from train.text_motion.streams import Streams, Texts

DRAWN, HIDDEN = 0, 1
"""What a random generator is for."""
WORST = 0.5
"""Share of the groups that are wrong at most in a past token that is corrupted."""
FIELD = 0.2
"""Share of the fields that are hidden where a row has them."""


@dataclass(frozen=True)
class Source:
    """What batches are cut from: streams, their texts, and residual ids (N, 6) where the tokenizer is trained."""

    streams: Streams
    texts: Texts | None = None
    ids: Tensor | None = None


class TextMotionBatches(Batches):
    """Batches of a stage. ``rows`` (R, 4 N, width) and ``bins`` (R, N, 70) for the tokenizer; ``bins``, ``previous``
    (R, N, 392), ``since``, ``last``, ``which`` (R, N) and ``vectors`` (R, S, 12, text) for the base; for the refine
    transformer ``ids`` (R, N, 6) and ``kept`` as well."""

    settings: Settings

    def __init__(self, source: Source, settings: Settings) -> None:
        super().__init__(settings)
        self.source = source
        self.places = source.streams.starts(settings.segment)

    def batch(self, step: int) -> Batch:
        """The batch of a step."""
        settings = self.settings
        chance = np.random.default_rng([settings.seed, DRAWN, step])
        places = chance.choice(self.places, settings.rows)
        made = cut(self.source, places, settings)
        hidden = np.random.default_rng([settings.seed, HIDDEN, step])
        if settings.stage == "tokenizer":
            fewer = hidden.random(settings.rows) < settings.level_dropout
            levels = np.where(fewer, hidden.integers(1, LEVELS + 1, settings.rows), LEVELS)
            made["used"] = torch.from_numpy(levels)
            made["bare"] = torch.from_numpy(hidden.random(settings.rows) < settings.bare)
        else:
            _hide(made, settings, hidden)
        return {**made, "seed": int(chance.integers(2**31))}


class Validation:
    """The same pieces every time."""

    def __init__(self, source: Source, settings: Settings) -> None:
        self.source, self.settings = source, settings
        self.places = source.streams.starts(settings.segment, settings.segment)

    def __len__(self) -> int:
        return -(-len(self.places) // self.settings.rows)

    def __iter__(self) -> Iterator[Batch]:
        for first in range(0, len(self.places), self.settings.rows):
            yield cut(self.source, self.places[first : first + self.settings.rows], self.settings)


def cut(source: Source, places: np.ndarray, settings: Settings) -> Batch:
    """Pieces of ``settings.segment`` tokens from each of ``places`` (R,)."""
    streams = source.streams
    index = torch.as_tensor(places)[:, None] + torch.arange(settings.segment)
    bins = streams.bins[TOKEN * index].long()
    if source.texts is None:
        frames = TOKEN * torch.as_tensor(places)[:, None] + torch.arange(TOKEN * settings.segment)
        return {"rows": streams.rows[frames], "bins": bins}
    asked = streams.text[index]
    kinds = [torch.unique(row) for row in asked]
    most = max(len(kind) for kind in kinds)
    padded = torch.stack([torch.cat([kind, kind.new_full((most - len(kind),), -1)]) for kind in kinds])
    # Of a number that is padded and one that is meant, the first is it: -1 sorts before all others.
    which = (padded[:, None] == asked[..., None]).int().argmax(-1)
    first = (index % streams.length == 0)[..., None]
    before = khot(streams.bins[TOKEN * (index - 1).clamp_min(0)].long()) * ~first
    made: Batch = {
        "bins": bins,
        "previous": before,
        "since": streams.since[index].float(),
        "last": streams.last[index].float(),
        "which": which,
        "vectors": source.texts.of(padded),
    }
    if source.ids is not None:
        made["ids"] = source.ids[index].long()
        made["kept"] = torch.ones(*index.shape, 1)
    return made


def _hide(made: Batch, settings: Settings, random: np.random.Generator) -> None:
    """Take away, in place, what serving may lack as well: fields, the past, and that all of it is right."""
    rows, tokens = made["bins"].shape[:2]
    count = made["vectors"].shape[1]
    shown = random.random((rows, count, 1, 1)) < settings.fields
    fields = shown & (random.random((rows, count, made["vectors"].shape[2], 1)) >= FIELD)
    fields[:, :, 0] = True
    made["vectors"] = made["vectors"] * torch.from_numpy(fields)
    fresh = torch.from_numpy(random.random(rows) < settings.fresh)
    made["previous"][fresh, 0] = 0.0
    worst = WORST * random.random(rows) * (random.random(rows) < settings.corrupt)
    wrong = torch.from_numpy(random.random((rows, tokens, made["bins"].shape[-1])) < worst[:, None, None])
    others = made["bins"].flatten(0, 1)[torch.from_numpy(random.permutation(rows * tokens))].view_as(made["bins"])
    mixed = torch.where(wrong, others, torch.cat([made["bins"][:, :1], made["bins"][:, :-1]], 1))
    there = made["previous"].sum(-1, keepdim=True) > 0
    there[:, 0] = False  # what was before a row is not in it, so it cannot be mixed
    made["previous"] = torch.where(wrong.any(-1, keepdim=True) & there, khot(mixed), made["previous"])
    if "kept" in made:
        made["kept"] = made["kept"] * torch.from_numpy(random.random((rows, 1, 1)) >= settings.bare)
