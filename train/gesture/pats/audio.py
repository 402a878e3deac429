"""What PATS hears: log-mel spectra as its own programs make them, their rows for the frames of poses, and silence.

Natural logs of mel bands, a row each 10 ms (``log_mel_400``: magnitudes) or 512 samples at 44.1 kHz (``log_mel_512``:
powers). Bands are Slaney's: equal steps to 1 kHz, equal ratios above.

The seed takes every 7th row for a frame, of 103 rows a second, as it says; rows of 10 ms make 7 of them 70 ms, a frame
is 66.7 ms, so that the sound is 5 % ahead (0.5 s after 10 s). That is kept as ``seventh`` and ``average``, for results
like the seed's; ``time`` takes the row whose window is nearest to the middle of the frame.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.signal import get_window

from engine.errors import EngineError
from engine.sound.resample import StreamingResampler
from train.gesture.pats.layout import PCM_RATE, RATE

Audio = NDArray[np.floating]
Rows = NDArray[np.float32]
STEP = 7
"""Rows of ``log_mel_400`` that the seed takes for a frame."""
WAYS = ("time", "seventh", "average")
PIECE = 2048
"""Windows that are looked at in one go, which bounds memory."""
SILENT_DB, FLOOR_DB = 35.0, -60.0
"""A frame so far under the loud parts of its interval, or so quiet against full scale, is silence."""


class Mel(NamedTuple):
    """How a log-mel spectrum is made: ``points`` of the transform, ``hop`` and ``window`` in samples at ``rate`` Hz,
    ``bands`` from ``low`` to ``high`` Hz, of magnitudes (``power`` 1) or powers (2), ``area``: each band of area 1
    over Hz instead of height 1, ``centred``: the first window around the first sample, mirrored at the ends; ``least``
    stands for 0."""

    rate: int
    points: int
    hop: int
    window: int
    bands: int
    low: float
    high: float
    power: int
    area: bool
    centred: bool
    least: float


MEL_400 = Mel(PCM_RATE, 512, 160, 400, 64, 125.0, 7500.0, 1, False, False, 1e-6)
MEL_512 = Mel(44_100, 2048, 512, 2048, 128, 0.0, 22_050.0, 2, True, True, 1e-10)


def log_mel_400(pcm: Audio) -> Rows:
    """(R, 64) of sound (n,) at 16 kHz, -1..1; row r is of samples 160 r + 56 to 160 r + 455. Raises
    :class:`EngineError` where there is less than one window of 512 samples."""
    return _log_mel(pcm, MEL_400)


def log_mel_512(pcm: Audio, rate: int = PCM_RATE) -> Rows:
    """(R, 128) of sound (n,) at ``rate`` Hz; row r is around second 512 r / 44100. PATS' sound has 44.1 kHz, to which
    it is resampled."""
    resampler = StreamingResampler(rate, MEL_512.rate)
    sound = np.concatenate([resampler.push(np.asarray(pcm, np.float32)), resampler.flush()])
    return _log_mel(sound, MEL_512)


def silence(pcm: Audio, frames: int) -> NDArray[np.int64]:
    """1 for a frame of silence, else 0, (frames,), of sound (n,) at 16 kHz. By level: 35 dB under the 95th percentile
    of the interval. (The seed asks a detector of voices in the same sense, and then stores a 0 behind each value.)"""
    edges = np.arange(frames + 1) * PCM_RATE // RATE
    sound = np.pad(np.asarray(pcm, np.float64), (0, max(0, edges[-1] - len(pcm))))
    power = np.array([np.mean(sound[a:b] ** 2) for a, b in pairwise(edges)])
    level = 10.0 * np.log10(np.maximum(power, 1e-12))
    loud = np.percentile(level, 95.0) if frames else 0.0
    return np.asarray(level < max(loud - SILENT_DB, FLOOR_DB), np.int64)


def rows_needed(frames: int) -> int:
    """Rows that the seed's windows of so many frames span: 442 for 64."""
    return STEP * (frames - 1) + 1


