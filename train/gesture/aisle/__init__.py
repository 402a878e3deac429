"""The seed as published: AISLe's windowed generator, its baselines, its training and its files (Ahuja et al. 2020)."""
