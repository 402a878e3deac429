"""Texts to vectors for training, by the very encoder that serves them later.

A caption in training and the same prompt in serving are the same numbers, since both run through
:class:`engine.text.encoder.TextEncoder`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.text.encoder import TextEncoder
from engine.text.folder import encoders_in
from engine.text.tidy import tidy


class Vectors:
    """The encoder of a folder or a bundle (of its first text input), with all vectors made so far. ``width`` is how
    many numbers a vector has, ``mark`` a SHA-256 that changes with graph or tokenizer. Raises
    :class:`~engine.errors.EngineError` where there is no encoder in it."""

    def __init__(self, which: str | Path) -> None:
        bundle = encoders_in(which)
        name = bundle.spec.texts[0].name
        self._encoder = TextEncoder(bundle, name)
        self.width = self._encoder.width
        files = bundle.encoders[name]
        hashes = "".join(bundle.files[file][0] for file in (files.onnx, files.tokenizer))
        self.mark = hashlib.sha256(hashes.encode()).hexdigest()
        self._made: dict[str, NDArray[np.float32]] = {"": np.zeros(self.width, np.float32)}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (N, width) of N texts; zeros for one without words. Each different text is encoded once. Raises
        :class:`~engine.errors.EngineError` for a text that serving would refuse."""
        said = [tidy(text) for text in texts]
        for text in said:
            if text not in self._made:
                self._made[text] = self._encoder.encode(text).vector
        return np.stack([self._made[text] for text in said]) if said else np.zeros((0, self.width), np.float32)
