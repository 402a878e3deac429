"""Events and spectra of a face stream: what a person would count when asked whether a head looks alive.

Works on any (T, 58) array in the order of :mod:`engine.channels`, whatever made it: ground truth, a model, a tracker.
Detection uses the published numbers alone, so every system is measured with the same ruler.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from engine.channels import FACE

Array = NDArray[np.floating]

NOD_DEGREES, NOD_REFRACTORY_S, NOD_BASE_S = 1.3, 0.8, 1.0
BLINK_CLOSED = 0.45
AWAY_DEGREES = 6.0
EYE_DEGREES = {"Out": 35.0, "In": 35.0, "Up": 25.0, "Down": 30.0}
"""Degrees at weight 1, the rule listener's scale."""

SMILE_RISE, SMILE_RISE_S, SMILE_REFRACTORY_S = 0.1, 1.0, 1.5
DRIFT_S = 20.0
"""A head that is elsewhere for so long, on the mean, has drifted; what is shorter is a movement."""
SPECTRUM_HZ, SPECTRUM_BIN_HZ, SEGMENT_S = 8.0, 0.5, 4.0
"""Speed spectra: up to, bin width, and length of the Hann-windowed segments they are averaged over."""

LIDS_AND_EYES = tuple(name for name in FACE if name.startswith(("eyeBlink", "eyeLook", "eyeSquint", "eyeWide")))
HEAD = ("headPitch", "headYaw", "headRoll")
PLACE = ("headX", "headY", "headZ")
EXPRESSION = tuple(name for name, index in FACE.items() if index < 52 and name not in LIDS_AND_EYES)
"""What mouth, cheeks and brows do: the expression weights without lids and eyes."""


