"""Two voices in real time, on a clock on which things happen: what both say at one moment reaches one frame, a voice
that stops is silent at once, and how far frames are from the own voice is counted."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

from engine.clock import FakeClock
from engine.feeds.beside import Beside
from engine.feeds.feeds import Key
from engine.feeds.gather import Gather
from engine.feeds.samples import AudioRing
from engine.session.pushed import PushedSound
from engine.session.slot import BESIDE_S
from engine.session.timetable import OWN_GRACE_S
from engine.sources.player import AudioBlock, Lap, Player
from engine.speech.messages import SpeechSound, SpeechUpdate
from engine.speech.schedule import SpeechSchedule
from engine.wire import Flag
from tests.engine.session.scene import MS, START, Asked
from tests.engine.session.two_voices import BOTH, HOP, PERIOD, RATE, SPEC, Scene

OWN = frozenset({("audio", "self")})


def spoken(scene: Scene, hops: int, after: int) -> None:
    """Both voices, the own one's sound ``after`` ns later than the partner's."""
    for hop in range(hops):
        scene.say("partner", hop)
        scene.say("self", hop, after)


@pytest.mark.parametrize("after_ms", [0, 5, 11])
@pytest.mark.parametrize("lookahead", [0, 2])
def test_a_frame_waits_a_little_for_the_second_voice_and_its_offset_is_counted(after_ms: int, lookahead: int) -> None:
    scene = Scene(spec=dataclasses.replace(SPEC, lookahead=lookahead), frames=20)
    spoken(scene, 20, after_ms * MS)
    assert all(told.partner == 0.5 and told.own == 0.5 for told in scene.run())
    assert [frame.publish_ns - frame.capture_ns for frame in scene.frames] == [after_ms * MS] * 20
    counted = scene.slot.stats.to_dict()["av_offset_ms"]
    assert isinstance(counted, dict)
    assert list(counted.values()) == pytest.approx([after_ms + 40.0 * lookahead] * 5, rel=0.011, abs=0.002)
    assert scene.loop.work.av_offsets.rows()[0][-1] == ("+Inf", 20.0)
    assert scene.loop.work.av_offsets.rows()[1] == pytest.approx(20 * (after_ms + 40 * lookahead) / 1e3)


def test_the_second_voice_may_come_in_blocks_that_begin_anywhere() -> None:
    scene = Scene(frames=20)
    for hop in range(20):
        scene.say("partner", hop)
    ring, piece = scene.feeds.samples["self"], RATE // 100
    for number in range(90):  # every 10 ms, a third of a block out of step with the frames
        ends = START + number * 10 * MS + 7 * MS
        scene.clock.at(ends, lambda at=ends: ring.write(np.full(piece, 0.5, np.float32), at))  # type: ignore[misc]
    assert all(told.own == 0.5 for told in scene.run()[1:])
    late = [frame.publish_ns - frame.capture_ns for frame in scene.frames]
    assert max(late) <= 7 * MS + 2 * MS and min(late[1:]) > 0


def test_a_second_voice_that_comes_later_than_that_is_read_late_and_so_are_the_lips() -> None:
    scene = Scene(frames=40)
    spoken(scene, 40, 30 * MS)
    heard = [told.own for told in scene.run()]
    assert heard[0] == 0.0 and heard[10:] == [0.5] * 30
    late = [frame.publish_ns - frame.capture_ns for frame in scene.frames]
    assert max(late) <= BESIDE_S * 1e9
    summary = scene.slot.stats.av_offset.summary()  # type: ignore[union-attr]
    assert 30.0 <= summary["max"] <= 30.0 + 10.0 + 1e3 * BESIDE_S  # what it has to be, a step of 10 ms, and the wait


def test_nobody_waits_for_an_avatar_that_says_nothing() -> None:
    scene = Scene(frames=30)
    for hop in range(30):
        scene.say("partner", hop)
        if hop < 10:
            scene.say("self", hop)
    heard = scene.run()
    assert [told.own for told in heard] == [0.5] * 10 + [0.0] * 20 and all(told.own_there for told in heard)
    late = [frame.publish_ns - frame.capture_ns for frame in scene.frames]
    assert late[10] == BESIDE_S * 1e9 and late[:10] == [0] * 10 and late[11:] == [0] * 19
    assert not any(frame.flags & (Flag.DEGRADED | Flag.SILENT) for frame in scene.frames)
    assert scene.slot.stats.av_offset.count == 10  # type: ignore[union-attr]


def test_no_offset_of_silence_of_a_held_pose_or_without_an_own_voice() -> None:
    silent, held, alone = Scene(frames=5), Scene(frames=5), Scene({("audio", "partner")}, frames=5)
    held.runtime.fails = True
    for hop in range(5):
        for scene in (silent, held, alone):
            scene.say("partner", hop)
        silent.say("self", hop, value=0.0)
        held.say("self", hop)
    for scene in (silent, held, alone):
        assert len(scene.run()) == 5
        assert scene.slot.stats.av_offset.count == 0  # type: ignore[union-attr]
    assert all(Flag.HELD in frame.flags for frame in held.frames)


def test_lips_that_are_early_have_a_negative_offset() -> None:
    scene = Scene(OWN, frames=10)
    ring = scene.feeds.samples["self"]
    for hop in range(10):  # a program that tells when its sound will be heard
        played = START + (hop + 1) * PERIOD + 30 * MS
        scene.clock.at(played - 30 * MS, lambda at=played: ring.write(np.full(HOP, 0.5, np.float32), at))  # type: ignore[misc]
    scene.run()
    assert scene.slot.stats.av_offset.summary()["min"] == -30.0  # type: ignore[union-attr]
    assert scene.slot.stats.av_offset.summary()["p50"] == pytest.approx(-30.0, rel=0.011)  # type: ignore[union-attr]


@pytest.mark.parametrize("first", ["partner", "self"])
def test_when_one_voice_is_over_the_other_goes_on_to_its_end(first: str) -> None:
    scene = Scene(sources=[Asked("audio")])
    other = "self" if first == "partner" else "partner"
    for hop in range(20):
        scene.say(other, hop)
        if hop < 8:
            scene.say(first, hop)
    scene.end(first, 8 * PERIOD)
    scene.end(other, 20 * PERIOD)
    heard = scene.run()
    one, two = ([getattr(told, name) for told in heard] for name in ("partner", "own"))
    assert (one if first == "partner" else two) == [0.5] * 8 + [0.0] * 12
    assert (two if first == "partner" else one) == [0.5] * 20
    assert [frame.capture_ns for frame in scene.frames] == [START + (hop + 1) * PERIOD for hop in range(20)]
    after = {frame.flags & ~Flag.FIRST for frame in scene.frames[8:]}
    assert after == ({Flag.SILENT} if first == "partner" else {Flag(0)})
    assert all(told.own_there for told in heard)


def test_an_engine_that_is_held_up_while_one_voice_goes_on_alone_skips_and_says_so() -> None:
    scene = Scene(frames=60)
    for hop in range(60):
        scene.say("self", hop)
        if hop < 5:
            scene.say("partner", hop)
    scene.end("partner", 5 * PERIOD)
    run, stalls = scene.runtime.run, [15]

    def stalling(blocks: object = None) -> dict[str, np.ndarray]:
        if len(scene.frames) in stalls:
            stalls.clear()
            scene.clock.advance(1_000 * MS)
        return run()

    scene.runtime.run = stalling  # type: ignore[method-assign, assignment]
    scene.run()
    seqs = [frame.seq for frame in scene.frames]
    missed = scene.slot.stats.missed
    assert missed > 15 and len(seqs) == 60 - missed and seqs[-1] == 59
    assert sum(Flag.SKIPPED in frame.flags for frame in scene.frames) == 1
    assert scene.frames[-1].publish_ns - scene.frames[-1].capture_ns <= BESIDE_S * 1e9


def silent_from(scene: Scene) -> int:
    """When the first frame went out that was given silence after speech."""
    heard = scene.run()
    first = next(place for place, told in enumerate(heard) if place and told.own == 0.0 and heard[place - 1].own > 0)
    assert all(told.own == 0.0 and told.own_there == 1.0 for told in heard[first:])
    return scene.frames[first].publish_ns


@pytest.mark.parametrize("given", [OWN, BOTH], ids=["own voice alone", "both"])
@pytest.mark.parametrize("cut_ms", [805, 820, 838])
def test_a_client_that_stops_in_mid_word_is_silent_within_a_frame(given: frozenset[Key], cut_ms: int) -> None:
    scene = Scene(given, frames=40)
    pushed = PushedSound(scene.feeds, "self", 48_000, START)
    trip = 15 * MS
    for piece in range(0, cut_ms, 5):
        ends = START + (piece + 5) * MS
        scene.clock.at(ends + trip, lambda at=ends: pushed.write(np.full(240, 0.5, np.float32), True, at))  # type: ignore[misc]
    for hop in range(40):
        if given == BOTH:
            scene.say("partner", hop)
    most = PERIOD + trip + max(OWN_GRACE_S, BESIDE_S) * 1e9
    assert 0 < silent_from(scene) - (START + cut_ms * MS) <= most


def test_sound_of_a_client_that_comes_unevenly_is_still_waited_for() -> None:
    scene = Scene(OWN, frames=100)
    rng = np.random.default_rng(3)
    for hop in range(100):
        scene.say("self", hop, int(rng.uniform(0, 30)) * MS)
    heard = [told.own for told in scene.run()]
    assert heard.count(0.0) <= 2


class StopClock(FakeClock):
    """Time stands still at a moment, until the player is stopped."""

    def __init__(self) -> None:
        super().__init__(START)
        self.reached = threading.Event()

    def sleep_until(self, moment_ns: int, stop: threading.Event | None = None) -> None:
        if moment_ns > START + 410 * MS and stop is not None:
            self.reached.set()
            stop.wait(30.0)
            return
        super().sleep_until(moment_ns)


def test_a_file_whose_player_is_stopped_is_silent_from_the_next_frame_on() -> None:
    scene, clock = Scene(), StopClock()
    player = Player([Lap([AudioBlock(np.full(RATE, 0.5, np.float32))])], scene.feeds, clock, False, False, "self")
    player.start()
    assert clock.reached.wait(30)
    player.stop()
    gather, partner = Gather(SPEC, scene.feeds, 0, BOTH), scene.feeds.samples["partner"]
    inputs = {item.name: np.zeros((1, *item.shape), np.float32) for item in SPEC.inputs}
    loud = []
    for hop in range(14):
        end = START + (hop + 1) * PERIOD
        partner.write(np.zeros(HOP, np.float32), end)
        gather.fill(inputs, 0, hop, partner.read_hop(hop), end)
        loud.append(float(np.abs(inputs["own_audio"]).max()))
        assert inputs["own_valid"][0] == 1.0
    assert loud == [0.5] * 10 + [0.0] * 4
    assert scene.feeds.samples["self"].ended


def test_speech_that_is_cleared_reaches_no_frame_any_more() -> None:
    scene = Scene(OWN, sources=[Asked()], frames=20)
    schedule = SpeechSchedule(scene.feeds, START)
    schedule.sound(SpeechSound(np.full(2 * RATE, 0.5, np.float32), RATE, True), lambda: START)
    for tick in range(1, 81):
        scene.clock.at(START + tick * 10 * MS, lambda at=START + tick * 10 * MS: schedule.release(at))  # type: ignore[misc]
    cut = START + 415 * MS
    scene.clock.at(cut, lambda: schedule.told(SpeechUpdate(clear=True), cut))
    assert silent_from(scene) - cut <= 2 * PERIOD  # the frame that was begun ends with silence, the next is silent
    assert scene.frames[10].publish_ns < cut + PERIOD and 0.0 < float(scene.frames[10].values[1]) < 0.4


def test_a_ring_read_beside_says_when_there_is_something_to_wait_for() -> None:
    ring = AudioRing(RATE, HOP, 2.0)
    voice = Beside(ring)
    assert not voice.there(START), "its first sound may be on its way"
    assert voice.read(START) is None and voice.there(START), "nobody has spoken"
    ring.write(np.ones(HOP, np.float32), START)
    assert voice.there(START) and not voice.there(START + PERIOD // 2) and not voice.there(START + PERIOD)
    assert voice.there(START + PERIOD + 1 * MS), "a pause"
    ring.end()
    assert voice.there(START + PERIOD // 2)
