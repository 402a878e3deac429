"""What ``engine serve`` records: one file a bundle, as the session goes, and the array file of ``--save`` made of
it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from engine.errors import EngineError
from engine.record.recorder import Recorder
from engine.session.live import LiveSession
from engine.sources.base import joined


class Recorders:
    """The recordings of one session. ``record`` and ``save`` are what was asked for, either may be None; what is only
    to be saved is recorded beside it first."""

    def __init__(self, record: Path | None, save: Path | None, where: str) -> None:
        self._record, self._save, self._where = record, save, where
        self._kept: list[Recorder] = []
        self._paths: list[Path] = []
        for option, path, ending in (("--save", save, ".npz"), ("--record", record, ".mcap")):
            if path is not None:
                _writable(path, option)
                if path.suffix != ending:
                    raise EngineError(f"{option} {path}: give a file name that ends in {ending}")

    @property
    def problem(self) -> str | None:
        """What is wrong with a recording; None when all is well."""
        return joined(*(recorder.problem for recorder in self._kept))

    def open(self, session: LiveSession) -> Sequence[Recorder | None]:
        """A recorder for each bundle of the session, or None where nothing is asked for. Raises :class:`EngineError`
        where one cannot be written."""
        if self._record is None and self._save is None:
            return [None] * len(session.slots)
        target = self._record or _beside(self._save)
        for place, (bundle, slot) in enumerate(zip(session.served, session.slots, strict=True)):
            path = target if not place else target.with_suffix(f".{bundle.name}.mcap")
            recorder = Recorder(
                path, bundle, session=session.number, seed=session.ask.seed, where=self._where, streams=slot.streams
            )
            self._kept.append(recorder)
            self._paths.append(path)
        session.recording = str(self._record or self._save)
        return self._kept

    def finish(self, say: Callable[[str], None]) -> None:
        """Close the files, and make the array file where that was asked for."""
        for recorder in self._kept:
            recorder.close()
        if self._save is not None and self._paths:
            from engine.record.save import to_npz

            to_npz(self._paths[0], self._save)
            if self._record is None:
                for path in self._paths:
                    path.unlink(missing_ok=True)
        if self._record is not None:
            say(f"recorded {', '.join(map(str, self._paths))}")
        self._kept.clear()

    def abandon(self) -> None:
        """Close what is still open: what was recorded stays."""
        for recorder in self._kept:
            recorder.close()
        self._kept.clear()


def _writable(path: Path, option: str) -> None:
    """Refuse at once what could only fail at the end; what is there stays."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        path.open("ab").close()
        if new:
            path.unlink()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = error.strerror if isinstance(error, OSError) else error
        raise EngineError(f"cannot write {path}: {reason}; give {option} a place that can be written") from error


def _beside(save: Path | None) -> Path:
    assert save is not None
    return save.with_name(f".{save.name}.mcap")
