"""Drive a bundle over arrays as fast as it goes: what the engine's loop does, without clock and sockets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.align import Aligner
from engine.poses import Pose, PoseRing
from engine.rings import Hop
from engine.runtime import OnnxStep


def drive(
    step: OnnxStep,
    pcm: NDArray[np.float32],
    faces: NDArray[np.float32] | None = None,
    controls: Mapping[str, float] | None = None,
    seed: int = 0,
) -> dict[str, NDArray[Any]]:
    """Outputs (T, ...) over the whole hops of ``pcm`` (N,) at the spec's rate; ``faces`` (T, 58) of the partner, or
    none seen. Row 0 of ``step`` is used, from its present state on."""
    spec = step.spec
    period_ns = round(1e9 / spec.rate)
    ring = PoseRing()
    aligner = Aligner(spec, step.inputs, ring, seed)
    values = {item.name: item.missing for item in spec.controls} | dict(controls or {})
    kept: dict[str, list[NDArray[Any]]] = {item.name: [] for item in spec.outputs}
    for frame in range(len(pcm) // spec.hop):
        time_ns = (frame + 1) * period_ns
        if faces is not None:
            ring.put(Pose(time_ns, faces[frame % len(faces)], True))
        hop = Hop(pcm[frame * spec.hop : (frame + 1) * spec.hop], time_ns, True)
        aligner.fill(frame, hop, time_ns, values)
        for name, value in step.run().items():
            kept[name].append(value[0].copy())
        step.commit()
    return {name: np.stack(rows) for name, rows in kept.items()}
