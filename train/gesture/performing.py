"""Bodies that a model moves to talks in memory, as it would live: decisions are drawn and poses follow from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.contract import initial_state, part
from models.gesture.model import Gesture
from models.sampling import sample
from train.gesture.streams import Performance
from train.gesture.words import known_words

Array = NDArray[np.floating]


class Performing:
    """``model`` on all ``performances`` at once, words on time; what is drawn follows from ``seed`` alone. What is
    heard is read once, so the weights that hear must not change while this is used."""

    @torch.no_grad()
    def __init__(self, model: Gesture, performances: Sequence[Performance], seed: int) -> None:
        self.model, self.performances, self.seed = model.eval(), performances, seed
        longest, count = max(item.frames for item in performances), model.config.words
        self._raw = torch.stack([_padded(item.raw, longest) for item in performances])
        words = torch.from_numpy(
            np.stack([known_words(i.words, i.times, i.times[:, 0].copy(), 0, longest, count) for i in performances])
        )
        self._style = torch.tensor([item.style for item in performances])[:, None].expand(-1, longest)
        state = initial_state(model.plan_state, len(performances))
        sound, _ = model.hearing(self._raw, part(state, "hearing"))
        context = torch.cat([sound, model.words(words), model.style(self._style)], -1)
        self.heard, _, _ = model.planner.hear(context, part(state, "planner"))

    @torch.no_grad()
    def decided(self) -> Tensor:
        """Ids (B, T, 3) drawn frame by frame."""
        model, (rows, frames) = self.model, self.heard.shape[:2]
        generator = torch.Generator().manual_seed(self.seed)
        state = initial_state(model.planner.state_specs(), rows)
        previous, out = torch.full((rows, 1, model.heads), model.codes), []
        for t in range(frames):
            now = slice(t, t + 1)
            logits, updates = model.decide(self.heard[:, now], self._style[:, now], previous, state)
            noise = torch.rand(rows, 1, model.heads, generator=generator)
            previous = sample(logits, noise, torch.ones(rows, 1))
            state = {**state, **updates}
            out.append(previous)
        return torch.cat(out, 1)

    @torch.no_grad()
    def shown(self, ids: Tensor) -> list[Array]:
        """PATS' points (T, 52, 2) of each talk that follow from ids (B, T, 3)."""
        state = initial_state(self.model.move_state, len(ids))
        moved, _ = self.model.move(ids, self._raw, self._style, state)
        poses = self.model.poses.restored(moved.poses)
        return [self._points(own[: item.frames]) for own, item in zip(poses, self.performances, strict=True)]

    @torch.no_grad()
    def seen(self) -> list[Array]:
        """PATS' points (T, 52, 2) of the gesturers themselves."""
        return [self._points(item.pose) for item in self.performances]

    def _points(self, poses: Tensor) -> Array:
        return np.asarray(self.model.poses.shown(self.model.poses.turns(poses)).points.numpy(), float)


def _padded(value: Tensor, length: int) -> Tensor:
    return torch.nn.functional.pad(value, (0, 0, 0, length - len(value)))
