"""An avatar that a network client lets speak: its sound and its words reach the bundle's feeds, whatever comes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from clients.python.announced import Announced
from clients.python.session import Session
from clients.python.subscriber import Frame
from engine.access import Access
from engine.clock import FakeClock
from engine.feeds.words import MOST_WORDS, WORDS_AT_ONCE, Word
from engine.network.server import Server
from engine.session.host import Host
from engine.session.live import TOLD_WORDS
from engine.spec import StreamSpec
from engine.wire import Flag
from tests.engine.network.stage import until
from tests.engine.network.talker import FPS, HOP, RATE, SPEC, WORDS, Talker

S = 1_000_000_000
SENT = 24_000
PIECE = SENT // 50
AWAY = 5 * 10**15
"""The client's clock less the engine's."""


def hearing(name: str, rate: int, fps: float) -> StreamSpec:
    """A bundle that hears its own voice at another rate."""
    audio = replace(SPEC.inputs[0], shape=(round(rate / fps),))
    return replace(SPEC, name=name, rate=fps, sample_rate=rate, inputs=(audio, *SPEC.inputs[1:]))


FACE = hearing("face", 16_000, 25.0)
SPECS = {"talker": SPEC, "face": FACE}


class Stage:
    """A server of two bundles that hear themselves, on a clock that stands still unless told."""

    def __enter__(self) -> Stage:
        self.clock, self._stack = FakeClock(1000 * S), ExitStack()
        bundles: Any = [SimpleNamespace(name=name, spec=spec, vocabulary="") for name, spec in SPECS.items()]
        self.host = Host(
            bundles,
            self.clock,
            capacity=4,
            realtime=False,
            raw_sound=True,
            runtimes=lambda bundle, _, rows, *__: Talker(rows, bundle.spec),  # type: ignore[arg-type, return-value]
        )
        self.server = Server(self.host, "127.0.0.1:0", Access(), idle_s=1e9)
        self.host.start()
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self.server.stop()
        self.host.stop()
        assert self.host.failure is None

    def speaker(self, *bundles: str, monitor: bool = False) -> Speaker:
        return Speaker(self, bundles or ("talker",), self._stack, monitor)


class Speaker:
    """A client with a clock of its own that speaks; ``words`` are those that reached its session's feeds."""

    def __init__(self, stage: Stage, bundles: tuple[str, ...], stack: ExitStack, monitor: bool) -> None:
        self._stage, self._sent = stage, 0
        gives = ["audio/self", "words/self", "speaking/self"]
        self.session = Session(
            stage.server.url, gives, self.now, bundles=list(bundles), sample_rate=SENT, monitor=monitor, timeout=10.0
        )
        stack.callback(self.session.close)
        number = self.session.announced.session
        self.live = next(one for one in stage.host.sessions() if one.number == number)
        connection = next(one for one in stage.server._connections if one.session is self.live)
        self.intake = connection._intake
        until(lambda: self.intake.clock.exchanges)  # before time goes on: it knows the client's clock
        self.words: list[Word] = []
        self.live.feeds.words["self"].listen(self.words.append)
        self.frames: list[Frame] = []
        self.begin_ns = stage.clock.now_ns()

    def now(self) -> int:
        return self._stage.clock.now_ns() + AWAY

    def at(self, seconds: float) -> int:
        """A moment of its own clock, seconds from where it began to speak."""
        return self.begin_ns + AWAY + round(seconds * S)

    def speak(self, seconds: float, level: float = 0.25) -> None:
        """Push sound of constant loudness, as time goes."""
        for _ in range(round(seconds * 50)):
            self._stage.clock.advance(S // 50)
            tone = np.sin(2 * np.pi * 300 * np.arange(self._sent, self._sent + PIECE) / SENT)
            self.session.push(("audio/self", (level * np.sqrt(2) * tone).astype(np.float32)))
            self._sent += PIECE

    def heard(self, count: int, stream: int = 0) -> list[Frame]:
        """The frames of a stream once there are ``count``."""

        def there() -> bool:
            self.frames += self.session.receive(0.02)
            return sum(frame.stream == stream for frame in self.frames) >= count

        until(there)
        return [frame for frame in self.frames if frame.stream == stream]


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as made:
        yield made


def rows(frame: Frame) -> np.ndarray:
    """The words of a frame: (count, 4) of those that are there."""
    told = frame.values[2:].reshape(WORDS, 4)
    return told[told[:, 3] > 0]


def test_sound_and_words_reach_the_bundle_at_its_own_rate(stage: Stage) -> None:
    speaker = stage.speaker()
    speaker.session.words(("hello", speaker.at(0.2), speaker.at(0.5)), ("you", speaker.at(0.5), None))
    until(lambda: len(speaker.words) == 2)
    speaker.speak(1.0)
    frames = speaker.heard(14)
    assert [frame.seq for frame in frames] == list(range(len(frames))) and HOP * FPS == RATE
    assert all(abs(frame.values[0] - 0.25) < 0.01 and frame.values[1] == 1.0 for frame in frames[1:])
    seen = [len(rows(frame)) for frame in frames]
    assert seen == sorted(seen) and seen[0] == 0 and seen[-1] == 2
    for frame in frames:
        ends_s = (frame.capture_ns - speaker.begin_ns) / S
        told = rows(frame)
        assert np.allclose(told[:, 1], [ends_s - start for start in (0.2, 0.5)][: len(told)], atol=0.01)
        assert (told[:, 1] >= 0).all()


def test_words_come_late_early_out_of_order_and_over_each_other(stage: Stage) -> None:
    speaker = stage.speaker()
    speaker.session.words(("early", speaker.at(2.0), None))
    speaker.speak(1.0)
    speaker.heard(14)
    assert not any(len(rows(frame)) for frame in speaker.frames)
    said = [("late", 0.4, 0.6), ("third", 1.4, 1.9), ("second", 1.2, 1.8), ("backward", 1.6, 1.5), ("ago", -5.0, -4.0)]
    for text, start, end in said:
        speaker.session.words((text, speaker.at(start), speaker.at(end)))
    until(lambda: len(speaker.words) == 6)
    speaker.speak(1.5)
    frames = speaker.heard(36)
    now = [(frame.capture_ns - speaker.begin_ns) / S for frame in frames]
    first = next(place for place, frame in enumerate(frames) if len(rows(frame)))
    assert 0.9 < now[first] < 1.15  # from when it was told on, with the time at which it was said
    assert np.allclose(rows(frames[first])[-1, 1:3], [now[first] - 0.4, now[first] - 0.6], atol=0.01)
    last = rows(frames[-1])
    assert np.allclose(now[-1] - last[:, 1], [1.2, 1.4, 1.6, 2.0], atol=0.01)
    assert np.allclose(now[-1] - last[:3, 2], [1.8, 1.9, 1.6], atol=0.01)  # no end before its start
    for time_s, frame in zip(now, frames, strict=True):
        assert (len(rows(frame)) == 4) == (time_s >= 1.4)
        assert time_s >= 2.0 or not np.isclose(time_s - rows(frame)[:, 1], 2.0, atol=0.01).any()


def test_words_of_any_script_come_whole_and_what_is_none_is_refused(stage: Stage) -> None:
    speaker = stage.speaker()
    said = ["привет", "世界", "día", "e\u0301te\u0301", "مرحبا", "👋", "a\x00b\nc", "x" * 500]
    for text in said:
        speaker.session.words((text, speaker.at(0.1), None))
    until(lambda: len(speaker.words) == len(said))
    assert [word.text for word in speaker.words] == ["привет", "世界", "día", "été", "مرحبا", "👋", "a b c", "x" * 64]
    for text in ("", " \x1b"):
        speaker.session.words((text, speaker.at(0.1), None))
    speaker.session._say({"words": [["hi", "0.1", None]]})
    speaker.session._say({"words": [["hi", 1e300, None]]})
    speaker.session._say({"words": [["hi", 0]], "owner": "partner"})
    stage.clock.advance(S)
    until(lambda: "words of partner" in speaker.session.refused)
    speaker.speak(0.5)
    assert len(speaker.heard(7)) >= 7 and len(speaker.words) == len(said) and speaker.session.ended is None


def test_the_newest_words_are_announced_where_what_is_heard_is_published(stage: Stage) -> None:
    told, silent = stage.speaker(monitor=True), stage.speaker()
    for number in range(TOLD_WORDS + 5):
        told.session.words((f"слово{number}", told.at(number), told.at(number + 0.5) if number % 2 else None))
    silent.session.words(("hi", silent.at(0), None))
    until(lambda: len(told.words) == TOLD_WORDS + 5 and len(silent.words) == 1)
    found = Announced.read(told.live.describe()).said
    assert [word.text for word in found] == [f"слово{number}" for number in range(5, TOLD_WORDS + 5)]
    assert (found[0].start_ns, found[0].end_ns) == (told.begin_ns + 5 * S, told.begin_ns + round(5.5 * S))
    assert found[1].end_ns - found[1].start_ns == 0.3 * S
    assert silent.live.describe()["said"] == []


def test_ten_thousand_words_a_second_are_dropped_and_counted_and_harm_nobody(stage: Stage) -> None:
    flood, other = stage.speaker(), stage.speaker()
    told = 0
    for second in range(4):
        for part in range(40):
            words = [(f"w{part}", flood.at(second + 0.01 * k), None) for k in range(64)]
            flood.session.words(*words)
            told += len(words)
        other.session.words(("calm", other.at(second), None))
        stage.clock.advance(S)
        other.speak(0.4)
        other.heard(5 * (second + 1))
    counts = stage.server.traffic.counts
    until(lambda: counts["too_many_words"] + flood.intake.too_many_words + len(flood.words) == told)
    stage.clock.advance(S)  # once all have arrived: what went wrong is told, and counted, once a second
    until(lambda: counts["too_many_words"] + len(flood.words) == told)
    assert WORDS_AT_ONCE <= len(flood.words) <= WORDS_AT_ONCE + 7 * 50 and len(other.words) == 4
    assert flood.live.slots[0].feeds.words["self"].dropped == len(flood.words) - MOST_WORDS
    stage.clock.advance(S)
    until(lambda: "faster than anybody speaks" in flood.session.refused)
    assert flood.session.ended is None
    with suppress(ConnectionError):
        for _ in range(400):  # and now beyond what a client may send at all
            flood.session.words(*[("w", flood.at(0), None)] * 64)
    until(lambda: flood.session.ended is not None)
    before = len(other.frames)
    other.speak(1.0)
    other.session.words(("still", other.at(1.0), None))
    assert len(other.heard(before + 14)) and len(other.words) <= 5
    until(lambda: len(other.words) == 5)


def test_one_voice_is_heard_by_two_bundles_at_rates_of_their_own(stage: Stage) -> None:
    speaker = stage.speaker("talker", "face")
    rates = {stream.bundle: stream.rate for stream in speaker.session.announced.streams}
    assert rates == {"talker": FPS, "face": 25.0}
    number = next(stream.number for stream in speaker.session.announced.streams if stream.bundle == "face")
    speaker.session.words(("hi", speaker.at(0.3), None))
    until(lambda: len(speaker.words) == 1)
    speaker.speak(2.0)
    for stream, count, rate in ((0, 28, FPS), (number, 47, 25.0)):
        frames = speaker.heard(count, stream)
        assert [frame.seq for frame in frames] == list(range(len(frames)))
        assert all(abs(frame.values[0] - 0.25) < 0.01 for frame in frames[2:])
        assert not any(frame.flags & Flag.DEGRADED for frame in frames)
        told = [(rows(frame)[-1, 1], (frame.capture_ns - speaker.begin_ns) / S) for frame in frames if len(rows(frame))]
        assert told and np.allclose([at - age for age, at in told], 0.3, atol=0.01), rate
        assert frames[len(frames) - len(told)].capture_ns - speaker.begin_ns < 0.3 * S + 1.2 * S / rate
