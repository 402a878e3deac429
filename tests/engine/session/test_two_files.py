"""Two files as the two voices of a session: in step from the first sample on, at any rate and with any channels, live
and as fast as it goes; one that ends first; one alone; an echo from one into the other."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from engine.wire import Flag
from tests.engine.session.two_voices import FPS, HOP, RATE, Live, Told, play
from tests.engine.sound.made import voice
from tests.engine.sound.test_echo import energy, recorded, room

EVERY_S = 0.11
"""Between clicks: they lie anywhere in a frame."""


def written(path: Path, sound: np.ndarray, rate: int = RATE, channels: int = 1) -> Path:
    """A sound (n,) as a file; with two channels both have it."""
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(np.repeat((sound * 32767).astype("<i2"), channels).tobytes())
    return path


def clicks(seconds: float, rate: int, first_s: float = 0.055) -> np.ndarray:
    """Short clicks in a silent room, at moments that every rate has."""
    sound = np.zeros(round(seconds * rate))
    for at in np.arange(first_s, seconds - 0.01, EVERY_S):
        place = round(round(at * 1000) / 1000 * rate)
        sound[place : place + max(1, rate // 8000)] = 0.5
    return sound


def clicked(live: Live) -> list[Told]:
    """The frames in which either voice clicked."""
    return [told for told in live.told() if max(told.partner, told.own) > 0.005]


def together(told: Told) -> bool:
    """Whether both clicked in it, at one place."""
    return min(told.partner, told.own) > 0.005 and abs(told.partner_at - told.own_at) <= 3


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (8_000, 1), (44_100, 2), (48_000, 2)])
def test_what_both_say_at_one_moment_reaches_one_frame(tmp_path: Path, rate: int, channels: int, raw: bool) -> None:
    partner = written(tmp_path / "partner.wav", clicks(4.0, RATE))
    own = written(tmp_path / "own.wav", clicks(4.0, rate), rate, channels)
    heard = clicked(play(partner, own, raw=raw))
    assert len(heard) >= 36 and all(together(told) for told in heard)


def test_live_they_begin_together_though_one_takes_longer_to_open(tmp_path: Path) -> None:
    partner = written(tmp_path / "partner.wav", clicks(1.2, RATE))
    own = written(tmp_path / "own.wav", clicks(1.2, 44_100), 44_100, 2)
    live = play(partner, own, fast=False)
    begun, ended = live.times["partner"]
    assert live.times["self"] == (begun, ended) and ended - begun == 1_200_000_000
    counted = live.session.describe()["av_offset_ms"]
    assert 0.0 <= counted["min"] <= counted["p50"] <= counted["p95"] <= counted["max"]


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "live"])
@pytest.mark.parametrize("longer", ["partner", "own"])
def test_the_longer_voice_is_heard_to_its_end(tmp_path: Path, longer: str, fast: bool) -> None:
    seconds = {"partner": 0.6, "own": 0.6} | {longer: 1.2}
    files = [written(tmp_path / f"{name}.wav", voice(length)) for name, length in seconds.items()]
    live = play(*files, fast=fast)
    assert {frame.seq for frame in live.frames} <= set(range(30)) and live.frames[-1].seq == 29
    told = live.told()
    assert told[-1].partner_there == (longer == "partner") and told[-1].own_there == 1.0
    loud = [max(getattr(each, name) for each in told[-4:]) > 0 for name in ("partner", "own")]
    assert loud == [longer == "partner", longer == "own"]
    late = [frame.flags for frame in live.frames if frame.seq >= 16]
    assert all((Flag.SILENT in flags) == (longer == "own") and Flag.DEGRADED not in flags for flags in late)


def test_without_a_partner_the_own_voice_is_the_clock(tmp_path: Path) -> None:
    live = play(None, written(tmp_path / "own.wav", voice(1.0)))
    assert [frame.seq for frame in live.frames] == list(range(25))
    assert all(told.partner_there == 0.0 and told.own_there == 1.0 for told in live.told())
    assert all(Flag.SILENT in frame.flags and Flag.DEGRADED not in frame.flags for frame in live.frames)
    assert live.notices == [] and live.session.stats()["sound"].keys() == {"self"}


def test_an_echo_is_said_shown_and_held_back_with_its_level_as_it_came(tmp_path: Path) -> None:
    own = written(tmp_path / "own.wav", recorded()[: 14 * RATE])
    partner = written(tmp_path / "partner.wav", room(recorded())[: 14 * RATE])
    live = play(partner, own, echo="gate")
    (notice,) = live.notices
    assert notice.startswith("partner's voice: the avatar's own is heard in it") and "120 ms later" in notice
    shown = live.session.stats()["sound"]["partner"]
    assert shown["gain_db"] > 5.0, "the front end raises it"
    assert shown["echo_db"] == pytest.approx(-12.0, abs=2.0) and shown["echo_ms"] == pytest.approx(120, abs=2)
    assert shown["echo_held_s"] > 8.0
    assert live.session.describe()["sound"]["partner"]["echo_ms"] == shown["echo_ms"]
    assert "echo_db" not in live.session.stats()["sound"]["self"]
    loud = np.repeat([told.partner for told in live.told()], HOP)
    left = np.repeat([told.partner for told in play(partner, own, echo="say").told()], HOP)
    assert energy(loud) < 0.1 * energy(left) and RATE / HOP == FPS


def test_with_echo_off_nothing_is_looked_for(tmp_path: Path) -> None:
    own = written(tmp_path / "own.wav", recorded()[: 6 * RATE])
    live = play(own, own, echo="off")
    assert live.notices == [] and "echo_db" not in live.session.stats()["sound"]["partner"]
    said = play(own, own, echo="say")
    assert "both were given the same sound" in said.notices[0]
    assert [frame.values.tobytes() for frame in said.frames] == [frame.values.tobytes() for frame in live.frames]
