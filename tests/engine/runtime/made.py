"""What the tests of runtimes share: the tiny model's inputs, and the two ways to run it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engine.bundle import Bundle
from engine.runtime import Runtime
from engine.runtime.cuda import CudaRuntime
from engine.runtime.onnx import OnnxRuntime
from tests.engine.runtime.card import HostMemory
from tests.export.tiny import HOP, WINDOW

FRAMES, ROWS = 4 * WINDOW, 3
TOLERANCE = 1e-5
Arrays = dict[str, np.ndarray]
Open = Callable[..., Runtime]


def on_the_processor(bundle: Bundle, rows: int = 1, buckets: Sequence[int] | None = None) -> Runtime:
    return OnnxRuntime(bundle, rows, buckets=buckets)


def on_a_card(bundle: Bundle, rows: int = 1, buckets: Sequence[int] | None = None) -> Runtime:
    """With all state in the memory of a card, which here is the fake one."""
    return CudaRuntime(bundle, rows, buckets=buckets, memory=HostMemory())


WAYS = {"processor": on_the_processor, "card": on_a_card}


def draw(rows: int = ROWS, frames: int = FRAMES, seed: int = 0) -> Arrays:
    """Inputs (frames, rows, *shape) of the tiny model."""
    random = np.random.default_rng(seed)
    values = {
        "audio": random.uniform(-1, 1, (frames, rows, HOP)),
        "face": random.uniform(-1, 1, (frames, rows, 58)),
        "face_valid": random.integers(0, 2, (frames, rows)),
        "gain": random.uniform(0, 2, (frames, rows)),
        "noise": random.random((frames, rows, 1)),
    }
    return {name: value.astype(np.float32) for name, value in values.items()}


def fill(runtime: Runtime, inputs: Arrays, frame: int) -> None:
    for name, value in inputs.items():
        runtime.inputs[name][...] = value[frame]


def advance(runtime: Runtime, inputs: Arrays, frame: int) -> Arrays:
    """Copies of the outputs of one frame, which counts in all active rows."""
    fill(runtime, inputs, frame)
    outputs = {name: value.copy() for name, value in runtime.run().items()}
    runtime.commit()
    return outputs


def same(left: Arrays, right: Arrays) -> bool:
    """Bit for bit, where NaN is NaN."""
    return left.keys() == right.keys() and all(left[name].tobytes() == right[name].tobytes() for name in left)
