"""Pictures as people see them: pixels that are not square, pictures that are turned, streams without any times."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

av = pytest.importorskip("av", reason="PyAV is not installed")

from engine.channels import FACE  # noqa: E402
from engine.sources.file import FileSource  # noqa: E402
from engine.sources.media import MediaFile, upright  # noqa: E402
from tests.engine.made_media import RATE  # noqa: E402
from tests.engine.test_sources_file import Shade, play  # noqa: E402
from tests.engine.test_tracker_real import data, tracked  # noqa: E402, F401


def film(path: Path, pictures: list[np.ndarray], pixel: Fraction = Fraction(1), codec: str = "mpeg4") -> Path:
    """The (H, W, 3) pictures at 25 a second, with the stated width over height of a pixel."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.sample_aspect_ratio = pixel
        stream.bit_rate = 4_000_000
        for k, rgb in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, 25)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def turned(path: Path) -> Path:
    """Mark an MP4 film as a phone does that was held upright: to be shown turned by 90 degrees clockwise."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40
    content[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path.write_bytes(bytes(content))
    return path


def block(rgb: np.ndarray) -> tuple[int, int, int, int]:
    """Where the bright block of a picture is: top, bottom, left, right."""
    rows, columns = (np.flatnonzero(rgb.max((other, 2)) > 120) for other in (1, 0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


BLOCK = np.zeros((96, 144, 3), np.uint8)
BLOCK[24:72, 24:60] = 240  # 48 high and 36 wide as stored, left of the middle


@pytest.mark.parametrize(
    ("pixel", "size", "seen"),
    [
        (Fraction(1), (96, 144), (24, 72, 24, 60)),
        (Fraction(4, 3), (96, 192), (24, 72, 32, 80)),
        (Fraction(8, 9), (108, 144), (27, 81, 24, 60)),
        (Fraction(2), (96, 288), (24, 72, 48, 120)),
        (Fraction(8), (96, 144), (24, 72, 24, 60)),  # a broken header
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_stored_pixels_become_square(
    tmp_path: Path, suffix: str, pixel: Fraction, size: tuple[int, int], seen: tuple[int, ...]
) -> None:
    media = MediaFile(film(tmp_path / f"a{suffix}", [BLOCK] * 3, pixel))
    rgb = upright(next(media.pictures())[1])
    assert rgb.shape == (*size, 3)
    np.testing.assert_allclose(block(rgb), seen, atol=3)
    assert ("pixel_aspect" in media.details) == (size != (96, 144))


def test_a_turned_picture_is_made_square_first_and_then_turned(tmp_path: Path) -> None:
    rgb = upright(next(MediaFile(turned(film(tmp_path / "a.mp4", [BLOCK] * 3, Fraction(4, 3)))).pictures())[1])
    assert rgb.shape == (192, 96, 3)
    np.testing.assert_allclose(block(rgb), (32, 80, 24, 72), atol=3)  # its left is now the top


def test_a_face_stored_narrow_has_the_numbers_of_the_square_one(tmp_path: Path, data: Path) -> None:  # noqa: F811
    square = [upright(p) for _, p in MediaFile(data / "face_grid_av/video/s1_bbaf4p.mpg").pictures()][:50]
    height, width = square[0].shape[:2]
    narrow = []
    for rgb in square:
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
        narrow.append(frame.reformat(width=width * 3 // 4, height=height).to_ndarray(format="rgb24"))
    path = film(tmp_path / "narrow.mp4", narrow, Fraction(4, 3))
    got = tracked([upright(picture) for _, picture in MediaFile(path).pictures()])
    names = [FACE[name] for name in ("jawOpen", "mouthSmileLeft", "mouthSmileRight", "headYaw", "headPitch")]
    np.testing.assert_allclose(got[10:, names].mean(0), tracked(square)[10:, names].mean(0), atol=0.06)
    squeezed = tracked(narrow)
    assert np.abs(squeezed[10:, names].mean(0) - got[10:, names].mean(0)).max() > 0.1  # what would be seen otherwise


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".m4v", "mpeg4"), (".mjpeg", "mjpeg"), (".m1v", "mpeg1video"), (".h264", "libx264"), (".hevc", "libx265")],
)
@pytest.mark.parametrize("fast", [False, True])
def test_a_bare_stream_of_pictures_is_played_at_its_rate(tmp_path: Path, suffix: str, codec: str, fast: bool) -> None:
    levels = [np.full((48, 72, 3), 40 + 8 * k, np.uint8) for k in range(20)]
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    path = film(tmp_path / f"raw{suffix}", levels, codec=codec)
    hops, faces, source = play(FileSource(path, fast=fast, tracker=Shade()))
    assert 19 <= len(hops) <= 22
    assert not any(hop.valid for hop in hops)
    if fast:
        assert faces[9] == pytest.approx(40 + 8 * 10, abs=10)
    assert source.problem is None


def test_bare_sound_without_times_is_played(tmp_path: Path) -> None:
    for suffix, codec in ((".aac", "aac"), (".ac3", "ac3")):
        path = tmp_path / f"raw{suffix}"
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream(codec, rate=48_000, layout="mono")
            frame = av.AudioFrame.from_ndarray(
                0.3 * np.sin(np.arange(48_000) / 9, dtype=np.float32)[None], format="fltp", layout="mono"
            )
            frame.sample_rate = 48_000
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)
        blocks = list(MediaFile(path).audio(RATE))
        assert sum(len(one.samples) for one in blocks if one.valid) == pytest.approx(RATE, abs=RATE // 8)
