"""Evaluators trained on the set's own training part, where a user has no released one.

Motion and text encoders are trained together so that a motion lies nearer to its own texts than to those of other takes
(InfoNCE, van den Oord et al. 2018; as in TMR, Petrovich et al. 2023, texts that say nearly the same are no negatives).
It sees texts as the vectors that the model is given. Numbers by it compare rows of one report, not papers; what it can
tell is said by how well it finds the texts of held-out people's motions, which stands in the report.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.checkpoint import Checkpoint, load, save
from models.text_motion.layout import Layout
from train.report.evaluation import Say, quiet
from train.text_motion.evaluation.evaluators import CHUNK, Array, rows
from train.text_motion.evaluation.networks import (
    CONTACTS,
    LONGEST,
    UNIT,
    MotionEncoder,
    MovementEncoder,
    SequenceEncoder,
)
from train.text_motion.texts import Caption

Vectors = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to their vectors (N, W), those that the model is given."""

FAMILY = "text_motion_evaluator"
FOLDS = 3
"""Parts into which training takes are dealt, each left out by one evaluator (:mod:`.judging`)."""
ALIKE = 0.95
"""Cosine of two texts' vectors from which on they are no negatives of each other."""
KEPT = 0.8
"""Share of a motion that a random cut keeps at least."""


@dataclass(frozen=True)
class Sizes:
    """Channels, numbers of an embedding, steps of training, motions in each, and the highest learning rate."""

    width: int = 128
    outputs: int = 128
    steps: int = 600
    batch: int = 64
    rate: float = 1e-3


class Example(NamedTuple):
    """A motion to learn from: joints (T, J, 3), what its captions say, the clip it is of, mirrored or not (motions of
    one clip are no negatives of each other), and the take that was cut from."""

    motion: Array
    texts: Sequence[str]
    clip: str
    take: str