def for_frames(mel: NDArray[Any], frames: int, start: int = 0, way: str = "time") -> NDArray[Any]:
    """Rows (frames, bands) of ``log_mel_400`` (R, bands) for the frames from ``start`` on, by a way of :data:`WAYS`:

    ``time``: the row nearest to the frame's middle, the last one beyond the end. ``seventh``: rows 7 start, 7 start +
    7, ... ``average``: means of 7 rows; the first three and the last three of the window are taken twice, as in the
    seed. Raises :class:`EngineError` where the seed's ways need more rows than there are.
    """
    if way not in WAYS or frames < 1 or start < 0:
        raise EngineError(f"{frames} frames from {start} by {way!r}; one frame or more, by {', '.join(WAYS)}")
    if way == "time":
        middles = (np.arange(start, start + frames) + 0.5) * PCM_RATE / RATE
        nearest = np.round((middles - MEL_400.points / 2) / MEL_400.hop).astype(int)
        return np.asarray(mel[np.clip(nearest, 0, len(mel) - 1)])
    window = mel[STEP * start : STEP * start + rows_needed(frames)]
    if len(window) < rows_needed(frames):
        raise EngineError(
            f"{frames} frames from {start} need rows to {STEP * start + rows_needed(frames)}, there are {len(mel)}: "
            "the seed's way runs 5 % ahead; take fewer frames, or way 'time'"
        )
    if way == "seventh":
        return window[::STEP]
    half = STEP // 2
    whole = np.concatenate([window[:half], window, window[-half:]])
    return np.asarray(whole.reshape(frames, STEP, -1).mean(1), mel.dtype)


def mel_bands(mel: Mel) -> NDArray[np.float64]:
    """Triangles (points // 2 + 1, bands) on Slaney's scale, as in his Auditory Toolbox (1998)."""
    edges = _hertz(np.linspace(_slaney(mel.low), _slaney(mel.high), mel.bands + 2))
    bins = np.arange(mel.points // 2 + 1)[:, None] * mel.rate / mel.points
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    height = 2.0 / (edges[2:] - edges[:-2]) if mel.area else 1.0
    return np.asarray(np.maximum(0.0, np.minimum(rise, fall)) * height)


def _log_mel(pcm: Audio, mel: Mel) -> Rows:
    sound = np.asarray(pcm, np.float32)
    if sound.ndim != 1 or len(sound) < mel.points or not np.isfinite(sound).all():
        raise EngineError(f"sound {sound.shape} at {mel.rate} Hz: {mel.points} finite samples or more are needed")
    if mel.centred:
        sound = np.pad(sound, mel.points // 2, mode="reflect")
    window = np.zeros(mel.points, np.float32)
    begin = (mel.points - mel.window) // 2
    window[begin : begin + mel.window] = get_window("hann", mel.window)
    bands, framed = mel_bands(mel).astype(np.float32), sliding_window_view(sound, mel.points)[:: mel.hop]
    out = []
    for first in range(0, len(framed), PIECE):
        size = np.abs(np.fft.rfft(framed[first : first + PIECE] * window)).astype(np.float32)
        found = size**mel.power @ bands
        out.append(np.log(np.where(found == 0.0, np.float32(mel.least), found)))
    return np.asarray(np.concatenate(out), np.float32)


_STEP, _KNEE = 200.0 / 3.0, 1000.0
_RATIO = np.log(6.4) / 27.0


def _slaney(hertz: float) -> float:
    return hertz / _STEP if hertz < _KNEE else _KNEE / _STEP + float(np.log(hertz / _KNEE)) / _RATIO


def _hertz(slaney: NDArray[np.float64]) -> NDArray[np.float64]:
    knee = _KNEE / _STEP
    return np.where(slaney < knee, slaney * _STEP, _KNEE * np.exp(_RATIO * (np.maximum(slaney, knee) - knee)))
