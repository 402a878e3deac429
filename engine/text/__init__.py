"""Texts and words as numbers: prompts by the bundle's own encoder, off the frame path, words by its vocabulary."""
