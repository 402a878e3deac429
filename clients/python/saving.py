"""What an engine sends, written to a file: a line a frame (.csv), arrays (.npz), or a body's motion (.bvh).

The arrays are those of ``engine serve --save``. A body becomes BVH as ``engine bvh`` makes it of such arrays: that
program is run, so there is one writer of BVH, and this package needs nothing of the engine but what it sends. A file
belongs to one run of one engine: where it begins anew with another description, saving ends.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from .announced import Announced, Received, Stream, clean

COMMAND = (sys.executable, "-m", "engine")
TABLE, ARRAYS, BODY, FILM = KINDS = (".csv", ".npz", ".bvh", ".mp4")
"""By the file's ending; films are drawn by :mod:`clients.opencv.film`."""


def kind_of(path: Path) -> str:
    """Which of :data:`KINDS` a file is by its name. Raises ValueError for another."""
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise ValueError(f"--save {path}: the name must end in {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    return kind


def output(engine: Announced, name: str | None) -> Stream:
    """The output called ``name``, by default the first. Raises ValueError naming those that there are."""
    outputs = sorted((one for one in engine.streams if one.kind == "output"), key=lambda one: one.number)
    found = next((one for one in outputs if name in (None, one.name)), None)
    if found is None:
        there = ", ".join(one.name for one in outputs)
        raise ValueError(f"--stream {name}: the engine sends {there or 'no output'}; give one of its outputs")
    return found


class Saves(Protocol):
    """A file that frames are written to."""

    def add(self, frame: Received) -> None:
        """Take a frame of any stream."""

    def close(self) -> str:
        """Finish; what was written, in words. Raises ValueError where it could not be."""

    def drop(self) -> None:
        """Leave nothing."""


def opened(paths: Sequence[Path], open_one: Callable[[Path], Saves]) -> list[Saves]:
    """All files, or none, and what ``open_one`` raises."""
    savings: list[Saves] = []
    try:
        for path in paths:
            savings.append(open_one(path))
    except ValueError:
        for saving in savings:
            saving.drop()
        raise
    return savings


def finished(savings: Sequence[Saves], say: Callable[[str], object]) -> list[str]:
    """Finish the files and say what was written; what went wrong, in words."""
    problems = []
    for saving in savings:
        try:
            say(f"wrote {saving.close()}")
        except ValueError as error:
            problems.append(str(error))
    return problems


class Saving:
    """Writes to ``path``: a csv file holds the stream of a name (default: the first output), arrays that stream alone
    or, without a name, all outputs of the first one's bundle; a bvh file the body of a name (default: the first).
    Raises ValueError for another kind of file, a place where there is something, or a stream that there is not."""

    def __init__(self, path: Path, engine: Announced, stream: str | None = None) -> None:
        self.path, self._engine, self._kind = path, engine, kind_of(path)
        self._chosen = output(engine, stream)
        if self._kind == BODY:
            self._chosen = self._body(stream)
        together = [one for one in engine.streams if one.kind == "output" and _is_beside(one, self._chosen)]
        alone = self._kind == TABLE or (self._kind == ARRAYS and stream is not None)
        self._streams = [self._chosen] if alone else together
        self._rows: dict[int, dict[int, Received]] = {}
        self.frames = 0
        self.over = False
        """Whether the engine is another one by now, of which nothing is written."""
        self._failure: OSError | None = None
        try:
            if self._kind == TABLE:
                self._file: IO[Any] = path.open("x", newline="", encoding="utf-8")
            else:
                self._file = path.open("xb")
        except FileExistsError:
            raise ValueError(f"--save {path}: is there already; give another name") from None
        except OSError as error:
            raise ValueError(f"--save {path}: cannot be written: {error.strerror}; give another place") from None
        file: Any = self._file
        self._csv = csv.writer(file) if self._kind == TABLE else None
        if self._csv is not None:
            self._csv.writerow(["seq", "capture_s", "flags", *self._chosen.names])

    def add(self, frame: Received) -> None:
        """Take a frame of any stream."""
        self.over |= frame.engine.lasting() != self._engine.lasting()
        if self.over or frame.stream not in {one.number for one in self._streams}:
            return
        if self._csv is None:
            self._rows.setdefault(frame.seq, {})[frame.stream] = frame
            return
        flags = " ".join(word.replace(" ", "_") for word in frame.words())
        values = [f"{value:.9g}" for value in frame.values.tolist()]  # as many digits as a float32 needs
        try:
            self._csv.writerow([frame.seq, f"{frame.capture_ns / 1e9:.6f}", flags, *values])
        except OSError as error:
            self._failure = self._failure or error
            return
        self.frames += 1

    def close(self) -> str:
        """Finish the file; what was written, in words. Raises ValueError where it cannot be written, or where nothing
        came that it could hold; then there is no file, or as much of a table as there was room for."""
        try:
            if self._csv is None:
                self._write()
            self._file.close()
            if self._failure is not None:
                raise self._failure
        except OSError as error:
            kept = f"its first {self.frames} frames, or fewer, are there" if self._csv else "nothing of it was kept"
            self.drop(keep=self._csv is not None)
            raise ValueError(f"--save {self.path}: {error.strerror or error}; {kept}") from None
        except ValueError:
            self.drop()
            raise
        ended = "; the engine has begun anew, and what it sends since is not in it" if self.over else ""
        written = [self._chosen] if self._kind == BODY else self._streams
        return f"{self.path}: {self.frames} frames of {', '.join(one.name for one in written)}{ended}"

    def _body(self, stream: str | None) -> Stream:
        """Which stream becomes BVH."""
        bodies = [one for one in self._engine.streams if (one.kind, one.codec) == ("output", "joints")]
        named = [one for one in bodies if stream in (None, one.name)]
        if not named:
            there = f"its bodies are {', '.join(one.name for one in bodies)}" if bodies else "the engine sends no body"
            raise ValueError(f"--save {self.path}: a .bvh file holds a body; {there}; .csv and .npz hold any stream")
        return min(named, key=lambda one: one.number)

    def drop(self, keep: bool = False) -> None:
        """Let go of a file that cannot be finished."""
        with suppress(OSError):
            self._file.close()
        if not keep:
            self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        """The arrays of the frames of which every stream came."""
        whole = [seq for seq, row in sorted(self._rows.items()) if len(row) == len(self._streams)]
        self.frames = len(whole)
        held: dict[str, Any] = {}
        for stream in self._streams:
            rows = [self._rows[seq][stream.number].values for seq in whole]
            held[stream.name] = np.array(rows, np.float32).reshape(len(whole), len(stream.names))
            held[f"{stream.name}_names"] = np.array(stream.names, np.str_)
            held[f"{stream.name}_skeleton"] = np.array(stream.skeleton)
        held["seq"] = np.array(whole, np.int64)
        held["flags"] = np.array([self._rows[seq][self._chosen.number].flags for seq in whole], np.uint32)
        held["rate"] = np.array(self._chosen.rate)
        plain = {name: dict(one) for name, one in self._engine.skeletons.items()}
        for one in plain.values():
            one.pop("humanoid", None)  # follows from the joints' names
        held["skeletons"] = np.array(json.dumps(plain))
        if self._kind == ARRAYS:
            np.savez_compressed(self._file, **held)
            return
        if not whole:
            raise ValueError(f"--save {self.path}: no frame of {self._chosen.name} came, so there is no file")
        self._file.close()
        with tempfile.TemporaryDirectory() as folder:
            arrays = Path(folder) / "body.npz"
            np.savez(arrays, **held)
            self._convert(arrays)

    def _convert(self, arrays: Path) -> None:
        """Have the engine's own program make BVH of arrays."""
        made = Path(arrays.parent / "body.bvh")  # the ending in small letters, as that program wants it
        line = [*COMMAND, "bvh", str(arrays), str(made), "--stream", self._chosen.name]
        done = subprocess.run(line, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1].replace(str(arrays), "it")
            remedy = "; install the engine here, or save as .npz" if "No module named" in said else ""
            raise ValueError(f"--save {self.path}: `engine bvh` did not write it: {clean(said)}{remedy}")
        self.path.write_bytes(made.read_bytes())


def _is_beside(one: Stream, chosen: Stream) -> bool:
    """Whether the frames of two streams go together, number by number: those of one bundle do."""
    return (one.bundle, one.rate) == (chosen.bundle, chosen.rate)
