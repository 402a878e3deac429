"""Animates the partner's 58 face numbers from its speech and its planned cues.

The mouth follows the sound (loudness and four formant-like bands), the rest follows simple rules of conversation:
blinks at phrase ends, brows and small nods on stressed syllables, a tilted waiting head after a question. Everything
slow is periodic over the track, so it also loops without a jump. Same input and seed, same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.channels import EXPRESSION_NAMES, FACE, FACE_NAMES

FPS = 25
STRESS_GAP_S = 0.75
RIGHT_GAIN = 0.92  # nobody is symmetric: the right side moves a little less

Curve = NDArray[np.float64]


class FaceEvent(NamedTuple):
    """Something that happens at a time of the track, seconds; ``amount`` 0..1."""

    name: str
    start_s: float
    end_s: float
    amount: float


@dataclass(frozen=True)
class MouthFeatures:
    """What the mouth needs of the sound, each (T,) in [0, 1]: loudness and the shares that shape a vowel."""

    loud: Curve
    open: Curve  # a high first formant: the jaw is down
    round: Curve  # a low second formant: the lips are rounded
    spread: Curve  # a high second formant: the lips are wide
    hiss: Curve  # sibilants: teeth together


def hear(audio: NDArray[np.floating], rate: int = 16000) -> MouthFeatures:
    """The sound of mono ``audio`` in [-1, 1], one value per 40 ms frame, measured around each frame's middle."""
    hop, size = rate // FPS, 1024
    frames = len(audio) // hop
    pad = (size - hop) // 2
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(audio, (pad, size)), size)[::hop][:frames]
    power = np.abs(np.fft.rfft(windows * np.hanning(size), axis=1)) ** 2
    hertz = np.fft.rfftfreq(size, 1 / rate)

    def band(low: float, high: float) -> Curve:
        return np.asarray(power[:, (hertz >= low) & (hertz < high)].sum(axis=1) + 1e-9)

    level = 10 * np.log10(band(80, 7000))
    top = np.percentile(level, 95)
    loud = np.clip((level - top + 32) / 34, 0, 1)
    f1_share = band(550, 1100) / band(200, 1100)
    f2_share = band(1500, 2600) / band(800, 2600)
    hiss_share = band(3500, 7500) / band(200, 7500)
    return MouthFeatures(
        loud=loud,
        open=np.clip(f1_share * 1.8, 0, 1),
        round=np.clip(1.0 - 2.5 * f2_share, 0, 1) * (1 - np.clip(f1_share * 1.3, 0, 1)),
        spread=np.clip(f2_share * 1.4, 0, 1),
        hiss=np.clip(hiss_share * 1.5, 0, 1),
    )


def smooth(curve: Curve, sigma: float) -> Curve:
    """``curve`` under a Gaussian of ``sigma`` frames, wrapped round the loop."""
    frequency = np.fft.rfftfreq(len(curve))
    return np.fft.irfft(np.fft.rfft(curve) * np.exp(-2 * (np.pi * frequency * sigma) ** 2), len(curve))


def ease(x: Curve) -> Curve:
    """0 to 1 with flat ends."""
    x = np.clip(x, 0, 1)
    return x * x * x * (x * (6 * x - 15) + 10)


def bump(time: Curve, start: float, end: float, rise: float, fall: float) -> Curve:
    """A plateau of 1 from ``start`` to ``end``, reached and left within ``rise`` and ``fall`` seconds inside it."""
    return ease((time - start) / rise) * ease((end - time) / fall)


def drift(rng: np.random.Generator, frames: int, low: float, high: float) -> Curve:
    """Aimless motion between ``low`` and ``high`` Hz, periodic over the track, about unit deviation."""
    frequency = np.fft.rfftfreq(frames, 1 / FPS)
    phases = np.exp(2j * np.pi * rng.random(len(frequency)))
    curve = np.fft.irfft(phases * ((frequency >= low) & (frequency <= high)), frames)
    return curve / max(float(curve.std()), 1e-9)


