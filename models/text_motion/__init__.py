"""Text to motion: a body that does what a text says, frame by frame, and whose pose codes a person edits."""
