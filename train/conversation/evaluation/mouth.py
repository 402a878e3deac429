"""What is measured of a mouth: groups of its channels, how far the lips are apart, and when they are closed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from train.conversation.talks.layout import MOUTH_NAMES

Array = NDArray[np.floating]

JAW = ("jawOpen",)
CLOSURE = ("mouthClose", "mouthRollLower", "mouthRollUpper", "mouthPressLeft", "mouthPressRight")
APART = ("mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight")
LIPS = (
    "mouthFunnel",
    "mouthPucker",
    *APART,
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthDimpleLeft",
    "mouthDimpleRight",
)
APERTURE = "aperture"
NAMES = (*MOUTH_NAMES, APERTURE)
"""Columns of :func:`measured`."""
GROUPS = {"jaw": JAW, "lips": LIPS, "closure": CLOSURE, APERTURE: (APERTURE,)}
COLUMNS = {group: [NAMES.index(name) for name in names] for group, names in GROUPS.items()}
SPOKEN = sorted({column for group in ("jaw", "lips", "closure") for column in COLUMNS[group]})
"""Columns of the channels that speech moves."""
CLOSED = 0.15
"""Lips are closed where the aperture is no farther than this share of the way from the 5th to the 95th percentile of
what the true mouth does while it speaks."""


def aperture(mouth: Array) -> Array:
    """How far the lips are apart (T,) of a mouth (T, 27): the jaw's opening without what the lips make up for
    (``jawOpen`` - ``mouthClose``, at least 0), and the mean of how far they are raised and lowered."""
    open_jaw = mouth[:, MOUTH_NAMES.index("jawOpen")].astype(float) - mouth[:, MOUTH_NAMES.index("mouthClose")]
    return np.asarray(np.maximum(open_jaw, 0.0) + mouth[:, [MOUTH_NAMES.index(n) for n in APART]].mean(1))


def measured(mouth: Array) -> Array:
    """A mouth (T, 27) with its aperture, (T, 28)."""
    return np.concatenate([mouth.astype(float), aperture(mouth)[:, None]], 1)


def closed_below(spoken: Iterable[Array]) -> float:
    """The aperture below which a mouth is closed, of apertures (N,) of the true mouth while it speaks."""
    low, high = np.percentile(np.concatenate(list(spoken)), [5.0, 95.0])
    return float(low + CLOSED * (high - low))
