"""A microphone that begins late, as Bluetooth ones do: it opens, gives nothing or zeros for some seconds, and then
sound, sometimes at another rate than it said."""

from __future__ import annotations

import numpy as np
import pytest

from engine.sound.front_end import FrontEnd
from engine.sources.demo import PARTNER
from engine.sources.drift import ClockDrift
from engine.sources.media import MediaFile
from tests.engine.test_sources_drift import BLOCK, RATE, heard
from tests.engine.test_sources_mic import HOP, MS, Ports, Rig


def sound(rate: int, ms: int, hertz: float = 500.0, at: int = 0) -> np.ndarray:
    """(n, 1) of a tone, from sample ``at``."""
    count = rate * ms // 1000
    return (0.1 * np.sin(2 * np.pi * hertz * (at + np.arange(count)) / rate)).astype(np.float32)[:, None]


def test_no_blocks_at_first_are_said_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(Ports(16_000, 1), monkeypatch)
    said = []
    for _ in range(70):
        rig.turn(100)
        said.append(rig.mic.problem)
    assert said[15] is None, "any device takes a moment"
    assert said[30] == "microphone has not begun: no samples for 3 s; a Bluetooth one takes some seconds"
    assert all("stalled" not in (words or "") for words in said)
    assert len(rig.ports.streams) == 1 and rig.ports.streams[0].open, "opened again it would begin anew"
    rig.deliver(sound(16_000, 20))
    rig.turn()
    assert rig.mic.problem is None
    rig.mic.stop()


def test_one_that_never_begins_is_opened_again_and_again_given_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(Ports(16_000, 1), monkeypatch)
    opened = []
    for at in range(400):
        before = len(rig.ports.streams)
        rig.turn(100)
        opened += [at / 10] if len(rig.ports.streams) > before else []
    assert (rig.mic.problem or "").startswith("microphone stalled: no samples for 40.0 s")
    assert len(opened) >= 3 and min(np.diff(opened)) > 8.0
    rig.mic.stop()


def test_zeros_at_first_are_no_mute_and_later_ones_are(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(Ports(16_000, 1), monkeypatch)

    def give(seconds: float, block: np.ndarray) -> list[str | None]:
        said = []
        for _ in range(round(10 * seconds)):
            rig.clock.advance(100 * MS)
            rig.deliver(block)
            rig.turn()
            said.append(rig.mic.problem)
        return said

    nothing = np.zeros((1600, 1), np.float32)
    assert give(1.9, nothing) == [None] * 19
    first = give(5.5, nothing)
    assert first[-1] == "microphone has not begun: only zeros for 7 s; a Bluetooth one takes some seconds"
    assert all("muted" not in (words or "") for words in first)
    assert "muted" in (give(1.5, nothing)[-1] or ""), "for so long it is another matter"
    assert give(1.0, sound(16_000, 100)) == [None] * 10
    later = give(6.0, nothing)
    assert later[40] is None and later[-1] == "microphone gives only zeros: muted, or not permitted"
    rig.mic.stop()


@pytest.mark.parametrize(("says", "gives"), [(48_000, 16_000), (44_100, 16_000), (16_000, 8_000), (16_000, 48_000)])
def test_samples_that_come_at_another_rate_are_heard_at_the_right_pitch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, says: int, gives: int
) -> None:
    rig = Rig(Ports(says, 1), monkeypatch)
    for number in range(400):
        rig.clock.advance(20 * MS)
        rig.deliver(sound(gives, 20, at=number * gives // 50))
        rig.turn()
    assert f"says that it gives {says} samples a second, and gives {gives}" in caplog.text
    assert caplog.text.count("taken as these") == 1
    assert rig.mic.describe()["rate"] == gives and rig.mic.problem is None
    rig.ring.skip_to(rig.ring.written // HOP + 1)
    first = rig.ring.written // HOP + 3
    for number in range(400, 450):
        rig.clock.advance(20 * MS)
        rig.deliver(sound(gives, 20, at=number * gives // 50))
        rig.turn()
    hops = [rig.ring.read_hop(k) for k in range(first, rig.ring.newest_hop() + 1)]
    tone = np.concatenate([hop.samples for hop in hops if hop is not None and hop.valid])
    assert len(tone) > 8000
    assert np.abs(np.fft.rfft(tone, 16_000)).argmax() == pytest.approx(500, abs=2)
    rig.mic.stop()


@pytest.mark.parametrize("lost", [0.0, 0.05, 0.2])
def test_a_device_that_loses_samples_has_no_other_rate(lost: float) -> None:
    drift, rng = ClockDrift(RATE), np.random.default_rng(3)
    for number in range(3000):
        if rng.uniform() >= lost:
            drift.add(BLOCK, 10**9 + number * 20 * MS + int(rng.uniform(0.0, 15 * MS)))
    assert drift.other_rate is None


@pytest.mark.parametrize("gap_s", [0.1, 1.0, 6.0])
def test_a_pause_of_which_nobody_tells_does_not_bend_the_clock(gap_s: float) -> None:
    """The first blocks come, then none, then all of them: the line goes through those after the pause alone."""
    drift = ClockDrift(RATE)
    end_ns = heard(drift, 22.0, 50.0, 0.005)
    heard(drift, 200.0, 50.0, 0.005, seed=1, start_ns=end_ns + round(gap_s * 1e9))
    assert drift.ppm is not None and abs(drift.ppm - 50.0) < 15.0


@pytest.mark.parametrize("first", ["zeros", "dither", "nothing"])
def test_what_comes_before_the_sound_does_not_spoil_its_level(monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    """A person 12 dB too soft, over noise, after five seconds of what such a device gives before it begins."""
    voice = np.concatenate([block.samples for block in MediaFile(PARTNER / "speech.flac").audio(16_000)])[: 20 * 16_000]
    rng = np.random.default_rng(5)
    voice = (0.25 * voice + 10 ** (-60 / 20) * rng.normal(size=len(voice))).astype(np.float32)
    before = {
        "zeros": np.zeros(5 * 16_000, np.float32),
        "dither": (rng.integers(-1, 2, 5 * 16_000) / 32768).astype(np.float32),
        "nothing": np.zeros(0, np.float32),
    }[first]
    rig, plain = Rig(Ports(16_000, 1), monkeypatch), FrontEnd()
    late = rig.mic._front_end
    for block in np.concatenate([before, voice]).reshape(-1, 320):
        rig.clock.advance(20 * MS)
        rig.deliver(block[:, None])
        rig.turn()
    rig.mic.stop()
    plain.push(voice, 16_000)
    one, other = late.meter.told(), plain.meter.told()
    assert one["voice_dbfs"] == pytest.approx(other["voice_dbfs"], abs=0.5)
    assert one["gain_db"] == pytest.approx(other["gain_db"], abs=0.5) and other["gain_db"] > 5.0
    assert one["noise_dbfs"] == pytest.approx(other["noise_dbfs"], abs=1.0)


def test_a_mute_that_dithers_is_a_mute(monkeypatch: pytest.MonkeyPatch) -> None:
    rig, rng = Rig(Ports(16_000, 1), monkeypatch), np.random.default_rng(6)
    for number in range(80):
        rig.clock.advance(100 * MS)
        rig.deliver(sound(16_000, 100) if number < 10 else (rng.integers(-1, 2, (1600, 1)) / 32768).astype(np.float32))
        rig.turn()
    assert rig.mic.problem == "microphone gives only zeros: muted, or not permitted"
    rig.mic.stop()
