"""Training of the conversation family."""
