"""How far nods can be foretold at all: what a small model makes of AMI's words, acts and pauses."""
