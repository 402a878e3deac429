"""Training of the gesture family: sets in the layout of PATS, the streaming form, and the seed's windowed form."""

from train.families import Command

TOOLS = {
    "aisle": Command("train.gesture.aisle.command", "the seed as published: train its models, sample them"),
}
"""Further commands of the family."""