def stresses(loud: Curve) -> list[int]:
    """Frames of the stressed syllables: the strongest peaks of the loudness, at least :data:`STRESS_GAP_S` apart."""
    soft = smooth(loud, 1.5)
    peaks = [i for i in range(1, len(soft) - 1) if soft[i] > 0.5 and soft[i - 1] < soft[i] >= soft[i + 1]]
    chosen: list[int] = []
    for i in sorted(peaks, key=lambda i: -soft[i]):
        if all(abs(i - j) >= STRESS_GAP_S * FPS for j in chosen):
            chosen.append(i)
    return sorted(chosen)


def blink_times(rng: np.random.Generator, length_s: float, wanted: Sequence[float]) -> list[float]:
    """Blink starts: at most of the ``wanted`` times (phrase ends, gaze shifts), gaps over 4.5 s filled in."""
    kept: list[float] = []
    for at in sorted(t + rng.uniform(-0.05, 0.12) for t in wanted):
        if 0.4 < at < length_s - 0.6 and (not kept or at - kept[-1] > 1.7):
            kept.append(at)
    filled = list(kept)
    for left, right in zip([0.0, *kept], [*kept, length_s], strict=True):
        count = int((right - left) // 4.5)
        filled += [left + (right - left) * (i + rng.uniform(-0.15, 0.15)) / (count + 1) for i in range(1, count + 1)]
    return sorted(filled)


def animate(sound: MouthFeatures, events: Sequence[FaceEvent], seed: int) -> NDArray[np.float32]:
    """The (T, 58) face of a speaker who makes this sound and acts these events.

    Events acted: smile, laugh, look_away, brow_raise, head_tilt, lean_in; ``speech`` ends draw blinks; others pass by.
    """
    frames = len(sound.loud)
    rng = np.random.default_rng(seed)
    time = (np.arange(frames) + 0.5) / FPS
    length = frames / FPS
    face = np.zeros((frames, len(FACE_NAMES)))

    def add(name: str, curve: Curve) -> None:
        face[:, FACE[name]] += curve

    def pair(name: str, curve: Curve) -> None:
        add(f"{name}Left", curve)
        add(f"{name}Right", curve * RIGHT_GAIN)

    def acted(name: str, rise: float, fall: float) -> Curve:
        parts = [amount * bump(time, start, end, rise, fall) for kind, start, end, amount in events if kind == name]
        return np.max(parts, axis=0) if parts else np.zeros(frames)

    smile, tilt = acted("smile", 0.4, 0.9), acted("head_tilt", 0.6, 0.9)
    away, lean = acted("look_away", 0.3, 0.35), acted("lean_in", 0.8, 1.0)
    smile = smile * (1 + 0.05 * np.clip(drift(rng, frames, 0.1, 0.6), -1.5, 1.5))  # no smile is held quite still
    laugh = acted("laugh", 0.1, 0.25)
    nods, flashes = np.zeros(frames), np.zeros(frames)
    for i in stresses(sound.loud):
        beat = rng.uniform(0.35, 1.0) * bump(time, time[i] - 0.28, time[i] + 0.36, 0.3, 0.34)
        nods = np.maximum(nods, beat)
        if rng.random() < 0.55:  # brows mark only some of the stresses, else they tick like a clock
            flashes = np.maximum(flashes, beat)

    # mouth: closed where it is quiet, else shaped by the bands
    speaking = np.clip((sound.loud - 0.25) / 0.75, 0, 1)
    serious = 1 - 0.7 * smile
    jaw = smooth(speaking * (0.12 + 0.42 * sound.open) * (1 - 0.5 * sound.hiss), 0.9)
    dip = np.clip(smooth(speaking, 4.0) - smooth(speaking, 0.9), 0, 1)  # lips meeting between two syllables
    add("jawOpen", jaw)
    add("mouthClose", np.minimum(0.5 * dip, jaw * 0.8))
    add("mouthFunnel", smooth(0.45 * speaking * sound.round, 1.0) * serious)
    add("mouthPucker", smooth(0.5 * speaking * sound.round * (1 - 0.5 * sound.open), 1.2) * serious)
    add("mouthRollLower", 0.3 * dip)
    add("mouthRollUpper", 0.15 * dip)
    add("mouthShrugLower", 0.06 + 0.1 * dip)
    pair("mouthLowerDown", 0.55 * jaw + smooth(0.2 * speaking * sound.hiss, 1.0))
    pair("mouthUpperUp", 0.2 * jaw + smooth(0.1 * speaking * sound.hiss, 1.0) + 0.12 * smile)
    pair("mouthStretch", smooth(0.2 * speaking * sound.spread, 1.2))
    pair("mouthPress", 0.08 * (1 - np.clip(smooth(speaking, 2.5) * 4, 0, 1)) * serious)

    # cheeks, lids and brows
    pair("mouthSmile", smile + 0.04)
    pair("mouthDimple", 0.25 * smile)
    pair("cheekSquint", 0.75 * smile)
    pair("eyeSquint", 0.55 * smile + 0.04)
    raised = acted("brow_raise", 0.4, 0.7)
    add("browInnerUp", 0.05 + 0.28 * flashes + raised + 0.2 * away)
    pair("browOuterUp", 0.03 + 0.2 * flashes + 0.7 * raised)
    pair("browDown", 0.12 * away + 0.08 * lean)
    pair("eyeWide", 0.25 * raised * (1 - smile))

    wanted = [end for kind, _, end, _ in events if kind == "speech"]
    for kind, start, end, _ in events:
        wanted += [start, end - 0.3] if kind == "look_away" else []
    lids = np.zeros(frames)
    for at in blink_times(rng, length, wanted):
        lids = np.maximum(lids, rng.uniform(0.85, 0.97) * bump(time, at, at + 0.27, 0.08, 0.15))
    pair("eyeBlink", 0.04 + lids * (1 - 0.04 / RIGHT_GAIN) + 0.1 * smile * (1 - lids))

    # gaze: small jumps between the listener's eyes, then the look away; positive is the own left and up
    gaze_x, gaze_y = np.zeros(frames), np.zeros(frames)
    at = 0.8
    while at < length - 1.2:
        hold = min(rng.uniform(0.7, 2.2), length - 0.4 - at)
        here = bump(time, at, at + hold, 0.1, 0.1)
        gaze_x += rng.uniform(-0.08, 0.08) * here
        gaze_y += rng.uniform(-0.06, 0.04) * here
        at += hold
    gaze_x, gaze_y = gaze_x * (1 - away) + 0.55 * away, gaze_y * (1 - away) + 0.3 * away
    for out, into, sign in (("Left", "Right", 1), ("Right", "Left", -1)):
        turn = np.clip(sign * gaze_x, 0, 1)
        add(f"eyeLookOut{out}", turn)
        add(f"eyeLookIn{into}", turn * 0.95)
    for way, sign in (("Up", 1), ("Down", -1)):
        turn = np.clip(sign * gaze_y, 0, 1)
        add(f"eyeLook{way}Left", turn)
        add(f"eyeLook{way}Right", turn)

    # head: slow sway always, livelier while speaking, a beat nod on stresses (down is positive)
    lively = 0.25 + 0.75 * np.clip(smooth(speaking, 8.0) * 2.5, 0, 1)
    sway = [drift(rng, frames, 0.02, 0.15) for _ in range(6)]
    talk = [drift(rng, frames, 0.3, 0.9) for _ in range(3)]
    slow_away, slow_smile = smooth(away, 3.0), smooth(smile, 4.0)
    nod = smooth(nods, 1.0) + 0.8 * laugh * smooth(speaking, 1.0)
    add("headPitch", 0.014 * sway[0] + 0.010 * lively * talk[0] + 0.045 * nod - 0.03 * slow_away - 0.04 * slow_smile)
    add("headYaw", 0.018 * sway[1] + 0.012 * lively * talk[1] + 0.13 * slow_away)
    add("headRoll", 0.012 * sway[2] + 0.008 * lively * talk[2] + 0.07 * tilt - 0.03 * slow_away)
    add("headX", 0.003 * sway[3] + 0.012 * slow_away)
    add("headY", 0.002 * sway[4] - 0.004 * nod + 0.003 * slow_smile)
    add("headZ", 0.004 * sway[5] + 0.055 * lean + 0.006 * raised)
    add("headPitch", 0.03 * lean - 0.05 * raised)

    weights = len(EXPRESSION_NAMES)
    face[:, :weights] = np.clip(face[:, :weights], 0, 1)
    return face.astype(np.float32)
