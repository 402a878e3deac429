"""Turns a recording into a video file, with the partner's voice if any, or a GIF, and into a sheet of its moments."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.filter
import cv2
import numpy as np
from numpy.typing import NDArray

from . import light
from .head import draw_head
from .panel import TRACE_SECONDS, WIDTH, gaze, smile, text
from .screen import Screen
from .store import OWN_AUDIO, PARTNER_AUDIO, FrameStore, Snapshot
from .subtitles import Subtitles

Image = NDArray[np.uint8]
TILE = (360, 300)  # of the sheet: width, height
INSET = (108, 90)
PLAYABLE = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
"""Rates (Hz) at which a film has its sound; others are resampled to the next."""
FRAGMENT_S = 2.0
"""Of a film that breaks off, at most this much of what was written is lost."""


class OutputError(ValueError):
    """A file cannot be written; the message names it and says what to do."""


def check_output(path: Path, endings: tuple[str, ...]) -> None:
    """Raise :class:`OutputError` now rather than after the recording."""
    if path.suffix.lower() not in endings:
        raise OutputError(f"output {path}: the name must end in {' or '.join(endings)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"output {path}: {error.strerror}; choose another folder") from None
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise OutputError(f"output {path}: it cannot be written; choose a writable file name")


def pictures(store: FrameStore) -> Iterator[Image]:
    """One canvas per frame number from the first to the last; a missing one repeats the picture before it. Where the
    avatar's words are known they stand under it."""
    if not store.moments:
        return
    first, last = min(store.moments), max(store.moments)
    window = round(TRACE_SECONDS * store.rate)
    recent: list[Snapshot] = []
    lost = 0
    screen = Screen(store)
    canvas: Image | None = None
    titles = Subtitles(store.words(), WIDTH) if store.said else None
    for seq in range(first, last + 1):
        moment = store.moments.get(seq)
        if moment is None:
            lost += 1
        else:
            recent = [*recent[-window:], moment]
            late = recent[-25:]
            span = (late[-1].received_ns - late[0].received_ns) / 1e9
            canvas = screen.draw(recent, (len(late) - 1) / span if span > 0 else store.rate, lost)
        if canvas is not None:
            moment_s = (seq - first + 0.5) / store.rate
            yield canvas if titles is None else np.concatenate([canvas, titles.draw(moment_s)])


def sound(store: FrameStore) -> NDArray[np.float32] | None:
    """One voice (N,), or the avatar's own on the left and the partner's on the right (2, N), in [-1, 1], one hop per
    frame number, silence where they are missing; None without any."""
    heard = [
        part for part in (OWN_AUDIO, PARTNER_AUDIO) if any(part in moment.values for moment in store.moments.values())
    ]
    if not heard:
        return None
    first, last = min(store.moments), max(store.moments)
    whole = np.zeros((len(heard), (last - first + 1), store.hop), np.float32)
    for seq, moment in store.moments.items():
        for row, part in enumerate(heard):
            if part in moment.values and moment.values[part].size == store.hop:
                whole[row, seq - first] = np.nan_to_num(moment.values[part])
    voices = np.clip(whole.reshape(len(heard), -1), -1.0, 1.0)
    return voices[0] if len(heard) == 1 else voices


def write_video(
    path: Path, frames: Iterable[Image], rate: float, voice: NDArray[np.float32] | None, sample_rate: int
) -> int:
    """Encode ``frames`` (H, W, 3) BGR at ``rate`` per second with ``voice``, (N,) or (2, N), as the sound; returns
    their number.

    Height and width must be even. If interrupted the file is closed properly with what has been encoded. Raises
    :class:`OutputError` where it cannot be written to the end, with how much of it can be played.
    """
    film = _Film(path, rate, voice, sample_rate)
    try:
        with av.open(str(path), "w", options=_whole_or_cut()) as file:
            film.write(file, frames)
    except (OSError, av.FFmpegError) as error:
        kept = playable(path)
        if not kept and path.is_file() and not path.is_symlink():
            path.unlink()
        left = f"its first {kept} frames can be played" if kept else "nothing of it was kept"
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"{path}: {reason} after {film.count} frames; {left}") from None
    return film.count


def playable(path: Path) -> int:
    """How many pictures of a film can be decoded; 0 where it is none."""
    count = 0
    try:
        with av.open(str(path)) as file:
            for _ in file.decode(video=0):
                count += 1
    except (OSError, IndexError, av.FFmpegError):
        pass
    return count


