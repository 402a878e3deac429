"""Training of the dance family: takes of bodies, effort labels given by people or computed, windows, recipe."""
