"""From rings to one frame's inputs: the hop of sound, the face and the body of its time, controls and noise.

The spec says what a model wants by role, so a model with other inputs needs no other code here. A face or body belongs
to the frame in which it is the newest one captured no later than the frame's end; its age goes along, and one older
than :data:`STALE_S` no longer counts as seen.

A face that is not seen raises NO_FACE. A body has no flag of its own: dancing alone is nothing to report, so without a
source of bodies nothing is raised, and where a source was asked for one, its absence is DEGRADED.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.noise import uniform
from engine.poses import PoseRing
from engine.rings import Hop
from engine.spec import InputSpec, StreamSpec
from engine.wire import Flag

STALE_S = 0.5
NEVER_S = 1e3
"""Age given for a face or body that was never seen."""


class Aligner:
    """Fills one row of the step's input buffers, frame by frame. ``given`` are the roles that sources give: what they
    were asked for and do not bring is flagged. Without ``body`` none is ever seen."""

    def __init__(
        self,
        spec: StreamSpec,
        inputs: Mapping[str, NDArray[Any]],
        face: PoseRing,
        seed: int,
        row: int = 0,
        body: PoseRing | None = None,
        given: Collection[str] = (),
    ) -> None:
        self._seed, self._row, self._inputs = seed, row, inputs
        self._hops, self._noise = spec.by_role("audio"), spec.by_role("noise")
        self._poses = [(item, face, Flag.NO_FACE) for item in spec.by_role("face")]
        bodies = PoseRing() if body is None else body
        unseen = Flag.DEGRADED if "body" in given else Flag(0)
        self._poses += [(item, bodies, unseen) for item in spec.by_role("body")]

    def fill(self, frame: int, hop: Hop | None, time_ns: int, controls: Mapping[str, float]) -> Flag:
        """Write the inputs of ``frame``, which ends at ``time_ns``; ``hop`` is None where its sound never came.
        Returns the flags that follow (SILENT, NO_FACE, DEGRADED)."""
        flags = Flag(0)
        heard = hop is not None and hop.valid
        for item in self._hops:
            self._put(item.name, hop.samples if hop is not None and heard else item.missing)
            self._companion(item.validity, float(heard))
        if self._hops and not heard:
            flags |= Flag.SILENT
        for item, ring, unseen in self._poses:
            if not self._fill_pose(item, ring, time_ns):
                flags |= unseen
        for name, value in controls.items():
            self._put(name, value)
        for item in self._noise:
            self._put(item.name, uniform(self._seed, frame, int(np.prod(item.shape))).reshape(item.shape))
        return flags

    def _fill_pose(self, item: InputSpec, ring: PoseRing, time_ns: int) -> bool:
        """Write a face or body and its companions; whether there was one."""
        pose = ring.newest_before(time_ns)
        age = NEVER_S if pose is None else (time_ns - pose.capture_ns) / 1e9
        seen = pose is not None and pose.valid and age <= STALE_S
        self._put(item.name, pose.values if pose is not None and seen else item.missing)
        self._companion(item.validity, float(seen))
        self._companion(item.age, min(age, NEVER_S))
        return seen

    def _put(self, name: str, value: NDArray[np.float32] | float) -> None:
        self._inputs[name][self._row] = value

    def _companion(self, name: str | None, value: float) -> None:
        if name is not None:
            self._put(name, value)
