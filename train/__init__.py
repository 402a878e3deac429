"""Offline builders and trainers: what makes the data and weights that the engine only reads."""
