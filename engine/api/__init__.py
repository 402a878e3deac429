"""What ``import engine`` offers to other programs: a model over arrays, and a live session in one's own process."""
