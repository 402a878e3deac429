"""Training of the gesture family: sets in the layout of PATS, the streaming form, and the seed's windowed form."""

from train.families import Command

TOOLS = {
    "aisle": Command("train.gesture.aisle.command", "the windowed form as published: train, sample, render"),
}
"""Further commands of the family."""
