"""From rings to one frame's inputs: the hop of sound, the face of its time, controls and noise.

The spec says what a model wants by role, so a model with other inputs needs no other code here. A face belongs to the
frame in which it is the newest one captured no later than the frame's last audio sample; its age goes along, and one
older than :data:`FACE_STALE_S` no longer counts as seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.noise import uniform
from engine.rings import FaceRing, Hop
from engine.spec import InputSpec, StreamSpec
from engine.wire import Flag

FACE_STALE_S = 0.5
NEVER_S = 1e3
"""Age given for a face that was never seen."""


class Aligner:
    """Fills one row of the step's input buffers, frame by frame."""

    def __init__(self, spec: StreamSpec, inputs: Mapping[str, NDArray[Any]], face: FaceRing, seed: int, row: int = 0):
        self._spec, self._face, self._seed, self._row = spec, face, seed, row
        self._inputs = inputs
        self._hops = spec.by_role("audio")
        self._faces = spec.by_role("face")
        self._noise = spec.by_role("noise")

    def fill(self, frame: int, hop: Hop | None, time_ns: int, controls: Mapping[str, float]) -> Flag:
        """Write the inputs of ``frame``, which ends at ``time_ns``; ``hop`` is None where its sound never came.
        Returns the flags that follow (SILENT, NO_FACE)."""
        flags = Flag(0)
        heard = hop is not None and hop.valid
        for item in self._hops:
            self._put(item.name, hop.samples if hop is not None and heard else item.missing)
            self._companion(item.validity, float(heard))
        if self._hops and not heard:
            flags |= Flag.SILENT
        for item in self._faces:
            flags |= self._fill_face(item, time_ns)
        for name, value in controls.items():
            self._put(name, value)
        for item in self._noise:
            self._put(item.name, uniform(self._seed, frame, int(np.prod(item.shape))).reshape(item.shape))
        return flags

    def _fill_face(self, item: InputSpec, time_ns: int) -> Flag:
        sample = self._face.newest_before(time_ns)
        age = NEVER_S if sample is None else (time_ns - sample.capture_ns) / 1e9
        seen = sample is not None and sample.valid and age <= FACE_STALE_S
        self._put(item.name, sample.values if sample is not None and seen else item.missing)
        self._companion(item.validity, float(seen))
        self._companion(item.age, min(age, NEVER_S))
        return Flag(0) if seen else Flag.NO_FACE

    def _put(self, name: str, value: NDArray[np.float32] | float) -> None:
        self._inputs[name][self._row] = value

    def _companion(self, name: str | None, value: float) -> None:
        if name is not None:
            self._put(name, value)
