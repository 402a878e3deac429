"""Films of sampled intervals: the true skeleton, the one that was made beside it, the words, the sound.

Poses are drawn by the viewer's own drawing of points (:mod:`clients.opencv.points`, :mod:`clients.opencv.subtitles`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from clients.opencv.panel import DIM, text
from clients.opencv.points import Plane
from clients.opencv.subtitles import subtitled
from clients.opencv.video import OutputError, write_video
from engine.errors import EngineError
from train.files import FileError
from train.gesture.aisle.book import Book
from train.gesture.aisle.data import chosen
from train.gesture.aisle.sampling import sample_path
from train.gesture.aisle.settings import settings_of_args
from train.gesture.pats import pose
from train.gesture.pats.h5 import opened
from train.gesture.pats.layout import JOINTS, META, PCM, RATE, TIMES
from train.gesture.pats.reader import Interval, PatsSet

Image = NDArray[np.uint8]
SIZE = (400, 460)
FIGURE = "pats52"


def render(weights: Path, data: Path, split: str, count: int, with_text: bool) -> Iterator[Path]:
    """``PREFIX/renders/SPLIT/SPEAKER/INTERVAL.mp4`` of ``count`` sampled intervals, evenly spread over the split; each
    path when it is written. Raises :class:`EngineError` where an interval was not sampled."""
    book = Book.of(weights)
    if count < 1:
        raise EngineError(f"--render {count}: give 1 interval or more")
    intervals = chosen(PatsSet(data), split, settings_of_args(book.args(), book.path("args.args")).speaker)
    for number in np.unique(np.linspace(0, len(intervals) - 1, count).round().astype(int)):
        interval = intervals[number]
        made = read_sample(sample_path(book.samples, split, interval.speaker, interval.interval_id))
        path = book.samples.parent / "renders" / split / interval.speaker / f"{interval.interval_id}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        voice, rate = (interval.pcm(), interval.pcm_rate) if interval.has(PCM) else (None, 16_000)
        try:
            write_video(path, pictures(interval, made, with_text), RATE, voice, rate)
        except OutputError as error:
            raise EngineError(str(error)) from None
        yield path


def read_sample(path: Path) -> NDArray[np.float32]:
    """What :func:`.sampling.write_sample` wrote, as rows (T, 104). Raises :class:`FileError`."""
    if not path.is_file():
        raise FileError(f"{path}: is not there; run `python -m train aisle sample` with that split first")
    with opened(path) as file:
        found: Any = file.get(pose.POSE)
        if not isinstance(found, h5py.Dataset) or found.dtype.kind != "f" or found.shape[1:] != (2, JOINTS):
            raise FileError(f"{path}: has no {pose.POSE} (T, 2, {JOINTS}); sample again")
        return np.asarray(found[()], np.float32).reshape(-1, 2 * JOINTS)


def pictures(interval: Interval, made: NDArray[np.floating], with_text: bool) -> Iterator[Image]:
    """A picture (H, W, 3) uint8 BGR for each frame that was made: the truth left, what was made right, words below."""
    frames = _figures(interval, made)
    if not with_text or not (interval.has(META) or interval.has(TIMES)):
        return frames
    return subtitled(frames, [(word.text, word.start, word.end) for word in interval.words()], RATE)


def _figures(interval: Interval, made: NDArray[np.floating]) -> Iterator[Image]:
    truth = interval.read(pose.POSE)[: len(made)]
    stays = np.isin(np.arange(2 * JOINTS), [0, JOINTS])  # the neck's own place in the image
    both = [pose.points(np.where(stays, 0.0, rows)) for rows in (truth, made)]
    planes = [Plane(FIGURE, JOINTS) for _ in both]
    for frame in range(len(made)):
        halves = [plane.draw(points[frame], SIZE) for plane, points in zip(planes, both, strict=True)]
        for half, title in zip(halves, ("truth", "made"), strict=True):
            text(half, f"{title}   {interval.speaker}", 10, 20, 0.45, DIM)
        yield np.concatenate(halves, 1)
