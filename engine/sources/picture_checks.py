"""What is wrong with a camera's pictures although they come: always the same one, or nothing to be seen in them.

*Frozen*: bit for bit the picture before. A sensor's noise makes every picture of a still room another one, so this is a
driver that hangs, or a virtual camera that shows a still. *Dark* and *plain*: hardly any difference between one part of
the picture and another, once noise is averaged out: a covered lens, a shutter, or a virtual camera without a source.
Whether a face is there all the same is for the tracker to say; a source names these only where it finds none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FROZEN_S = 2.0
"""Seconds of one and the same picture after which it counts as frozen."""
EMPTY_S = 0.5
"""Seconds without any difference between parts of the picture after which it counts as empty."""
PLAIN = 6.0
"""Standard deviation (of 255, in any colour) between the parts of a picture up to which it is empty: 45 to 64 in films
of people, 29 to 37 of that through a matt glass, 5 to 6 at a tenth of the light, and up to 4 under a lens cap that
leaks, with a sensor's noise of 8 to 25 in single pixels."""
DARK = 60.0
"""Mean (of 255, in the brightest colour) up to which an empty picture is dark: drivers turn a covered sensor up."""

_ROWS, _COLUMNS = 12, 16
_LOOK_NS = 250_000_000
_SOME_ROWS = 4  # every fourth row tells enough: noise is everywhere, and what moves is higher


class PictureChecks:
    """Looks at one picture after the other. ``repeated`` counts those that were the picture before."""

    def __init__(self) -> None:
        self.repeated = 0
        self._before = b""
        self._newest_ns = 0
        self._same_since_ns: int | None = None
        self._looked_ns: int | None = None
        self._empty_since_ns: int | None = None
        self._empty: str | None = None

    def look(self, bgr: NDArray[np.uint8], now_ns: int) -> bool:
        """Whether ``bgr`` (H, W, 3) uint8, taken at ``now_ns``, is another picture than the one before."""
        some = bgr[::_SOME_ROWS].tobytes()  # a copy: who gave the picture may use its memory again
        fresh = some != self._before
        self._newest_ns = now_ns
        if fresh:
            self._before, self._same_since_ns = some, None
        else:
            self.repeated += 1
            self._same_since_ns = now_ns if self._same_since_ns is None else self._same_since_ns
        if self._looked_ns is None or not 0 <= now_ns - self._looked_ns < _LOOK_NS:
            self._looked_ns = now_ns
            self._empty = emptiness(bgr)
            if self._empty is None:
                self._empty_since_ns = None
            elif self._empty_since_ns is None:
                self._empty_since_ns = now_ns
        return fresh

    @property
    def frozen(self) -> str | None:
        """In words, how long the same picture has come; None where pictures change."""
        since_ns = self._same_since_ns
        same_s = 0.0 if since_ns is None else (self._newest_ns - since_ns) / 1e9
        if same_s < FROZEN_S:
            return None
        return (
            f"camera frozen: the same picture for {same_s:.1f} s (a driver that hangs, or a virtual camera that shows "
            "a still); its face does not count"
        )

    @property
    def empty(self) -> str | None:
        """In words, that there is nothing in the picture; None where there is."""
        since_ns, what = self._empty_since_ns, self._empty
        if what is None or since_ns is None or (self._newest_ns - since_ns) / 1e9 < EMPTY_S:
            return None
        return what


def emptiness(bgr: NDArray[np.uint8]) -> str | None:
    """Why nothing can be seen in a picture (H, W, 3) uint8, in words; None where something can."""
    parts = _parts(bgr)
    if _spread(parts) > PLAIN:
        return None
    if parts.mean((0, 1)).max() <= DARK:
        return "camera dark: next to nothing can be seen (lens covered, shutter closed, or too little light)"
    return "camera plain: the picture is one colour (a virtual camera without a source, or the lens covered)"


def structure(bgr: NDArray[np.uint8]) -> float:
    """How much the parts of a picture (H, W, 3) uint8 differ: the standard deviation of the means of 12 x 16 parts, in
    the colour in which it is largest."""
    return _spread(_parts(bgr))


def _spread(parts: NDArray[np.float64]) -> float:
    return float(parts.std((0, 1)).max())


def _parts(bgr: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The means of the parts of a picture, (rows, columns, 3)."""
    step = max(1, bgr.shape[0] // 240)
    some = bgr[::step, ::step]
    rows, columns = min(_ROWS, some.shape[0]), min(_COLUMNS, some.shape[1])
    high, wide = some.shape[0] // rows, some.shape[1] // columns
    means: NDArray[np.float64] = (
        some[: rows * high, : columns * wide].reshape(rows, high, columns, wide, 3).mean((1, 3))
    )
    return means
