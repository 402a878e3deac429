"""What dances are measured with, made once from real takes: the feature network, the judges of effort, a reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from engine.body.skeleton import Skeleton
from engine.errors import EngineError
from train.dance.efforts import Thresholds
from train.dance.evaluation import quality, recognition
from train.dance.evaluation.networks import FeatureNet, Sizes, chances, features, fit, made, seen
from train.dance.evaluation.recognition import FEW, Judge
from train.dance.evaluation.rows import SOURCES, Row, Windows, windows
from train.dance.evaluation.sanity import Reference
from train.dance.labels import LEVELS

Array = NDArray[np.floating]
Say = Callable[[str], None]

EVERY = 5
"""Frames between the windows of takes that are learned from and judged."""


@dataclass
class Instruments:
    """``source`` says whose labels the feature network learned; ``right`` how often it is right on its own and on
    held-out windows; ``judges`` recognise by source of labels, ``told`` says from what; ``library`` (M, 40, J, 3) are
    the training windows as networks see them, ``owners`` (M,) their groups; ``space`` (M, F) their features; ``axes``
    their mean (F,) and the two directions in which they differ most, (2, F)."""

    skeleton: Skeleton
    thresholds: Thresholds
    effort: str
    reference: Reference
    source: str
    network: FeatureNet
    right: tuple[float, float]
    judges: list[Judge]
    told: dict[str, str]
    library: Tensor
    owners: NDArray[np.str_]
    space: Array
    axes: tuple[Array, Array]

    @classmethod
    def of(
        cls,
        training: Row,
        truth: Row,
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
        say(f"features: right on {right[0]:.0%} of training windows, {right[1]:.0%} of held-out ones ({source} labels)")
        judges, told = [], {}
        for name in SOURCES:
            judge, told[name] = recognition.trained(name, truth, held, skeleton, sizes, seed)
            judges += [] if judge is None else [judge]
            say(f"judges, {name} labels: {told[name]}")
        space = features(network, library)
        centre = space.mean(0)
        directions = quality.directions(space)
        owners = np.array(training.groups)[learning.group]
        return cls(
            *(skeleton, thresholds, effort, Reference.of(skeleton, training), source, network, right, judges, told),
            *(library, owners, space, (centre, directions)),
        )

    def nearest(self, row: Row, given: Windows, canonical: Tensor) -> Array:
        """Distances (N,) to the nearest training window of another group."""
        return quality.nearest(canonical, self.library, np.array(row.groups)[given.group], self.owners)

    def plane(self, points: Array) -> Array:
        """Features (N, F) as they are drawn, (N, 2)."""
        return (points - self.axes[0]) @ self.axes[1].T


def _network(
    learning: Windows, library: Tensor, held: Windows, source: str, skeleton: Skeleton, sizes: Sizes, seed: int
) -> tuple[FeatureNet, tuple[float, float]]:
    labels = learning.levels.get(source, np.zeros(0, np.int8))
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
    return network, (right[0], right[1])
