"""What a checkpoint shows that a bundle does not: reconstructions, latents, one move in every effort, its classifier.

- **AJD** (Papillon et al. 2022): the mean distance between a joint and its reconstruction, of windows as networks see
  them, in metres and in the original's units (training takes scaled so that the 1 to 99 % range of where they stand
  spans 2). Beside it the AJD of the training takes' mean window, which knows nothing of the one it stands for.
- **Entanglement**: one latent danced in each effort, compared joint by joint, over the same for two latents in one
  effort: 0 where the label changes nothing, 1 where it changes as much as another latent does. Whether it changes the
  right thing is told by the effort measured of those dances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import EngineError
from models.dance.model import Dance
from models.registry import create
from train.dance import efforts, generate
from train.dance.evaluation import plots
from train.dance.evaluation.instruments import EVERY, Instruments
from train.dance.evaluation.networks import seen
from train.dance.evaluation.recognition import accuracy, balanced
from train.dance.evaluation.rows import DanceRow, RowWindows, generated, windows
from train.dance.labels import LEVELS
from train.dance.takes import FRAMES, RATE
from train.report.evaluation import Result, Say, Section
from train.report.intervals import weights
from train.report.parts import Part, Plot
from train.report.plots import SMALL, SPARE, grid
from train.report.tables import Metric, number

Array = NDArray[np.floating]

MOST, MOVES, BATCH = 400, 60, 128
"""Windows of takes, latents for one moves, windows in a batch."""
REST = 8
"""Frames of an offline dance that are the LSTM's start and are left out."""
METRICS = (
    Metric(
        "right", "classified", "inner", "windows whose effort the model's own classifier tells, mean of the recalls"
    ),
    Metric("accuracy", "accuracy", "inner", "share of windows, levels as frequent as they are"),
    Metric("ajd", "AJD cm", "inner", "mean distance of a joint from its reconstruction", 1),
    Metric("ajd_units", "AJD units", "inner", "the same in PirouNet's units", 4),
    Metric("ajd_mean", "mean window cm", "inner", "the same of the training takes' mean window", 1),
)


def load(path: Any, joints: int) -> Dance:
    """The dancer of a checkpoint. Raises :class:`EngineError` for another model, or one of another body or window."""
    model = create("dance", path)
    if not isinstance(model, Dance) or len(model.config.skeleton.joints) != joints or model.config.window != FRAMES:
        raise EngineError(f"checkpoint {path}: not a dancer of {joints} joints and windows of {FRAMES} frames")
    return model


def offline(model: Dance, training: DanceRow, source: str, seeds: int, seed: int, say: Say) -> list[DanceRow]:
    """Single windows as PirouNet makes them: of latents from dense tiles, and of latents from the prior. Where no tile
    is dense, ``say`` is told."""
    given = _labelled(training, source, seed)
    latents = generate.encode(model, given.positions, given.levels[source])
    frames = REST + FRAMES

    def tiles(level: int) -> Array:
        wanted = np.full(seeds, level)
        return generate.conditional(model, latents, given.levels[source], wanted, seed, frames)

    def prior(level: int) -> Array:
        return generate.random(model, np.full(seeds, level), seed + level, frames)

    made = []
    for name, about, play in (
        ("tiles", "single windows of latents where training takes of that level are dense", tiles),
        ("prior", "single windows of latents from the prior", prior),
    ):
        try:
            made.append(generated(name, about, "ablation", play, seeds, REST))
        except EngineError as error:  # a latent plane need not have such a place
            say(f"{name}: left out, {error}")
    return made


class Moves(NamedTuple):
    """Of one moves: entanglement by pair of levels, and the mean effort (levels,)."""

    apart: dict[str, Array]
    shown: Array


@dataclass(kw_only=True)
class Inner(Section):
    """Rows: the truth and the training takes. ``plane`` (N, 2) the latents of the truth in their own main
    directions, with ``levels`` and ``styles`` (N,); ``share`` of the variance that those directions hold; ``apart``
    entanglement by pair of levels, ``shown`` the mean effort measured of one moves by level; ``confusion`` of the
    model's own classifier."""

    confusion: Array
    plane: Array
    levels: NDArray[np.int8]
    styles: NDArray[np.str_]
    share: float
    apart: dict[str, Array]
    shown: Array
    effort: str

    def as_json(self) -> dict[str, Any]:
        """Its metrics as plain values."""
        return super().as_json() | {
            "confusion": self.confusion.tolist(),
            "entanglement": {name: number(float(values.mean())) for name, values in self.apart.items()},
            "one_move_effort": {level: number(float(x)) for level, x in zip(LEVELS, self.shown, strict=True)},
        }

    def text(self) -> list[str]:
        """Lines for a terminal."""
        return [*self.table.text(), *self._moves()]

    def parts(self) -> list[Part]:
        """Its part of the page."""
        drawing = grid(3, plots.WIDE, plots.TALL)
        told, by_level, by_style = drawing.axes
        plots.confusion(told, self.confusion, "its own classifier, held-out takes", "labelled")
        plots.scatter(by_level, self.plane, self.levels, "latents of held-out takes, by level")
        for index, style in enumerate(np.unique(self.styles)):
            x, y = self.plane[self.styles == style].T
            by_style.scatter(x, y, s=6, alpha=0.7, lw=0, label=style, color=SPARE[index % len(SPARE)])
        by_style.legend(**SMALL)
        by_style.set_title("the same, by style", fontsize=8)
        share = f"Posterior means in their two main directions, {self.share:.0%} of their variance."
        return [self.table, Plot("Latents", drawing.finished(), " ".join([share, *self._moves()]))]

    def sentences(self) -> list[str]:
        """What the conclusions should say of it."""
        truth = self.result("truth")
        told = [
            f"the checkpoint's own classifier: {truth.value('right'):.0%} on held-out windows (mean of the recalls)."
        ]
        if truth.value("ajd") > 0.8 * truth.value("ajd_mean"):
            told.append("its reconstructions are hardly nearer than the training takes' mean window.")
        mean = float(np.mean([values.mean() for values in self.apart.values()]))
        if mean < 0.1:
            told.append(f"the label changes a dance by {mean:.2f} of what another latent does: entangled, or ignored.")
        if not self.shown[0] < self.shown[1] < self.shown[2]:
            told.append("one move danced in every effort does not rise in measured effort from low to high.")
        return told

    def _moves(self) -> list[str]:
        pairs = ", ".join(f"{name} {values.mean():.2f}" for name, values in self.apart.items())
        shown = ", ".join(f"{level} {x:.2f}" for level, x in zip(LEVELS, self.shown, strict=True))
        return [
            f"One move in two efforts differs, over two moves in one effort: {pairs}.",
            f"Computed {self.effort} effort of one moves: {shown}.",
        ]


