"""The file source on files made here: every common shape of sound and picture, loops, repeatability."""

from __future__ import annotations

import os
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

av = pytest.importorskip("av", reason="PyAV is not installed")

from engine.clock import FakeClock, MonotonicClock  # noqa: E402
from engine.feeds.latest import PoseRing  # noqa: E402
from engine.feeds.samples import AudioRing, Hop  # noqa: E402
from engine.sources.file import FileSource  # noqa: E402
from tests.engine.feeds.made import feeds  # noqa: E402

RATE, HOP = 16_000, 640
START_NS = 1_000_000_000


class Shade:
    """A tracker that sees a face in every bright picture: value 0 is the picture's brightness."""

    def __init__(self, dark_is_nobody: bool = True) -> None:
        self.closed = 0
        self._dark_is_nobody = dark_is_nobody

    def track(self, rgb: np.ndarray, time_ns: int) -> np.ndarray | None:
        assert rgb.dtype == np.uint8
        assert rgb.flags["C_CONTIGUOUS"]
        level = float(rgb.mean())
        if level < 20 and self._dark_is_nobody:
            return None
        return np.full(58, level, np.float32)

    def close(self) -> None:
        self.closed += 1


def wav(path: Path, samples: np.ndarray, rate: int, fmt: str = "s16") -> Path:
    """Write (n,) or (n, 2) float32 as a container that the suffix of ``path`` names."""
    stereo = samples.ndim == 2
    codec = {".wav": "pcm_s16le", ".flac": "flac"}[path.suffix]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo" if stereo else "mono")
        packed = np.round(samples * 32767).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format=fmt, layout="stereo" if stereo else "mono")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return path


