"""The built-in conversation partner: a story told by a synthetic voice, with the face of who tells it."""
