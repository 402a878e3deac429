"""The training recipe of the learned listener: `python -m train reaction`."""
