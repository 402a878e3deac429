"""Log-mel spectra against librosa's own numbers and those worked out by hand, and the rows for frames."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.errors import EngineError
from train.gesture.pats.audio import (
    MEL_400,
    MEL_512,
    _log_mel,
    for_frames,
    log_mel_400,
    log_mel_512,
    mel_bands,
    rows_needed,
    silence,
)

SECOND = np.arange(16_000) / 16_000
SINE = 0.5 * np.sin(2 * np.pi * 1000 * SECOND)
CLICK = np.zeros(16_000)
CLICK[800] = 1.0


def test_a_sine() -> None:
    rows = log_mel_400(SINE)
    assert rows.shape == (1 + (16_000 - 512) // 160, 64) and rows.dtype == np.float32
    # librosa 0.11: stft(n_fft=512, hop 160, win 400, center=False), melspectrogram(64, 125 to 7500 Hz, norm None)
    golden = [-1.2807, 1.2838, 3.2169, 4.1724, 3.5542, 1.4783, -1.0241, -1.5963]
    assert np.allclose(rows[10, 16:24], golden, atol=2e-4)
    assert np.allclose(rows, rows[:1], atol=0.05)  # 1 kHz has whole periods in a hop
    # 1 kHz is bin 32 of 512: half the amplitude times the sum of the window, 200, is its magnitude, 50.
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    assert math.isclose(np.abs(np.fft.rfft(np.pad(window, 56) * SINE[:512]))[32], 50.0, rel_tol=1e-6)


def test_a_click_by_hand() -> None:
    rows = log_mel_400(CLICK)
    # Row r sees samples 160 r + 56 to 160 r + 455: of 800 only rows 3 and 4 know, at 264 and 104 of the window.
    heard = {3: 0.5 - 0.5 * math.cos(2 * math.pi * 264 / 400), 4: 0.5 - 0.5 * math.cos(2 * math.pi * 104 / 400)}
    assert np.array_equal(np.flatnonzero(rows.max(1) > math.log(1.1e-6)), [3, 4])
    assert np.allclose(rows[[0, 2, 5]], math.log(1e-6), atol=1e-6)
    for row, weight in heard.items():
        # A click has the same magnitude in every bin, so a band is the weight times the sum of its triangle.
        assert np.allclose(rows[row], np.log(weight * mel_bands(MEL_400).sum(0)), atol=1e-5)
    assert np.allclose(rows[3, [0, 20, 40, 63]], [-0.0157, 0.0985, 1.0354, 2.0671], atol=1e-4)  # librosa's


def test_bands_of_slaney() -> None:
    bands = mel_bands(MEL_400)
    # Equal steps below 1 kHz (15 mel), equal ratios above: 125 Hz is 1.875 mel, 7500 Hz 15 + ln(7.5) / (ln(6.4) / 27).
    low, high = 1.875, 15 + math.log(7.5) * 27 / math.log(6.4)
    middle = low + (high - low) * 10 / 65
    assert middle < 15
    at = middle * 200 / 3 / (16_000 / 512)  # the bin, broken, at which the tenth band is highest
    assert abs(bands[:, 9].argmax() - at) <= 0.5
    assert bands.max() <= 1.0 and bands.min() == 0.0


def test_log_mel_512_has_librosas_numbers() -> None:
    chirp = 0.5 * np.sin(np.arange(8000.0) ** 2 * 1e-4)
    rows = _log_mel(chirp, MEL_512)
    assert rows.shape == (16, 128)
    # librosa 0.11, melspectrogram(sr=44100, n_fft=2048, hop_length=512, pad_mode="reflect"), as its version of 2020
    golden = [[4.9594, 5.3260, -1.9021], [-26.5152, -26.0020, -23.6276], [-6.4200, -6.2798, -6.2867]]
    assert np.allclose(rows[[0, 7, 15]][:, [0, 10, 40]], golden, atol=0.02)
    loud = log_mel_512(SINE)
    assert loud.shape == (1 + 44_100 // 512, 128)
    highest = np.linspace(0, 15 + math.log(22.05) * 27 / math.log(6.4), 130)[1:-1]
    assert np.ptp(loud[5:-5].argmax(1)) == 0 and abs(highest[loud[40].argmax()] - 15.0) < 0.5


def test_against_librosa_itself() -> None:
    librosa = pytest.importorskip("librosa", reason="librosa is not installed: its golden numbers are compared instead")
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    size = np.abs(librosa.stft(y=noise, n_fft=512, hop_length=160, win_length=400, center=False))
    bands = librosa.feature.melspectrogram(
        S=size, sr=16_000, n_fft=512, power=1, n_mels=64, fmin=125, fmax=7500, norm=None
    )
    assert np.allclose(log_mel_400(noise), np.log(bands).T, atol=1e-5)


def test_rows_for_frames() -> None:
    rows = np.arange(450.0)[:, None].repeat(2, 1)
    assert rows_needed(64) == 442  # int(4.3 s * 103) of the seed
    assert for_frames(rows, 64, way="seventh")[:, 0].tolist() == list(range(0, 442, 7))
    assert for_frames(rows, 3, 2, "seventh")[:, 0].tolist() == [14, 21, 28]
    means = for_frames(rows, 64, way="average")[:, 0]
    # The first mean is of rows 0 1 2 0 1 2 3, the second of 4 to 10, the last of 438 439 440 441 439 440 441.
    assert means[:3].tolist() == [9 / 7, 7.0, 14.0]
    assert math.isclose(means[-1], (438 + 2 * (439 + 440 + 441)) / 7)
    # Frame t has its middle at (t + 1/2) / 15 s, row r at 10 r + 16 ms.
    assert for_frames(rows, 4)[:, 0].tolist() == [2, 8, 15, 22]
    assert for_frames(rows, 2, 100)[:, 0].tolist() == [450 - 1, 450 - 1] and for_frames(rows, 1, 64)[0, 0] == 428
    for wrong in ((66, 0, "seventh"), (64, 2, "average")):
        with pytest.raises(EngineError, match="the seed's way runs 5 % ahead"):
            for_frames(rows, *wrong)
    with pytest.raises(EngineError, match="time, seventh, average"):
        for_frames(rows, 3, way="nearest")


def test_silence() -> None:
    sound = SINE.repeat(1)
    sound[4000:8000] = 0.001 * sound[4000:8000]
    frames = silence(sound, 17)
    assert frames.tolist() == [0] * 4 + [1] * 3 + [0] * 8 + [1, 1]  # 0.25 to 0.5 s, and after the end
    assert silence(np.zeros(16_000), 15).all() and silence(1e-4 * SINE, 15).all()
    assert len(silence(sound, 0)) == 0


@pytest.mark.parametrize("bad", (np.zeros(511), np.full(600, np.nan), np.zeros((2, 600))))
def test_no_sound(bad: np.ndarray) -> None:
    with pytest.raises(EngineError, match="512 finite samples or more"):
        log_mel_400(bad)