def _whole_or_cut() -> dict[str, str]:
    """Options with which a film that is not written to its end, of a full disk, can be played as far as it goes; one
    that is gets its index at the end as usual, where FFmpeg can (7.1 and later)."""
    flags = "hybrid_fragmented" if av.library_versions["libavformat"] >= (61, 7, 0) else "frag_keyframe+empty_moov"
    return {"movflags": flags}


def _resampled(voice: NDArray[np.float32], layout: str, before: int, after: int) -> NDArray[np.float32]:
    """``voice`` (channels, N) at another rate (Hz)."""
    resampler = av.AudioResampler(format="fltp", layout=layout, rate=after)
    whole = av.AudioFrame.from_ndarray(np.ascontiguousarray(voice), format="fltp", layout=layout)
    whole.sample_rate = before
    return np.concatenate([item.to_ndarray() for item in (*resampler.resample(whole), *resampler.resample(None))], 1)


class _Film:
    """Encodes pictures and sound side by side; ``count`` are the pictures that were taken."""

    def __init__(self, path: Path, rate: float, voice: NDArray[np.float32] | None, sample_rate: int) -> None:
        self.count = self._fed = 0
        self._rate, self._sample_rate = rate, sample_rate
        self._voice, self._layout = None, "mono"
        if voice is not None:
            self._voice = np.atleast_2d(voice)
            self._layout = "stereo" if len(self._voice) == 2 else "mono"
            if sample_rate not in PLAYABLE:
                self._sample_rate = next((rate for rate in PLAYABLE if rate > sample_rate), PLAYABLE[-1])
                self._voice = _resampled(self._voice, self._layout, sample_rate, self._sample_rate)

    def write(self, file: Any, frames: Iterable[Image]) -> None:
        encoder = "libx264" if "libx264" in av.codecs_available else "mpeg4"
        options = {"crf": "19", "preset": "veryfast"} if encoder == "libx264" else {"q": "3"}
        options["g"] = str(max(round(FRAGMENT_S * self._rate), 1))
        picture = file.add_stream(encoder, rate=Fraction(self._rate).limit_denominator(1001), options=options)
        picture.pix_fmt = "yuv420p"
        track = None
        if self._voice is not None:
            track = file.add_stream("aac", rate=self._sample_rate)
            track.layout = self._layout
        try:
            for image in frames:
                if self.count == 0:
                    picture.height, picture.width = image.shape[:2]
                file.mux(picture.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")))
                self.count += 1
                self._sound(file, track)
        except (OSError, av.FFmpegError):
            raise  # nothing more can be written
        except BaseException:
            self._end(file, picture, track)
            raise
        self._end(file, picture, track)

    def _sound(self, file: Any, track: Any) -> None:
        """What is heard until the pictures' end."""
        voice, fed = self._voice, self._fed
        if track is None or voice is None:
            return
        size = voice.shape[1]
        until = min(size, round(self.count / self._rate * self._sample_rate))
        while fed < until and (until - fed >= 1024 or until == size):
            piece = voice[:, fed : min(fed + 1024, until)]
            chunk = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="fltp", layout=self._layout)
            chunk.sample_rate, chunk.pts, chunk.time_base = self._sample_rate, fed, Fraction(1, self._sample_rate)
            file.mux(track.encode(chunk))
            fed += piece.shape[1]
        self._fed = fed

    def _end(self, file: Any, picture: Any, track: Any) -> None:
        if self.count:
            file.mux(picture.encode(None))
            if track is not None and self._fed:
                file.mux(track.encode(None))


def write_picture(path: Path, image: Image) -> None:
    """Write ``image`` (H, W, 3) BGR as the kind of file that its ending says. Raises :class:`OutputError`; half a
    picture is not left."""
    done, data = cv2.imencode(path.suffix, image)
    if not done:
        raise OutputError(f"{path}: the picture cannot be encoded as {path.suffix}")
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        if path.is_file() and not path.is_symlink():
            path.unlink()
        raise OutputError(f"{path}: {error.strerror}; nothing of the picture was kept") from None


