"""The files by which a bundle reads texts: an encoder's graph, its tokenizer and how many tokens it takes.

A model names them as its ``encoders`` (:mod:`export.texts`); ``python -m export encoder KIND OUT`` writes them into a
folder, for training (:mod:`train.text_motion.vectors`) and for looking at them (``python -m benchmarks texts``).
"""

from export.encoders.files import KINDS, encoder_files, write

__all__ = ["KINDS", "encoder_files", "write"]
