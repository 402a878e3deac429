"""What the recipes of all families share: settings, the trainer of a run and its callbacks, resuming, checkpoints."""
