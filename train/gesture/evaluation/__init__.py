"""Evaluation of the gesture family: the paper's metrics, what they miss, and the report."""
