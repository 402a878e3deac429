"""A bundle run over arrays as the engine would serve it: same graph and runtime, frame by frame, rows side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.noise import uniform
from engine.runtime import Runtime, drive

UNSEEN_AGE_S = 1e3
"""Age given for a face or body that was never seen, as the engine gives it."""


def serve(
    runtime: Runtime,
    frames: int,
    seeds: Sequence[int],
    keep: Sequence[str],
    fill: Callable[[Mapping[str, NDArray[Any]], int], None],
) -> dict[str, NDArray[np.float32]]:
    """Outputs ``keep``, each (rows, frames, *shape), of a step that starts new. Inputs start at their missing values;
    ``fill(inputs, frame)`` writes what a frame brings, and each row's noise follows its seed."""
    spec, inputs = runtime.spec, runtime.inputs
    runtime.reset(slice(None))
    for item in spec.inputs:
        inputs[item.name][...] = item.missing

    def everything(frame: int) -> None:
        fill(inputs, frame)
        for item in spec.by_role("noise"):
            for row, seed in enumerate(seeds):
                inputs[item.name][row] = uniform(seed, frame, int(np.prod(item.shape))).reshape(item.shape)

    made = drive(runtime, everything, frames, keep)
    return {name: np.ascontiguousarray(values.swapaxes(0, 1)) for name, values in made.items()}
