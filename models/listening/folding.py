"""Faces as learned listeners carry them: signed gaze in place of pairs of weights that exclude each other."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.channels import FACE, FACE_NAMES
from models.listening.folded_names import FOLDED_NAMES, GAZE

EYE_SIDE, EYE_UP, EYE_DOWN = math.radians(35.0), math.radians(25.0), math.radians(30.0)
"""Eye rotations at which an eyeLook weight reaches 1; ARKit leaves the scale to the rig, these are common ones."""


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


def gaze_in_space() -> tuple[Tensor, Tensor]:
    """As :func:`fold_matrix`, (58, 54), but gaze numbers tell where is looked, not how the eyes stand in the head; and
    the matrix (54, 58) back. Eyes so keep to what they look at while the head moves (the vestibulo-ocular reflex)."""
    whole = torch.eye(len(FOLDED_NAMES))
    down = 0.5 * (EYE_UP + EYE_DOWN)
    for gaze, turn, share in (
        ("gazeOutLeft", "headYaw", 1.0 / EYE_SIDE),
        ("gazeOutRight", "headYaw", -1.0 / EYE_SIDE),
        ("gazeDownLeft", "headPitch", 1.0 / down),
        ("gazeDownRight", "headPitch", 1.0 / down),
    ):
        whole[FOLDED_NAMES.index(turn), FOLDED_NAMES.index(gaze)] = share
    back = 2.0 * torch.eye(len(FOLDED_NAMES)) - whole  # heads are not moved by gazes: what is added is taken off again
    return fold_matrix() @ whole, back @ fold_matrix().T
