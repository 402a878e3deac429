"""The labels of one csv while a page works on them: every change is on disk before it is confirmed, and can be undone.

The file is replaced as a whole (``Task.write`` flushes a new one to the disk and renames it over the old), so whatever
happens at whatever moment, what lies there is a complete, valid csv. Pieces that have an answer on some scales only are
kept in memory and written once they have them all, since the csv has no empty fields. Several browser windows of one
page share this object and are merged; a second program on the same file is refused by a lock beside it; what an editor
changed in the file meanwhile is read again before anything is written.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from engine.errors import EngineError
from train.files import reason
from train.label.task import Entry, Key, Task

Values = dict[str, int]


class Stamp(NamedTuple):
    """By what a file that was replaced or changed is told from what it was."""

    inode: int
    size: int
    changed_ns: int


class LabelError(EngineError):
    """A label or its file cannot be used; the message names it, what is wrong and the remedy."""


@dataclass(frozen=True)
class Change:
    """One step of the history: what clip ``clip`` was and became; ``by`` is who had labelled it before."""

    clip: int
    before: Values
    after: Values
    by: str


class Labels:
    """The csv at ``path`` for the clips of ``task``, labelled by ``by``; a context manager that holds the lock.

    Every method may be called from any thread. Rows of other takes or other pieces are kept as they are.
    """

    def __init__(self, path: Path, task: Task, by: str) -> None:
        self.path, self.task, self.by = path.resolve(), task, by
        self.version = 0
        self._clips = {task.key(clip): clip for clip in range(len(task.clips))}
        self._entries: dict[Key, Entry] = {}
        self._drafts: dict[int, Values] = {}
        self._history: list[Change] = []
        self._seen: Stamp | None = None
        self._mutex = threading.Lock()
        self._lock = FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=0)

    def __enter__(self) -> Labels:
        """Take the file, read what it holds, and write a header where there is none yet."""
        if not self.path.parent.is_dir():
            raise LabelError(f"{self.path}: there is no folder {self.path.parent}; make it, or give another --out")
        try:
            self._lock.acquire()
        except Timeout as error:
            raise LabelError(
                f"{self.path}: another labelling page has it open; close that one, or give another --out"
            ) from error
        except OSError as error:
            raise LabelError(f"{self.path}: cannot be locked, {reason(error)}; give another --out") from error
        try:
            if self.path.exists():
                self._reload()
                self._refuse_unblind()
            else:
                self._save({})
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lock.release()

    def state(self) -> dict[str, Any]:
        """Everything that is labelled, as plain values: by clip number the values so far, and who gave them."""
        with self._mutex:
            given = {
                clip: {"values": dict(entry.values), "by": entry.by}
                for key, entry in self._entries.items()
                if (clip := self._clips.get(key)) is not None
            }
            given |= {clip: {"values": values, "by": self.by} for clip, values in self._drafts.items()}
            return {
                "version": self.version,
                "labels": given,
                "undo": len(self._history),
                "rows": len(self._entries),
                "elsewhere": sum(key not in self._clips for key in self._entries),
            }

    def change(self, clip: int, values: Mapping[str, int | None]) -> None:
        """Give a clip ``values`` by scale, None taking one away. Raises :class:`LabelError`; then nothing changed."""
        self._check(clip, values)
        with self._mutex:
            self._reload()
            before = self._values(clip)
            after = {name: value for name, value in {**before, **values}.items() if value is not None}
            entry = self._entries.get(self.task.key(clip))
            if after == before and (entry is None or entry.by == self.by):
                return
            self._put(clip, after, self.by)
            self._history.append(Change(clip, before, after, entry.by if entry else self.by))

    def undo(self) -> int | None:
        """Take the last change back; the clip it was made on, or None where there is nothing to undo.

        A clip that something else has changed since is left as it is now.
        """
        with self._mutex:
            if not self._history:
                return None
            self._reload()
            last = self._history[-1]
            if self._values(last.clip) == last.after:
                self._put(last.clip, last.before, last.by)
            self._history.pop()
            self.version += 1
            return last.clip

    def _check(self, clip: int, values: Mapping[str, int | None]) -> None:
        if not 0 <= clip < len(self.task.clips):
            raise LabelError(f"there is no clip {clip}; clips are 0 to {len(self.task.clips) - 1}")
        scales = {scale.name: scale for scale in self.task.scales}
        for name, value in values.items():
            if name not in scales:
                raise LabelError(f"there is no scale {name!r}; there is {', '.join(scales)}")
            if value is not None and (type(value) is not int or value not in scales[name].values):
                raise LabelError(f"{name} {value!r} is no level; give one of {sorted(scales[name].values)}, or null")

    def _values(self, clip: int) -> Values:
        entry = self._entries.get(self.task.key(clip))
        return dict(entry.values) if entry else dict(self._drafts.get(clip, {}))

    def _put(self, clip: int, values: Values, by: str) -> None:
        """Set what a clip has; the file is written first, so that memory never holds more than the disk."""
        key = self.task.key(clip)
        whole = len(values) == len(self.task.scales)
        entries = {other: entry for other, entry in self._entries.items() if whole or other != key}
        if whole:
            entries[key] = Entry(values, by)
        if entries != self._entries:
            self._save(entries)
        self._entries = entries
        self._drafts.pop(clip, None)
        if values and not whole:
            self._drafts[clip] = values
        self.version += 1

    def _save(self, entries: Mapping[Key, Entry]) -> None:
        try:
            self.task.write(self.path, entries)
            self._sync_folder()
        except OSError as error:
            raise LabelError(
                f"{self.path}: not saved ({reason(error)}), the file is as it was; make room or mend the rights and "
                "label again"
            ) from error
        self._seen = self._stamp()

    def _sync_folder(self) -> None:
        """Make the renaming itself durable, where the system lets a folder be flushed (Windows does not)."""
        if not hasattr(os, "O_DIRECTORY"):
            return
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _stamp(self) -> Stamp | None:
        if not self.path.exists():
            return None
        stat = self.path.stat()
        return Stamp(stat.st_ino, stat.st_size, stat.st_mtime_ns)

    def _reload(self) -> None:
        """Read the file where something else has written it; one that was removed comes back with the next label."""
        stamp = self._stamp()
        if stamp is None or stamp == self._seen:
            return
        self._entries = self.task.read(self.path)
        for key in self._entries:
            self._drafts.pop(self._clips.get(key, -1), None)
        self._seen = stamp
        self.version += 1

    def _refuse_unblind(self) -> None:
        others = {entry.by for key, entry in self._entries.items() if key in self._clips and entry.by != self.by}
        if self.task.blind and others:
            raise LabelError(
                f"{self.path}: holds labels of these takes by {', '.join(sorted(others))}, which would be seen; "
                "give blind labelling an --out of its own"
            )
