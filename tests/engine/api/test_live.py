"""``engine.live``: a session in this process, of the same parts as one that is served."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import engine
from engine.api import live as module
from engine.errors import EngineError
from engine.wire import Flag

HOP = 640


def test_a_session_with_a_source_makes_frames_and_ends() -> None:
    threads = threading.active_count()
    with engine.live("rules", source="demo", seconds=0.4, seed=2, controls={"nod_rate": 2}) as session:
        frames = list(session)
        assert session.ended == "its sources are over"
        assert session.describe()["controls"][1]["value"] == 2.0
        with pytest.raises(EngineError, match="the session is over"):
            session.push_audio(np.zeros(HOP))
    numbers = [frame.seq for frame in frames]
    assert numbers[-1] == 9 and numbers == sorted(set(numbers))
    assert {frame.bundle for frame in frames} == {"rules"}
    assert [value.shape for value in frames[0].streams.values()] == [(58,), (25,), (2,)]
    assert list(frames[0].streams) == ["face", "emotion", "acknowledge"] and Flag.FIRST in frames[0].flags
    assert not np.array_equal(frames[0].streams["face"], frames[-1].streams["face"])  # each has values of its own
    session.close()
    assert threading.active_count() == threads


def test_what_is_pushed_is_heard_and_seen() -> None:
    with engine.live("rules", sample_rate=8000) as session:
        frames: list[engine.LiveFrame] = []
        give_up = time.monotonic() + 30
        while not any(frame.flags & (Flag.SILENT | Flag.NO_FACE | Flag.DEGRADED) == 0 for frame in frames):
            assert time.monotonic() < give_up
            session.push_face(np.zeros(58))
            session.push_audio((3000 * np.sin(np.arange(160))).astype(np.int16))
            frames += session.receive(0.02)
        assert session.set(smile_gain=0.5)["controls"]["smile_gain"] == 0.5
        session.push_face(None)
        session.reset()
        session.receive()
        while not any(Flag.FIRST in frame.flags and Flag.NO_FACE in frame.flags for frame in frames[1:]):
            assert time.monotonic() < give_up
            frames += session.receive(0.1)
        assert session.stats()["frames"] >= len({frame.seq for frame in frames}) > 0
        assert session.lost == 0


def test_sound_that_comes_faster_than_time_is_refused() -> None:
    with engine.live() as session:
        session.push_audio(np.zeros(16_000, np.float32))
        with pytest.raises(EngineError, match="more of the partner's sound than time has passed"):
            for _ in range(3):
                session.push_audio(np.zeros(16_000, np.float32))


def test_bundles_side_by_side_share_what_is_pushed() -> None:
    with engine.live("dance", "effort", seed=4) as session:
        seen: dict[str, engine.LiveFrame] = {}
        give_up = time.monotonic() + 30
        while set(seen) != {"dance", "effort"}:
            assert time.monotonic() < give_up
            session.push_body(np.zeros((27, 3)))
            seen |= {frame.bundle: frame for frame in session.receive(0.1)}
        assert seen["dance"].streams["body"].shape == (27, 3)
        assert seen["effort"].streams["shown"].shape == (3,)
        for call, says in (
            (lambda: session.push_face(np.zeros(58)), "takes no face of 'partner'; it takes body of partner"),
            (lambda: session.push_audio(np.zeros(HOP)), "bundle dance and effort takes no audio of 'partner'"),
            (lambda: session.push_body(np.zeros((3, 3))), r"a pose of shape \(3, 3\) where the bundle takes \(27, 3\)"),
            (lambda: session.push_body([["a"]]), "is no array of numbers"),
            (lambda: session.set(mood=1), "no control 'mood'"),
        ):
            with pytest.raises(EngineError, match=says):
                call()


def test_frames_that_nobody_takes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 3)
    with engine.live("rules", source=["demo"], seconds=0.4) as session:
        give_up = time.monotonic() + 30
        while session.ended is None:
            assert time.monotonic() < give_up
            time.sleep(0.01)
        frames = session.receive()
    assert [frame.seq for frame in frames][-1] == 9 and len(frames) == 3
    assert session.lost == session.stats()["frames"] - 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"source": "nothing"}, "--source nothing: give live, demo"),
        ({"source": ("file", "none.wav")}, "no such file"),
        ({"controls": {"nod_rate": 99}}, "nod_rate"),
        ({"device": "tpu"}, "runtime 'onnx:tpu' is unknown"),
    ],
)
def test_what_cannot_be_had_is_refused_and_leaves_nothing(arguments: dict[str, object], says: str) -> None:
    threads = threading.active_count()
    with pytest.raises(EngineError, match=says):
        engine.live("rules", **arguments)  # type: ignore[arg-type]
    assert threading.active_count() == threads


class Breaks:
    """A source whose device is gone."""

    name, finished, problem = "breaks", False, None
    gives = frozenset({("audio", "partner")})
    stops = 0

    def start(self, *_: object) -> None:
        raise EngineError("no such device")

    def stop(self) -> None:
        self.stops += 1

    def describe(self) -> dict[str, object]:
        return {}


def test_a_source_of_ones_own_that_does_not_start_is_stopped() -> None:
    threads, source = threading.active_count(), Breaks()
    with pytest.raises(EngineError, match="no such device"):
        engine.live(source=source)
    assert source.stops == 1 and threading.active_count() == threads
