"""A clip as in a mirror: left and right changed in the motion and in the words."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from train.text_motion.motions.tagging import tagged
from train.text_motion.motions.uniform import BODY
from train.text_motion.texts import Caption

_ORDER = [
    BODY.index({"l": "r", "r": "l"}[name[0]] + name[1:]) if name[:2] in ("l_", "r_") else BODY.index(name)
    for name in BODY.joints
]
_SWAPPED = {
    "left": "right",
    "lefts": "rights",
    "leftward": "rightward",
    "leftwards": "rightwards",
    "clockwise": "counterclockwise",
    "anticlockwise": "clockwise",
}
_SWAPPED |= {other: word for word, other in _SWAPPED.items() if word != "anticlockwise"}
_WORD = re.compile(r"[A-Za-z]+")


def mirrored(joints: NDArray[np.float32]) -> NDArray[np.float32]:
    """The motion (T, 22, 3) as in a mirror that stands along the z axis."""
    return np.ascontiguousarray(joints[:, _ORDER] * np.array([-1.0, 1.0, 1.0], np.float32))


def mirrored_text(text: str) -> str:
    """A sentence with left and right, clockwise and counterclockwise exchanged, in compound words too."""
    return _WORD.sub(lambda match: _swapped(match[0]), text)


def mirrored_caption(caption: Caption) -> Caption:
    """A caption of the mirrored clip."""
    text = mirrored_text(caption.text)
    return Caption(text, tagged(text), caption.start, caption.end)


def _swapped(word: str) -> str:
    other = _SWAPPED.get(word.lower())
    if other is None:
        return word
    return other.capitalize() if word[0].isupper() else other
