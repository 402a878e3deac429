"""Do motions go with their texts? R-precision and the distance of motion and text (Guo et al. 2022).

Texts are dealt into batches of 32, all different and of different clips, so that none is right for two motions. Each
motion ranks the texts of its batch by the distance of their embeddings; R-precision Top-k is the share of motions whose
own text is among the k nearest. Chance is k / 32. A text is dealt again and again into other batches, and what a take
gets is the mean, so that the luck of a deal counts little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Ints = NDArray[np.integer]

BATCH, DEALS, TOP = 32, 20, 3


class Found(NamedTuple):
    """By motion: ``hits`` (N, 3), in how many of its deals its text was among the 1, 2, 3 nearest; in how many batches
    it was (``dealt`` (N,)), and the ``distance`` (N,) to its own text."""

    hits: Array
    dealt: Array
    distance: Array


def deal(texts: Sequence[str], clips: Sequence[str], seed: int, batch: int = BATCH, deals: int = DEALS) -> Ints:
    """Batches (M, batch) of numbers of items, in each all ``texts`` and all ``clips``
    different; what does not fill a batch is left out of that deal. None where the items do not fill one."""
    rng = np.random.default_rng([seed, len(texts), batch])
    made: list[list[int]] = []
    for _ in range(deals):
        waiting = [int(number) for number in rng.permutation(len(texts))]
        while len(waiting) >= batch:
            chosen: list[int] = []
            used: set[str] = set()
            for number in waiting:
                names = {f"text {texts[number]}", f"clip {clips[number]}"}
                if not names & used:
                    chosen.append(number)
                    used |= names
                if len(chosen) == batch:
                    break
            if len(chosen) < batch:
                break
            made.append(chosen)
            taken = set(chosen)
            waiting = [number for number in waiting if number not in taken]
    return np.array(made, np.intp).reshape(-1, batch)


def shares(motions: Array, texts: Array) -> Array:
    """For each motion of a batch the chance (N, 3) that its text is among the 1, 2, 3 nearest to it, of embeddings
    (N, F). Texts that are equally near are ordered by chance, so that an embedding that says nothing finds nothing."""
    distance = np.linalg.norm(motions[:, None] - texts[None], axis=-1)
    own = np.diagonal(distance)[:, None]
    nearer, tied = (distance < own).sum(1), (distance == own).sum(1)
    return np.asarray(np.clip((np.arange(1, TOP + 1) - nearer[:, None]) / tied[:, None], 0.0, 1.0))


def retrieve(motions: Array, texts: Array, batches: Ints) -> Found:
    """Retrieval of embeddings (N, F) by the ``batches`` that :func:`deal` gave."""
    hits, dealt = np.zeros((len(motions), TOP)), np.zeros(len(motions))
    for batch in batches:
        hits[batch] += shares(motions[batch], texts[batch])
        dealt[batch] += 1.0
    return Found(hits, dealt, np.linalg.norm(motions - texts, axis=-1))
