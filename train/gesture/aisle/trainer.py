"""The training loop: epochs of batches drawn by importance or evenly, a check after each, files, and going on later.

All that is drawn follows from (seed, epoch, step), so a run that was stopped and continued writes the same weights as
one that was not.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import EngineError
from train.gesture.aisle.adversary import Adversary
from train.gesture.aisle.book import STATE, WEIGHTS, Book
from train.gesture.aisle.data import Split
from train.gesture.aisle.generator import CLUSTERS
from train.gesture.aisle.gesticulator import Gesticulator
from train.gesture.aisle.importance import Sampler
from train.gesture.aisle.model import Aisle
from train.gesture.aisle.settings import Settings
from train.gesture.aisle.text import BERT_RATE, Bert

log = logging.getLogger(__name__)
Results = dict[str, list[float]]
Check = Callable[[Aisle], dict[str, float]]
"""Metrics of the model on the dev split, by the names that ``_res.json`` has."""


@dataclass
class Progress:
    """Where a run is: ``epoch`` and ``step`` in it, ``total`` steps; ``order`` the windows that this epoch draws, empty
    before it begins; ``sums`` of the losses of this epoch, and ``counts`` of them; ``results`` of those before;
    ``best`` score and weights; ``worse`` checks in a row; ``seconds`` of training."""

    epoch: int = 0
    step: int = 0
    total: int = 0
    order: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    results: Results = field(default_factory=dict)
    best: float = math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    worse: int = 0
    seconds: float = 0.0


class Trainer:
    """Trains ``model`` on ``split`` into the files of ``book``; ``check`` measures it after each epoch."""

    def __init__(self, model: Aisle, settings: Settings, split: Split, book: Book, check: Check) -> None:
        self.model, self.settings, self.split, self.book, self.check = model, settings, split, book, check
        if not len(split.starts):
            raise EngineError(f"no interval to train on has {settings.time} frames; give a smaller --time, or others")
        self.sampler, self.progress = Sampler(len(split.starts)), Progress()
        self.leading = split.leading()
        self.adversary = Adversary(model.G, model.D, settings)
        tuned = {id(p) for part in model.G.modules() if isinstance(part, Bert) for p in part.body.parameters()}
        every = list(model.G.parameters())
        groups = [
            {"params": [p for p in every if id(p) not in tuned], "rate": settings.rate},
            {"params": [p for p in every if id(p) in tuned], "rate": BERT_RATE},
        ]
        self.optimisers = [torch.optim.AdamW([group for group in groups if group["params"]], lr=settings.rate)]
        if model.D is not None:
            own = [{"params": list(model.D.parameters()), "rate": settings.rate}]
            self.optimisers.append(torch.optim.AdamW(own, lr=settings.rate))

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        settings = self.settings
        fixed = settings.weighted if settings.importance else settings.num_training_iters
        return fixed or -(-len(self.split.starts) // settings.batch_size)

    def run(self, until: float | None = None) -> str:
        """Train until the epochs are done or ``until`` (a time of `time.monotonic`), and say in words why it ended."""
        settings, progress = self.settings, self.progress
        began = time.monotonic() - progress.seconds
        while progress.epoch < settings.num_epochs:
            self._begin_epoch()
            while progress.step < self.steps:
                if until is not None and time.monotonic() >= until:
                    progress.seconds = time.monotonic() - began
                    self._hand_out_unfinished()
                    return f"stopped in epoch {progress.epoch}, go on with --resume"
                self._step()
            progress.seconds = time.monotonic() - began
            if self._end_epoch():
                return "stopped early"
        return "done"

    def _seed(self, *of: int) -> int:
        return int(np.random.SeedSequence([self.settings.seed, self.progress.epoch, *of]).generate_state(1)[0])

    def _begin_epoch(self) -> None:
        progress, settings = self.progress, self.settings
        if len(progress.order):
            return
        count = self.steps * settings.batch_size
        if settings.importance or settings.num_training_iters:
            progress.order = self.sampler.draw(count, self._seed())
        else:
            chance = torch.Generator().manual_seed(self._seed())
            progress.order = torch.randperm(len(self.split.starts), generator=chance)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["rate"] * settings.gamma**progress.epoch
        if isinstance(self.model.G, Gesticulator):
            self.model.G.epoch = progress.epoch

    def _step(self) -> None:
        progress, size = self.progress, self.settings.batch_size
        torch.manual_seed(self._seed(progress.step))
        coin = float(torch.rand(()))
        batch = self.split.batch(progress.order[progress.step * size : (progress.step + 1) * size]).to(
            self.model.device
        )
        self.model.train()
        losses = self.adversary.losses(batch, progress.total, coin)
        if not math.isfinite(losses.total.item()):
            raise EngineError(
                f"epoch {progress.epoch}, step {progress.step}: the loss is not finite; give a smaller --lr than "
                f"{self.settings.rate:g}"
            )
        module: nn.Module | None = self.model.G if losses.generator else self.model.D
        assert module is not None
        self.model.zero_grad(set_to_none=True)
        losses.total.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), self.settings.clip)
        self.optimisers[0 if losses.generator else 1].step()
        if losses.weight is not None:
            self.sampler.update(batch.windows, losses.weight)
        for name, value in losses.parts.items():
            progress.sums[name] = progress.sums.get(name, 0.0) + value
            progress.counts[name] = progress.counts.get(name, 0) + 1
        progress.step, progress.total = progress.step + 1, progress.total + 1

    def _end_epoch(self) -> bool:
        """Checks, files, and whether to stop early."""
        progress, settings = self.progress, self.settings
        found = {name: value / progress.counts[name] for name, value in sorted(progress.sums.items())}
        row = {"train": found.get("pose", math.nan), **{f"train_{name}": value for name, value in found.items()}}
        row |= self._by_cluster() | self.check(self.model)
        for name, value in row.items():
            progress.results.setdefault(name, []).append(float(value))
        score = self._score(row)
        better = score < progress.best
        if better or not progress.best_weights:
            progress.best, progress.best_weights = score, _copied(self.model)
            self.book.save(WEIGHTS, progress.best_weights)
        progress.worse = 0 if better else progress.worse + 1
        self.book.write_json("res.json", progress.results)
        told = ", ".join(f"{name} {value:.4g}" for name, value in row.items() if "_cluster_" not in name)
        self.book.log(f"epoch {progress.epoch}: {told}")
        log.info(f"epoch {progress.epoch}: train {row['train']:.4f}, {settings.dev_key} {score:.4f}")
        self.sampler.end_epoch()
        progress.epoch, progress.step = progress.epoch + 1, 0
        progress.order, progress.sums, progress.counts = progress.order[:0], {}, {}
        self.save_state()
        stop = settings.early_stopping and progress.epoch >= settings.min_epochs
        return stop and progress.worse >= settings.stop_thresh

    def _score(self, row: dict[str, float]) -> float:
        key = self.settings.dev_key
        if key not in row:
            raise EngineError(f"dev_key {key!r} is not measured; choose from {', '.join(row)}")
        return row[key] if math.isfinite(row[key]) else math.inf

    def _by_cluster(self) -> dict[str, float]:
        """For each cluster that windows are mostly of: its share of windows, of draws, and its mean weight."""
        found = {}
        drawn = self.leading[self.progress.order]
        for cluster in range(CLUSTERS):
            own = self.leading == cluster
            found[f"share_cluster_{cluster}"] = float(own.double().mean())
            found[f"drawn_cluster_{cluster}"] = float((drawn == cluster).double().mean())
            weights = self.sampler.weights[own]
            found[f"weight_cluster_{cluster}"] = float(weights.mean()) if len(weights) else math.nan
        return found

    def _hand_out_unfinished(self) -> None:
        """When time is up within an epoch: the weights as they are, if they are better. It is no part of the results,
        so that a run that goes on is as if it had not stopped."""
        progress = self.progress
        self.save_state()
        if self._score(self.check(self.model)) < progress.best or not progress.best_weights:
            self.book.save(WEIGHTS, _copied(self.model))

    def save_state(self) -> None:
        """All that is needed to go on, into ``PREFIX_state.p``."""
        state = {
            "model": self.model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "sampler": self.sampler.weights,
            **vars(self.progress),
        }
        self.book.save(STATE, state)

    def resume(self) -> None:
        """Go on from ``PREFIX_state.p``. Raises :class:`EngineError` where it does not fit."""
        found = self.book.load(STATE)
        try:
            self.model.load_state_dict(found["model"])
            for optimiser, state in zip(self.optimisers, found["optimisers"], strict=True):
                optimiser.load_state_dict(state)
            if found["sampler"].shape != self.sampler.weights.shape:
                raise EngineError(f"{len(found['sampler'])} windows were drawn from, not {len(self.split.starts)}")
            self.sampler.weights = found["sampler"]
            self.progress = Progress(**{name: found[name] for name in vars(self.progress)})
        except (KeyError, RuntimeError, ValueError, TypeError, AttributeError, EngineError) as error:
            why = " ".join(str(error).split())[:200]
            raise EngineError(
                f"{self.book.path(STATE)} does not fit the set or the settings ({why}); begin anew without --resume"
            ) from error
        if self.progress.best_weights:
            self.book.save(WEIGHTS, self.progress.best_weights)


def _copied(model: Aisle) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
