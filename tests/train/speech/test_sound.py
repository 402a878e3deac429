"""Sound is resampled and its pitch followed as it is, up to the pitch that is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import EngineError
from train.speech.sound import level_db, pitch_track, resample, trim
from train.speech.talk import RATE


def tone(seconds: float, hertz: float, rate: int = RATE) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def test_resample_keeps_a_tone_and_can_raise_it() -> None:
    source = tone(1.0, 200, 22050)
    same, raised = resample(source, 22050, RATE), resample(source, 22050 * 1.25, RATE)
    assert abs(len(same) - RATE) <= 1 and abs(len(raised) - RATE / 1.25) <= 1
    assert np.abs(same[800:-800] - tone(1.0, 200)[800 : len(same) - 800]).max() < 0.01
    assert np.nanmedian(pitch_track(same)) == pytest.approx(200, rel=0.02)
    assert np.nanmedian(pitch_track(raised)) == pytest.approx(250, rel=0.02)


def test_a_high_voice_needs_a_higher_bound() -> None:
    high = tone(0.6, 390) + tone(0.6, 780)
    assert np.nanmedian(pitch_track(high, 420.0)) == pytest.approx(390, rel=0.02)
    assert np.nanmedian(pitch_track(high)) != pytest.approx(390, rel=0.02)


def test_trim_cuts_silence_and_level_counts_speech_alone() -> None:
    padded = np.pad(tone(1.0, 150), (8000, 24000))
    assert len(trim(padded)) == pytest.approx(RATE + 2 * 320, abs=80)
    assert level_db(padded) == pytest.approx(20 * np.log10(0.3 / np.sqrt(2)), abs=1.5)
    for refuses in (trim, level_db):
        with pytest.raises(EngineError, match="silent"):
            refuses(np.zeros(RATE))
