"""What an evaluator is: motions and texts to points of one space, near each other where a text says what a motion does.

There are two: the released one (:mod:`.released`), whose numbers may be compared with papers, where a user has it; and
those trained on the set's own training part (:mod:`.own`), whose numbers compare rows of one report alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import EngineError
from models.text_motion.features import encode
from models.text_motion.layout import Layout
from train.text_motion.evaluation.networks import UNIT
from train.text_motion.texts import Caption

Array = NDArray[np.floating]

CHUNK = 64


class Evaluator(Protocol):
    """Embeds motions and texts. ``about`` says in a sentence what it is and what its numbers may be compared with,
    ``learned`` from which takes it learned."""

    @property
    def about(self) -> str: ...

    @property
    def learned(self) -> Collection[str]: ...

    def motions(self, motions: Sequence[Array]) -> Array:
        """Embeddings (N, F) of joint positions (T, J, 3) each, in metres."""

    def texts(self, captions: Sequence[Caption]) -> Array:
        """Embeddings (N, F) of captions."""


def rows(motion: Array, layout: Layout, mean: Tensor, std: Tensor) -> Tensor:
    """Standardised features (T - 1, width), the forward form as published, of joints (T, J, 3) in metres."""
    if len(motion) < UNIT + 1:
        raise EngineError(f"a motion of {len(motion)} frames: evaluators need at least {UNIT + 1}; give longer ones")
    found = encode(torch.from_numpy(np.ascontiguousarray(motion, np.float32)) / layout.scale, layout)
    return (found - mean) / std
