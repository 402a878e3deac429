"""Distances between sets in a feature space: the Fréchet distance (FID) of any draw of groups, and spread.

**FID** (Heusel et al. 2017): the Fréchet distance between Gaussians fitted to two sets,
|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^1/2). It is biased upwards, the more the fewer points (Chong & Forsyth 2020), so
rows are to be measured on equally many, and two halves of real data give the floor under which it says nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.floating]


class Gaussian(NamedTuple):
    """Mean (F,) and covariance (F, F) of features."""

    mean: Array
    covariance: Array

    @classmethod
    def of(cls, points: Array) -> Gaussian:
        """The one fitted to points (N, F)."""
        return cls(points.mean(0), np.cov(points.T, bias=True))


class GroupSums:
    """Sums from which mean and covariance of any weighting of groups follow: ``features`` (N, F), ``group`` (N,)."""

    def __init__(self, features: Array, group: NDArray[np.intp], groups: int) -> None:
        self.shift = features.mean(0)  # sums of squares keep their digits around it
        centred = features - self.shift
        member = np.eye(groups)[group]
        self.count = member.sum(0)
        self.first = member.T @ centred
        self.second = np.stack([centred[group == index].T @ centred[group == index] for index in range(groups)])

    def fitted(self, weight: Array) -> Gaussian:
        """The Gaussian with the groups weighing ``weight`` (groups,)."""
        count = weight @ self.count
        mean = weight @ self.first / count
        covariance = np.tensordot(weight, self.second, 1) / count - np.outer(mean, mean)
        return Gaussian(mean + self.shift, covariance)


def directions(points: Array, count: int = 2) -> Array:
    """The ``count`` directions (count, F) in which points (N, F) differ most."""
    covariance = torch.from_numpy(np.cov(points.T, bias=True))
    return np.asarray(torch.linalg.eigh(covariance).eigenvectors.T.flip(0)[:count].numpy())


def root(covariance: Array) -> Array:
    """The symmetric square root of a covariance."""
    values, vectors = torch.linalg.eigh(torch.from_numpy(covariance))  # on as many threads as torch may use
    return np.asarray(((vectors * values.clamp_min(0.0).sqrt()) @ vectors.T).numpy())


def fid(one: Gaussian, other: Gaussian, other_root: Array | None = None) -> float:
    """Fréchet distance of two Gaussians; ``other_root`` saves computing the root of a covariance again."""
    half = root(other.covariance) if other_root is None else other_root
    turned = torch.from_numpy(half)
    mixed = torch.linalg.eigvalsh(turned @ torch.from_numpy(one.covariance) @ turned).clamp_min(0.0)
    trace = np.trace(one.covariance) + np.trace(other.covariance) - 2.0 * float(mixed.sqrt().sum())
    return max(float(((one.mean - other.mean) ** 2).sum() + trace), 0.0)


def fids(sums: GroupSums, weight: Array, other: Gaussian) -> Array:
    """FID (D,) to ``other`` of every draw of the groups, ``weight`` (D, groups)."""
    half = root(other.covariance)
    return np.array([fid(sums.fitted(one), other, half) for one in weight])


def floor(features: Array, group: NDArray[np.intp], count: int, seed: int, splits: int = 20) -> Array:
    """FID (splits,) between two sets of real windows that share no group, ``count`` windows each at most."""
    rng = np.random.default_rng([seed, count])
    found = []
    for _ in range(splits):
        order = rng.permutation(np.unique(group))
        sides = [np.flatnonzero(np.isin(group, half)) for half in (order[::2], order[1::2])]
        size = min(count, *map(len, sides))
        if size < 2:
            return np.full(splits, np.nan)
        one, other = (Gaussian.of(features[rng.permutation(side)[:size]]) for side in sides)
        found.append(fid(one, other))
    return np.array(found)


def spread(features: Array, weight: Array, pairs: int, rng: np.random.Generator) -> float:
    """Mean distance of ``pairs`` pairs of features (N, F), drawn with the weights (N,); not a number where fewer than
    two may be drawn (Guo et al. 2020)."""
    total = weight.sum()
    if (weight > 0).sum() < 2:
        return float("nan")
    chosen = rng.choice(len(features), (2, pairs), p=weight / total)
    return float(np.linalg.norm(features[chosen[0]] - features[chosen[1]], axis=1).mean())
