"""The partner's face as trackers give it, drawn for training: channels that are not there, other gains, another rest.

The simulation moves all 52 weights together; no tracker does. MediaPipe's face landmarker gave, on the 159 tracked GRID
clips (people who read aloud), cheekSquint, cheekPuff, noseSneer and tongueOut of 0, hardly any dimple, stretch, lips
apart or shrug, half of the funnel, and a neutral face with the eyes half squinted and the brows a little down. An
iPhone (ARKit, Live Link Face) gives all channels, each person's at gains of their own. What a listener reads from one
channel alone is lost with the next tracker, so every visit to a stream draws another.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.channels import EXPRESSION_NAMES

SHARES = {"whole": 0.3, "mediapipe": 0.4, "sparse": 0.3}
"""How often each kind of tracker is drawn: all channels, MediaPipe's, and some channels missing at random."""
MEDIAPIPE_GAIN = {
    "cheek": 0.0,
    "noseSneer": 0.0,
    "tongueOut": 0.0,
    "mouthDimple": 0.1,
    "mouthFunnel": 0.1,
    "mouthLowerDown": 0.1,
    "mouthRollLower": 0.3,
    "mouthShrug": 0.1,
    "mouthStretch": 0.15,
    "mouthUpperUp": 0.03,
    "eyeWide": 0.1,
    "browOuterUp": 0.6,
}
"""By the beginnings of names: its 95th percentile over that of simulated speakers; 1 for what is not named."""
MEDIAPIPE_REST = {"browDown": 0.16, "eyeSquint": 0.45, "eyeLookDown": 0.12, "eyeLookIn": 0.1, "eyeBlink": 0.08}
"""By the beginnings of names: the median of its weights in a face at rest; 0 for what is not named."""
GAIN_SPREAD, REST_SPREAD, OTHER_REST = 0.3, 0.4, 0.12
"""Log-deviations of gains and rests between people, and the largest rest of a channel with another tracker."""
MISSING, SMILE_MISSING = 0.3, 0.1
"""Chance that a sparse tracker lacks a channel (both sides of it), and the corners of the mouth."""
JITTER = 0.012
"""Largest deviation of a weight's noise from frame to frame."""


class Tracker(NamedTuple):
    """How one tracker shows a person's 52 weights: ``gain`` and ``rest`` (52,), and its noise's deviation."""

    gain: NDArray[np.float32]
    rest: NDArray[np.float32]
    jitter: float

    def show(self, weights: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """``weights`` (T, 52) as it shows them."""
        noise = self.jitter * rng.standard_normal(weights.shape, np.float32)
        # Weights fill what is left above the rest, so that a full smile stays one.
        shown = self.rest + (1.0 - self.rest) * self.gain * weights + noise * (self.gain > 0.0)
        return np.asarray(np.clip(shown, 0.0, 1.0), np.float32)


def draw(rng: np.random.Generator) -> Tracker:
    """A tracker and a person before it."""
    kind = rng.choice(list(SHARES), p=list(SHARES.values()))
    stems = [name.removesuffix("Left").removesuffix("Right") for name in EXPRESSION_NAMES]
    # Both sides of a face are one channel here: a tracker that lacks one side lacks the other.
    personal = {stem: float(np.exp(GAIN_SPREAD * rng.standard_normal())) for stem in dict.fromkeys(stems)}
    lifted = {stem: float(np.exp(REST_SPREAD * rng.standard_normal())) for stem in personal}
    if kind == "mediapipe":
        gains = {stem: personal[stem] * _of(MEDIAPIPE_GAIN, stem, 1.0) for stem in personal}
        rests = {stem: lifted[stem] * _of(MEDIAPIPE_REST, stem, 0.0) for stem in personal}
    else:
        gains, rests = personal, {stem: OTHER_REST * float(rng.uniform() ** 3) for stem in personal}
    if kind == "sparse":
        gone = {stem for stem in personal if rng.uniform() < (SMILE_MISSING if stem == "mouthSmile" else MISSING)}
        gains = {stem: 0.0 if stem in gone else gain for stem, gain in gains.items()}
        rests = {stem: 0.0 if stem in gone else rest for stem, rest in rests.items()}
    return Tracker(
        np.array([gains[stem] for stem in stems], np.float32),
        np.clip(np.array([rests[stem] for stem in stems], np.float32), 0.0, 0.8),
        float(rng.uniform(0.0, JITTER)),
    )


def _of(table: dict[str, float], stem: str, other: float) -> float:
    return next((value for beginning, value in table.items() if stem.startswith(beginning)), other)
