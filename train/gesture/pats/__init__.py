"""PATS (Ahuja et al. 2020): its layout read, written and checked, and the features, scales and clusters made of it."""