def film(
    path: Path,
    levels: list[int],
    fps: int = 25,
    sound: np.ndarray | None = None,
    sound_from_s: float = 0.0,
    begins_s: float = 0.0,
) -> Path:
    """Grey pictures of the given levels with timestamps from ``begins_s``, and 16 kHz sound ``sound_from_s`` later."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=fps)
        video.width, video.height, video.pix_fmt = 72, 48, "yuv420p"  # 72: rows that PyAV pads
        audio = container.add_stream("aac", rate=RATE, layout="mono") if sound is not None else None
        for index, level in enumerate(levels):
            picture = av.VideoFrame.from_ndarray(np.full((48, 72, 3), level, np.uint8), format="rgb24")
            picture.pts, picture.time_base = index + round(begins_s * fps), Fraction(1, fps)
            for packet in video.encode(picture):
                container.mux(packet)
        for packet in video.encode(None):
            container.mux(packet)
        if audio is not None and sound is not None:
            for first in range(0, len(sound), 1024):
                part = sound[None, first : first + 1024].astype(np.float32)
                block = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
                block.sample_rate, block.pts = RATE, first + round((begins_s + sound_from_s) * RATE)
                for packet in audio.encode(block):
                    container.mux(packet)
            for packet in audio.encode(None):
                container.mux(packet)
    return path


def tone(rate: int, seconds: float, hz: float = 440) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def play(source: Any, limit: int = 10_000) -> tuple[list[Hop], list[float | None], Any]:
    """Play fast to the end: the hops, what the newest face not later than each hop says, and the source, stopped."""
    audio, face = AudioRing(RATE, HOP, 2), PoseRing()
    hops: list[Hop] = []
    faces: list[float | None] = []
    source.start(feeds(face, audio=audio, start_ns=START_NS), FakeClock(START_NS))
    try:
        while len(hops) < limit and audio.wait(len(hops), 60):
            hop = audio.read_hop(len(hops))
            assert hop is not None
            seen = face.newest_before(hop.capture_ns)
            faces.append(float(seen.values[0]) if seen is not None and seen.valid else None)
            audio.consumed(len(hops))
            hops.append(hop)
    finally:
        source.stop()
    return hops, faces, source


def heard(hops: list[Hop]) -> np.ndarray:
    return np.concatenate([hop.samples for hop in hops])


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("stereo", [False, True])
@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_sound_arrives_at_the_models_rate_and_in_time(tmp_path: Path, rate: int, stereo: bool, suffix: str) -> None:
    samples = tone(rate, 1.0)
    if stereo:
        samples = np.stack([2 * samples, np.zeros_like(samples)], 1)  # the mean is the tone again
    hops, _, source = play(FileSource(wav(tmp_path / f"a{suffix}", samples, rate), fast=True))
    assert len(hops) == 25
    assert all(hop.valid for hop in hops)
    assert [hop.capture_ns for hop in hops] == [START_NS + (k + 1) * 40_000_000 for k in range(25)]
    np.testing.assert_allclose(heard(hops)[300:-300], tone(RATE, 1.0)[300:-300], atol=2e-3)
    assert source.finished
    assert source.problem is None
    assert list(source.gives) == [("audio", "partner")]
    assert source.describe()["audio_rate"] == rate


def test_a_film_gives_each_frame_the_picture_of_its_time(tmp_path: Path) -> None:
    levels = [40 + 5 * (k % 40) for k in range(50)]
    tracker = Shade()
    path = film(tmp_path / "a.mp4", levels, sound=tone(RATE, 2.0))
    hops, faces, source = play(FileSource(path, fast=True, tracker=tracker))
    # Hop k ends at (k + 1) * 40 ms, which is when picture k + 1 begins.
    assert len(hops) >= 50
    for k in range(49):
        assert faces[k] == pytest.approx(levels[k + 1], abs=6)
    np.testing.assert_allclose(heard(hops)[2_000:30_000], tone(RATE, 2.0)[2_000:30_000], atol=0.05)
    assert list(source.gives) == [("audio", "partner"), ("face", "partner")]
    assert tracker.closed == 1


def test_playing_fast_gives_the_same_every_time(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", [60 + k for k in range(100)], fps=50, sound=tone(RATE, 2.0))
    first, faces, _ = play(FileSource(path, fast=True, tracker=Shade()))
    again, faces_again, _ = play(FileSource(path, fast=True, tracker=Shade()))
    assert faces == faces_again
    assert len(first) == len(again) >= 50  # aac rounds its length up
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.samples, b.samples)
        assert (a.capture_ns, a.valid) == (b.capture_ns, b.valid)


def test_a_film_without_sound_keeps_the_clock_with_invalid_silence(tmp_path: Path) -> None:
    path = film(tmp_path / "mute.mp4", [100] * 30, fps=12)  # 2.5 s
    hops, faces, source = play(FileSource(path, fast=True, tracker=Shade()))
    assert len(hops) == 63
    assert not any(hop.valid or hop.samples.any() for hop in hops)
    assert all(value == pytest.approx(100, abs=3) for value in faces)
    assert ("audio", "partner") in source.gives and source.describe()["audio"] is False
    assert source.problem is None


def test_sound_switched_off_is_not_played(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [100] * 25, sound=tone(RATE, 1.0))
    hops, _, source = play(FileSource(path, fast=True, tracker=Shade(), audio=False))
    assert len(hops) == 25
    assert not any(hop.valid for hop in hops)
    assert ("audio", "partner") in source.gives and source.describe()["audio"] is False


def test_sound_that_starts_later_than_the_picture_keeps_its_distance(tmp_path: Path) -> None:
    path = film(tmp_path / "late.mkv", [100] * 50, sound=tone(RATE, 1.0), sound_from_s=0.8)
    hops, _, _ = play(FileSource(path, fast=True))
    first_valid = next(k for k, hop in enumerate(hops) if hop.valid)
    assert 18 <= first_valid <= 21  # 0.8 s is 20 hops; a codec's run-in may begin a little before
    assert not any(hop.samples.any() for hop in hops[:18])
    loud = np.flatnonzero(np.abs(heard(hops)) > 0.1)[0] / RATE
    assert 0.78 < loud < 0.83
    assert len(hops) == 50


def test_a_container_that_does_not_count_from_zero_starts_at_once(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", [40 + 5 * k for k in range(25)], sound=tone(RATE, 1.0), begins_s=2.0)
    with av.open(str(path)) as container:
        assert container.start_time > 1_900_000
    hops, faces, source = play(FileSource(path, fast=True, tracker=Shade()))
    assert 25 <= len(hops) <= 27
    assert hops[3].valid
    assert faces[10] == pytest.approx(40 + 5 * 11, abs=6)
    assert source.problem is None


def test_a_picture_longer_than_the_sound_goes_on_in_silence(tmp_path: Path) -> None:
    hops, faces, _ = play(
        FileSource(film(tmp_path / "a.mkv", [90] * 50, sound=tone(RATE, 0.5)), fast=True, tracker=Shade())
    )
    assert len(hops) == 50
    assert not any(hop.valid for hop in hops[16:])
    assert faces[49] == pytest.approx(90, abs=3)


def test_a_loop_goes_on_with_time_and_faces_in_step(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", [40 + 5 * k for k in range(25)])
    hops, faces, source = play(FileSource(path, fast=True, tracker=Shade(), loop=True), limit=80)
    assert source.problem is None
    assert [hop.capture_ns - START_NS for hop in hops] == [(k + 1) * 40_000_000 for k in range(80)]
    for k in range(24):
        assert faces[k] == faces[k + 25] == faces[k + 50]


def test_no_face_is_a_problem_after_a_second_and_over_when_it_returns(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [100] * 5 + [0] * 45)
    source = FileSource(path, fast=True, tracker=Shade())
    _, faces, _ = play(source)
    assert faces[0] is not None
    assert faces[30] is None
    assert source.problem == "no face since 1.8 s"
    path = film(tmp_path / "b.mp4", [0] * 45 + [100] * 5)
    _, _, source = play(FileSource(path, fast=True, tracker=Shade()))
    assert source.problem is None


def test_non_finite_numbers_of_a_tracker_are_passed_on(tmp_path: Path) -> None:
    class Wild(Shade):
        def track(self, rgb: np.ndarray, time_ns: int) -> np.ndarray | None:
            return np.full(58, np.nan, np.float32)

    _, faces, _ = play(FileSource(film(tmp_path / "a.mp4", [100] * 10), fast=True, tracker=Wild()))
    assert all(value is not None and np.isnan(value) for value in faces)


def test_a_tracker_that_fails_ends_the_play_with_its_words(tmp_path: Path) -> None:
    class Broken(Shade):
        def track(self, rgb: np.ndarray, time_ns: int) -> np.ndarray | None:
            raise RuntimeError("model fell over")

    _, _, source = play(FileSource(film(tmp_path / "a.mp4", [100] * 10), fast=True, tracker=Broken()))
    assert source.finished
    assert "model fell over" in (source.problem or "")


def test_a_stopped_source_ends_its_threads_and_the_ring(tmp_path: Path) -> None:
    before = threading.active_count()
    source = FileSource(wav(tmp_path / "a.wav", tone(RATE, 60.0), RATE))
    source.stop()  # before start: nothing to do
    audio = AudioRing(RATE, HOP, 2)
    source.start(feeds(audio=audio), MonotonicClock())
    assert audio.wait(0, 60)
    source.stop()
    source.stop()
    assert audio.ended
    assert threading.active_count() == before


def test_real_recordings_play_whole() -> None:
    folder = os.environ.get("ENGINE_DATA")
    if not folder:
        pytest.skip("ENGINE_DATA does not name the folder of recordings")
    clips = sorted(Path(folder).glob("face_grid_av/video/*.mpg"))[:2]
    assert clips
    for clip in clips:
        hops, faces, source = play(FileSource(clip, fast=True, tracker=Shade(False)))
        assert len(hops) == 75
        assert sum(hop.valid for hop in hops) >= 74
        assert np.abs(heard(hops)).max() > 0.01
        assert None not in faces
        assert source.problem is None
    gif = Path(folder) / "face_video_intel_ccby" / "head-pose-face-detection-female.gif"
    hops, _, source = play(FileSource(gif, fast=True, tracker=Shade(False)))
    assert len(hops) == 48  # 23 pictures at 12 a second
    assert source.describe()["fps"] == pytest.approx(12, abs=0.6)
