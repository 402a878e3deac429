"""A bundle is what training hands to serving: a folder with a manifest, one ONNX step and a card for people.

``manifest.yaml`` says what the step is (its :class:`~engine.spec.StreamSpec`), where it came from and under which
licence, how far it may stray from the model it was exported from, and the size and SHA-256 of every file. It may come
from a stranger, so loading checks all of that before anything is run: only regular files are read, after their size is
known; the manifest is a small part of YAML; no pickle and no code of the bundle is executed; a graph that would open
other files is refused. What does not match is refused with the reason. Before the engine itself runs a stranger's graph
the first time, a process of its own tries it (:mod:`engine.bundle.trial`).
"""

from engine.bundle.bundle import BUNDLES, DEFAULT, Bundle, bundled
from engine.bundle.errors import BundleError
from engine.bundle.manifest import (
    CARD,
    FORMAT,
    MANIFEST,
    MANIFEST_LIMIT,
    STEP,
    EncoderFiles,
    OnnxFile,
)

__all__ = [
    "BUNDLES",
    "CARD",
    "DEFAULT",
    "FORMAT",
    "MANIFEST",
    "MANIFEST_LIMIT",
    "STEP",
    "Bundle",
    "BundleError",
    "EncoderFiles",
    "OnnxFile",
    "bundled",
]
