"""Feet that stand hold the body in place: what keeps a walk from sliding. No parameters, inside the graph."""

from __future__ import annotations

import torch
from torch import Tensor

AIR, GROUND = 0.3, 0.6
"""Below the one a foot's contact lets it go, above the other it holds the body wholly."""


def standing(contacts: Tensor) -> Tensor:
    """How wholly each foot stands, 0 to 1, from how surely it has contact (..., feet)."""
    return ((contacts - AIR) / (GROUND - AIR)).clamp(0.0, 1.0)


def drawn(step: Tensor, stands: Tensor, moved: Tensor) -> Tensor:
    """The ``step`` (B, 2) of bodies, drawn to where their feet stay where they are as far as one ``stands`` (B, feet);
    ``moved`` (B, feet, 2) is how far the body must go for each foot to be where it was."""
    hold = (moved * stands[..., None]).sum(-2) / stands.sum(-1, keepdim=True).clamp_min(1e-3)
    return torch.lerp(step, hold, stands.amax(-1, keepdim=True))


def held(step: Tensor, contacts: Tensor, moved: Tensor, first: Tensor) -> Tensor:
    """The step (B, 2) of bodies whose standing feet stay where they are.

    ``step`` (B, 2) is what the decoder asks for, ``contacts`` (B, feet) how surely each foot stands, ``moved``
    (B, feet, 2) how far the body must go for each foot to be where it was. Before the ``first`` (B,) frame none stood.
    """
    return drawn(step, standing(contacts) * ~first[:, None], moved)
