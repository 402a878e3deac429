"""Simulated dialogues: two voices laid on the turns of real people, and the avatar of each of them."""
