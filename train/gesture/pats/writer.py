"""Writes a set in PATS' layout, interval by interval; a set whose list is not there was not finished."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.files import FileError, reason
from train.gesture.pats import layout
from train.gesture.pats.layout import KEYS, META, PCM, RATE, SPLITS, TEXT, TIMES
from train.gesture.pats.meta import FramedWord, write_meta
from train.speech.talk import SpokenWord

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}")
NO_NAMES = ("nan", "na", "null", "none", "inf", "infinity", "true", "false")
"""What csv readers take for something else than text."""


class PatsWriter:
    """Writes to ``folder``, which must be new or empty. ``record`` is kept beside it: the command, the seed, sources.

    Raises :class:`EngineError` naming what cannot be written.
    """

    def __init__(self, folder: Path, record: Mapping[str, Any]) -> None:
        self.folder, self.record = Path(folder), dict(record)
        self._rows: dict[str, dict[str, str]] = {}
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise EngineError(f"{self.folder}: is there already; give a folder that is new or empty")

    def add(
        self,
        interval_id: str,
        speaker: str,
        split: str,
        video: str,
        arrays: Mapping[str, NDArray[Any]],
        words: Sequence[SpokenWord] = (),
    ) -> Path:
        """One interval: ``arrays`` by the keys of :data:`.layout.KEYS`, ``words`` in seconds. ``text/meta`` (whole
        frames, a word ends where the next begins, as PATS has it) and the exact times are made of the words. The sound
        is int16 at 16 kHz, ``pose/confidence`` may be (T, 52). Returns the file."""
        where = f"interval {interval_id[:64]!r}"
        for name in (interval_id, speaker):
            if not NAME.fullmatch(name) or name.lower() in NO_NAMES:
                raise EngineError(f"{where}: {name[:64]!r} is no name; a letter, then letters, digits, - _ and .")
        if interval_id in self._rows:
            raise EngineError(f"{where}: comes twice; every interval needs its own name")
        if split not in SPLITS:
            raise EngineError(f"{where}: split {split!r}; choose from {', '.join(SPLITS)}")
        checked = {key: _checked(key, array, where) for key, array in arrays.items()}
        lengths = {key: len(array) for key, array in checked.items() if KEYS[key].counts == "frames"}
        if not lengths or len(set(lengths.values())) > 1:
            raise EngineError(f"{where}: needs poses, all of one length in frames, not {lengths}")
        frames = next(iter(lengths.values()))
        path = self.folder / layout.PROCESSED / speaker / f"{interval_id}.h5"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with h5py.File(path, "w") as file:
                for key, array in checked.items():
                    squeeze = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
                    file.create_dataset(key, data=array, **(squeeze if array.nbytes > 16_384 else {}))
                if PCM in checked:
                    file[PCM].attrs["rate"] = layout.PCM_RATE
                for key in checked:
                    if key.endswith(("/rotations", "/root")):
                        file[key].attrs["skeleton"] = "cmu"
                _words(file, words, frames, where)
        except OSError as error:
            raise FileError(f"{path}: cannot be written, {reason(error)}; check the rights and the space") from error
        self._rows[interval_id] = {
            "dataset": split,
            "delta_time": f"{frames / RATE:.6f}",
            "end_time": _time(frames / RATE),
            "interval_id": interval_id,
            "speaker": speaker,
            "start_time": _time(0.0),
            "video_fn": video,
            "video_link": "",
        }
        return path

    def finish(self) -> dict[str, int]:
        """Writes the lists; the set is whole then. Returns the intervals of each split."""
        if not self._rows:
            raise EngineError(f"{self.folder}: no interval was added, so there is no set")
        try:
            strings = h5py.string_dtype()
            with h5py.File(self.folder / layout.MISSING, "w") as file:
                file.create_dataset(layout.MISSING_KEY, (0,), strings)
            record = json.dumps(self.record, indent=2, sort_keys=True)
            (self.folder / layout.MADE).write_text(record + "\n", "utf-8", newline="\n")
            for name, rows in ((layout.TRANSFORMS, []), (layout.INTERVALS, list(self._rows.values()))):
                with (self.folder / name).open("w", newline="", encoding="utf-8") as table:
                    lines = csv.DictWriter(table, layout.COLUMNS, lineterminator="\n")
                    lines.writeheader()
                    lines.writerows(rows)
        except OSError as error:
            raise FileError(f"{self.folder}: cannot be written, {reason(error)}; check the space") from error
        splits = [row["dataset"] for row in self._rows.values()]
        return {split: splits.count(split) for split in SPLITS}


def _checked(key: str, array: NDArray[Any], where: str) -> NDArray[Any]:
    if key not in KEYS:
        raise EngineError(f"{where}: {key!r} is no key of the set; choose from {', '.join(KEYS)}")
    array = np.asarray(array)
    if key == "pose/confidence" and array.shape[1:] == (layout.JOINTS,):
        array = np.concatenate([array, array], 1)  # as PATS has it: once for x, once for y
    want = KEYS[key].shape
    if array.ndim != 1 + len(want) or array.shape[1:] != want or len(array) > layout.most(key):
        raise EngineError(f"{where}: {key} is {array.shape}; (n, {', '.join(map(str, want))}) is needed")
    if array.dtype.kind not in "iufb" or not np.isfinite(array).all():
        raise EngineError(f"{where}: {key} holds what is no finite number; leave the interval out or mend it")
    if key == PCM and array.dtype != np.int16:
        raise EngineError(f"{where}: {key} is {array.dtype}; int16 at {layout.PCM_RATE} Hz is needed")
    return array


def _words(file: h5py.File, words: Sequence[SpokenWord], frames: int, where: str) -> None:
    times = np.array([[word.start, word.end] for word in words], np.float64).reshape(-1, 2)
    rising = times.size == 0 or bool((np.diff(times[:, 0]) >= 0).all() and (times[:, 0] <= times[:, 1]).all())
    if not np.isfinite(times).all() or not rising or (times < 0).any():
        raise EngineError(f"{where}: words do not rise in time from 0 s on; sort them")
    file.create_dataset(TEXT, data=[word.text for word in words], dtype=h5py.string_dtype())
    file.create_dataset(TIMES, data=times)
    if words:
        starts = [0, *(min(int(time * RATE), frames) for time in times[1:, 0])]
        ends = [*starts[1:], frames]
        rows = (FramedWord(word.text, a, b) for word, a, b in zip(words, starts, ends, strict=True))
        write_meta(file, META, rows)


def _time(seconds: float) -> str:
    """A moment of the video as PATS writes it: a date and the time of day, in millionths of a second."""
    minutes, rest = divmod(seconds, 60.0)
    hours, minutes = divmod(int(minutes), 60)
    return f"1970-01-01 {hours:02d}:{minutes:02d}:{rest:09.6f}"