class TextEncoder(nn.Module):
    """Vectors of texts (B, W) to embeddings (B, outputs)."""

    def __init__(self, inputs: int, width: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(inputs, width), nn.GELU(), nn.Dropout(0.2), nn.Linear(width, outputs)
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """Embeddings."""
        found: Tensor = self.layers(vectors)
        return found


class Pair(nn.Module):
    """Both encoders, the scale of their agreement, and what standardises features."""

    mean: Tensor
    std: Tensor

    def __init__(self, layout: Layout, text: int, sizes: Sizes) -> None:
        super().__init__()
        self.sizes, self.reads = sizes, text
        width = sizes.width
        movement = MovementEncoder(layout.width - CONTACTS, width, width)
        self.motion = MotionEncoder(movement, SequenceEncoder(width, width, sizes.outputs))
        self.text = TextEncoder(text, 2 * width, sizes.outputs)
        self.scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.register_buffer("mean", torch.zeros(layout.width))
        self.register_buffer("std", torch.ones(layout.width))


@dataclass
class OwnEvaluator:
    """See the module docstring, and :class:`~train.text_motion.evaluation.evaluators.Evaluator`."""

    layout: Layout
    vectors: Vectors
    pair: Pair
    learned: frozenset[str]
    about = (
        f"{FOLDS} trained on the set's own training part, each on {FOLDS - 1} of {FOLDS} parts of its takes, texts as "
        "the model's own vectors; a copied training take is judged by the one that did not learn from it. Their "
        "numbers compare rows of this report, not papers"
    )

    @torch.no_grad()
    def motions(self, motions: Sequence[Array]) -> Array:
        """Embeddings (N, F) of length 1."""
        seen = [rows(motion[: LONGEST + 1], self.layout, self.pair.mean, self.pair.std) for motion in motions]
        parts = [self.pair.motion(seen[start : start + CHUNK]) for start in range(0, len(seen), CHUNK)]
        return np.asarray(nn.functional.normalize(torch.cat(parts), dim=-1).double().numpy())

    @torch.no_grad()
    def texts(self, captions: Sequence[Caption]) -> Array:
        """Embeddings (N, F) of length 1."""
        given = torch.from_numpy(self.vectors([caption.text for caption in captions]))
        return np.asarray(nn.functional.normalize(self.pair.text(given), dim=-1).double().numpy())


def train(
    examples: Sequence[Example], layout: Layout, vectors: Vectors, sizes: Sizes, seed: int, say: Say = quiet
) -> OwnEvaluator:
    """An evaluator that learned from ``examples``; the same seed gives the same one."""
    words = sorted({text for example in examples for text in example.texts})
    number = {text: index for index, text in enumerate(words)}
    known = torch.from_numpy(vectors(words))
    alike = nn.functional.normalize(known, dim=-1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pair = Pair(layout, known.shape[1], sizes)
        nothing = torch.zeros(layout.width), torch.ones(layout.width)
        motions = [rows(example.motion, layout, *nothing) for example in examples]
        every = torch.cat(motions)
        pair.mean.copy_(every.mean(0))
        pair.std.copy_(every.std(0).clamp_min(0.05 * every.std(0).mean()))
        motions = [(motion - pair.mean) / pair.std for motion in motions]
        groups = {name: index for index, name in enumerate(sorted({example.clip for example in examples}))}
        group = torch.tensor([groups[example.clip] for example in examples])
        _fit(pair, motions, [[number[text] for text in e.texts] for e in examples], known, alike, group, sizes, say)
    return OwnEvaluator(layout, vectors, pair.eval(), frozenset(example.take for example in examples))


def _fit(
    pair: Pair,
    motions: Sequence[Tensor],
    texts: Sequence[Sequence[int]],
    known: Tensor,
    alike: Tensor,
    group: Tensor,
    sizes: Sizes,
    say: Say,
) -> None:
    optimiser = torch.optim.AdamW(pair.parameters(), sizes.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, sizes.rate, total_steps=sizes.steps, pct_start=0.1)
    pair.train()
    for step in range(sizes.steps):
        chosen = torch.randperm(len(motions))[: sizes.batch].tolist()
        said = torch.tensor([texts[one][int(torch.randint(len(texts[one]), ()))] for one in chosen])
        a = nn.functional.normalize(pair.motion([_cut(motions[one]) for one in chosen]), dim=-1)
        b = nn.functional.normalize(pair.text(known[said] + 0.02 * torch.randn(len(chosen), known.shape[1])), dim=-1)
        scores = a @ b.T * pair.scale.exp().clamp_max(50.0)
        same = (alike[said] @ alike[said].T > ALIKE) | (group[chosen][:, None] == group[chosen])
        scores = scores.masked_fill(same & ~torch.eye(len(chosen), dtype=torch.bool), -torch.inf)
        wanted = torch.arange(len(chosen))
        loss = nn.functional.cross_entropy(scores, wanted) + nn.functional.cross_entropy(scores.T, wanted)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(pair.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 100 == 99:
            say(f"evaluator: step {step + 1} of {sizes.steps}, loss {float(loss.detach()) / 2:.3f}")


def _cut(rows_: Tensor) -> Tensor:
    """A random stretch of at least :data:`KEPT` of a motion, and no longer than evaluators look at."""
    most = min(len(rows_), LONGEST)
    least = max(UNIT, int(KEPT * most))
    length = int(torch.randint(least, most + 1, ()))
    start = int(torch.randint(len(rows_) - length + 1, ()))
    return rows_[start : start + length]


def parted(examples: Sequence[Example], seed: int) -> list[list[Example]]:
    """What each of :data:`FOLDS` evaluators learns from: all but the takes of one part."""
    takes = sorted({example.take for example in examples})
    order = np.random.default_rng([seed, len(takes)]).permutation(len(takes))
    part = {takes[index]: place % FOLDS for place, index in enumerate(order)}
    return [[example for example in examples if part[example.take] != out] for out in range(FOLDS)]


def cached(
    path: Path | None, key: dict[str, Any], layout: Layout, vectors: Vectors, make: Callable[[], OwnEvaluator]
) -> OwnEvaluator:
    """The evaluator kept at ``path`` if it was trained as ``key`` says (data, vectors, seed: plain values), else what
    ``make`` trains, kept there; nothing is kept without a path. Raises :class:`~models.checkpoint.CheckpointError` for
    a file that is no checkpoint."""
    if path is not None and path.is_file():
        kept = load(path)
        if kept.family == FAMILY and kept.config["key"] == key:
            pair = Pair(layout, kept.config["text"], Sizes(**kept.config["sizes"]))
            pair.load_state_dict(kept.state)
            return OwnEvaluator(layout, vectors, pair.eval(), frozenset(kept.config["learned"]))
    made = make()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        pair = made.pair
        config = {"key": key, "text": pair.reads, "sizes": asdict(pair.sizes), "learned": sorted(made.learned)}
        save(path, Checkpoint(FAMILY, config, pair.state_dict()))
    return made
