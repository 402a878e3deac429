"""Drive a bundle over arrays as fast as it goes: what the frame loop does, without clock, feeds and sockets.

Evaluation, benchmarks and the parity ladder run a step through :func:`drive`, or through :func:`steps` where they look
at a frame before the next one, and through nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping

import numpy as np

from engine.errors import EngineError
from engine.runtime.protocol import Array, Runtime

Fill = Callable[[int], None]
"""Writes the inputs of a frame into ``runtime.inputs``; it may change the state first."""


def drive(
    runtime: Runtime,
    inputs: Mapping[str, Array] | Fill,
    frames: int | None = None,
    keep: Collection[str] | None = None,
    seconds: list[float] | None = None,
) -> dict[str, Array]:
    """Outputs (frames, rows, *shape) of the names in ``keep`` (default: all), from the present state on; inputs and
    errors as of :func:`steps`, and :class:`~engine.spec.SpecError` for a name that is no output."""
    running = steps(runtime, inputs, frames, seconds)
    count = _count(inputs, frames)
    wanted = [runtime.spec.output(name) for name in keep] if keep is not None else runtime.spec.outputs
    kept = {item.name: np.empty((count, runtime.rows, *item.shape), item.dtype) for item in wanted}
    for frame, outputs in enumerate(running):
        for name, values in kept.items():
            values[frame] = outputs[name]
    return kept


def steps(
    runtime: Runtime,
    inputs: Mapping[str, Array] | Fill,
    frames: int | None = None,
    seconds: list[float] | None = None,
) -> Iterator[dict[str, Array]]:
    """The outputs (rows, *shape) of frame after frame, each after its run and before it counts, as views.

    ``inputs`` are arrays (frames, rows, *shape) by name, of which those not given stay as they are; or a function that
    is called with the number of each frame before it runs, and then ``frames`` says how many there are. What run and
    commit took is appended to ``seconds``. Raises :class:`EngineError` naming an input that does not fit.
    """
    if isinstance(inputs, Mapping):
        _check(runtime, inputs)
    return _steps(runtime, inputs, _count(inputs, frames), seconds)


def _steps(
    runtime: Runtime, inputs: Mapping[str, Array] | Fill, count: int, seconds: list[float] | None
) -> Iterator[dict[str, Array]]:
    clock = time.perf_counter
    for frame in range(count):
        if isinstance(inputs, Mapping):
            for name, value in inputs.items():
                runtime.inputs[name][...] = value[frame]
        else:
            inputs(frame)
        begun = clock()
        outputs = runtime.run()
        spent = clock() - begun
        yield outputs
        begun = clock()
        runtime.commit()
        if seconds is not None:
            seconds.append(spent + clock() - begun)


def _check(runtime: Runtime, inputs: Mapping[str, Array]) -> None:
    for name, value in inputs.items():
        item = runtime.spec.input(name)
        wanted = (runtime.rows, *item.shape)
        if value.shape[1:] != wanted or not value.ndim:
            takes = ", ".join(["frames", *map(str, wanted)])
            raise EngineError(f"drive: input {name} has shape {value.shape}, this runtime takes ({takes})")
        if not np.can_cast(value.dtype, item.dtype, "same_kind"):
            raise EngineError(f"drive: input {name} is {value.dtype}, this model takes {item.dtype}; convert it")


def _count(inputs: Mapping[str, Array] | Fill, frames: int | None) -> int:
    """How many frames there are to run."""
    if not isinstance(inputs, Mapping) or not inputs:
        if frames is None:
            raise EngineError("drive: nothing given says how many frames there are; give frames")
        return frames
    lengths = sorted({len(value) for value in inputs.values()})
    if len(lengths) > 1:
        raise EngineError(f"drive: inputs of {lengths} frames; give all of one length")
    if frames is not None and frames > lengths[0]:
        raise EngineError(f"drive: {frames} frames asked for, the inputs hold {lengths[0]}")
    return lengths[0] if frames is None else frames
