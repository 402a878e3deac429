"""PATS read lazily: the list of intervals at once, what an interval holds when it is asked for.

What cannot be used is told by file and key; files are those of strangers (:mod:`.h5`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.files import FileError, read_csv
from train.gesture.pats import layout
from train.gesture.pats.h5 import AGAIN, Array, array_of, node, opened, strings
from train.gesture.pats.layout import KEYS, META, PCM, RATE, SPLITS, TEXT, TIMES
from train.gesture.pats.meta import FramedWord, read_meta
from train.speech.talk import SpokenWord

MEL_ROWS = 100
"""Rows a second of ``audio/log_mel_400``."""
SLACK_S, SLACK = 0.5, 0.1
"""Sound and poses are of one stretch while they differ by no more than so many seconds, and that share of the poses:
PATS' own sound is some 3 % longer."""
CONFIDENCE = "pose/confidence"


def _quiet(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Interval:
    """One stretch of one speaker. ``video`` is what it was cut of (a talk's name in a simulated set), ``seconds`` its
    length as the list has it. Everything is read from ``path`` when it is asked for."""

    interval_id: str
    speaker: str
    split: str
    video: str
    seconds: float
    path: Path

    def keys(self) -> list[str]:
        """What of the known it holds."""
        with opened(self.path) as file:
            return [key for key in (*KEYS, META, TEXT) if node(file, key, str(self.path)) is not None]

    def has(self, key: str) -> bool:
        """Whether it holds a key."""
        with opened(self.path) as file:
            return node(file, key, str(self.path)) is not None

    def read(self, key: str) -> Array:
        """The numbers at a key of :data:`.layout.KEYS`, as stored; ``pose/confidence`` is (T, 52) always. Raises
        :class:`FileError` naming file and key for what is not there, has another shape, or is not finite."""
        with opened(self.path) as file:
            return array_of(file, key, str(self.path))

    def pcm(self) -> NDArray[np.float32]:
        """The sound (n,), -1..1, at :attr:`pcm_rate`."""
        sound = self.read(PCM)
        return sound.astype(np.float32) / (32768.0 if sound.dtype.kind == "i" else 1.0)

    @property
    def pcm_rate(self) -> int:
        """Samples a second of the sound."""
        with opened(self.path) as file:
            found = node(file, PCM, str(self.path))
            rate = found.attrs.get("rate") if isinstance(found, h5py.Dataset) else None
        if not np.isscalar(rate) or not 4000 <= float(str(rate)) <= 48_000:
            raise FileError(f"{self.path}: {PCM} has no attribute rate of 4000 to 48000; {AGAIN}")
        return int(float(str(rate)))

    def meta(self) -> tuple[FramedWord, ...]:
        """The words with their frames, as PATS has them: a word ends where the next begins."""
        with opened(self.path) as file:
            found = node(file, META, str(self.path))
            if not isinstance(found, h5py.Group):
                raise FileError(f"{self.path}: has no {META}; leave the interval out, or choose what it has")
            for name in found:
                node(file, f"{META}/{name}", str(self.path))
            return read_meta(found, f"{self.path}: {META}")

    def words(self) -> tuple[SpokenWord, ...]:
        """The words in seconds: exact ones where the set has them, else those of ``text/meta``, whose times are whole
        frames. Raises :class:`FileError` where there are none, or they do not rise in time."""
        if not self.has(TIMES):
            key = META
            words = tuple(SpokenWord(word.text, word.start / RATE, word.end / RATE) for word in self.meta())
        else:
            key, times = TIMES, self.read(TIMES)
            with opened(self.path) as file:
                texts = strings(file, TEXT, str(self.path))
            if len(texts) != len(times):
                raise FileError(f"{self.path}: {TEXT} has {len(texts)} words, {TIMES} {len(times)}; {AGAIN}")
            words = tuple(SpokenWord(text, float(a), float(b)) for text, (a, b) in zip(texts, times, strict=True))
        last = 0.0
        for number, word in enumerate(words):
            if not last <= word.start <= word.end:
                raise FileError(
                    f"{self.path}: {key}: word {number}, {word.text[:40]!r}, is at {word.start:g} to {word.end:g} s, "
                    f"after one that begins at {last:g} s; sort the words by time"
                )
            last = word.start
        return words


class PatsSet:
    """A folder in PATS' layout. ``say`` is told what is left out, and why; :attr:`left_out` keeps it by interval."""

    def __init__(self, folder: Path, say: Callable[[str], None] = _quiet) -> None:
        self.folder, self.say = Path(folder), say
        self.left_out: dict[str, str] = {}

    @cached_property
    def listed(self) -> tuple[Interval, ...]:
        """All that the lists name, also what cannot be used; raises :class:`FileError` for a list that does not
        read."""
        if not (self.folder / layout.INTERVALS).is_file():
            raise FileError(
                f"{self.folder}: has no {layout.INTERVALS}, so it is no set in PATS' layout; give the folder that "
                "holds it beside `processed`"
            )
        found: dict[str, Interval] = {}
        for name in (layout.INTERVALS, layout.TRANSFORMS):
            if (self.folder / name).is_file():
                for interval in self._list(self.folder / name):
                    if interval.interval_id in found:
                        raise FileError(f"{self.folder / name}: lists {interval.interval_id!r} twice; take one out")
                    found[interval.interval_id] = interval
        return tuple(found.values())

    def _list(self, path: Path) -> Iterator[Interval]:
        lines = read_csv(path)
        head = lines[0].cells if lines else []
        lacking = [column for column in layout.NEEDED_COLUMNS if column not in head]
        if lacking:
            raise FileError(f"{path}: has no column {', '.join(lacking)}; copy it again")
        for line in lines[1:]:
            where = f"{path}:{line.number}"
            if len(line.cells) != len(head):
                raise FileError(f"{where}: has {len(line.cells)} cells, {len(head)} are needed; mend that line")
            row = dict(zip(head, line.cells, strict=True))
            if row["dataset"] not in SPLITS:
                raise FileError(f"{where}: dataset is {row['dataset'][:40]!r}; choose from {', '.join(SPLITS)}")
            for column in ("interval_id", "speaker"):
                if not row[column] or row[column].startswith(".") or set(row[column]) & set("/\\:\0"):
                    raise FileError(f"{where}: {column} {row[column][:40]!r} is no name of a file; mend that line")
            try:
                seconds = float(row["delta_time"])
            except ValueError:
                raise FileError(f"{where}: delta_time {row['delta_time'][:40]!r} is no number of seconds") from None
            file = self.folder / layout.PROCESSED / row["speaker"] / f"{row['interval_id']}.h5"
            video = row.get("video_fn", "")
            yield Interval(row["interval_id"], row["speaker"], row["dataset"], video, seconds, file)

    @cached_property
    def missing(self) -> frozenset[str]:
        """Intervals that ``missing_intervals.h5`` says are incomplete; none where it is not there."""
        path = self.folder / layout.MISSING
        if not path.is_file():
            return frozenset()
        with opened(path) as file:
            if node(file, layout.MISSING_KEY, str(path)) is None:
                return frozenset()
            return frozenset(strings(file, layout.MISSING_KEY, str(path)))

    @property
    def speakers(self) -> list[str]:
        """Everybody that is listed, in order of the alphabet, transformed copies left out."""
        return sorted({interval.speaker for interval in self.listed if "|" not in interval.speaker})

    def intervals(
        self, split: str | None = None, speaker: str | None = None, needs: Sequence[str] = ()
    ) -> list[Interval]:
        """The intervals that can be used, in order of their names; transformed copies only of a ``speaker`` asked for
        by ``NAME|TRANSFORM``. Left out, and told: what is listed as missing, has no file, or (with ``needs``, keys that
        are then read once) lacks what is needed, has another length than its poses, or is damaged.

        Raises :class:`EngineError` for a split or a speaker that is none.
        """
        if split is not None and split not in SPLITS:
            raise EngineError(f"split {split!r}; choose from {', '.join(SPLITS)}")
        if speaker is not None and not any(interval.speaker == speaker for interval in self.listed):
            raise EngineError(f"{self.folder}: has no speaker {speaker!r}; there is {', '.join(self.speakers)[:300]}")
        found = []
        for interval in sorted(self.listed, key=lambda each: each.interval_id):
            if split not in (None, interval.split) or (speaker or interval.speaker.split("|")[0]) != interval.speaker:
                continue
            reason = self._fault(interval, needs)
            if reason:
                if interval.interval_id not in self.left_out:
                    self.say(f"interval {interval.interval_id} is left out: {reason}")
                self.left_out[interval.interval_id] = reason
            else:
                found.append(interval)
        return found

    def _fault(self, interval: Interval, needs: Sequence[str]) -> str:
        if interval.interval_id.split("|")[0] in self.missing:
            return f"{layout.MISSING} lists it"
        if not interval.path.is_file():
            return f"{interval.path} is not there"
        try:
            lengths = {key: len(interval.read(key)) for key in needs if key in KEYS}
            if META in needs or TIMES in needs:
                interval.words()
            return unfit(interval, lengths) if needs else ""
        except FileError as error:
            return str(error)


def unfit(interval: Interval, lengths: Mapping[str, int]) -> str:
    """Why an interval whose keys have these lengths cannot be used, or nothing: parts of different stretches, or a
    body that was never seen. Raises :class:`FileError` for a confidence or a rate that does not read."""
    where = str(interval.path)
    frames = {key: length for key, length in lengths.items() if KEYS[key].counts == "frames"}
    if len(set(frames.values())) > 1:
        told = ", ".join(f"{key} {length}" for key, length in frames.items())
        return f"{where}: lengths differ in frames: {told}; {AGAIN}"
    rates = {"audio/log_mel_400": MEL_ROWS, PCM: interval.pcm_rate if PCM in lengths else 0}
    for key in rates:
        if key in lengths and frames:
            seconds, lasting = next(iter(frames.values())) / RATE, lengths[key] / rates[key]
            if abs(lasting - seconds) > SLACK_S + SLACK * seconds:
                return f"{where}: {key} lasts {lasting:.1f} s, the poses {seconds:.1f} s; {AGAIN}"
    if any(key.startswith("pose/") for key in lengths) and interval.has(CONFIDENCE):
        seen = interval.read(CONFIDENCE)
        if not (seen[:, list(layout.KEPT)] > 0).any():
            return f"{where}: {CONFIDENCE} is 0 throughout, nobody was seen; {AGAIN}"
    return ""
