"""Drive a bundle over arrays as fast as it goes: what the frame loop does, without clock, feeds and sockets.

Evaluation, benchmarks, the parity ladder and replay run a step through this function and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np

from engine.errors import EngineError
from engine.runtime.protocol import Array, Runtime

Fill = Callable[[int], None]
See = Callable[[int, Mapping[str, Array]], None]


def drive(
    runtime: Runtime,
    inputs: Mapping[str, Array] | Fill,
    frames: int | None = None,
    keep: Collection[str] | None = None,
    see: See | None = None,
) -> dict[str, Array]:
    """Outputs (frames, rows, *shape) of the names in ``keep`` (default: all), from the present state on.

    ``inputs`` are arrays (frames, rows, *shape) by name, of which those not given stay as they are; or a function that
    writes the inputs of frame k into ``runtime.inputs``, and then ``frames`` says how many there are. ``see(k,
    outputs)`` looks at a frame after its run and before it counts. Raises :class:`EngineError` naming an input that
    does not fit.
    """
    if callable(inputs):
        if frames is None:
            raise EngineError("drive: a function that fills frames does not say how many there are; give frames")
        fill, count = inputs, frames
    else:
        fill, count = _from_arrays(runtime, inputs, frames)
    names = [item.name for item in runtime.spec.outputs if keep is None or item.name in keep]
    kept = {
        item.name: np.empty((count, runtime.rows, *item.shape), item.dtype)
        for item in runtime.spec.outputs
        if item.name in names
    }
    for frame in range(count):
        fill(frame)
        outputs = runtime.run()
        for name in names:
            kept[name][frame] = outputs[name]
        if see is not None:
            see(frame, outputs)
        runtime.commit()
    return kept


def _from_arrays(runtime: Runtime, inputs: Mapping[str, Array], frames: int | None) -> tuple[Fill, int]:
    lengths = {len(value) for value in inputs.values()}
    for name, value in inputs.items():
        wanted = (runtime.rows, *runtime.spec.input(name).shape)
        if value.shape[1:] != wanted:
            raise EngineError(f"drive: input {name} has shape {value.shape}, this runtime takes (frames, {wanted})")
    if len(lengths) > 1 or not (lengths or frames is not None):
        raise EngineError(f"drive: inputs of {sorted(lengths)} frames; give all of one length")
    there = lengths.pop() if lengths else 0
    count = there if frames is None else frames
    if inputs and count > there:
        raise EngineError(f"drive: {count} frames asked for, the inputs hold {there}")

    def fill(frame: int) -> None:
        for name, value in inputs.items():
            runtime.inputs[name][...] = value[frame]

    return fill, count
