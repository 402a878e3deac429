"""A first look into a medium: which of its tracks are to be played, and what the container says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import EngineError
from engine.sources.reading import Reading, aspect, pyav, reason
from engine.sources.tracks import Track, TrackChoice, preferred, tracks

_TRIED_PACKETS = 500  # looked into at most for a track that decodes, where there are several


@dataclass(frozen=True)
class Found:
    """The streams to play, by their index in the container, or None; ``tracks``, a line for each that can be played;
    ``details`` as plain values; ``stated_s``, the length in seconds that the container states, or None."""

    sound: int | None
    picture: int | None
    tracks: list[str]
    details: dict[str, Any]
    stated_s: float | None

    def streams(self, container: Any) -> tuple[Any, Any]:
        """The sound and the picture stream of the container, opened anew, each or None. Raises :class:`EngineError`
        where it holds something else by now."""
        there = container.streams
        wanted = ((self.sound, "audio"), (self.picture, "video"))
        if any(index is not None and (index >= len(there) or there[index].type != kind) for index, kind in wanted):
            raise EngineError("it holds other tracks than before")
        sound, picture = (None if index is None else there[index] for index, _ in wanted)
        return sound, picture


def look(container: Any, name: str, audio: bool, choice: TrackChoice) -> Found:
    """Find the tracks to play: of each kind the best that decodes, or the one that ``choice`` names.

    ``name`` is the medium's, ``audio`` False leaves sound out. Raises :class:`EngineError` where there is no stream to
    use or nothing decodes.
    """
    if not audio and choice.audio is not None:
        raise EngineError(f"{name}: its sound is switched off, so no track of it can be chosen")
    there = {kind: tracks(container, kind) for kind in (("audio", "video") if audio else ("video",))}
    wanted = {kind: preferred(found, getattr(choice, kind), name) for kind, found in there.items()}
    wanted = {kind: found for kind, found in wanted.items() if found}
    if not wanted:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "none"
        asked = "audio or video" if audio else "video (its audio is switched off)"
        raise EngineError(f"{name}: no {asked} stream in it (streams: {kinds})")
    met: list[str] = []
    decoding = _decoding(container, wanted, met.append)
    if not decoding:
        raise EngineError(
            f"{name}: nothing in it decodes ({', '.join(dict.fromkeys(met)) or 'no frames'}); it is damaged or empty, "
            "make or copy it again"
        )
    played = {
        kind: next((track for track in found if track.stream.index in decoding), found[0])
        for kind, found in wanted.items()
    }
    sound, picture = (played.get(kind) for kind in ("audio", "video"))
    stated_s = float(container.duration / pyav().time_base) if container.duration else None
    lines = [track.label for found in there.values() for track in found]
    return Found(
        sound=None if sound is None else sound.stream.index,
        picture=None if picture is None else picture.stream.index,
        tracks=lines,
        details={"container": container.format.name, **_details(sound, picture), "tracks": lines}
        | {"played": [track.label for track in played.values()]},
        stated_s=stated_s,
    )


def _details(sound: Track | None, picture: Track | None) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if sound is not None:
        details |= {"audio_rate": sound.stream.codec_context.sample_rate, "channels": sound.stream.channels}
    if picture is not None:
        rate, shape = picture.stream.average_rate, aspect(picture.stream)
        details |= {"size": (picture.stream.width, picture.stream.height), "fps": float(rate) if rate else None}
        details |= {"pixel_aspect": f"{shape.numerator}:{shape.denominator}"} if shape != 1 else {}
    return details


def _decoding(container: Any, wanted: dict[str, list[Track]], note: Callable[[str], None]) -> set[int]:
    """The numbers of streams that decode, as far as one has to look to know the best of each kind."""
    tried = [track.stream for found in wanted.values() for track in found]
    best = {found[0].stream.index for found in wanted.values()}
    several = any(len(found) > 1 for found in wanted.values())
    decoding: set[int] = set()
    reading = Reading(container, None, None, note)
    for number, packet in enumerate(_demuxed(container, tried, note)):
        if packet.stream.index not in decoding and reading.frames(packet):
            decoding.add(packet.stream.index)
        if best <= decoding or (decoding and (not several or number > _TRIED_PACKETS)):
            break
    return decoding


def _demuxed(container: Any, streams: Sequence[Any], note: Callable[[str], None]) -> Iterator[Any]:
    try:
        yield from container.demux(list(streams))
    except pyav().error.FFmpegError as error:
        note(f"reading stops early ({reason(error)})")
