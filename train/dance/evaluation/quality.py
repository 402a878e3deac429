"""Distances between sets of dances in the feature space: FID, diversity, multimodality; and to the training takes.

- **FID**: see :mod:`train.report.frechet`; all rows are measured on equally many windows.
- **Diversity** (Guo et al. 2020): mean distance of :data:`PAIRS` pairs drawn from all windows of a row.
- **Multimodality** (the same): mean distance of :data:`PAIRS_PER_LABEL` pairs of each label.
- **Nearest**: root mean square distance per joint, in metres, to the most similar window of the training takes.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from train.dance.evaluation.rows import Levels
from train.dance.labels import LEVELS
from train.report.frechet import spread

Array = NDArray[np.floating]

PAIRS, PAIRS_PER_LABEL = 200, 70
"""As in PirouNet's evaluation."""
CHUNK = 256


def diversity(features: Array, chance: Array, seed: int) -> Array:
    """Diversity (D,) where each draw takes windows with the weights ``chance`` (D, N)."""
    rng = np.random.default_rng([seed, 1])
    return np.array([spread(features, weight, PAIRS, rng) for weight in chance])


def multimodality(features: Array, levels: Levels, chance: Array, seed: int) -> Array:
    """Multimodality (D,), mean over the levels; not a number where a level has fewer than two windows."""
    rng = np.random.default_rng([seed, 2])
    found = []
    for weight in chance:
        by_level = [spread(features, weight * (levels == level), PAIRS_PER_LABEL, rng) for level in range(len(LEVELS))]
        found.append(np.mean(by_level))
    return np.array(found)


def nearest(windows: Tensor, training: Tensor, own: NDArray[np.str_], others: NDArray[np.str_]) -> Array:
    """Distance (N,) in metres of canonical windows (N, T, J, 3) to the nearest of ``training`` (M, T, J, 3) of another
    group: ``own`` (N,) and ``others`` (M,) are the groups' names, so that no take finds itself."""
    flat, library = windows.flatten(1).double(), training.flatten(1).double()
    sizes = library.square().sum(1)
    best = []
    for start in range(0, len(flat), CHUNK):
        part = flat[start : start + CHUNK]
        distance = part.square().sum(1)[:, None] + sizes - 2.0 * part @ library.T
        distance[torch.from_numpy(own[start : start + CHUNK, None] == others)] = torch.inf
        best.append(distance.min(1).values.clamp_min(0.0))
    return (torch.cat(best) / (windows.shape[1] * windows.shape[2])).sqrt().numpy()
