"""A file that is still being written, read beyond its present end."""

from __future__ import annotations

import threading
from pathlib import Path

QUIET_S = 5.0
"""Seconds for which the end of a growing file is waited at: recorders write every few seconds."""
OPTIONS = {"analyzeduration": "1000000", "max_probe_packets": "10"}
"""For FFmpeg, which otherwise looks at more of a file than there may be, before it gives the first of it."""
_POLL_S = 0.05


class GrowingFile:
    """Reads ``path`` as FFmpeg wants a file to be read, and waits at its end for more: until nothing was added for
    ``quiet_s``, or ``stop`` is set. The end, once reached, stays: ``ended``. It cannot be searched, since FFmpeg would
    look at its end for its length."""

    def __init__(self, path: Path, stop: threading.Event, quiet_s: float) -> None:
        self.name = str(path)  # its ending tells FFmpeg what kind it is
        self.ended = False
        self._file = path.open("rb", buffering=0)
        self._stop, self._quiet_s = stop, quiet_s

    def read(self, size: int) -> bytes:
        """The next bytes, at most ``size``; none at the end."""
        waited_s = 0.0
        while not self.ended:
            if data := self._file.read(size):
                return data
            self.ended = waited_s >= self._quiet_s or self._stop.wait(_POLL_S)
            waited_s += _POLL_S
        return b""

    def close(self) -> None:
        """Close the file."""
        self._file.close()
