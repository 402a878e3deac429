"""Pictures that somebody sends: which bytes are one, that nothing piles up, and a real face in a real film."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import cli
from engine.clock import FakeClock, MonotonicClock
from engine.feeds.latest import PoseRing
from engine.sources.base import FaceTracker
from engine.sources.jpeg import LEAST_SIDE, MOST_PIXELS, MOST_SCANS, JpegError, JpegReader
from engine.sources.media import MediaFile, upright
from engine.sources.picture_slot import PictureSlot
from engine.sources.pictures import PicturesSource, Trackers
from engine.tracker import MediaPipeTracker
from tests.engine.feeds.made import feeds
from tests.engine.network.pictured import Reds, encoded, jpeg
from tests.engine.recordings import with_faces

MS = 1_000_000
READER = JpegReader()


def test_a_picture_keeps_its_colours_and_its_size() -> None:
    bgr = np.zeros((60, 100, 3), np.uint8)
    bgr[:, :50], bgr[:, 50:] = (10, 20, 230), (200, 30, 5)
    rgb = READER.read(encoded(bgr, 95))
    assert rgb.shape == (60, 100, 3) and rgb.dtype == np.uint8
    assert np.abs(rgb[:, 5:45].mean((0, 1)) - (230, 20, 10)).max() < 8
    assert np.abs(rgb[:, 55:95].mean((0, 1)) - (5, 30, 200)).max() < 8
    grey = READER.read(encoded(np.full((40, 40), 90, np.uint8)))
    assert grey.shape == (40, 40, 3) and np.abs(grey.astype(int) - 90).max() < 4


def test_sizes_are_bounded_by_the_header() -> None:
    assert READER.read(jpeg(size=(640, 480))).shape == (480, 640, 3)
    assert READER.read(jpeg(size=(LEAST_SIDE, LEAST_SIDE))).shape == (LEAST_SIDE, LEAST_SIDE, 3)
    for size in ((640, 496), (LEAST_SIDE - 1, 480), (480, LEAST_SIDE - 1), (8000, 40), (40, 8000)):
        with pytest.raises(JpegError, match="whole JPEG"):
            READER.read(jpeg(size=size))
    bomb = bytearray(jpeg(size=(64, 64)))
    at = bomb.index(b"\xff\xc0") + 5  # height and width of the frame header
    bomb[at : at + 4] = b"\xff\xdc\xff\xdc"
    began = time.process_time()
    with pytest.raises(JpegError):
        READER.read(bytes(bomb))
    assert MOST_PIXELS < 65_500**2 and time.process_time() - began < 1.0  # a picture of that size takes many seconds


def test_scans_are_bounded() -> None:
    good, data = cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    progressive = bytes(data.tobytes())
    assert good and READER.read(progressive).shape == (64, 64, 3)
    last = progressive[progressive.rindex(b"\xff\xda") : -2]
    with pytest.raises(JpegError):
        READER.read(progressive[:-2] + MOST_SCANS * last + progressive[-2:])


def test_what_is_cut_short_is_none() -> None:
    noisy = encoded(np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8))
    assert READER.read(noisy).shape == (120, 160, 3)
    for bad in (noisy[: len(noisy) // 2], noisy[:-400], noisy[4000:], noisy[::-1], b"", b"\xff\xd8"):
        with pytest.raises(JpegError):
            READER.read(bad)
        assert READER.read(noisy).shape == (120, 160, 3)  # what was none leaves nothing behind


WHOLE = jpeg(0.7, (64, 48))
SPOT = st.tuples(st.integers(0, len(WHOLE) - 1), st.binary(max_size=12))


@settings(max_examples=400, deadline=None)
@given(st.lists(SPOT, min_size=1, max_size=5), st.integers(0, len(WHOLE)), st.binary(max_size=40))
def test_whatever_the_bytes_are_they_are_a_picture_or_refused(
    spots: list[tuple[int, bytes]], length: int, more: bytes
) -> None:
    data = bytearray(WHOLE)
    for at, new in spots:
        data[at : at + len(new)] = new
    for bytes_ in (bytes(data), bytes(data[:length]) + more, more):
        try:
            rgb = READER.read(bytes_)
        except JpegError:
            continue
        assert rgb.dtype == np.uint8 and rgb.shape[2] == 3 and rgb.shape[0] * rgb.shape[1] <= MOST_PIXELS
    assert READER.read(WHOLE).shape == (48, 64, 3)  # it goes on as if nothing had been


def test_the_newest_picture_waits_and_the_others_are_passed_over() -> None:
    slot = PictureSlot[str](None)
    for at, name in enumerate("abc"):
        assert slot.wants(at)
        slot.put(name, at)
    assert slot.waiting and slot.skipped == 2
    assert slot.take(0.0) == "c" and slot.take(0.0) is None and not slot.waiting


class Slow(Reds):
    """A tracker that waits until it is told to go on."""

    go = threading.Event()

    def track(self, rgb: np.ndarray, time_ns: int) -> np.ndarray | None:
        Slow.go.wait(10.0)
        return super().track(rgb, time_ns)


def wait(there: object) -> None:
    assert callable(there)
    for _ in range(2000):
        if there():
            return
        time.sleep(0.005)
    raise AssertionError("it did not happen")


def source(make: type[FaceTracker] | None = None, most: int = 1) -> tuple[PicturesSource, PoseRing, dict[str, int]]:
    counts: dict[str, int] = {}
    made = PicturesSource(
        Trackers(most, make or Reds), None, lambda what, many: counts.update({what: counts.get(what, 0) + many})
    )
    ring = PoseRing(200)
    return made, ring, counts


def test_what_comes_while_one_is_tracked_is_passed_over_but_for_the_newest() -> None:
    made, ring, counts = source(Slow)
    Slow.go.clear()
    clock = FakeClock()
    made.start(feeds(ring), clock)
    made.put(jpeg(0.2), 0, 0)
    wait(lambda: not made._slot.waiting)
    for number in range(1, 9):
        made.put(jpeg(0.1 * number), number * MS, number * MS)
    Slow.go.set()
    wait(lambda: counts.get("pictures") == 2)
    newest = ring.newest_before(10 * MS)
    assert newest is not None and newest.capture_ns == 8 * MS and newest.values[0] == pytest.approx(0.8, abs=0.03)
    assert counts == {"pictures": 2, "pictures_skipped": 7}
    made.stop()
    assert made._trackers.used == 0


class Broken(Reds):
    """A tracker that fails."""

    def track(self, rgb: np.ndarray, time_ns: int) -> np.ndarray | None:
        raise RuntimeError("model fell over")


def test_a_tracker_that_fails_is_said_once_and_the_source_lives() -> None:
    made, ring, _ = source(Broken)
    whole = feeds(ring)
    clock = FakeClock()
    made.start(whole, clock)
    for number in range(3):
        made.put(jpeg(0.1 * number), number, number)
        wait(lambda: not made._slot.waiting)
    wait(lambda: made.problem is not None)
    assert "RuntimeError: model fell over" in str(made.problem)
    assert [text for text in whole.notices() if "fell over" in text] == whole.notices()
    clock.advance(5_000 * MS)
    assert made.problem is None  # nothing comes any more
    made.stop()


def test_the_same_picture_again_is_not_tracked_and_is_named() -> None:
    made, ring, counts = source()
    whole = feeds(ring)
    clock = FakeClock()
    made.start(whole, clock)
    for number in range(40):
        clock.advance(100 * MS)
        made.put(jpeg(0.5), clock.now_ns(), clock.now_ns())
        wait(lambda: sum(counts.values()) == number + 1)  # noqa: B023
    assert counts == {"pictures": 1, "pictures_skipped": 39}
    assert "camera frozen" in str(made.problem) and any("camera frozen" in text for text in whole.notices())
    assert len(whole.notices()) == 1
    made.stop()


@pytest.fixture
def film() -> Iterator[list[bytes]]:
    path = with_faces() / "face_grid_av" / "video" / "s1_bbaf4p.mpg"
    yield [encoded(upright(frame)[:, :, ::-1]) for _, frame in MediaFile(path).pictures()]


def test_a_real_face_is_the_one_that_the_tracker_finds_in_the_same_picture(film: list[bytes]) -> None:
    counts: dict[str, int] = {}
    trackers = Trackers(1, MediaPipeTracker)
    made = PicturesSource(trackers, None, lambda what, many: counts.update({what: counts.get(what, 0) + many}))
    ring, clock, directly = PoseRing(200), MonotonicClock(), MediaPipeTracker()
    made.start(feeds(ring), clock)
    start = clock.now_ns()
    reader = JpegReader()
    assert max(map(len, film)) < 64 * 1024
    for number, data in enumerate(film[:40]):
        at = start + number * 40 * MS
        made.put(data, at, at)
        wait(lambda: counts.get("pictures", 0) + counts.get("pictures_skipped", 0) == number + 1)  # noqa: B023
        face = directly.track(reader.read(data), at)
        found = ring.newest_before(at)
        assert face is not None and found is not None and found.valid and np.array_equal(found.values, face)
    assert counts["pictures"] > 30
    made.stop()
    directly.close()
    assert trackers.used == 0


def test_without_a_network_there_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve", "--pictures"]) == 2
    assert "give --web, or --listen, as well" in capsys.readouterr().err


def test_without_a_tracker_the_engine_says_so_at_the_start(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ENGINE_CACHE", str(tmp_path))
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    words = [
        "serve",
        "--web",
        "127.0.0.1:0",
        "--pictures",
        "--pub",
        "tcp://127.0.0.1:*",
        "--control",
        "tcp://127.0.0.1:*",
    ]
    assert cli.main([*words, "--no-browser"]) == 2
    assert "engine assets" in capsys.readouterr().err


def test_how_many_at_a_time() -> None:
    from engine.cli_parser import PICTURES, parser

    for words, wanted in (([], 0), (["--pictures"], PICTURES), (["--pictures", "2"], 2)):
        assert cli._serve_options(parser().parse_args(["serve", "--web", *words])).pictures == wanted
    for bad in ("0", "-1", "many", "2000"):
        with pytest.raises(SystemExit):
            parser().parse_args(["serve", "--web", "--pictures", bad])
