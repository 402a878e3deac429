"""A bundle run over arrays as the engine would serve it: same graph and runtime, frame by frame, rows side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle
from engine.errors import EngineError
from engine.noise import uniform
from engine.runtime import Runtime, drive, open_runtime

UNSEEN_AGE_S = 1e3
"""Age given for a face or body that was never seen, as the engine gives it."""


Fill = Callable[[Mapping[str, NDArray[Any]], int], None]
"""Writes into the step's inputs, by name, each (rows, *shape), what a frame brings."""


def labelled(given: Sequence[str], reserved: Sequence[str] = (), option: str = "--bundle") -> dict[str, str]:
    """Name or path by label of what an ``option`` was given: ``LABEL=PATH``, or the folder's name is the label. Raises
    :class:`EngineError` for a label that is used twice or is among the ``reserved`` ones."""
    found: dict[str, str] = {}
    for pair in given:
        label, equals, where = pair.partition("=")
        if not equals:
            label, where = Path(pair).name, pair
        if label in found or label in reserved:
            raise EngineError(f"{option} {label}: the name is taken; give another as LABEL=PATH")
        found[label] = where
    return found


@dataclass
class Offline:
    """A bundle that is run over arrays, with a runtime of its own for each number of rows."""

    bundle: Bundle
    _runtimes: dict[int, Runtime] = field(init=False, default_factory=dict)

    def run(
        self, frames: int, seeds: Sequence[int], keep: Sequence[str], there: Mapping[str, bool], fill: Fill
    ) -> dict[str, NDArray[np.float32]]:
        """See :func:`serve`; a row for each of ``seeds``. ``there`` says of a role whether it is seen or heard at all:
        its inputs' validity and age are set by that."""
        rows = len(seeds)
        if rows not in self._runtimes:
            self._runtimes[rows] = open_runtime(self.bundle, rows=rows)
        spec = self.bundle.spec

        def everything(inputs: Mapping[str, NDArray[Any]], frame: int) -> None:
            if frame == 0:
                for item in (one for one in spec.inputs if one.role in there):
                    if item.validity is not None:
                        inputs[item.validity][...] = float(there[item.role])
                    if item.age is not None:
                        inputs[item.age][...] = 0.0 if there[item.role] else UNSEEN_AGE_S
            fill(inputs, frame)

        return serve(self._runtimes[rows], frames, seeds, keep, everything)


def serve(
    runtime: Runtime,
    frames: int,
    seeds: Sequence[int],
    keep: Sequence[str],
    fill: Fill,
) -> dict[str, NDArray[np.float32]]:
    """Outputs ``keep``, each (rows, frames, *shape), of a step that starts new. Inputs start at their missing values;
    each row's noise follows its seed; then ``fill(inputs, frame)`` writes what a frame brings."""
    spec, inputs = runtime.spec, runtime.inputs
    runtime.reset(slice(None))
    for item in spec.inputs:
        inputs[item.name][...] = item.missing

    def everything(frame: int) -> None:
        for item in spec.by_role("noise"):
            for row, seed in enumerate(seeds):
                inputs[item.name][row] = uniform(seed, frame, int(np.prod(item.shape))).reshape(item.shape)
        fill(inputs, frame)

    made = drive(runtime, everything, frames, keep)
    return {name: np.ascontiguousarray(values.swapaxes(0, 1)) for name, values in made.items()}
