"""What ``engine serve`` records: one file a bundle, as the session goes; of ``--save`` the array files made of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from engine.errors import EngineError
from engine.record.beside import MOST_PARTS, unwritable
from engine.record.recorder import Recorder
from engine.record.save import to_npz
from engine.session.live import LiveSession
from engine.sources.base import joined

log = logging.getLogger(__name__)


class Recorders:
    """The recordings of one session. ``record`` and ``save`` are what was asked for, either may be None; what is only
    to be saved is recorded beside it first. A session's further bundles get files with their names. ``wait``: the
    session waits for the disk, as one that runs as fast as it goes has to."""

    def __init__(self, record: Path | None, save: Path | None, where: str, wait: bool = False) -> None:
        self._record, self._save, self._where, self._wait = record, save, where, wait
        self._kept: list[tuple[Recorder, Path | None]] = []
        for option, path, ending in (("--save", save, ".npz"), ("--record", record, ".mcap")):
            if path is not None:
                _check(path, option)
                if path.suffix != ending:
                    raise EngineError(f"{option} {path}: give a file name that ends in {ending}")

    @property
    def problem(self) -> str | None:
        """What is wrong with a recording; None when all is well."""
        return joined(*(recorder.problem for recorder, _ in self._kept))

    def open(self, session: LiveSession) -> Sequence[Recorder | None]:
        """A recorder for each bundle of the session, or None where nothing is asked for. Raises :class:`EngineError`
        where one cannot be written; none is left open then."""
        try:
            for place, (bundle, slot) in enumerate(zip(session.served, session.slots, strict=True)):
                more = bundle.name if place else ""
                saved = None if self._save is None else _named(self._save, more)
                if self._record is not None:
                    path = _named(self._record, more)
                elif saved is not None:
                    path = _unused(saved)
                else:
                    return [None] * len(session.slots)
                recorder = Recorder(
                    path,
                    bundle,
                    session=session.number,
                    seed=session.ask.seed,
                    where=self._where,
                    streams=slot.streams,
                    wait=self._wait,
                )
                self._kept.append((recorder, saved))
        except EngineError:
            self.abandon()
            raise
        session.recording = str(self._record or self._save)
        return [recorder for recorder, _ in self._kept]

    def finish(self) -> None:
        """Close the files, and make the array files where that was asked for. Raises :class:`EngineError` where one of
        them is not what was asked for, when all are finished; what was recorded stays then, and so does an older
        file."""
        missed = []
        for recorder, saved in self._kept:
            try:
                self._finish(recorder, saved)
            except EngineError as error:
                missed.append(str(error))
        self._kept.clear()
        if missed:
            raise EngineError("; ".join(missed))

    def _finish(self, recorder: Recorder, saved: Path | None) -> None:
        recorder.close()
        if not recorder.steps:
            unmade = str(saved or recorder.path)
            log.warning("%s: the session had no frame, so nothing was recorded", unmade, extra={"file": unmade})
            return
        if recorder.file != recorder.path:  # a part of a session must not take the place of a whole one
            make = f"; its array file: python -m engine.record.save {recorder.file} OUT.npz" if saved else ""
            raise EngineError(f"the recording is not whole: {recorder.problem}{make}")
        if recorder.problem is not None:
            log.warning("recording: %s", recorder.problem, extra={"file": str(recorder.path)})
        if saved is not None:
            to_npz(recorder.file, saved)
        if self._record is None:
            recorder.file.unlink(missing_ok=True)
        else:
            log.info("recorded %s", recorder.file, extra={"file": str(recorder.file)})

    def abandon(self) -> None:
        """Close what is still open: what was recorded stays."""
        for recorder, _ in self._kept:
            recorder.close()
        self._kept.clear()


def _named(path: Path, bundle: str) -> Path:
    """``FILE.BUNDLE.npz`` of ``FILE.npz``."""
    return path.with_suffix(f".{bundle}{path.suffix}") if bundle else path


def _unused(save: Path) -> Path:
    """Where a session that is to be saved is recorded: beside it, and in no one's place."""
    names = (save.with_name(f"{save.name}{number or ''}.mcap") for number in range(MOST_PARTS))
    for path in names:
        if not path.exists():
            return path
    raise EngineError(f"cannot write {save}: {MOST_PARTS} recordings of it lie there; remove {save.name}*.mcap")


def _check(path: Path, option: str) -> None:
    """Refuse at once what could only fail at the end; what is there stays."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        path.open("ab").close()
        if new:
            path.unlink()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise unwritable(path, error, f"give {option} a place that can be written") from error
