"""What an engine sends, written to a file: a line a frame (.csv), or arrays of all streams (.npz).

The arrays are those of ``engine serve --save``, so ``engine bvh FILE.npz FILE.bvh`` makes a BVH file of a body among
them. A file belongs to one run of one engine: where it begins anew with another description, saving ends.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import IO, Any

import numpy as np

from .announced import Announced, Received

OTHERS = {
    ".bvh": "save as .npz, then `engine bvh FILE.npz FILE.bvh`",
    ".mp4": "`python -m clients.opencv --video FILE.mp4` makes films",
}
KINDS = (".csv", ".npz")


class Saving:
    """Writes to ``path``; a csv file holds the stream of a name (default: the first output). Raises ValueError for a
    kind of file that is not written here, a place where there is something, or a stream that there is not."""

    def __init__(self, path: Path, engine: Announced, stream: str | None = None) -> None:
        self.path, self._engine = path, engine
        outputs = [one for one in engine.streams if one.kind == "output"]
        if path.suffix not in KINDS:
            raise ValueError(f"--save {path}: {OTHERS.get(path.suffix, 'give a FILE.csv or FILE.npz')}")
        chosen = [one for one in outputs if stream in (None, one.name)]
        if not chosen:
            raise ValueError(f"--stream {stream}: there is {', '.join(one.name for one in outputs) or 'none'}")
        self._streams = outputs if path.suffix == ".npz" and stream is None else chosen[:1]
        self._rows: dict[int, dict[int, Received]] = {}
        self.frames = 0
        self.over = False
        """Whether the engine is another one by now, of which nothing is written."""
        try:
            if path.suffix == ".csv":
                self._file: IO[Any] = path.open("x", newline="", encoding="utf-8")
            else:
                self._file = path.open("xb")
        except FileExistsError:
            raise ValueError(f"--save {path}: is there already; give another name") from None
        except OSError as error:
            raise ValueError(f"--save {path}: cannot be written: {error.strerror}") from None
        file: Any = self._file
        self._csv = csv.writer(file) if path.suffix == ".csv" else None
        if self._csv is not None:
            self._csv.writerow(["seq", "capture_s", "flags", *self._streams[0].names])

    def add(self, frame: Received) -> None:
        """Take a frame of any stream."""
        self.over |= frame.engine.lasting() != self._engine.lasting()
        if self.over or frame.stream not in {one.number for one in self._streams}:
            return
        if self._csv is not None:
            flags = " ".join(word.replace(" ", "_") for word in frame.words())
            values = [f"{value:.7g}" for value in frame.values.tolist()]
            self._csv.writerow([frame.seq, f"{frame.capture_ns / 1e9:.6f}", flags, *values])
            self.frames += 1
        else:
            self._rows.setdefault(frame.seq, {})[frame.stream] = frame

    def close(self) -> str:
        """Finish the file; what was written, in words. Raises OSError where it cannot be written."""
        with self._file:
            if self._csv is None:
                self._write()
        ended = "; the engine has begun anew, and what it sends since is not in it" if self.over else ""
        return f"{self.path}: {self.frames} frames of {', '.join(one.name for one in self._streams)}{ended}"

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
        first = self._streams[0].number
        held["seq"] = np.array(whole, np.int64)
        held["flags"] = np.array([self._rows[seq][first].flags for seq in whole], np.uint32)
        held["rate"] = np.array(self._engine.rate)
        plain = {name: dict(one) for name, one in self._engine.skeletons.items()}
        for one in plain.values():
            one.pop("humanoid", None)  # follows from the joints' names
        held["skeletons"] = np.array(json.dumps(plain))
        np.savez_compressed(self._file, **held)
