"""The 25 emotion numbers of a face from its 52 expression weights: a fixed, documented map without state.

- **Action units**: each is the mean of the ARKit weights that show it (Apple's blend shape descriptions against FACS,
  Ekman, Friesen & Hager 2002), see :data:`UNITS`. ARKit has no lip tightener: AU23 shares its shapes with AU24.
- **Expressions**: evidence is the weakest-link-softened mean of an emotion's prototype units (EMFACS, Friesen & Ekman
  1983; contempt is a one-sided AU14), turned into probabilities by a softmax against a constant neutral.
- **Valence and arousal**: the probability-weighted mean of the expressions' places on the circumplex (Russell 1980,
  J. Personality & Social Psychology 39, figure 4; disgust after Russell & Mehrabian 1977; contempt, in neither, is our
  choice between anger and disgust), so a neutral face is near the origin.

It makes a listener's output comparable with REACT2024's columns. It measures shapes, not feelings.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.channels import ACTION_UNITS, EXPRESSIONS, FACE


def _pair(name: str) -> tuple[str, ...]:
    return (f"{name}Left", f"{name}Right")


UNITS: dict[int, tuple[str, ...]] = {
    1: ("browInnerUp",),
    2: _pair("browOuterUp"),
    4: _pair("browDown"),
    6: _pair("cheekSquint"),
    7: _pair("eyeSquint"),
    9: _pair("noseSneer"),
    10: _pair("mouthUpperUp"),
    12: _pair("mouthSmile"),
    14: _pair("mouthDimple"),
    15: _pair("mouthFrown"),
    17: ("mouthShrugLower",),
    23: _pair("mouthPress"),
    24: _pair("mouthPress"),
    25: (*_pair("mouthLowerDown"), *_pair("mouthUpperUp"), "jawOpen"),
    26: ("jawOpen",),
}
PROTOTYPES: dict[str, tuple[int, ...]] = {
    "Happy": (6, 12),
    "Sad": (1, 4, 15),
    "Surprise": (1, 2, 26),
    "Fear": (1, 2, 4, 7, 26),
    "Disgust": (9, 10, 15),
    "Anger": (4, 7, 23, 24),
}
CIRCUMPLEX = {
    "Neutral": (0.0, 0.0),
    "Happy": (0.83, 0.53),
    "Sad": (-0.65, -0.27),
    "Surprise": (0.16, 0.89),
    "Fear": (-0.34, 0.64),
    "Disgust": (-0.60, 0.35),
    "Anger": (-0.52, 0.58),
    "Contempt": (-0.55, 0.40),
}
SHARPNESS, NEUTRAL_LEVEL = 9.0, 0.35
"""Softmax steepness, and the evidence at which an expression is as likely as neutral."""


def emotion(face: Tensor) -> Tensor:
    """(..., 25) in REACT2024 order from faces (..., 58)."""
    unit = {
        number: torch.stack([face[..., FACE[name]] for name in names], -1).mean(-1) for number, names in UNITS.items()
    }
    evidence = {}
    for name, parts in PROTOTYPES.items():
        stacked = torch.stack([unit[part] for part in parts], -1)
        evidence[name] = 0.5 * (stacked.mean(-1) + stacked.amin(-1))
    left, right = (face[..., FACE[name]] for name in UNITS[14])
    evidence["Contempt"] = (left - right).abs()
    evidence["Neutral"] = torch.full_like(left, NEUTRAL_LEVEL)
    probabilities = torch.softmax(SHARPNESS * torch.stack([evidence[name] for name in EXPRESSIONS], -1), -1)
    places = face.new_tensor([CIRCUMPLEX[name] for name in EXPRESSIONS])
    units = torch.stack([unit[number] for number in ACTION_UNITS], -1)
    return torch.cat([units, probabilities @ places, probabilities], -1)