def nods(face: Array, rate: float) -> list[float]:
    """Start times (s) of nods: pitch more than 1.3 degrees below its running one-second median, one per 0.8 s."""
    pitch = np.degrees(face[:, FACE["headPitch"]].astype(float))
    span = int(rate * NOD_BASE_S) | 1
    padded = np.pad(pitch, span // 2, mode="edge")
    dips = pitch - np.median(np.lib.stride_tricks.sliding_window_view(padded, span), axis=-1)
    return _starts(dips > NOD_DEGREES, rate, NOD_REFRACTORY_S)


def blinks(face: Array, rate: float) -> list[float]:
    """Times (s) at which the lids, mean of both, close past 0.45 of the way."""
    closed = face[:, [FACE["eyeBlinkLeft"], FACE["eyeBlinkRight"]]].mean(1) > BLINK_CLOSED
    return _starts(closed, rate, 0.0)


def smile_level(face: Array) -> Array:
    """How much both corners of the mouth are up, (T,)."""
    return np.asarray(face[:, [FACE["mouthSmileLeft"], FACE["mouthSmileRight"]]].astype(float).mean(1))


def smiles(face: Array, rate: float) -> list[float]:
    """Times (s) at which the smile has risen by more than 0.1 within a second, one per 1.5 s: a lasting smile counts
    once and a friendly face at rest not at all."""
    level = smile_level(face)
    span = int(rate * SMILE_RISE_S)
    padded = np.concatenate([np.full(span, level[0]), level])
    lowest = np.lib.stride_tricks.sliding_window_view(padded, span + 1).min(-1)
    return _starts(level - lowest > SMILE_RISE, rate, SMILE_REFRACTORY_S)


def gaze_degrees(face: Array) -> Array:
    """Direction of gaze in space, (T, 2) yaw and pitch in degrees: eyes in the head plus the head."""

    def eye(side: str, direction: str) -> Array:
        return face[:, FACE[f"eyeLook{direction}{side}"]].astype(float) * EYE_DEGREES[direction]

    left = 0.5 * (eye("Left", "Out") + eye("Right", "In"))
    right = 0.5 * (eye("Left", "In") + eye("Right", "Out"))
    down = 0.5 * (eye("Left", "Down") + eye("Right", "Down"))
    up = 0.5 * (eye("Left", "Up") + eye("Right", "Up"))
    head = np.degrees(face[:, [FACE["headYaw"], FACE["headPitch"]]].astype(float))
    return np.asarray(np.stack([left - right, down - up], 1) + head)


def away_share(face: Array) -> float:
    """Share of frames in which gaze is more than 6 degrees from its median direction."""
    return float(looks_away(face).mean())


def looks_away(face: Array) -> NDArray[np.bool_]:
    """Frames (T,) in which gaze is more than 6 degrees from its median direction."""
    gaze = gaze_degrees(face)
    return np.asarray(np.linalg.norm(gaze - np.median(gaze, 0), axis=1) > AWAY_DEGREES)


def dwells(on: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lengths in frames of the runs of False and of True in ``on`` (T,), without the two cut off at the ends."""
    edges = np.flatnonzero(np.diff(on.astype(np.int8))) + 1
    lengths, kinds = np.diff(edges), on[edges[:-1]]
    return lengths[~kinds], lengths[kinds]


def head_speed(face: Array, rate: float) -> Array:
    """Angular speed of the head between successive frames, (T-1,) degrees/s."""
    angles = np.degrees(face[:, [FACE[name] for name in HEAD]].astype(float))
    return np.asarray(np.linalg.norm(np.diff(angles, axis=0), axis=1) * rate)


def largest_step(face: Array) -> float:
    """Largest change of an expression weight between two frames, lids and eyes left out: those may jump."""
    return float(np.abs(np.diff(face[:, [FACE[name] for name in EXPRESSION]], axis=0)).max())


def longest_freeze(face: Array, rate: float) -> float:
    """Longest time (s) in which no number moves by more than 1e-4 a frame: what people see as a frozen picture."""
    still = np.abs(np.diff(face, axis=0)).max(1) < 1e-4
    longest = run = 0
    for frozen in still:
        run = run + 1 if frozen else 0
        longest = max(longest, run)
    return longest / rate


def drift(face: Array, rate: float) -> float:
    """How far (m) the head's place, as a mean over 20 s (or the whole, where that is shorter), comes to lie from where
    it is most of the time, its median: the largest along any axis."""
    place = face[:, [FACE[name] for name in PLACE]].astype(float)
    span = min(round(DRIFT_S * rate), len(place))
    total = np.concatenate([np.zeros((1, place.shape[1])), np.cumsum(place, 0)])
    return float(np.abs((total[span:] - total[:-span]) / span - np.median(place, 0)).max())


def band_shares(signal: Array, rate: float, edges: tuple[float, ...]) -> list[float]:
    """Shares of the power of ``signal`` (T, channels), Hann-windowed and mean-free, between successive ``edges`` Hz."""
    window = np.hanning(len(signal))[:, None]
    power = (np.abs(np.fft.rfft((signal - signal.mean(0)) * window, axis=0)) ** 2).sum(1)
    frequency = np.fft.rfftfreq(len(signal), 1.0 / rate)
    total = power.sum() or 1.0
    return [
        float(power[(frequency >= low) & (frequency < high)].sum() / total) for low, high in itertools.pairwise(edges)
    ]


def jerk(signal: Array, rate: float) -> float:
    """Mean absolute third derivative of ``signal`` (T, channels), per s^3."""
    return float(np.abs(np.diff(signal, 3, axis=0)).mean() * rate**3)


def speed_power(signal: Array, rate: float) -> tuple[Array, Array]:
    """Power spectrum of the speed of ``signal`` (T, channels), summed over channels: (frequencies in Hz, power in
    units^2/s^2 per line), averaged over Hann-windowed, half-overlapping segments of 4 s (Welch 1967). A stream shorter
    than a segment is padded with stillness."""
    span = int(rate * SEGMENT_S)
    speed = np.diff(signal, axis=0) * rate
    speed = np.pad(speed, ((0, max(0, span - len(speed))), (0, 0)))
    window = np.hanning(span + 1)[:-1]
    segments = np.lib.stride_tricks.sliding_window_view(speed, span, axis=0)[:: span // 2]
    power = np.abs(np.fft.rfft(segments * window, axis=-1)) ** 2 / (span * (window**2).sum())
    power[..., 1:] *= 2.0  # the negative frequencies' half
    return np.fft.rfftfreq(span, 1.0 / rate), power.sum(1).mean(0)


def speed_spectrum(signal: Array, rate: float) -> Array:
    """Speed power of ``signal`` (T, channels) in 16 bins of 0.5 Hz up to 8 Hz."""
    frequency, power = speed_power(signal, rate)
    edges = np.arange(0.0, SPECTRUM_HZ + SPECTRUM_BIN_HZ, SPECTRUM_BIN_HZ)
    return np.histogram(frequency, edges, weights=power)[0]


def _starts(on: NDArray[np.bool_], rate: float, refractory_s: float) -> list[float]:
    starts: list[float] = []
    before, last = False, -np.inf
    for index, now in enumerate(on):
        time = index / rate
        if now and not before and time - last >= refractory_s:
            starts.append(time)
        if now:
            last = time
        before = bool(now)
    return starts
