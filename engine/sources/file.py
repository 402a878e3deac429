"""A media file as conversation partner, or as the avatar's own voice: its sound, with the words in it where they are
known, and where a tracker is given the face in its picture."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.clock import Clock
from engine.errors import EngineError
from engine.feeds.feeds import Feeds, Key
from engine.sound.front_end import FrontEnd
from engine.sources.base import FaceTracker, joined
from engine.sources.media import MediaFile
from engine.sources.player import FaceItem, Lap, Player, WordItem, playing_rate
from engine.sources.reading import Picture, upright
from engine.sources.tracks import TrackChoice


class FileSource:
    """Plays ``path`` (anything FFmpeg reads: wav, flac, mp4, mkv, mpg, gif, ...; 8 to 48 kHz, any channels).

    ``fast``: as fast as the loop takes it, every picture tracked, the same result each time; otherwise in real time,
    where pictures are skipped when the tracker is slower than the film. ``tracker``: without one there is no face.
    ``audio`` False plays the picture only; a file without sound gives invalid silence, which keeps the clock.
    ``loop``: start again at the end, for ever. A damaged file is played as far as it goes, and ``problem`` says so.
    ``owner``: whose voice and face they are, "partner" or "self". ``words``: what is said in it, in order of time.
    ``choice``: which tracks are played; otherwise the default ones. ``follow``: the file is still being written, so
    wait at its end for more; where that takes time, all goes on later by as much.

    Raises :class:`engine.errors.EngineError` when the file is missing, no media file, without a stream to use, or
    when nothing of it decodes; where there is no such track; and for ``follow`` with ``fast`` or ``loop``.
    """

    def __init__(
        self,
        path: Path | str,
        fast: bool = False,
        tracker: FaceTracker | None = None,
        audio: bool = True,
        loop: bool = False,
        owner: str = "partner",
        words: Sequence[WordItem] = (),
        choice: TrackChoice | None = None,
        follow: bool = False,
    ) -> None:
        if follow and (fast or loop):
            raise EngineError(f"{path}: what is still being written comes in real time and once, not fast or in a loop")
        self._media = MediaFile(path, audio, choice, follow)
        self._fast = fast
        self._loop, self._follow = loop, follow
        self._tracker = tracker
        self._player: Player | None = None
        self._owner, self._words = owner, words
        self.name = f"{'file' if owner == 'partner' else 'speech'} {self._media.path.name}"
        self._watched = self._media.has_video and tracker is not None
        # Without sound it is invalid silence, in step with the picture.
        roles = ["audio", *(["face"] if self._watched else []), *(["words"] if words else [])]
        self.gives: Collection[Key] = tuple((role, owner) for role in roles)

    def start(self, feeds: Feeds, clock: Clock) -> None:
        """Begin to play on a thread of its own."""
        laps = self._laps(playing_rate(feeds, self._owner), feeds.front_end(self._owner))
        feeds.notes.append(lambda: [f"{self.name}: {text}" for text in self._media.notices])
        self._player = Player(laps, feeds, clock, self._fast, slow_faces=self._watched, owner=self._owner)
        self._player.start()

    def stop(self) -> None:
        """Stop playing; closes the tracker."""
        self._media.stop()
        if self._player is not None:
            self._player.stop()
        if self._tracker is not None:
            self._tracker.close()
            self._tracker = None

    @property
    def finished(self) -> bool:
        """Whether the file is over, or playing failed (then ``problem`` says why)."""
        return self._player is not None and self._player.finished

    @property
    def problem(self) -> str | None:
        """Damage met, a failure, or that there is no face; None when all is well."""
        return joined(self._media.problem, self._player.problem if self._player else None)

    def describe(self) -> dict[str, Any]:
        """Name, what it gives, and what the container says of itself."""
        return {
            "source": "file",
            "of": self._owner,
            "words": len(self._words),
            "path": str(self._media.path),
            "audio": self._media.has_audio,
            "face": self._watched,
            "fast": self._fast,
            "loop": self._loop,
            "follow": self._follow,
            "skipped_pictures": self._player.skipped_faces if self._player else 0,
            **self._media.details,
        }

    def _laps(self, rate: int, front_end: FrontEnd) -> Iterator[Lap]:
        while True:
            yield Lap(self._media.audio(rate, front_end), self._faces(), self._words, self._follow)
            if not self._loop:
                return

    def _faces(self) -> Iterator[FaceItem]:
        if not self._watched:
            return
        for at_ns, picture in self._media.pictures():
            yield FaceItem(at_ns, partial(self._track, picture, at_ns))

    def _track(self, picture: Picture, at_ns: int) -> NDArray[np.float32] | None:
        return None if self._tracker is None else self._tracker.track(upright(picture), at_ns)
