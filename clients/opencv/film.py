"""A film as a kind of file that frames are saved to, beside those of :mod:`clients.python.saving`: drawn at the end."""

from __future__ import annotations

from pathlib import Path

from clients.python.announced import Announced, Received

from .recording import Recording
from .video import OutputError, check_output
from .viewer import write_film


class Film:
    """Will be ``path``; ``stream`` is the one output that is drawn, None for whatever there is. Each run of the engine
    becomes a film of its own. Raises ValueError where there is nothing to draw, or the file cannot be written."""

    def __init__(self, path: Path, engine: Announced, stream: str | None = None) -> None:
        check_output(path, (".mp4",))
        self._path = path
        self._recording = Recording(engine, stream=stream)

    def add(self, frame: Received) -> None:
        """Take a frame of any stream."""
        self._recording.add(frame)

    def close(self) -> str:
        """Draw; what was written, in words. Raises :class:`~.video.OutputError`."""
        written = [f"{part.path}: {write_film(part)} ({part.words()})" for part in self._recording.parts(self._path)]
        if not written:
            raise OutputError(f"--save {self._path}: no frame came, so there is no film")
        return "\n".join(written)

    def drop(self) -> None:
        """There is nothing yet."""
