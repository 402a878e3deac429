"""Let a bundle listen to a voice, and see a face, over arrays: its inputs are gathered as the engine gathers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.feeds.feeds import Feeds
from engine.feeds.gather import Gather
from engine.feeds.held import Held
from engine.feeds.latest import PoseSample
from engine.feeds.samples import Hop
from engine.runtime import Runtime, drive


class Partner(NamedTuple):
    """Who is listened to: ``pcm`` (N,) at the spec's rate, and the face (T, 58) that goes along, or none seen."""

    pcm: NDArray[np.float32]
    faces: NDArray[np.float32] | None = None


def listen(
    runtime: Runtime,
    pcm: NDArray[np.float32],
    faces: NDArray[np.float32] | None = None,
    controls: Mapping[str, float] | None = None,
    seed: int = 0,
) -> dict[str, NDArray[Any]]:
    """Outputs (T, ...) over the whole hops of the partner's ``pcm`` (N,) at the spec's rate; ``faces`` (T, 58) of the
    partner, or none seen. A runtime of one row, from its present state on."""
    heard = listeners(runtime, [Partner(pcm, faces)], [seed], controls)
    return {name: values[:, 0] for name, values in heard.items()}


def listeners(
    runtime: Runtime,
    partners: Sequence[Partner],
    seeds: Sequence[int],
    controls: Mapping[str, float] | None = None,
) -> dict[str, NDArray[Any]]:
    """The same for several listeners, (T, rows, ...): in each row one of ``partners`` and one of ``seeds``. The longest
    voice says how many hops there are; one that ends before that is heard no more."""
    spec = runtime.spec
    feeds = [Feeds.of(spec, 0, Held(spec, controls)) for _ in partners]
    gathers = [Gather(spec, feed, seed) for feed, seed in zip(feeds, seeds, strict=True)]
    period_ns = round(1e9 / spec.rate)

    def fill(frame: int) -> None:
        time_ns = (frame + 1) * period_ns
        for row, (partner, feed, gather) in enumerate(zip(partners, feeds, gathers, strict=True)):
            if partner.faces is not None and ("face", "partner") in feed.latest:
                face = partner.faces[frame % len(partner.faces)]
                feed.latest["face", "partner"].put(PoseSample(time_ns, face, True))
            samples = partner.pcm[frame * spec.hop : (frame + 1) * spec.hop]
            hop = Hop(samples, time_ns, True) if len(samples) == spec.hop else None
            gather.fill(runtime.inputs, row, frame, hop, time_ns)

    return drive(runtime, fill, max(len(partner.pcm) for partner in partners) // spec.hop)
