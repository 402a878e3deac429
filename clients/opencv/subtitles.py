"""Words under a film as they are said: the line of the moment, the present word bright, those before it less, those to
come dim.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .panel import AVATAR_INK, DIM, INK, PAPER

Image = NDArray[np.uint8]
TALL = 52
PAUSE_S, LINGER_S = 0.7, 1.2
"""A line ends where nobody speaks for so long, and stays so long after its last word."""
SIZE_PX = 20
MARGIN = 14


class SaidWord(NamedTuple):
    """A word ``text`` said from ``start`` to ``end``, seconds of the film."""

    text: str
    start: float
    end: float


class _Placed(NamedTuple):
    word: SaidWord
    left: int


class Subtitles:
    """Of ``words`` (text, start, end), in whatever order, for pictures ``wide`` pixels wide; what does not fit into a
    line begins another. Letters of any script are drawn where OpenCV has a font for them (5.0 and later), otherwise as
    question marks."""

    def __init__(self, words: Iterable[tuple[str, float, float]], wide: int) -> None:
        self._wide = wide
        self._lines: list[list[_Placed]] = []
        room, until = 0, -np.inf
        for word in sorted((SaidWord(*each) for each in words), key=lambda each: (each.start, each.end)):
            size = _width(word.text)
            if not self._lines or room + size > wide - MARGIN or word.start - until > PAUSE_S:
                self._lines.append([])
                room = MARGIN
            self._lines[-1].append(_Placed(word, room))
            room += size + SIZE_PX // 3
            until = max(until if len(self._lines[-1]) > 1 else -np.inf, word.end)
        self._starts = [line[0].word.start for line in self._lines]

    def draw(self, now: float) -> Image:
        """The band (:data:`TALL`, W, 3) uint8 BGR at ``now`` seconds."""
        band = np.empty((TALL, self._wide, 3), np.uint8)
        band[:] = PAPER
        place = int(np.searchsorted(self._starts, now, "right")) - 1
        line = self._lines[place] if place >= 0 else []
        if not line or now > max(placed.word.end for placed in line) + LINGER_S:
            return band
        begun = [number for number, placed in enumerate(line) if placed.word.start <= now]
        for number, (word, left) in enumerate(line):
            present = number == begun[-1] and now < word.end
            _put(band, word.text, left, INK if number in begun else DIM)
            if present:
                right = min(left + _width(word.text), self._wide - 1)
                cv2.line(band, (left, TALL - 11), (right, TALL - 11), AVATAR_INK, 2, cv2.LINE_AA)
        return band


def subtitled(frames: Iterable[Image], words: Sequence[tuple[str, float, float]], rate: float) -> Iterator[Image]:
    """``frames`` (H, W, 3) of a film with ``rate`` a second, each with the words of its middle under it."""
    titles: Subtitles | None = None
    for number, picture in enumerate(frames):
        titles = Subtitles(words, picture.shape[1]) if titles is None else titles
        yield np.concatenate([picture, titles.draw((number + 0.5) / rate)])


def _width(words: str) -> int:
    if _plain(words):
        return int(cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, 0.6, 1)[0][0])
    box = cv2.getTextSize((4000, 100), words, (0, 60), cv2.FontFace("sans"), SIZE_PX)
    return int(box[0]) + int(box[2])


def _put(band: Image, words: str, left: int, colour: Sequence[int]) -> None:
    at = (left, TALL - 20)
    if _plain(words):
        cv2.putText(band, words, at, cv2.FONT_HERSHEY_SIMPLEX, 0.6, tuple(colour), 1, cv2.LINE_AA)
    else:
        cv2.putText(band, words, at, tuple(colour), cv2.FontFace("sans"), SIZE_PX)


def _plain(words: str) -> bool:
    """Whether the font that every OpenCV has is to draw it."""
    return words.isascii() or not hasattr(cv2, "FontFace")
