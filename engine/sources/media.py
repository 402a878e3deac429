"""Reads any container that FFmpeg knows (through PyAV) as timed mono audio and timed pictures.

Both are counted from one origin, the first timestamp of the streams used, so a sound track that starts half a second
after the picture keeps that half second (as silence marked invalid), and so do gaps; where the timestamps themselves
break off, both go on together (:mod:`.media_time`). What is damaged is passed over and named in ``problem``; a file of
which nothing decodes is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.sound.front_end import FrontEnd
from engine.sources.address import is_address, shown
from engine.sources.growing import OPTIONS, QUIET_S, GrowingFile
from engine.sources.looking import look
from engine.sources.player import AudioBlock
from engine.sources.reading import Picture, Reading, pyav, reason
from engine.sources.reading import upright as upright
from engine.sources.sound_line import SoundLine
from engine.sources.tracks import TrackChoice

_SHORT_S, _SHORT_PART = 0.5, 0.05  # missing this much of the length that the file states, it is cut short
_BREAKS_NAMED = 3


class MediaFile:
    """One media file, opened and looked into at once; each reading opens it anew.

    ``audio`` False ignores a sound track. ``choice``: which tracks, where the user says so. ``follow``: at the end wait
    for more, since the file is still being written; :meth:`stop` ends that. Attributes: ``has_audio``, ``has_video``;
    ``details`` as plain values; ``tracks``, one line for each that can be played.
    Raises :class:`EngineError` when the file is missing, not a media file, without a stream to use, or when nothing
    of it decodes.
    """

    def __init__(
        self, path: Path | str, audio: bool = True, choice: TrackChoice | None = None, follow: bool = False
    ) -> None:
        if is_address(str(path)):
            raise EngineError(f"{shown(str(path))}: is an address, and here only a file can be used; give a path")
        self.path = Path(path)
        self._av = pyav()
        self._follow, self._stopped = follow, threading.Event()
        self._trouble: dict[str, int] = {}
        self._breaks: set[float] = set()
        if not self.path.is_file():
            raise EngineError(f"media file {self.path}: there is no such file; check the path")
        self._bytes = self.path.stat().st_size
        with self._open() as container:
            self._found = look(container, f"media file {self.path}", audio, choice or TrackChoice())
        self.has_audio, self.has_video = self._found.sound is not None, self._found.picture is not None
        self.tracks = self._found.tracks
        self._stated_s = self._found.stated_s
        if self._stated_s and self._found.details["container"] == "wav":
            self._stated_s *= _riff_stretch(self.path)
        self.details: dict[str, Any] = {"stated_s": self._stated_s, **self._found.details}

    @property
    def problem(self) -> str | None:
        """What was damaged in what has been read so far; None when nothing was."""
        said = [text if times == 1 else f"{text} ({times} times)" for text, times in self._trouble.items()]
        return f"media file {self.path.name}: {', '.join(said)}" if said else None

    @property
    def notices(self) -> list[str]:
        """What is worth saying, once each, of what has been read so far, although nothing is damaged: where its time
        jumps."""
        places = sorted(self._breaks)
        told = [f"its time jumps at {at_s:.1f} s; sound and pictures go on together" for at_s in places[:_BREAKS_NAMED]]
        return [*told, "its time jumps more often than that"] if len(places) > _BREAKS_NAMED else told

    def stop(self) -> None:
        """Wait for no more of a file that grows."""
        self._stopped.set()

    def audio(self, rate: int, front_end: FrontEnd | None = None) -> Iterator[AudioBlock]:
        """The whole length as consecutive blocks of mono float32 at ``rate`` Hz from the origin on, made by
        ``front_end`` (a new one where None is given).

        Where there is no sound (no sound track, a gap, a picture that goes on longer) the blocks are silence and
        invalid, as long as the timestamps of the packets say; pictures are not decoded for that.
        """
        line = SoundLine(rate, partial(self._note, "gaps in the sound"))
        front_end = FrontEnd() if front_end is None else front_end
        pictures_end_s = 0.0
        with self._open(self._follow) as container:
            sound, picture = self._found.streams(container)
            reading = Reading(container, sound, picture, self._note)
            for packet, end_s in reading.packets():
                if sound is not None and packet.stream.index == sound.index:
                    for heard in reading.heard(packet):
                        mono = front_end.push(heard.samples, heard.rate)
                        yield from line.sound(mono, heard.rate, heard.time_s)
                else:
                    pictures_end_s = max(pictures_end_s, end_s)
                    if sound is None:
                        yield from line.silence_to(pictures_end_s)
                self._breaks |= {round(at_s, 1) for at_s in reading.time.breaks_s}
        yield from line.end_run()
        yield from line.silence_to(pictures_end_s)
        self._look_at_end(line.seconds + max(0.0, float(reading.time.origin)))

    def pictures(self) -> Iterator[tuple[int, Picture]]:
        """(nanoseconds from the origin, picture for :func:`upright`) in order of time, at whatever rate it has."""
        with self._open(self._follow) as container:
            sound, picture = self._found.streams(container)
            if picture is None:
                return
            # The sound is read as well, undecoded: the time is then the same as that of audio().
            reading = Reading(container, sound, picture, self._note)
            for packet, _ in reading.packets():
                if packet.stream.index == picture.index:
                    yield from reading.seen(packet)

    @contextmanager
    def _open(self, follow: bool = False) -> Iterator[Any]:
        file = GrowingFile(self.path, self._stopped, QUIET_S) if follow else None
        try:
            try:
                options = OPTIONS if follow else {}
                container = self._av.open(file or str(self.path), options=options, metadata_errors="ignore")
            except (self._av.error.FFmpegError, OSError, ValueError) as error:
                raise EngineError(
                    f"media file {self.path}: cannot be opened as audio or video ({reason(error)}); it is another "
                    "kind of file, or damaged, or its recorder writes what is needed to read it only at the end"
                ) from error
            with container:
                yield container
        finally:
            if file is not None:
                file.close()

    def _look_at_end(self, reached_s: float) -> None:
        """Say what the end means: a file that is being written, or one that is cut short."""
        if self.path.is_file() and self.path.stat().st_size > self._bytes:
            if not self._follow:
                self._note("it is still being written; --follow waits at its end for more")
            elif not self._stopped.is_set():
                self._note(f"it was written on while it played; the end is where nothing came for {QUIET_S:g} s")
            return
        # Some containers state their length from timestamp zero, some from their first timestamp: doubt is no damage.
        missing_s = 0.0 if self._breaks else (self._stated_s or 0.0) - reached_s
        if missing_s > max(_SHORT_S, _SHORT_PART * (self._stated_s or 0.0)):
            self._note(f"cut short: it ends {missing_s:.1f} s before the {self._stated_s:.1f} s that it states")

    def _note(self, text: str) -> None:
        self._trouble[text] = self._trouble.get(text, 0) + 1


def _riff_stretch(path: Path) -> float:
    """How much longer a RIFF file says it is than it is: FFmpeg keeps quiet about that one, and plays what is there."""
    with path.open("rb") as file:
        head = file.read(8)
    stated = int.from_bytes(head[4:8], "little") + 8
    streamed = stated - 8 in (0, 0xFFFFFFFF)  # written to a pipe, which leaves the size open
    return 1.0 if head[:4] != b"RIFF" or streamed else max(1.0, stated / path.stat().st_size)
