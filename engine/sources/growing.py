"""A file that is still being written, read beyond its present end."""

from __future__ import annotations

import io
import threading
from pathlib import Path

QUIET_S = 5.0
"""Seconds for which the end of a growing file is waited at: recorders write every few seconds."""
_POLL_S = 0.05


class GrowingFile:
    """Reads ``path`` as FFmpeg wants a file to be read, and waits at its end for more: until nothing was added for
    ``quiet_s``, or ``stop`` is set. The end, once reached, stays: ``ended``."""

    def __init__(self, path: Path, stop: threading.Event, quiet_s: float = QUIET_S) -> None:
        self.name = str(path)  # its ending tells FFmpeg what kind it is
        self.ended = False
        self._file = path.open("rb", buffering=0)
        self._stop, self._quiet_s = stop, quiet_s

    def read(self, size: int) -> bytes:
        """The next bytes, at most ``size``; none at the end."""
        waited_s = 0.0
        while not (data := self._file.read(size)) and not self.ended:
            if waited_s >= self._quiet_s or self._stop.wait(_POLL_S):
                self.ended = True
            waited_s += _POLL_S
        return data or b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a byte of what is there."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The byte that is read next."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
