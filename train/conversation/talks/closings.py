"""When lips close in speech: the phones b, p and m, which no voice can make with open ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.speech.align import Aligner

CLOSING = ("B", "P", "M")
"""Phones (ARPAbet) made with closed lips."""


def closings(aligner: Aligner, pcm: NDArray[np.float32], texts: Sequence[str]) -> tuple[tuple[float, float], ...]:
    """Start and end (s) of each closing phone of ``texts`` in ``pcm`` (n,) at 16 kHz. Raises :class:`EngineError` as
    :meth:`engine.speech.align.Aligner.phones` does."""
    return tuple((item.start, item.end) for item in aligner.phones(pcm, texts) if item.text in CLOSING)
