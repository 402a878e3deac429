"""The front end: what it takes off, what it joins, what it raises, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.sound.front_end import FrontEnd
from tests.engine.sound.made import RATE, dbfs, hum, noise, voice

CLEAN = voice(12.0)
LATER = slice(6 * RATE, None)


def heard(sound: NDArray[np.float32], rate: int = RATE) -> NDArray[np.float32]:
    return FrontEnd().push(sound, rate)


def likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.corrcoef(one, other)[0, 1])


def test_a_clean_voice_is_left_as_it_is() -> None:
    np.testing.assert_array_equal(heard(CLEAN), CLEAN)
    both = heard(channels(CLEAN, CLEAN))
    np.testing.assert_allclose(both, CLEAN, atol=1e-6)


def test_a_loud_first_word_does_not_move_the_gain() -> None:
    sound = CLEAN.copy()
    sound[:RATE] *= 2.5
    np.testing.assert_array_equal(heard(sound), sound)


@pytest.mark.parametrize("offset", [0.1, -0.3])
def test_an_offset_is_taken_off(offset: float) -> None:
    out = heard(CLEAN + np.float32(offset))
    assert abs(out[LATER].mean()) < 1e-4
    assert abs(dbfs(out[LATER]) - dbfs(CLEAN[LATER])) < 0.1


@pytest.mark.parametrize(("hertz", "level"), [(50.0, -30.0), (60.0, -20.0), (59.9, -30.0)])
def test_hum_is_taken_off_from_under_a_voice(hertz: float, level: float) -> None:
    sound = CLEAN + hum(len(CLEAN), level, hertz)
    front = FrontEnd()
    out = front.push(sound, RATE)
    pause = slice(round(8.4 * RATE), round(8.9 * RATE))  # between words
    assert dbfs(sound[pause]) > level - 1
    assert dbfs(out[pause]) < level - 15
    assert abs(dbfs(out[LATER]) - dbfs(CLEAN[LATER])) < 1.0
    assert front.meter.told()["hum"] is True


def test_a_beep_is_no_hum() -> None:
    sound = CLEAN.copy()
    sound[: round(0.35 * RATE)] = 0.1 * np.sin(2 * np.pi * 100 * np.arange(round(0.35 * RATE)) / RATE)
    np.testing.assert_array_equal(heard(sound), sound)


def test_rumble_under_a_voice_is_taken_off() -> None:
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(0, 1, len(CLEAN)))
    spectrum[np.fft.rfftfreq(len(CLEAN), 1 / RATE) > 22] = 0
    rumble = np.fft.irfft(spectrum, len(CLEAN))
    out = heard((CLEAN + rumble * 0.1 / rumble.std()).astype(np.float32))
    assert dbfs(out[round(8.4 * RATE) : round(8.9 * RATE)]) < -45


@pytest.mark.parametrize("level", [-60.0, -52.0, -44.0, -36.0, -14.0])
def test_a_voice_comes_to_one_level(level: float) -> None:
    out = heard(voice(20.0, level))
    assert abs(dbfs(out[12 * RATE :]) - dbfs(voice(20.0)[12 * RATE :])) < 3.0


def test_gain_is_slow() -> None:
    quiet = voice(20.0, -44.0)
    gains = heard(quiet)[: 8 * RATE].reshape(-1, RATE // 2)
    raised = [dbfs(row) - dbfs(was) for row, was in zip(gains, quiet[: 8 * RATE].reshape(-1, RATE // 2), strict=True)]
    assert abs(raised[0]) < 0.5
    assert max(np.diff(raised)) < 6.0
    assert raised[-1] > 14.0


@pytest.mark.parametrize("steady", [noise(12 * RATE, -55.0), noise(12 * RATE, -35.0), np.zeros(12 * RATE, np.float32)])
def test_what_is_no_voice_is_not_raised(steady: NDArray[np.float32]) -> None:
    front = FrontEnd()
    assert abs(dbfs(front.push(steady, RATE)) - dbfs(steady)) < 0.5
    assert front.meter.told()["gain_db"] == 0.0
    assert front.meter.told()["voice_dbfs"] is None


def test_noise_that_begins_is_raised_by_little() -> None:
    front = FrontEnd()
    front.push(np.concatenate([noise(5 * RATE, -72.0), noise(8 * RATE, -45.0)]), RATE)
    assert front.meter.told()["gain_db"] < 6.0


def test_muting_is_no_floor_over_which_a_room_would_be_a_voice() -> None:
    front = FrontEnd()
    front.push(np.concatenate([np.zeros(3 * RATE, np.float32), noise(6 * RATE, -60.0)]), RATE)
    assert front.meter.told()["gain_db"] == 0.0


def test_an_offset_that_begins_with_the_sound_is_noticed_at_once() -> None:
    sound = np.concatenate([np.zeros(4 * RATE, np.float32), CLEAN + np.float32(0.2)])
    out = heard(sound)
    assert abs(out[round(4.5 * RATE) :].mean()) < 1e-3


def test_hum_is_taken_off_a_voice_that_is_below_it() -> None:
    quiet = voice(20.0, -60.0)
    out = heard(quiet + hum(len(quiet), -54.0))
    assert abs(dbfs(out[12 * RATE :]) - dbfs(voice(20.0)[12 * RATE :])) < 4.0


def test_a_bang_is_kept_within_full_scale_and_the_gain_comes_back() -> None:
    sound = voice(20.0, -50.0)
    sound[10 * RATE : 10 * RATE + 800] = noise(800, -6.0)
    out = heard(sound)
    assert np.abs(out).max() <= 1.0
    assert np.mean(np.abs(out[10 * RATE + 640 : 10 * RATE + 800]) >= 1.0) < 0.1  # lowered before its end
    after = slice(15 * RATE, None)
    assert abs(dbfs(out[after]) - dbfs(voice(20.0)[after])) < 4.0


def channels(*each: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack(each, 1)


NOTHING = np.zeros_like(CLEAN)
SIX = [noise(len(CLEAN), -75.0, seed) for seed in range(6)]
SIX[2] = CLEAN
LAYOUTS = {
    "both alike": channels(CLEAN, CLEAN),
    "opposite polarity": channels(CLEAN, -CLEAN),
    "opposite polarity, one softer": channels(CLEAN, np.float32(-0.7) * CLEAN),
    "left alone": channels(CLEAN, NOTHING),
    "right alone, hiss on the left": channels(noise(len(CLEAN), -50.0), CLEAN),
    "centre of 5.1": channels(*SIX),
    "opposite, with offset and hum": channels(CLEAN + 0.1, -CLEAN + 0.1) + hum(len(CLEAN), -35.0)[:, None],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_voice_is_heard_at_its_own_level_however_the_channels_are(layout: str) -> None:
    out = heard(LAYOUTS[layout])[LATER]
    assert abs(dbfs(out) - dbfs(CLEAN[LATER])) < 1.0
    alone = CLEAN + hum(len(CLEAN), -35.0) if "hum" in layout else CLEAN
    assert abs(likeness(out, heard(alone)[LATER])) > 0.97


def test_the_hiss_of_a_dead_channel_stays_out() -> None:
    out = heard(LAYOUTS["right alone, hiss on the left"])
    assert dbfs(out[round(8.4 * RATE) : round(8.9 * RATE)]) < -60


def test_two_people_on_a_channel_each_are_both_heard_at_their_own_level() -> None:
    long = voice(24.0)
    first = (np.arange(len(long)) // (3 * RATE)) % 2 == 0
    out = heard(channels(long * first, long * ~first))
    for turn in range(2, 8):
        part = slice(turn * 3 * RATE, (turn + 1) * 3 * RATE)
        assert abs(dbfs(out[part]) - dbfs(long[part])) < 1.5


def test_a_channel_of_opposite_polarity_never_makes_a_hole() -> None:
    """Whichever of two nearly equal channels is the stronger, the sum does not pass through zero."""
    long = voice(24.0)
    swing = np.sin(2 * np.pi * 0.1 * np.arange(len(long)) / RATE).astype(np.float32) * np.float32(0.3)
    out = heard(channels(long * (1 + swing), -long * (1 - swing)))
    spoken = [at for at in range(2 * RATE, 24 * RATE - 320, 320) if dbfs(long[at : at + 320]) > -35]
    assert min(dbfs(out[at : at + 320]) - dbfs(long[at : at + 320]) for at in spoken) > -2.0


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.integers(0, 2500), min_size=1, max_size=12),
    st.sampled_from([(RATE, 1), (RATE, 2), (44_100, 1), (8_000, 3)]),
)
def test_the_cuts_between_blocks_change_no_bit(sizes: list[int], form: tuple[int, int]) -> None:
    rate, width = form
    sound = voice(3.0, -40.0, rate) + hum(3 * rate, -40.0, 60.0, rate)
    sound = channels(*(sound * gain for gain in (1.0, -0.8, 0.1)[:width])).astype(np.float32)
    whole, parts = FrontEnd(), FrontEnd()
    out = whole.push(sound, rate)
    at, got = 0, []
    while at < len(sound):
        size = sizes[len(got) % len(sizes)] or (0 if any(sizes) and len(got) < 50 else 700)
        got.append(parts.push(sound[at : at + size], rate))
        at += size
    np.testing.assert_array_equal(np.concatenate(got), out)
    assert parts.meter.told() == whole.meter.told()


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 3 * RATE - 1))
def test_what_comes_later_changes_nothing_before(cut: int) -> None:
    sound = voice(3.0, -40.0)
    other = sound.copy()
    other[cut:] = noise(len(sound) - cut, -20.0)
    np.testing.assert_array_equal(heard(sound)[:cut], heard(other)[:cut])


def test_nothing_is_delayed() -> None:
    click = np.zeros(RATE, np.float32)
    click[8_000] = 0.5
    assert int(np.argmax(np.abs(heard(click)))) == 8_000


def test_samples_that_are_not_finite_stay_so_and_touch_no_others() -> None:
    sound = channels(CLEAN, CLEAN)
    bad = sound.copy()
    bad[5_000, 1] = np.nan
    bad[5_001, 0] = np.inf
    out = heard(bad)
    assert np.isnan(out[[5_000, 5_001]]).all()
    assert np.isfinite(np.delete(out, [5_000, 5_001])).all()
    np.testing.assert_allclose(out[9_000:], heard(sound)[9_000:], atol=0.02)


def test_another_device_keeps_what_is_known_of_the_voice() -> None:
    front = FrontEnd()
    front.push(voice(10.0, -44.0), RATE)
    gain = 10 ** (front.meter.told()["gain_db"] / 20)
    sound = voice(2.0, -44.0, 48_000)
    out = front.push(sound, 48_000)
    assert gain > 5
    np.testing.assert_allclose(out[:900], sound[:900] * gain, rtol=0.05)


def test_switched_off_it_is_the_mean_of_the_channels_and_the_meter_runs() -> None:
    off = FrontEnd(on=False)
    np.testing.assert_array_equal(off.push(np.array([[1, 3], [0, -2]], np.float32), RATE), [2, -1])
    np.testing.assert_array_equal(off.push(np.array([1, 2], np.float32), RATE), [1, 2])
    quiet = voice(6.0, -55.0)
    np.testing.assert_array_equal(off.push(quiet, RATE), quiet)
    assert off.meter.told()["voice_dbfs"] == pytest.approx(-55.0, abs=2.5)
    assert off.meter.told()["gain_db"] == 0.0


@pytest.mark.parametrize("shape", [(2, 2, 2), (5, 0), ()])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(EngineError, match="give \\(samples,\\)"):
        FrontEnd().push(np.zeros(shape, np.float32), RATE)
