"""Faces as learned listeners carry them: signed gaze in place of pairs of weights that exclude each other."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.channels import FACE, FACE_NAMES
from models.listening.folded_names import FOLDED_NAMES, GAZE


def fold_matrix() -> Tensor:
    """(58, 54): ARKit weights and head to the folded numbers; its transpose, clamped at 0, unfolds."""
    fold = torch.zeros(len(FACE_NAMES), len(FOLDED_NAMES))
    for column, name in enumerate(FOLDED_NAMES):
        if name in GAZE:
            plus, minus = GAZE[name]
            fold[FACE[plus], column], fold[FACE[minus], column] = 1.0, -1.0
        else:
            fold[FACE[name], column] = 1.0
    return fold
