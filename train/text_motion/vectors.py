"""Texts to vectors for training, by the very encoder that serves them later.

The encoder is that of a bundle (``engine/data/bundles/text_motion``), or lies alone in a folder as ``python -m export
encoder KIND FOLDER`` writes it. It runs through :class:`engine.text.encoder.TextEncoder` either way, so that a caption
in training and the same prompt in serving are the same numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.bundle import MANIFEST, STEP, Bundle, EncoderFiles, OnnxFile
from engine.errors import EngineError
from engine.spec import InputSpec, OutputSpec, StreamSpec
from engine.text.encoder import TextEncoder
from engine.text.tidy import tidy

GRAPH, TOKENIZER, TOKENS = "encode.onnx", "tokenizer.json", "tokens.txt"
_INPUT = "text"


class Vectors:
    """The encoder of a folder or a bundle, with all vectors made so far. ``width`` is how many numbers a vector has,
    ``mark`` the SHA-256 of graph and tokenizer. Raises :class:`EngineError` where there is no encoder in it."""

    def __init__(self, which: str | Path) -> None:
        folder = Path(which)
        bundle = _alone(folder) if folder.is_dir() and not (folder / MANIFEST).is_file() else Bundle.load(which)
        if not bundle.spec.texts:
            raise EngineError(
                f"{which}: bundle {bundle.name} reads no texts; name one that does, or a folder with an encoder"
            )
        name = bundle.spec.texts[0].name
        self._encoder = TextEncoder(bundle, name)
        self.width = self._encoder.width
        files = bundle.encoders[name]
        self.mark = hashlib.sha256(
            "".join(bundle.files[it][0] for it in (files.onnx, files.tokenizer)).encode()
        ).hexdigest()
        self._made: dict[str, NDArray[np.float32]] = {"": np.zeros(self.width, np.float32)}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (N, width) of N texts; zeros for one without words. Each different text is encoded once. Raises
        :class:`EngineError` for a text that serving would refuse."""
        said = [tidy(text) for text in texts]
        for text in said:
            if text not in self._made:
                self._made[text] = self._encoder.encode(text).vector
        return np.stack([self._made[text] for text in said]) if said else np.zeros((0, self.width), np.float32)


def _alone(folder: Path) -> Bundle:
    """An encoder that lies in a folder by itself, as the bundle around it that :class:`TextEncoder` asks for."""
    import onnx

    try:
        contents = {name: (folder / name).read_bytes() for name in (GRAPH, TOKENIZER)}
        tokens = int((folder / TOKENS).read_text())
        outputs = onnx.load_model_from_string(contents[GRAPH]).graph.output
        width = outputs[0].type.tensor_type.shape.dim[-1].dim_value
        spec = StreamSpec("texts", 1.0, (InputSpec(_INPUT, "text", (width,)),), (OutputSpec("out", (width,)),))
        files = EncoderFiles(GRAPH, TOKENIZER, tokens)
    except Exception as error:  # files of other people: whatever they make the library raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise EngineError(
            f"{folder} holds no text encoder ({reason}); make one: python -m export encoder minilm {folder}"
        ) from error
    return Bundle(
        path=folder,
        name=folder.name,
        version="0",
        spec=spec,
        onnx=OnnxFile(STEP, 0, 0, ""),
        licence="",
        description="",
        training_data="",
        credits="",
        command="",
        commit="",
        files={name: (hashlib.sha256(content).hexdigest(), len(content)) for name, content in contents.items()},
        encoders={_INPUT: files},
    )
