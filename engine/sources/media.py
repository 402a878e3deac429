"""Reads any container that FFmpeg knows (through PyAV) as timed mono audio and timed pictures.

Both are counted from one origin, the first timestamp of the streams used, so a sound track that starts half a second
after the picture keeps that half second (as silence marked invalid), and so do gaps. What is damaged is passed over
and named in ``problem``; a file of which nothing decodes is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.sound.front_end import FrontEnd
from engine.sound.resample import StreamingResampler
from engine.sources.player import AudioBlock

_GAP_S = 0.05  # containers round timestamps to milliseconds: less is no gap
_BREAK_S = 30.0  # more is no gap either, but timestamps that start anew
_SILENCE_S = 1.0
_SHORT_S, _SHORT_PART = 0.5, 0.05  # missing this much of the length that the file states, it is cut short


class MediaFile:
    """One media file, opened and looked into at once; each reading opens it anew.

    ``audio`` False ignores a sound track. Attributes: ``has_audio``, ``has_video``; ``details`` as plain values.
    Raises :class:`EngineError` when the file is missing, not a media file, without a stream to use, or when nothing
    of it decodes.
    """

    def __init__(self, path: Path | str, audio: bool = True) -> None:
        self.path = Path(path)
        self._av = _pyav()
        self._trouble: dict[str, int] = {}
        if not self.path.is_file():
            raise EngineError(f"media file {self.path}: there is no such file; check the path")
        with self._open() as container:
            sound, picture = _streams(container, audio)
            self.has_audio, self.has_video = sound is not None, picture is not None
            used = [stream for stream in (sound, picture) if stream is not None]
            if not used:
                kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "none"
                wanted = "audio or video" if audio else "video (its audio is switched off)"
                raise EngineError(f"media file {self.path}: no {wanted} stream in it (streams: {kinds})")
            starts = [stream.start_time * stream.time_base for stream in used if stream.start_time is not None]
            self._origin: Fraction = min(starts, default=Fraction(0))
            self._stated_s = float(container.duration / self._av.time_base) if container.duration else None
            if self._stated_s and container.format.name == "wav":
                self._stated_s *= _riff_stretch(self.path)
            self.details: dict[str, Any] = {"container": container.format.name, "stated_s": self._stated_s}
            if sound is not None:
                self.details |= {"audio_rate": sound.codec_context.sample_rate, "channels": sound.channels}
            if picture is not None:
                rate = picture.average_rate
                self.details |= {"size": (picture.width, picture.height), "fps": float(rate) if rate else None}
            if not any(self._decoded(container, used)):
                raise EngineError(
                    f"media file {self.path}: nothing in it decodes ({self.problem or 'no frames'}); it is damaged or "
                    "empty, make or copy it again"
                )
        self._trouble.clear()  # what the look at its beginning met, playing will meet again

    @property
    def problem(self) -> str | None:
        """What was damaged in what has been read so far; None when nothing was."""
        if not self._trouble:
            return None
        said = ", ".join(text if times == 1 else f"{text} ({times} times)" for text, times in self._trouble.items())
        return f"media file {self.path.name}: {said}"

    def audio(self, rate: int, front_end: FrontEnd | None = None) -> Iterator[AudioBlock]:
        """The whole length as consecutive blocks of mono float32 at ``rate`` Hz from the origin on, made by
        ``front_end`` (a new one where None is given).

        Where there is no sound (no sound track, a gap, a picture that goes on longer) the blocks are silence and
        invalid, as long as the timestamps of the packets say; pictures are not decoded for that.
        """
        timeline = _Timeline(rate, partial(self._note, "gaps in the sound"))
        front_end = FrontEnd() if front_end is None else front_end
        pictures_end_s = 0.0
        with self._open() as container:
            sound, picture = _streams(container, self.has_audio)
            used = [stream for stream in (sound, picture) if stream is not None]
            for packet in self._packets(container, used):
                if sound is not None and packet.stream.index == sound.index:
                    for frame in self._frames(packet):
                        time_s = None if frame.pts is None else float(frame.pts * frame.time_base - self._origin)
                        yield from timeline.sound(
                            front_end.push(_channels(frame), frame.sample_rate), frame.sample_rate, time_s
                        )
                    continue
                pictures_end_s = max(pictures_end_s, self._packet_end_s(packet))
                if sound is None:
                    yield from timeline.silence_to(pictures_end_s)
        yield from timeline.end_run()
        yield from timeline.silence_to(pictures_end_s)
        # Some containers state their length from timestamp zero, some from their first timestamp: doubt is no damage.
        missing_s = (self._stated_s or 0.0) - timeline.seconds - max(0.0, float(self._origin))
        if missing_s > max(_SHORT_S, _SHORT_PART * (self._stated_s or 0.0)):
            self._note(f"cut short: it ends at {timeline.seconds:.1f} s of the {self._stated_s:.1f} s that it states")

    def pictures(self) -> Iterator[tuple[int, Any]]:
        """(nanoseconds from the origin, PyAV video frame) in order of time, at whatever rate the file has."""
        at_ns = -1
        with self._open() as container:
            _, picture = _streams(container, False)
            if picture is None:
                return
            step_ns = round(1e9 / float(picture.average_rate or 25))
            for frame in self._decoded(container, [picture]):
                if frame.pts is None:
                    at_ns += step_ns if at_ns >= 0 else 1
                else:
                    at_ns = round((frame.pts * frame.time_base - self._origin) * 1_000_000_000)
                yield max(at_ns, 0), frame

    def _open(self) -> Any:
        try:
            return self._av.open(str(self.path), metadata_errors="ignore")
        except (self._av.error.FFmpegError, OSError, ValueError) as error:
            raise EngineError(
                f"media file {self.path}: cannot be opened as audio or video ({_reason(error)}); it is another kind "
                "of file, or damaged"
            ) from error

    def _packets(self, container: Any, used: list[Any]) -> Iterator[Any]:
        try:
            yield from container.demux(used)
        except self._av.error.FFmpegError as error:
            self._note(f"reading stops early ({_reason(error)})")

    def _frames(self, packet: Any) -> list[Any]:
        try:
            return list(packet.decode())
        except self._av.error.EOFError:  # the decoder was flushed already
            return []
        except self._av.error.FFmpegError as error:
            self._note(f"damaged {packet.stream.type} passed over ({_reason(error)})")
            return []

    def _decoded(self, container: Any, used: list[Any]) -> Iterator[Any]:
        for packet in self._packets(container, used):
            yield from self._frames(packet)

    def _packet_end_s(self, packet: Any) -> float:
        start = packet.pts if packet.pts is not None else packet.dts
        if start is None:
            return 0.0
        rate = packet.stream.average_rate
        length = packet.duration * packet.time_base if packet.duration else Fraction(1) / (rate or 25)
        return float(start * packet.time_base + length - self._origin)

    def _note(self, text: str) -> None:
        self._trouble[text] = self._trouble.get(text, 0) + 1


class _Timeline:
    """Puts pieces of sound with timestamps end to end at one rate, with silence where there is none."""

    def __init__(self, rate: int, on_gap: Callable[[], None]) -> None:
        self._rate = rate
        self._on_gap = on_gap
        self._position = 0  # samples at `rate` given out or held by the resampler's delay
        self._resampler: StreamingResampler | None = None
        self._run_start_s = 0.0
        self._run_count = 0

    @property
    def seconds(self) -> float:
        """Length so far."""
        return self._position / self._rate

    def sound(self, samples: NDArray[np.float32], rate: int, time_s: float | None) -> Iterator[AudioBlock]:
        """Sound that starts ``time_s`` after the origin (None: right after what came before)."""
        running = self._resampler
        gap = running is not None and self._is_gap(time_s, running.in_rate)
        if gap:
            self._on_gap()
        if gap or running is None or running.in_rate != rate:
            yield from self.end_run()
            start_s = self.seconds if time_s is None else time_s
            yield from self.silence_to(start_s)
            samples = samples[max(0, round((self.seconds - start_s) * rate)) :]  # before the origin: a codec's run-in
            running = self._resampler = StreamingResampler(rate, self._rate)
            self._run_start_s, self._run_count = self.seconds, 0
        self._run_count += len(samples)
        yield from self._given(running.push(samples), True)

    def end_run(self) -> Iterator[AudioBlock]:
        """Whatever the resampler still holds."""
        if self._resampler is not None:
            yield from self._given(self._resampler.flush(), True)
        self._resampler = None

    def silence_to(self, end_s: float) -> Iterator[AudioBlock]:
        """Invalid silence up to ``end_s`` after the origin, in blocks of a second at most."""
        while (left := round(end_s * self._rate) - self._position) > 0:
            yield from self._given(np.zeros(min(left, round(_SILENCE_S * self._rate)), np.float32), False)

    def _is_gap(self, time_s: float | None, rate: int) -> bool:
        if time_s is None:
            return False
        return _GAP_S < time_s - (self._run_start_s + self._run_count / rate) < _BREAK_S

    def _given(self, samples: NDArray[np.float32], valid: bool) -> Iterator[AudioBlock]:
        self._position += len(samples)
        if len(samples):
            yield AudioBlock(samples, valid)


def upright(frame: Any) -> NDArray[np.uint8]:
    """The picture of a PyAV video frame as (H, W, 3) uint8 RGB, turned as its rotation mark says (phones set it)."""
    rgb: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    quarters = round((frame.rotation or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarters))  # PyAV pads its rows, and trackers take no such picture


def _streams(container: Any, audio: bool) -> tuple[Any, Any]:
    """The first sound and the first picture stream with a decoder, each or None; a cover picture does not count."""
    sound = [stream for stream in container.streams.audio if stream.codec_context is not None] if audio else []
    pictures = [
        stream
        for stream in container.streams.video
        if stream.codec_context is not None and "attached_pic" not in str(stream.disposition)
    ]
    return next(iter(sound), None), next(iter(pictures), None)


def _channels(frame: Any) -> NDArray[np.float32]:
    """The samples of a PyAV audio frame as (n, channels) float32 in [-1, 1]."""
    data = frame.to_ndarray()
    channels = data.T if frame.format.is_planar else data.reshape(-1, len(frame.layout.channels))
    if channels.dtype == np.uint8:
        channels = (channels.astype(np.float32) - 128) / 128
    elif channels.dtype.kind == "i":
        channels = channels.astype(np.float32) / -float(np.iinfo(channels.dtype).min)
    return np.asarray(channels, np.float32)


def _riff_stretch(path: Path) -> float:
    """How much longer a RIFF file says it is than it is: FFmpeg keeps quiet about that one, and plays what is there."""
    with path.open("rb") as file:
        head = file.read(8)
    stated = int.from_bytes(head[4:8], "little") + 8
    streamed = stated - 8 in (0, 0xFFFFFFFF)  # written to a pipe, which leaves the size open
    return 1.0 if head[:4] != b"RIFF" or streamed else max(1.0, stated / path.stat().st_size)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _pyav() -> Any:
    try:
        import av
    except ImportError as error:
        raise EngineError("reading media files needs PyAV, which is not installed: pip install av") from error
    return av
