"""A text encoder that lies in a folder by itself, as ``python -m export encoder KIND FOLDER`` writes it.

Training encodes its captions with it, export puts it into a bundle, a benchmark compares several. All of them see it as
the smallest bundle around it, so that what runs is :class:`engine.text.encoder.TextEncoder`, as in serving.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from engine.bundle import MANIFEST, STEP, Bundle, EncoderFiles, OnnxFile
from engine.bundle.graph import check_graph
from engine.errors import EngineError
from engine.spec import InputSpec, OutputSpec, StreamSpec

GRAPH, TOKENIZER, TOKENS, CREDITS = "encode.onnx", "tokenizer.json", "tokens.txt", "credits.txt"
INPUT = "text"
"""Name of the text input of the bundle that is made of a folder."""


def encoders_in(which: str | Path) -> Bundle:
    """A bundle that reads texts: the one of that name or folder, or one around the encoder of a folder, with a single
    text input :data:`INPUT` and no step to run. Raises :class:`EngineError` where there is no encoder in it."""
    folder = Path(which)
    if folder.is_dir() and not (folder / MANIFEST).is_file():
        return _around(folder)
    bundle = Bundle.load(which)
    if not bundle.spec.texts:
        raise EngineError(
            f"{which}: bundle {bundle.name} reads no texts; name one that does, or a folder with an encoder"
        )
    return bundle


def _around(folder: Path) -> Bundle:
    try:
        contents = {name: (folder / name).read_bytes() for name in (GRAPH, TOKENIZER)}
        check_graph(contents[GRAPH], GRAPH)
        files = EncoderFiles(GRAPH, TOKENIZER, int((folder / TOKENS).read_text()))
        width = _width(contents[GRAPH])
        spec = StreamSpec("texts", 1.0, (InputSpec(INPUT, "text", (width,)),), (OutputSpec("out", (width,)),))
    except Exception as error:  # files of other people: whatever they make a library raise
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
        encoders={INPUT: files},
    )


def _width(graph: bytes) -> int:
    """How many numbers an encoder gives."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # it is not run
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return int(session.get_outputs()[0].shape[-1])
