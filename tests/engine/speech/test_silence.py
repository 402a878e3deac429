"""An hour in which the avatar says nothing: frames go on evenly, nothing is flagged, nothing grows."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from engine.clock import FakeClock
from engine.feeds.feeds import Feeds
from engine.feeds.gather import Gather
from engine.session.timetable import Due, timetable
from engine.spec import InputSpec, OutputSpec, StreamSpec
from engine.speech.messages import SpeechSound, decode
from engine.speech.schedule import SpeechSchedule
from engine.wire import Flag

S = 1_000_000_000
SPEC = StreamSpec(
    "talker",
    1.0,
    (
        InputSpec("own_audio", "audio", (4000,), -1.0, 1.0, validity="own_valid", of="self"),
        InputSpec("own_valid", "validity"),
        InputSpec("own_words", "words", (4, 4), of="self"),
        InputSpec("talks", "control", (), 0.0, 1.0, of="self", follows="speaking"),
    ),
    (OutputSpec("out"),),
    sample_rate=4000,
)
GIVEN = {("audio", "self"), ("words", "self"), ("speaking", "self")}


def frames(
    feeds: Feeds, clock: FakeClock, seconds: float, speak: SpeechSchedule | None
) -> tuple[list[Flag], list[float], dict[str, Any]]:
    """What is due in ``seconds``: of each frame its flags and its time from the start (s); the last one's inputs."""
    table, owner = timetable(SPEC, feeds, GIVEN, (), True, clock)
    gather = Gather(SPEC, feeds, 0, GIVEN, owner, True)
    flags, times, frame, begin = list[Flag](), list[float](), 0, clock.now_ns()
    inputs = {item.name: np.zeros((1, *item.shape), np.float32) for item in SPEC.inputs}
    table.begin(begin)
    while clock.now_ns() < begin + seconds * S:
        clock.advance(S // 2)
        if speak is not None:
            speak.release(clock.now_ns())
        while isinstance(due := table.look(frame, clock.now_ns()), Due):
            flags.append(due.flags | gather.fill(inputs, 0, frame, due.hop, due.captured_ns))
            assert inputs["own_valid"][0] == 1.0 and all(np.isfinite(value).all() for value in inputs.values())
            times.append((due.captured_ns - begin) / S)
            table.done(frame)
            frame += 1
    assert owner == "self"
    return flags, times, inputs


def test_an_hour_of_a_speech_program_that_says_nothing() -> None:
    clock = FakeClock(10 * S)
    feeds = Feeds.merged([Feeds.of(SPEC, clock.now_ns())])
    schedule = SpeechSchedule(feeds, clock.now_ns())
    schedule.sound(SpeechSound(np.full(8_000, 0.1, np.float32), 8_000, True), clock.now_ns)
    told = decode(json.dumps({"words": [{"start": 0.1, "end": 0.5, "text": "hi"}]}).encode())
    assert not isinstance(told, SpeechSound)
    schedule.told(told, clock.now_ns())
    flags, times, last = frames(feeds, clock, 3600.0, schedule)
    assert len(flags) > 3_595 and not any(flags)
    assert np.allclose(np.diff(times), 1.0, atol=0.03)
    assert not last["own_audio"].any() and last["talks"][0] == 0.0
    assert abs(last["own_words"][0, -1, 1] - 3599.9) < 2.1 and last["own_words"][0, :, 3].sum() == 1


def test_a_client_that_sends_nothing_while_it_is_silent() -> None:
    clock = FakeClock(10 * S)
    feeds = Feeds.merged([Feeds.of(SPEC, clock.now_ns())])
    flags, times, last = frames(feeds, clock, 600.0, None)
    assert len(flags) > 595 and not any(flags)
    assert np.allclose(np.diff(times), 1.0, atol=1e-6)
    assert not last["own_audio"].any() and last["talks"][0] == 0.0 and not last["own_words"].any()
