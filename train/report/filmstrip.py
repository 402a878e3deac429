"""Motion to be looked at: bodies as comics and side by side in films, heads as strips of pictures over their traces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from clients.opencv.head import draw_head
from clients.opencv.light import AVATAR, PARTNER, Style
from clients.opencv.strip import Shot, film, strip
from engine.body.skeleton import Skeleton
from engine.channels import FACE, FACE_NAMES
from train.report import events

Array = NDArray[np.floating]
Image = NDArray[np.uint8]
Colour = tuple[int, int, int]

EVERY = 4
STRIP = 48
"""Frames of a body between two pictures, and of its whole comic."""

HEAD_EVERY = 10
HEAD, TRACE, LABEL = 76, 44, 152  # pixels: a head's side, height of the traces, width of the names
DRAWN, CLOSE = 224, slice(28, 196)  # pixels: what is drawn, and the part of it, along both axes, that is shown
INK, NOD, SMILE = (40, 40, 40), (190, 90, 20), (40, 120, 220)
BLINK, VOICE, MARK = (150, 150, 150), (170, 170, 170), (40, 40, 220)
PITCH_DEGREES = 8.0
"""Pitch, from its median, at the edge of the trace."""


class FilmSize(NamedTuple):
    """A film's file, its length in frames, every how many of them are shown, and a picture's width and height."""

    name: str
    frames: int
    every: int
    size: tuple[int, int]


GIF = FilmSize("dances.gif", 120, 3, (190, 230))  # ten pictures a second keep a page small
MP4 = FilmSize("dances.mp4", 300, 1, (360, 400))


@dataclass(frozen=True)
class Excerpt:
    """A stretch of a body's motion worth looking at: positions (T, J, 3) in metres, what it is, and shorter."""

    positions: NDArray[np.float32]
    caption: str
    title: str


def comic(excerpt: Excerpt, skeleton: Skeleton, rate: float) -> Image:
    """Every fourth frame of an excerpt in one picture, (H, W, 3) uint8 BGR."""
    shown = excerpt.positions[:STRIP]
    return strip(shown, skeleton.to_dict(), every=EVERY, rate=rate, columns=STRIP // EVERY, floor=0.0)


def films(
    excerpts: Callable[[int], Sequence[Excerpt]], skeleton: Skeleton, rate: float, folder: Path
) -> dict[str, Path]:
    """A gif and a film in ``folder`` of what ``excerpts(frames)`` gives, side by side; by name, none where there is
    nothing to show."""
    written = {}
    for wanted in (GIF, MP4):
        shown = [replace(one, positions=one.positions[:: wanted.every]) for one in excerpts(wanted.frames)]
        if shown:
            written[wanted.name] = folder / wanted.name
            movie(written[wanted.name], shown, skeleton, rate / wanted.every, wanted.size)
    return written


def movie(path: Path, shown: Sequence[Excerpt], skeleton: Skeleton, rate: float, size: tuple[int, int]) -> None:
    """The film (.mp4) or moving picture (.gif) of motions side by side, each of ``size`` (width, height) under its
    title."""
    film(path, [Shot(one.positions, skeleton.to_dict(), one.title) for one in shown], rate, size)


class Heads(NamedTuple):
    """Heads in a row: a name, the face (T, 58), and where it speaks the loudness (T,) of its voice from 0 to 1."""

    name: str
    face: NDArray[np.float32]
    loudness: Array | None = None


def sheet(bands: Sequence[Heads], rate: float, at: float) -> Image:
    """Heads over time, a band for each of ``bands``, which are equally long; a line where ``at`` of the time is over.

    Under the heads run the head's pitch (down is down) and the smile, with the nods, smiles and blinks as they are
    counted. Who has a voice is drawn as the partner. (H, W, 3) uint8 BGR."""
    whole = np.concatenate([_band(band, rate) for band in bands])
    x = LABEL + round(at * (whole.shape[1] - LABEL))
    cv2.line(whole, (x, 0), (x, whole.shape[0] - 1), MARK, 1, cv2.LINE_AA)
    return whole


def jpeg(image: Image, quality: int = 88) -> bytes:
    """The JPEG file of an image (H, W, 3) BGR."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _band(shown: Heads, rate: float) -> Image:
    face = shown.face
    count = -(-len(face) // HEAD_EVERY)
    band = np.full((HEAD + TRACE, LABEL + count * HEAD, 3), 255, np.uint8)
    style = AVATAR if shown.loudness is None else PARTNER
    for column, frame in enumerate(range(0, len(face), HEAD_EVERY)):
        left = LABEL + column * HEAD
        band[:HEAD, left : left + HEAD] = _head(face[frame].astype(np.float32).tobytes(), style)
    for line, part in enumerate(shown.name.split(", ")):
        cv2.putText(band, part, (6, 24 + 22 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.62, INK, 1, cv2.LINE_AA)
    across = LABEL + (np.arange(len(face)) + 0.5) / len(face) * (count * HEAD)
    if shown.loudness is not None:
        _trace(band, across, HEAD + TRACE - 2 - shown.loudness * (TRACE - 6), VOICE)
    pitch = np.degrees(face[:, FACE["headPitch"]].astype(float))
    offset = np.clip((pitch - np.median(pitch)) / PITCH_DEGREES, -1.0, 1.0)
    _trace(band, across, HEAD + TRACE / 2 + offset * (TRACE / 2 - 3), NOD)
    _trace(band, across, HEAD + TRACE - 3 - np.clip(events.smile_level(face), 0.0, 1.0) * (TRACE - 6), SMILE)
    for times, colour in (
        (events.blinks(face, rate), BLINK),
        (events.smiles(face, rate), SMILE),
        (events.nods(face, rate), NOD),
    ):
        for time in times:
            x = round(float(np.interp(time * rate, np.arange(len(face)), across)))
            cv2.drawMarker(band, (x, HEAD + 4), colour, cv2.MARKER_TRIANGLE_DOWN, 7, 2)
    return band


@lru_cache(maxsize=256)
def _head(values: bytes, style: Style) -> Image:
    """A small picture of a face; still rows ask for one again and again. Drawn larger, then cut close and reduced."""
    large = draw_head(np.frombuffer(values, np.float32), FACE_NAMES, DRAWN, style)
    return np.asarray(cv2.resize(large[CLOSE, CLOSE], (HEAD, HEAD), interpolation=cv2.INTER_AREA))


def _trace(band: Image, x: Array, y: Array, colour: Colour) -> None:
    points = np.stack([x, y], 1).round().astype(np.int32)
    cv2.polylines(band, [points], False, colour, 1, cv2.LINE_AA)
