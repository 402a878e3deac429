"""The built-in partner: sound and face in step, lap after lap, and refusals of what is not one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av", reason="PyAV is not installed")

from engine.clock import FakeClock  # noqa: E402
from engine.errors import EngineError  # noqa: E402
from engine.feeds.latest import PoseRing  # noqa: E402
from engine.feeds.samples import AudioRing  # noqa: E402
from engine.sources.demo import DemoSource  # noqa: E402
from tests.engine.feeds.made import feeds  # noqa: E402

RATE = 16_000
START_NS = 1_000_000_000


def partner(folder: Path, seconds: float = 1.0, frames: int = 25, rate: int = RATE) -> Path:
    """A voice that rises from 0 to 0.5 and a face whose every value is the frame's number + 1."""
    count = round(seconds * rate)
    ramp = np.round(np.linspace(0, 16_000, count)).astype(np.int16)
    with av.open(str(folder / "speech.flac"), "w") as container:
        stream = container.add_stream("flac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(ramp[None], format="s16", layout="mono")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    face = np.repeat(np.arange(1, frames + 1, dtype=np.float32)[:, None], 58, axis=1)
    np.savez(folder / "face.npz", face=face)
    return folder


def run(source: DemoSource, frames: int, rate: int = RATE, hop: int = 640) -> tuple[list[float], list[float], bool]:
    """(last sample of each hop, face at its end, whether all hops were valid)."""
    ring, faces = AudioRing(rate, hop, 2), PoseRing()
    given = feeds(faces, audio=ring, start_ns=START_NS)
    given.raw_sound = True  # the sound of a lap says where in it one is
    source.start(given, FakeClock(START_NS))
    last, seen, valid = [], [], True
    try:
        for k in range(frames):
            if not ring.wait(k, 60):
                break
            got = ring.read_hop(k)
            assert got is not None
            face = faces.newest_before(got.capture_ns)
            last.append(float(got.samples[-1]))
            seen.append(float(face.values[0]) if face is not None else 0.0)
            valid &= got.valid
            ring.consumed(k)
    finally:
        source.stop()
    return last, seen, valid


def test_each_frame_hears_and_sees_the_same_moment_lap_after_lap(tmp_path: Path) -> None:
    last, seen, valid = run(DemoSource(fast=True, folder=partner(tmp_path)), 75)
    assert valid
    assert seen == [*range(1, 26)] * 3
    np.testing.assert_allclose(last, [*np.arange(1, 26) * 0.4882 / 25] * 3, atol=1e-3)


@pytest.mark.parametrize(("rate", "hop"), [(24_000, 800), (48_000, 1_600), (24_000, 960)])
def test_other_model_rates_keep_step(tmp_path: Path, rate: int, hop: int) -> None:
    _, seen, _ = run(DemoSource(fast=True, folder=partner(tmp_path)), 60, rate, hop)
    passed = [(k + 1) * 25 * hop // rate for k in range(60)]  # whole frames of the face at the end of each hop
    assert seen == [(count - 1) % 25 + 1 if count else 0 for count in passed]


@pytest.mark.parametrize(("seconds", "frames"), [(0.97, 25), (1.0, 20)])
def test_unequal_lengths_make_laps_of_whole_frames(tmp_path: Path, seconds: float, frames: int) -> None:
    _, seen, _ = run(DemoSource(fast=True, folder=partner(tmp_path, seconds, frames)), 55)
    lap = [min(k, frames) for k in range(1, 26)]
    assert seen == (lap * 3)[:55]


def test_once_through_it_is_finished(tmp_path: Path) -> None:
    source = DemoSource(fast=True, loop=False, folder=partner(tmp_path))
    assert not source.finished
    last, _, _ = run(source, 100)
    assert len(last) == 25
    assert source.finished
    assert source.problem is None


def test_in_real_time_the_clock_decides(tmp_path: Path) -> None:
    clock = FakeClock(START_NS)
    ring, faces = AudioRing(RATE, 640, 10), PoseRing()
    source = DemoSource(loop=False, folder=partner(tmp_path))
    source.start(feeds(faces, audio=ring), clock)
    while not ring.ended:
        ring.wait(10**6, 0.05)
    source.stop()
    assert clock.now_ns() == START_NS + 1_000_000_000
    assert faces.newest_before(clock.now_ns()).values[0] == 25  # type: ignore[union-attr]


def test_the_partner_that_is_shipped_plays() -> None:
    try:
        source = DemoSource(fast=True)
    except EngineError as error:
        pytest.skip(str(error))
    last, _, valid = run(source, 200)
    assert valid
    assert len(last) == 200
    assert max(np.abs(last)) > 0.01
    assert source.describe()["lap_s"] > 5


def spoil(folder: Path, how: str) -> None:
    if how == "no face":
        (folder / "face.npz").unlink()
    elif how == "no voice":
        (folder / "speech.flac").unlink()
    elif how == "garbage":
        (folder / "face.npz").write_bytes(b"garbage" * 100)
    elif how == "cut":
        (folder / "face.npz").write_bytes((folder / "face.npz").read_bytes()[:300])
    elif how == "no key":
        np.savez(folder / "face.npz", other=np.zeros(3))
    elif how == "shape":
        np.savez(folder / "face.npz", face=np.zeros((10, 57), np.float32))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("no face", "is missing"),
        ("no voice", "no such file"),
        ("garbage", "does not read"),
        ("cut", "does not read"),
        ("no key", "does not read"),
        ("shape", r"shape \(10, 57\)"),
    ],
)
def test_what_is_no_partner_is_refused(tmp_path: Path, how: str, said: str) -> None:
    spoil(partner(tmp_path), how)
    with pytest.raises(EngineError, match=said):
        DemoSource(folder=tmp_path)


def test_a_later_start_turns_voice_and_face_alike(tmp_path: Path) -> None:
    plain, _, _ = run(DemoSource(fast=True, folder=partner(tmp_path)), 25)
    last, seen, valid = run(DemoSource(fast=True, folder=partner(tmp_path), start_s=0.4), 50)
    assert valid
    assert seen == [*range(11, 26), *range(1, 11)] * 2
    assert last == [*plain[10:], *plain[:10]] * 2
