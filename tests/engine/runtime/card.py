"""A card that is none: memory apart from the host's, in which things happen only when they are waited for, and which
counts what crosses the bus."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np

LINE = 64


class HostMemory:
    """A :class:`~engine.runtime.device.Memory` in the host's memory, whose addresses the processor's provider can be
    bound to. ``up``, ``down`` and ``within`` count bytes, ``calls`` the copies within. An address outside of what was
    asked for is refused, and whatever was not waited for has not happened."""

    device = "cpu"

    def __init__(self) -> None:
        self.up = self.down = self.within = self.calls = 0
        self.taken: list[tuple[int, int]] = []
        self._kept: list[np.ndarray] = []
        self._waiting: list[Callable[[], object]] = []

    def alloc(self, size: int) -> int:
        raw = np.zeros(size + LINE, np.uint8)
        self._kept.append(raw)
        address = raw.ctypes.data + -raw.ctypes.data % LINE
        self.taken.append((address, address + size))
        return address

    def upload(self, target: int, source: np.ndarray) -> None:
        self._there(target, source.nbytes)
        self.up += source.nbytes
        content = source.tobytes()
        self._waiting.append(lambda: ctypes.memmove(target, content, len(content)))

    def download(self, target: np.ndarray, source: int) -> None:
        self._there(source, target.nbytes)
        self.down += target.nbytes
        self.synchronize()
        ctypes.memmove(target.ctypes.data, source, target.nbytes)

    def copy(self, target: int, target_pitch: int, source: int, source_pitch: int, width: int, height: int) -> None:
        assert 0 < width <= min(target_pitch, source_pitch) and height > 0
        self._there(target, (height - 1) * target_pitch + width)
        self._there(source, (height - 1) * source_pitch + width)
        self.within += width * height
        self.calls += 1

        def happen() -> None:
            for line in range(height):
                ctypes.memmove(target + line * target_pitch, source + line * source_pitch, width)

        self._waiting.append(happen)

    def synchronize(self) -> None:
        for happen in self._waiting:
            happen()
        self._waiting.clear()

    def holds(self, address: int, size: int) -> bool:
        """Whether so many bytes from an address on are of the card, in one piece."""
        return any(first <= address and address + size <= last for first, last in self.taken)

    def _there(self, address: int, size: int) -> None:
        assert self.holds(address, size), f"{size} bytes at {address} are not on the card"
