"""Text to motion offline: ``python -m train motion generate`` and ``edit`` make files of single motions."""