def write_gif(path: Path, frames: Iterable[Image], rate: float) -> int:
    """Write ``frames`` (H, W, 3) BGR as an endless GIF with a palette made for them; returns their number.

    GIF counts time in hundredths of a second, so a rate that does not fit is rounded on average. Raises
    :class:`OutputError` where it cannot be written.
    """
    try:
        return _write_gif(path, frames, rate)
    except (OSError, av.FFmpegError) as error:
        raise OutputError(f"{path}: {getattr(error, 'strerror', None) or error}; it is not whole") from None


def _write_gif(path: Path, frames: Iterable[Image], rate: float) -> int:
    pace = Fraction(rate).limit_denominator(1001)
    count = 0
    graph: av.filter.Graph | None = None
    with av.open(str(path), "w") as file:
        stream = file.add_stream("gif", rate=pace)
        stream.pix_fmt = "pal8"
        for image in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
            frame.pts, frame.time_base = count, 1 / pace
            if graph is None:
                stream.height, stream.width = image.shape[:2]
                graph = _palette(stream.width, stream.height, 1 / pace)
            graph.vpush(frame)
            count += 1
        if graph is not None:
            graph.vpush(None)
            for _ in range(count):
                file.mux(stream.encode(graph.vpull()))
            file.mux(stream.encode(None))
    return count


def _palette(width: int, height: int, time_base: Fraction) -> av.filter.Graph:
    """A filter graph that gives all pictures of a film 256 colours made for them."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=width, height=height, format="bgr24", time_base=time_base)
    split, make = graph.add("split"), graph.add("palettegen", "stats_mode=full")
    use, sink = graph.add("paletteuse", "dither=bayer:bayer_scale=4"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(make, 1, 0)
    make.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph


def moments_of_interest(store: FrameStore, count: int = 12) -> list[tuple[int, str]]:
    """Up to ``count`` (frame number, word) in order of time: nods, blinks, smiles, averted gaze, and even filling."""
    numbers = sorted(store.moments)
    faces = [store.moments[seq].face for seq in numbers]
    apart = max(1, round(0.5 * store.rate))
    blink = [0.5 * (f.get("eyeBlinkLeft", 0.0) + f.get("eyeBlinkRight", 0.0)) for f in faces]
    measures = (
        ("nod", [f.get("headPitch", 0.0) for f in faces], 0.05),
        ("blink", blink, 0.5),
        ("smile", [smile(f) for f in faces], 0.2),
        ("gaze", [abs(gaze(f)) for f in faces], 0.2),
        ("brows", [f.get("browInnerUp", 0.0) for f in faces], 0.2),
    )
    chosen: dict[int, str] = {}

    def free(seq: int) -> bool:
        return len(chosen) < count and all(abs(seq - other) >= apart for other in chosen)

    for word, values, least in measures:
        taken = 0
        for index in np.argsort(values)[::-1].tolist():
            if taken == 2 or values[index] < least:
                break
            if free(numbers[index]):
                chosen[numbers[index]] = word
                taken += 1
    # Evenly spaced over the whole; near a chosen one the next closer spacing tries again.
    for parts in (count, 2 * count, 4 * count):
        for index in np.linspace(0, len(numbers) - 1, parts).round().astype(int).tolist():
            if free(numbers[index]):
                chosen[numbers[index]] = ""
    return sorted(chosen.items())


def contact_sheet(store: FrameStore, columns: int = 4, rows: int = 3) -> Image:
    """A sheet (H, W, 3) uint8 BGR of the moments of interest, each stamped with its time; the partner is inset."""
    wide, tall = TILE
    sheet = np.full((rows * tall, columns * wide, 3), 40, np.uint8)
    first = min(store.moments, default=0)
    for index, (seq, word) in enumerate(moments_of_interest(store, columns * rows)):
        moment = store.moments[seq]
        tile = draw_head(moment.face, size=TILE)
        if moment.partner:
            tile[-INSET[1] - 6 : -6, -INSET[0] - 6 : -6] = draw_head(moment.partner, size=INSET, style=light.PARTNER)
            corners = (wide - INSET[0] - 7, tall - INSET[1] - 7), (wide - 6, tall - 6)
            cv2.rectangle(tile, *corners, (220, 214, 208), 1)
        text(tile, f"{(seq - first) / store.rate:.1f} s  {word}", 10, 22, 0.5)
        y, x = divmod(index, columns)
        sheet[y * tall : (y + 1) * tall, x * wide : (x + 1) * wide] = tile
    return sheet
