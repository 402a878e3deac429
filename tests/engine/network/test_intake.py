"""From a client's messages to feeds: times to the engine's clock, sound to the bundle's rate, in their places."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from engine.network.intake import Intake, check_gives, numbered
from engine.network.messages import MessageError, record
from engine.session.live import Opening
from engine.sources.pictures import PICTURES
from tests.engine.network.stage import HOP, MS, PERIOD, RATE, SPEC, Hall, S, until
from tests.engine.network.talker import SPEC as TALKER

AWAY = 7 * 10**15
"""The client's clock less the engine's."""
GIVES = frozenset({("face", "partner"), ("audio", "partner"), ("words", "self")})


@pytest.fixture
def hall() -> Iterator[Hall]:
    with Hall(idle_s=1e9) as made:
        yield made


def intake(hall: Hall, rate: int = RATE) -> Intake:
    """The intake of a session that stands still, its clock known."""
    session = hall.host.open(Opening(("echo",), given=GIVES), lambda _: None)
    session.pause()
    now = hall.clock.now_ns()
    made = Intake(session, rate, now)
    assert made.clock.answered(made.clock.ask(now), now + AWAY, now)
    return made


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_sound_has_its_place_in_time_whatever_its_rate(hall: Hall, rate: int) -> None:
    made = intake(hall, rate)
    ring = hall.host.sessions()[0].feeds.samples["partner"]
    begin, block = hall.clock.now_ns(), rate // 100
    for number in range(50):
        hall.clock.advance(10 * MS)
        tone = np.sin(2 * np.pi * 200 * np.arange(number * block, (number + 1) * block) / rate)
        made.binary(record(0, hall.clock.now_ns() + AWAY, tone.astype(np.float32)), hall.clock.now_ns())
    for position in range(0, ring.written - 1, 777):
        assert abs(ring.begins_ns(position) - (begin + position * 1e9 / RATE)) < 0.1 * MS
    kept = ring._samples[1000 : ring.written]
    right = np.sin(2 * np.pi * 200 * np.arange(1000, ring.written) / RATE)
    assert np.abs(kept - right).max() < 0.01


def test_filler_is_silence_whatever_it_holds(hall: Hall) -> None:
    made = intake(hall, 48_000)
    ring = hall.host.sessions()[0].feeds.samples["partner"]
    noise = np.random.default_rng(0).uniform(-1, 1, 1920).astype(np.float32)
    for number in range(6):
        hall.clock.advance(PERIOD)
        message = record(0, hall.clock.now_ns() + AWAY, noise if number == 2 else 0 * noise, number != 2)
        made.binary(message, hall.clock.now_ns())
    assert not ring._samples.any() and not ring._valid[: ring.written].all()


def test_poses_and_their_times(hall: Hall) -> None:
    made = intake(hall)
    ring = hall.host.sessions()[0].feeds.latest["face", "partner"]
    now = hall.clock.now_ns()
    face = np.linspace(0, 1, 58).astype(np.float32)
    count = made.binary(record(1, now + AWAY - 3, face) + record(1, now + AWAY - 1, 0 * face, False), now)
    first, second = ring.newest_before(now - 3), ring.newest_before(now)
    assert count == 2 and first is not None and second is not None
    assert first.capture_ns == now - 3 and first.valid and np.array_equal(first.values, face)
    assert second.capture_ns == now - 1 and not second.valid


def test_inputs_are_numbered_sound_first() -> None:
    class Bundle:
        name, spec = "echo", SPEC

    listed = numbered([Bundle], GIVES)  # type: ignore[list-item]
    assert [(item.key, item.shape) for item in listed] == [(("audio", "partner"), ()), (("face", "partner"), (58,))]
    check_gives([Bundle], GIVES)  # type: ignore[list-item]
    with pytest.raises(MessageError, match="gives face/self: echo takes audio/partner, "):
        check_gives([Bundle], GIVES | {("face", "self")})  # type: ignore[list-item]
    with pytest.raises(MessageError, match=r"this engine takes no pictures .*; give face/partner"):
        check_gives([Bundle], GIVES | {PICTURES})  # type: ignore[list-item]
    check_gives([Bundle], GIVES | {PICTURES}, pictures=True)  # type: ignore[list-item]
    Bundle.spec = TALKER
    with pytest.raises(MessageError, match="gives pictures/partner: echo takes "):  # it looks at no face
        check_gives([Bundle], {PICTURES}, pictures=True)  # type: ignore[list-item]


def test_a_client_is_told_once_what_is_wrong_with_its_sound(hall: Hall) -> None:
    visitor = hall.visitor()
    for hop in range(30):
        hall.clock.advance(PERIOD)
        visitor.session.push(("audio/partner", np.ones(HOP, np.float32)))
        visitor.wait(hop + 1)
        if hop % 10 == 9:
            hall.clock.advance(2 * S)
    until(lambda: bool(visitor.session.notices))
    assert len(visitor.session.notices) == 1
    assert visitor.session.notices[0].startswith("partner's voice: clipped")


@pytest.mark.parametrize(("what", "told"), [("zeros", 1), ("faint", 0), ("pauses", 0)])
def test_a_client_whose_microphone_is_muted_is_told_once(hall: Hall, what: str, told: int) -> None:
    visitor = hall.visitor()
    for hop in range(600):  # 24 s
        hall.clock.advance(PERIOD)
        faint = what == "faint" or (what == "pauses" and hop % 240 == 239)
        sound = np.full(HOP, 1e-4 if faint else 0.0, np.float32)
        visitor.session.push(("audio/partner", sound))
        visitor.wait(hop + 1)
    feeds = hall.host.sessions()[0].feeds
    assert sum("nothing but zeros" in text for text in feeds.notices()) == told
    hall.clock.advance(2 * S)
    if told:
        until(lambda: bool(visitor.session.notices))
    assert [text.split(";")[0] for text in visitor.session.notices if "zeros" in text] == [
        "partner's voice: nothing but zeros for 10 s"
    ] * told
