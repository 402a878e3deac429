"""Training of the conversation family: sets in the layout talks, the streaming form, and the seed's four models."""

from train.families import Command

TOOLS = {
    "a2p": Command("train.conversation.a2p.command", "audio2photoreal as published: make, check, train, sample, score"),
}
"""Further commands of the family."""
