"""A bundle with two voices, two faces, a body, words, a text and vectors, live through every feed: each arrives where
it belongs, and what nobody gives is absent and said."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from engine.bundle import Bundle
from engine.channels import FACE_NAMES
from engine.clock import MonotonicClock
from engine.errors import EngineError
from engine.feeds.latest import PoseSample
from engine.feeds.words import Word
from engine.session.host import Host, SessionRefused
from engine.session.live import LiveSession, Opening
from engine.wire import Flag, Frame
from tests.engine.dancer import STICK
from tests.engine.session import everything
from tests.engine.session.everything import HOP, VOCABULARY, everything_bundle

PARTNER, OWN = 0.125, 0.5
KEYS = frozenset(
    {
        ("audio", "partner"),
        ("audio", "self"),
        ("face", "partner"),
        ("face", "self"),
        ("body", "partner"),
        ("mood", "partner"),
    }
)
NAMES = ("voices", "seen", "word", "angles", "talks")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return everything_bundle(tmp_path_factory.mktemp("everything"))


@pytest.fixture(scope="module")
def host(bundle: Bundle) -> Iterator[Host]:
    made = Host([bundle, Bundle.load("rules")], MonotonicClock(), capacity=4, raw_sound=True)
    made.start()
    yield made
    made.stop()


class Visit:
    """A session of the host and what it published; :meth:`until` waits for a frame that a test looks for."""

    def __init__(self, host: Host, given: frozenset[Any] = KEYS, bundles: tuple[str, ...] = ("everything",)) -> None:
        self.frames: list[Frame] = []
        self.changed = threading.Condition()
        self.host = host
        self.session: LiveSession = host.open(Opening(bundles, given=given), self._keep)
        self.feeds, self.clock = self.session.feeds, host.clock
        self.stop = threading.Event()
        self.talking = threading.Thread(target=self._talk, daemon=True)

    def _keep(self, frame: Frame) -> None:
        with self.changed:
            self.frames.append(dataclasses.replace(frame, values=frame.values.copy()))
            self.changed.notify_all()

    def __enter__(self) -> Visit:
        self.talking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.talking.join()
        self.session.close()

    def _talk(self) -> None:
        """Two voices of different loudness, in real time, each to its own feed."""
        start = self.clock.now_ns()
        for k in range(10_000):
            end = start + round((k + 1) * 1e9 / everything.RATE)
            self.clock.sleep_until(end, self.stop)
            if self.stop.is_set():
                return
            for owner, loud in (("partner", PARTNER), ("self", OWN)):
                if ("audio", owner) in self.session.ask.given:
                    self.feeds.samples[owner].write(np.full(HOP, loud, np.float32), end)

    def until(self, name: str, fits: Callable[[np.ndarray, Flag], bool]) -> Frame:
        """The first frame from now on of stream ``name`` whose values and flags fit."""
        number = NAMES.index(name)
        seen = len(self.frames)
        with self.changed:
            for _ in range(400):
                for frame in self.frames[seen:]:
                    if frame.stream == number and fits(frame.values, frame.flags):
                        return frame
                seen = len(self.frames)
                self.changed.wait(0.1)
        last = [frame.values for frame in self.frames if frame.stream == number][-1:]
        raise AssertionError(f"no frame of {name} fits; the last is {last}")

    def put(self, key: tuple[str, str], values: Any) -> None:
        self.feeds.latest[key].put(PoseSample(self.clock.now_ns(), np.asarray(values, np.float32), True))


def test_each_voice_reaches_its_own_input_and_no_other(host: Host) -> None:
    with Visit(host) as visit:
        frame = visit.until("voices", lambda v, _: v[3] == 1.0 and v[1] > 0.4)
        assert frame.values.tolist() == pytest.approx([PARTNER, OWN, 1.0, 1.0], abs=1e-5)
        later = [f.values for f in visit.frames if f.stream == 0][10:]
        assert all(abs(v[0] - PARTNER) < 1e-5 or v[0] == 0 for v in later)


def test_the_own_voice_that_says_nothing_is_silence_and_no_trouble(host: Host) -> None:
    with Visit(host, frozenset({("audio", "partner"), ("audio", "self")})) as visit:
        visit.feeds.samples["self"].end()
        frame = visit.until("voices", lambda v, _: v[0] > 0.1 and v[1] == 0.0)
        assert not frame.flags & (Flag.SILENT | Flag.DEGRADED | Flag.HELD)


def test_faces_body_and_feature_reach_their_own_inputs(host: Host) -> None:
    face = np.zeros(len(FACE_NAMES), np.float32)
    with Visit(host) as visit:
        for key, value in ((("face", "partner"), 0.25), (("face", "self"), 0.75)):
            visit.put(key, face + value)
        visit.put(("body", "partner"), STICK.rest_positions() + np.float32([0, 0.5, 0]))
        visit.put(("mood", "partner"), [0.125, -1.0])
        frame = visit.until("seen", lambda v, _: bool(v.all()))
        assert frame.values.tolist() == pytest.approx([0.25, 0.75, 1.5, 0.125])
        assert not frame.flags & Flag.NO_FACE


def test_a_body_in_centimetres_is_not_believed_and_the_session_says_so(host: Host) -> None:
    with Visit(host) as visit:
        visit.put(("body", "partner"), 100 * STICK.rest_positions())
        frame = visit.until("seen", lambda _, flags: Flag.UNSOUND in flags)
        assert frame.values[2] == 0.0 and Flag.DEGRADED in frame.flags
        assert "unit" in visit.feeds.problems()[0]


def test_words_arrive_when_they_are_said_and_speaking_follows(host: Host) -> None:
    with Visit(host, KEYS - {("audio", "self")}) as visit:
        now = visit.clock.now_ns()
        early = now + 400_000_000
        visit.feeds.words["self"].put(Word("wave", early, early + 100_000_000))  # a synthesiser knows it before
        frame = visit.until("word", lambda v, _: v[0] == VOCABULARY.index("wave"))
        assert frame.capture_ns >= early
        assert frame.values[1] == pytest.approx((frame.capture_ns - early) / 1e9, abs=1e-3)
        before = [f for f in visit.frames if f.stream == 2 and f.seq < frame.seq]
        assert before and not any(f.values[0] for f in before)
        talks = visit.until("talks", lambda v, _: v[0] == 0.0)
        assert talks.capture_ns > early
        assert any(f.values[0] == 1.0 for f in visit.frames if f.stream == 4)


def test_a_prompt_is_encoded_beside_and_swapped_between_frames(host: Host) -> None:
    with Visit(host) as visit:
        assert visit.until("talks", lambda v, _: v[1] == 0.0)
        told = visit.session.set({"prompt": "wave hello", "gain": "1,2,0.5"})
        assert told["texts"]["prompt"]["pending"] in ("wave hello", "")
        wanted = np.array(everything.Encoder().of("wave hello")[:3]) * [1, 2, 0.5]
        frame = visit.until("angles", lambda v, _: bool(np.allclose(v, wanted, atol=1e-5)))
        assert Flag.PENDING not in frame.flags
        assert visit.session.held()["texts"]["prompt"] == {"text": "wave hello", "pending": "", "problem": ""}
        described = visit.session.describe()
        angles = next(item for item in described["streams"] if item["name"] == "angles")
        assert angles["codec"] == "angles:toy" and angles["names"] == list(everything.ANGLES)
        with pytest.raises(EngineError, match="3 numbers"):
            visit.session.set({"gain": "1,2", "prompt": "bow"})
        assert visit.session.held()["texts"]["prompt"]["text"] == "wave hello"


def test_one_session_holds_a_face_and_another_bundle_under_one_number(host: Host) -> None:
    with Visit(host, bundles=("everything", "rules")) as visit:
        visit.until("voices", lambda v, _: v[0] > 0.1)
        described = visit.session.describe()
        numbers = [item["stream"] for item in described["streams"]]
        assert len(set(numbers)) == len(numbers) and min(n for n in numbers if n >= 0x200) == 0x200
        face = next(item for item in described["streams"] if item["codec"] == "arkit58")
        assert face["bundle"] == "rules"
        heard: list[Frame] = []
        for _ in range(200):
            got = [frame for frame in visit.frames if frame.stream == face["stream"]]
            # a sound that comes late on a busy machine is silence for a frame: those that heard it are counted
            heard = [frame for frame in got if Flag.SILENT not in frame.flags]
            if len(heard) > 20:
                break
            threading.Event().wait(0.05)
        assert {frame.session for frame in visit.frames} == {visit.session.number}
        # the rules hear the same voice, at the rate of their own
        assert len(heard) > 20


def test_capacity_is_held_to_and_numbers_come_back_with_a_new_generation(host: Host) -> None:
    visits = [Visit(host) for _ in range(4)]
    with pytest.raises(SessionRefused, match="all 4 sessions"):
        Visit(host)
    number, generation = visits[1].session.number, visits[1].session.generation
    visits[1].session.close()
    again = Visit(host)
    assert again.session.number == number and again.session.generation > generation
    with pytest.raises(SessionRefused, match="there already"):
        visits[0].session.close()
        host.open(Opening(("everything",), number=number), lambda _: None)
    with pytest.raises(SessionRefused, match="give 0 to"):
        host.open(Opening(("everything",), number=2**32), lambda _: None)
    with pytest.raises(SessionRefused, match="everything, rules"):
        host.open(Opening(("nothing",)), lambda _: None)
    for visit in (*visits, again):
        visit.session.close()
    assert not host.sessions()


def test_a_control_that_cannot_be_opens_nothing(host: Host) -> None:
    with pytest.raises(EngineError, match="no control"):
        host.open(Opening(("everything",), controls={"foo": 1}), lambda _: None)
    assert not host.sessions()


def test_a_silent_session_is_closed_after_its_time_and_told(host: Host) -> None:
    session = host.open(Opening(("everything",), idle_s=0.2), lambda _: None)
    assert session.done.wait(20)
    assert session.ended == "nothing came for 0.2 s"
