"""What became due by streams of counts (codec ``counts``), such as the listener's ``acknowledge``. Needs numpy alone.

A count says how often a thing was due since the session began, modulo 65536. So a reader that misses frames, or reads
the newest alone, loses nothing and says nothing twice::

    counts = Counts()
    for frame in Subscriber():
        for name in counts.due(frame):
            print(name)  # "continuer": a spoken "mm-hm" would be due now
"""

from __future__ import annotations

import numpy as np

from .announced import FLAGS, Received

CODEC, ROUND = "counts", 65536
FIRST = 1 << FLAGS.index("first")


class Counts:
    """Remembers the last counts of each stream of each run of an engine."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, int, int], np.ndarray] = {}

    def due(self, frame: Received) -> list[str]:
        """Names of what became due since the last frame of this stream, each as often as it did, none for a stream of
        another codec. A session's first frame, and one whose counts began anew, are where counting begins."""
        if frame.info.codec != CODEC or frame.info.kind != "output":
            return []
        stream = (frame.run, frame.session, frame.stream)
        now = np.clip(np.nan_to_num(frame.values), 0, ROUND - 1).astype(np.int64)
        grown = (now - self._last.get(stream, now)) % ROUND
        self._last[stream] = now
        if frame.flags & FIRST or grown.max(initial=0) >= ROUND // 2:
            return []
        return [name for name, times in zip(frame.info.names, grown.tolist(), strict=True) for _ in range(times)]
