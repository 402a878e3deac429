"""The learned listener: its talks, its recipe, what is set without training, and its evaluation."""

from train.families import Command

TOOLS = {
    "view": Command("train.reaction.view", "show a talk of a data set and its listeners, as a video or a filmstrip"),
    "calibrate": Command("train.reaction.calibrate", "how boldly the trained listener draws, set without training"),
    "ceiling": Command("train.reaction.ceiling.command", "what words and pauses tell of when AMI's people nod"),
    "ablate": Command("train.reaction.ablate", "the trained listener with a part switched off, to be measured"),
}
