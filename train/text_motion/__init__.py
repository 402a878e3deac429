"""Training of text to motion: sets in the layouts of HumanML3D and KIT-ML, streams joined of clips, three stages."""

from train.families import Command

TOOLS = {
    "motions": Command("train.text_motion.motions.command", "make a set of texts and motions of recordings"),
    "motion": Command("train.text_motion.motion.command", "make motions of texts as files, or edit one that there is"),
}
"""Further commands of the family."""
