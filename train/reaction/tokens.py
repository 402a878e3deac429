"""What the ids of listeners are like before any network: how many are in use, and how well two tables predict them.

A network is worth its cost only below these: `unigram` knows how often each id comes, `markov` knows the id before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from train.reaction.streams import Streams


def statistics(train: Streams, val: Streams, levels: tuple[int, ...]) -> dict[str, list[float]]:
    """Per head: ``usage`` (share of its codes that occur) and ``perplexity`` of the ids of ``train``; and the
    cross-entropy in nats on ``val`` of tables counted in ``train``, ``unigram`` and ``markov`` (add-one smoothing)."""
    found: dict[str, list[float]] = {"usage": [], "perplexity": [], "unigram": [], "markov": []}
    before, after = _pairs(train)
    val_before, val_after = _pairs(val)
    for head, codes in enumerate(levels):
        counts = np.bincount(after[:, head], minlength=codes).astype(float)
        shares = counts / counts.sum()
        used = shares[shares > 0]
        table = np.ones((codes, codes))
        np.add.at(table, (before[:, head], after[:, head]), 1)
        table /= table.sum(1, keepdims=True)
        smoothed = (counts + 1) / (counts + 1).sum()
        found["usage"].append(float((counts > 0).mean()))
        found["perplexity"].append(float(np.exp(-(used * np.log(used)).sum())))
        found["unigram"].append(float(-np.log(smoothed[val_after[:, head]]).mean()))
        found["markov"].append(float(-np.log(table[val_before[:, head], val_after[:, head]]).mean()))
    return found


def _pairs(streams: Streams) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids (N, heads) and those that follow them, within streams."""
    ids = streams.ids.numpy().astype(np.int64)
    follows = np.ones(len(ids), bool)
    follows[streams.start] = False
    after = np.flatnonzero(follows)
    return ids[after - 1], ids[after]
