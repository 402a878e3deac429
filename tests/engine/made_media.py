"""Films for tests, packet by packet: any timestamps, tracks, pixel shapes and marks that recorders write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition

RATE, FPS = 16_000, 25
_BLOCK = 640


@dataclass(frozen=True)
class Cut:
    """A piece of a film ``seconds`` long whose stamps begin at these seconds; None: the stream pauses in it."""

    seconds: float
    picture_s: float | None = 0.0
    sound_s: float | None = 0.0


def tones(seconds: float, first: int = 0, level: float = 0.5) -> np.ndarray:
    """(n,) float32 in which each 40 ms has a loudness of its own, which names its place, counted from ``first``."""
    blocks = round(seconds * FPS)
    loud = np.repeat(level * (0.2 + 0.8 * ((first + np.arange(blocks)) % 40) / 40), _BLOCK)
    wave = np.sin(2 * np.pi * 500 * np.arange(blocks * _BLOCK) / RATE)
    return (loud * wave).astype(np.float32)


def film(path: Path, cuts: Sequence[Cut], codec: str = "mpeg4", pictures_first: bool = False) -> Path:
    """Grey pictures (level 40 + 5 * (number % 40)) and :func:`tones`, both numbered by the media time of the cuts, with
    the cuts' stamps; stored beside each other, or all ``pictures_first`` where the stamps of the sound are later. A
    container refuses stamps that go back: see :func:`joined`."""
    items: list[tuple[bool, int, float]] = []  # is sound, number, stamp
    at = 0
    for cut in cuts:
        for k in range(round(cut.seconds * FPS)):
            for is_sound, begin_s in ((False, cut.picture_s), (True, cut.sound_s)):
                if begin_s is not None:
                    items.append((is_sound, at + k, begin_s + k / FPS))
        at += round(cut.seconds * FPS)
    has_sound, has_picture = (any(item[0] is kind for item in items) for kind in (True, False))
    beside = {} if pictures_first else {"max_interleave_delta": "100000"}
    with av.open(str(path), "w", options=beside) as container:
        video: Any = container.add_stream(codec, rate=FPS) if has_picture else None
        audio: Any = None
        if video is not None:
            video.width, video.height, video.pix_fmt, video.codec_context.max_b_frames = 72, 48, "yuv420p", 0
        if has_sound:
            codec_of_sound = "mp2" if path.suffix == ".ts" else "pcm_s16le"
            audio = container.add_stream(codec_of_sound, rate=RATE, layout="mono")
        container.start_encoding()
        pending: dict[bool, list[float]] = {True: [], False: []}

        def put(is_sound: bool, packets: Sequence[Any]) -> None:
            stream = audio if is_sound else video
            for packet in packets:
                if packet.size == 0:
                    continue
                number = float(packet.pts * packet.time_base) * FPS
                stamps = pending[is_sound]
                index = min(max(0, int(number + 1e-6)), len(stamps) - 1)
                stamp_s = Fraction(stamps[index]) + Fraction(number - index) / FPS
                packet.pts = packet.dts = round(stamp_s / packet.time_base)
                packet.stream = stream
                container.mux_one(packet)

        encoded: dict[bool, int] = {True: 0, False: 0}
        for is_sound, number, stamp_s in items:
            pending[is_sound].append(stamp_s)
            count, encoded[is_sound] = encoded[is_sound], encoded[is_sound] + 1
            if is_sound:
                packed = np.round(tones(1 / FPS, number) * 32767).astype(np.int16)[None]
                block: Any = av.AudioFrame.from_ndarray(packed, format="s16", layout="mono")
                block.sample_rate, block.pts, block.time_base = RATE, count * _BLOCK, Fraction(1, RATE)
            else:
                grey = np.full((48, 72, 3), 40 + 5 * (number % 40), np.uint8)
                block = av.VideoFrame.from_ndarray(grey, format="rgb24")
                block.pts, block.time_base = count, Fraction(1, FPS)
            put(is_sound, (audio if is_sound else video).encode(block))
        for is_sound, stream in ((False, video), (True, audio)):
            if stream is not None:
                put(is_sound, stream.encode(None))
    return path


def joined(path: Path, *parts: Path) -> Path:
    """Transport streams one after the other in one file, as they are."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def marked(stream: Any, *names: str) -> None:
    """Give a stream these dispositions."""
    value = Disposition(0)
    for name in names:
        value |= Disposition[name]
    stream.disposition = value
