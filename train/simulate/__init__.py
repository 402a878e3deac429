"""Simulated dyads: built speakers, and many appropriate listeners drawn for each (``python -m train simulate``)."""
