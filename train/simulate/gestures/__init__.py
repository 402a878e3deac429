"""Simulated gesturers: real arm movements laid on speech with the timing of AMI's people, written in PATS' layout
(``python -m train simulate gestures``)."""