def measure(model: Dance, truth: DanceRow, training: DanceRow, tools: Instruments, seed: int) -> Inner:
    """Look into the ``model`` with windows of both rows."""
    learned, held = (_labelled(row, tools.source, seed) for row in (training, truth))
    centre = tools.library.mean(0).numpy()
    at = np.concatenate([dance.positions[..., [0, 2]].reshape(-1, 2) for dance in training.dances])
    low, high = np.quantile(at, [0.01, 0.99], axis=0)
    units = 2.0 / float(high.max() - low.min())
    results = []
    confusion = np.zeros((len(LEVELS), len(LEVELS)))
    for row, given in ((truth, held), (training, learned)):
        weight = weights(len(row.groups), seed)
        levels = given.levels[tools.source]
        real = seen(given.positions, tools.skeleton).numpy()
        made = seen(generate.reconstruct(model, given.positions, levels), tools.skeleton).numpy()
        told = np.zeros((len(row.groups), len(LEVELS), len(LEVELS)))
        np.add.at(told, (given.group, levels, classified(model, given)), 1.0)
        drawn = np.tensordot(weight, told, 1)
        ajd = 100.0 * _mean(weight, np.linalg.norm(made - real, axis=-1).mean((1, 2)), given.group)
        far = 100.0 * _mean(weight, np.linalg.norm(centre - real, axis=-1).mean((1, 2)), given.group)
        metrics = {
            "right": balanced(drawn),
            "accuracy": accuracy(drawn),
            "ajd": ajd,
            "ajd_units": ajd / 100.0 * units,
            "ajd_mean": far,
        }
        results.append(Result(row.name, row.about, row.kind, metrics, len(row.groups), row.frames / RATE))
        confusion = told.sum(0) if row is truth else confusion
    latents = generate.encode(model, held.positions, held.levels[tools.source])
    centred = latents - latents.mean(0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    moves = _moves(model, latents, tools, seed)
    return Inner(
        title="The checkpoint: classifier and reconstructions",
        metrics=METRICS,
        results=results,
        confusion=confusion,
        plane=centred @ axes[:2].T,
        levels=held.levels[tools.source],
        styles=np.array([truth.dances[number].style for number in held.dance]),
        share=float((sizes[:2] ** 2).sum() / (sizes**2).sum()),
        apart=moves.apart,
        shown=moves.shown,
        effort=tools.effort,
    )


@torch.no_grad()
def classified(model: Dance, given: RowWindows) -> NDArray[np.intp]:
    """The levels (N,) that the model's own classifier tells."""
    found = [model.classifier(model.look(part)).argmax(-1) for part in torch.from_numpy(given.positions).split(BATCH)]
    return torch.cat(found).numpy()


def _moves(model: Dance, latents: Array, tools: Instruments, seed: int) -> Moves:
    chosen = np.random.default_rng([seed, len(latents)]).permutation(len(latents))[:MOVES]
    danced = generate.one_move(model, latents[chosen], REST + FRAMES)[:, :, REST:]
    shapes = np.stack([seen(part, tools.skeleton).numpy() for part in danced])
    other = np.roll(np.arange(len(chosen)), 1)
    usual = np.mean([_apart(part, part[other]).mean() for part in shapes])
    pairs = [(0, 1), (1, 2), (0, 2)]
    apart = {f"{LEVELS[a]}-{LEVELS[b]}": _apart(shapes[a], shapes[b]) / max(usual, 1e-9) for a, b in pairs}
    shown = [efforts.measure(part, tools.skeleton, RATE, tools.effort).mean() for part in danced]
    return Moves(apart, np.array(shown))


def _apart(a: Array, b: Array) -> Array:
    return np.asarray(np.linalg.norm(a - b, axis=-1).mean((1, 2)))


def _mean(weight: Array, values: Array, group: NDArray[np.intp]) -> Array:
    member = weight[:, group]
    return np.asarray(member @ values / member.sum(1))


def _labelled(row: DanceRow, source: str, seed: int) -> RowWindows:
    """Windows of a row that have a label, :data:`MOST` at most."""
    given = windows(row, EVERY)
    known = np.flatnonzero(given.levels[source] >= 0)
    if len(known) < 2:
        raise EngineError(f"{row.name}: {len(known)} windows with {source} labels; give more labels or longer takes")
    chosen = np.sort(np.random.default_rng([seed, len(known)]).permutation(known)[:MOST])
    return given.pick(chosen)
