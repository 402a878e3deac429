"""What dances are measured with, made once from real takes: the feature network, the judges of effort, a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from engine.body.skeleton import Skeleton
from engine.errors import EngineError
from train.dance.efforts import Thresholds
from train.dance.evaluation import quality, recognition
from train.dance.evaluation.networks import FeatureNet, Sizes, chances, features, fit, made, seen
from train.dance.evaluation.recognition import FEW, Judge
from train.dance.evaluation.rows import SOURCES, DanceRow, RowWindows, windows
from train.dance.evaluation.sanity import Reference
from train.dance.labels import LEVELS
from train.report import frechet
from train.report.evaluation import Say

Array = NDArray[np.floating]

EVERY = 5
"""Frames between the windows of takes that are learned from and judged."""


class Right(NamedTuple):
    """Shares of windows that a network tells right: of its own and of held-out ones."""

    own: float
    held_out: float


class Plane(NamedTuple):
    """Where features are drawn: their mean (F,) and the two directions in which they differ most, (2, F)."""

    centre: Array
    directions: Array


@dataclass
class Instruments:
    """``source`` says whose labels the feature network learned, ``right`` how well; ``judges`` recognise by source of
    labels, ``notes`` says from what they learned, or why there is none; ``library`` (M, 40, J, 3) are the training
    windows as networks see them, ``owners`` (M,) their groups; ``space`` (M, F) their features, drawn in ``axes``."""

    skeleton: Skeleton
    thresholds: Thresholds
    effort: str
    reference: Reference
    source: str
    network: FeatureNet
    right: Right
    judges: list[Judge]
    notes: dict[str, str]
    library: Tensor
    owners: NDArray[np.str_]
    space: Array
    axes: Plane

    @classmethod
    def of(
        cls,
        training: DanceRow,
        truth: DanceRow,
        skeleton: Skeleton,
        thresholds: Thresholds,
        effort: str,
        sizes: Sizes,
        seed: int,
        say: Say,
    ) -> Instruments:
        """Train on the training takes (features) and on the held-out ones (judges)."""
        learning, held = windows(training, EVERY), windows(truth, EVERY, least=2)
        source = recognition.preferred(learning)
        library = seen(learning.positions, skeleton)
        network, right = _network(learning, library, held, source, skeleton, sizes, seed)
        say(
            f"features: right on {right.own:.0%} of training windows, {right.held_out:.0%} of held-out ones "
            f"({source} labels)"
        )
        trained = {name: recognition.trained(name, truth, held, skeleton, sizes, seed) for name in SOURCES}
        for name, found in trained.items():
            say(f"judges, {name} labels: {found.note}")
        space = features(network, library)
        return cls(
            skeleton=skeleton,
            thresholds=thresholds,
            effort=effort,
            reference=Reference.of(skeleton, training),
            source=source,
            network=network,
            right=right,
            judges=[found.judge for found in trained.values() if found.judge is not None],
            notes={name: found.note for name, found in trained.items()},
            library=library,
            owners=np.array(training.groups)[learning.group],
            space=space,
            axes=Plane(space.mean(0), frechet.directions(space)),
        )

    def nearest(self, row: DanceRow, given: RowWindows, canonical: Tensor) -> Array:
        """Distances (N,) to the nearest training window of another group."""
        return quality.nearest(canonical, self.library, np.array(row.groups)[given.group], self.owners)

    def plane(self, points: Array) -> Array:
        """Features (N, F) as they are drawn, (N, 2)."""
        return (points - self.axes.centre) @ self.axes.directions.T


def _network(
    learning: RowWindows, library: Tensor, held: RowWindows, source: str, skeleton: Skeleton, sizes: Sizes, seed: int
) -> tuple[FeatureNet, Right]:
    labels = learning.of(source)
    if np.bincount(labels[labels >= 0], minlength=len(LEVELS)).min() < FEW:
        raise EngineError(
            f"the training takes have fewer than {FEW} windows of some level ({source} labels); give more or longer "
            "takes, or more labels"
        )
    network = made(FeatureNet, library, sizes, seed)
    known = labels >= 0
    fit(network, library[known], labels[known], sizes.epochs, seed)
    right = []
    for given, canonical in ((learning, library), (held, seen(held.positions, skeleton))):
        wanted = given.levels[source]
        hits = chances(network, canonical).argmax(1) == wanted
        right.append(float(hits[wanted >= 0].mean()) if (wanted >= 0).any() else float("nan"))
    return network, Right(*right)
