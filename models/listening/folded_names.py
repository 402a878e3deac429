"""Names of the 54 numbers that a face is folded to; without torch, for configurations."""

from __future__ import annotations

from engine.channels import EXPRESSION_NAMES, HEAD_NAMES

GAZE = {
    f"gaze{axis}{side}": (f"eyeLook{plus}{side}", f"eyeLook{minus}{side}")
    for side in ("Left", "Right")
    for axis, plus, minus in (("Out", "Out", "In"), ("Down", "Down", "Up"))
}
"""Signed gaze channels: an eye cannot look out and in at once, so two ARKit weights fold into one number."""
FOLDED_AWAY = {name for pair in GAZE.values() for name in pair}
FOLDED_NAMES = (*(name for name in EXPRESSION_NAMES if name not in FOLDED_AWAY), *GAZE, *HEAD_NAMES)
"""The 54 numbers that ids stand for: 44 weights, 4 signed gaze numbers, 6 of the head."""
