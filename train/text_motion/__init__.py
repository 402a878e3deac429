"""Training of text to motion: sets in the layout of HumanML3D and KIT-ML, streams joined of their clips, three stages."""

from train.families import Command

TOOLS = {
    "motions": Command("train.text_motion.motions.command", "make a set of texts and motions from recordings with notes"),
}
"""Further commands of the family."""
