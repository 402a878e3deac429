"""Which sound and which picture of a container are played, where there are several, and what there is to choose from.

A cover picture is no film. Of several the one that its container calls the default wins, otherwise the first that
decodes; a user names another by its number, its language or a part of its title.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import EngineError

KINDS = ("audio", "video")
_NO_FILM = ("attached_pic", "timed_thumbnails")


@dataclass(frozen=True)
class TrackChoice:
    """What the user wants of each kind: a number as listed, a language or a part of a title; None leaves it open."""

    audio: str | None = None
    video: str | None = None

    @classmethod
    def of(cls, words: Sequence[str]) -> TrackChoice:
        """From ``audio=2 video=eng``, as the command line takes it."""
        found: dict[str, str] = {}
        for word in words:
            kind, _, which = word.partition("=")
            if kind not in KINDS or not which or kind in found:
                raise EngineError(f"--track {' '.join(words)}: give audio=WHICH, video=WHICH or both, each once")
            found[kind] = which
        return cls(**found)


@dataclass(frozen=True)
class Track:
    """A stream of a container that can be played: number among its kind from 1, and PyAV's stream."""

    number: int
    stream: Any

    @property
    def default(self) -> bool:
        """Whether the container calls it the default."""
        return _marked(self.stream, "default")

    @property
    def label(self) -> str:
        """What people read: ``audio 2: aac, 48000 Hz, 2 channels, eng, "Commentary", default``."""
        stream, about = self.stream, self.stream.metadata
        parts = [stream.codec_context.name]
        if stream.type == "audio":
            parts += [f"{stream.codec_context.sample_rate} Hz", f"{stream.channels} channels"]
        else:
            parts.append(f"{stream.width}x{stream.height}")
        parts += [about["language"]] if about.get("language", "und") != "und" else []
        parts += [f'"{about["title"]}"'] if about.get("title") else []
        parts += ["default"] if self.default else []
        return f"{stream.type} {self.number}: {', '.join(parts)}"

    def is_named(self, which: str) -> bool:
        """Whether a user's word names it."""
        about, word = self.stream.metadata, which.strip().lower()
        if word.isdecimal():
            return int(word) == self.number
        return word == about.get("language", "").lower() or word in about.get("title", "").lower()


def tracks(container: Any, kind: str) -> list[Track]:
    """The tracks of a container (PyAV) that can be played, of ``kind`` audio or video, in its own order."""
    streams = container.streams.audio if kind == "audio" else container.streams.video
    films = [one for one in streams if one.codec_context is not None and not any(_marked(one, m) for m in _NO_FILM)]
    return [Track(number, stream) for number, stream in enumerate(films, 1)]


def preferred(found: Sequence[Track], which: str | None, name: str) -> list[Track]:
    """Those of ``found`` to try, best first; the one that the user names alone. Raises :class:`EngineError` where
    there is no such one, or several are; ``name`` is the medium's."""
    if which is None:
        # A single picture that is not marked as one is a cover as well, where there is a film beside it.
        return sorted(found, key=lambda track: (track.stream.frames == 1, not track.default, track.number))
    named = [track for track in found if track.is_named(which)]
    if len(named) != 1:
        there = "; ".join(track.label for track in found) or "none of that kind"
        many = "several tracks are" if named else "no track is"
        raise EngineError(f"{name}: {many} called {which!r}; give the number of one of: {there}")
    return named


def _marked(stream: Any, mark: str) -> bool:
    from av.stream import Disposition

    wanted = getattr(Disposition, mark, None)
    return wanted is not None and bool(stream.disposition & wanted)
