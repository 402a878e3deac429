"""Let a bundle listen to a voice, and see a face, over arrays: its inputs are gathered as the engine gathers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.feeds.feeds import Feeds
from engine.feeds.gather import Gather
from engine.feeds.held import Held
from engine.feeds.latest import PoseSample
from engine.feeds.samples import Hop
from engine.runtime import Runtime, drive


def listen(
    runtime: Runtime,
    pcm: NDArray[np.float32],
    faces: NDArray[np.float32] | None = None,
    controls: Mapping[str, float] | None = None,
    seed: int = 0,
) -> dict[str, NDArray[Any]]:
    """Outputs (T, ...) over the whole hops of the partner's ``pcm`` (N,) at the spec's rate; ``faces`` (T, 58) of the
    partner, or none seen. A runtime of one row, from its present state on."""
    heard = listeners(runtime, pcm, [seed], faces, controls)
    return {name: values[:, 0] for name, values in heard.items()}


def listeners(
    runtime: Runtime,
    pcm: NDArray[np.float32],
    seeds: Sequence[int],
    faces: NDArray[np.float32] | None = None,
    controls: Mapping[str, float] | None = None,
) -> dict[str, NDArray[Any]]:
    """The same for several listeners to one partner, (T, rows, ...): one row and one of ``seeds`` each."""
    spec = runtime.spec
    feeds = Feeds.of(spec, 0, Held(spec, controls))
    gathers = [Gather(spec, feeds, seed) for seed in seeds]
    period_ns = round(1e9 / spec.rate)

    def fill(frame: int) -> None:
        time_ns = (frame + 1) * period_ns
        if faces is not None:
            feeds.latest["face", "partner"].put(PoseSample(time_ns, faces[frame % len(faces)], True))
        samples = pcm[frame * spec.hop : (frame + 1) * spec.hop]
        for row, gather in enumerate(gathers):
            gather.fill(runtime.inputs, row, frame, Hop(samples, time_ns, True), time_ns)

    return drive(runtime, fill, len(pcm) // spec.hop)
