"""The beat rule: a baseline that strikes on every accent that it hears in the energy of the voice, and does no more.

It is causal and knows no words: in each frame it hears how loud the voice was up to now. While somebody speaks the
right hand is up; an accent, a level well above what this voice usually has, makes it strike; then it comes back slowly.
An accent counts again once the level has been below the usual (hysteresis), and not sooner than a stroke takes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.gesture.pats import PATS_JOINTS, RIGHT_HAND
from train.gesture.pats.layout import RATE
from train.speech.talk import RATE as SAMPLE_RATE

Array = NDArray[np.floating]

SPEAKS_DB, USUAL_DB = -46.0, -30.0
"""Level from which on it is speech (voices are at -26 dBFS), and what is taken for usual before any was heard."""
USUAL_S = 4.0
"""Seconds of speech by which the usual level is known."""
ACCENT_DB = 4.0
"""Above the usual level: an accent."""
AGAIN_S = 0.8
"""Seconds between two strokes, at least."""
HANGS_S = 0.6
"""Seconds of silence after which the hand falls."""
RISES_S, STRIKES_S, BACK_S = 0.45, 0.2, 0.9
"""Seconds that a hand takes to rise or fall, to strike, and to come back."""
UP = np.array([40.0, -260.0])
"""Pixels that the raised hand is from its rest, to the body's middle and up."""
BEAT = np.array([-25.0, 110.0])
"""Pixels that it strikes from there, outwards and down."""
WRIST, ELBOW = PATS_JOINTS.index("RWrist"), PATS_JOINTS.index("RElbow")
MOVED = {ELBOW: 0.4, WRIST: 1.0} | dict.fromkeys(range(RIGHT_HAND, RIGHT_HAND + 21), 1.0)
"""How much of the hand's way each point goes."""


def levels(pcm: NDArray[np.float32], frames: int) -> Array:
    """The loudness (frames,) in dBFS of each frame of a voice (n,) at 16 kHz."""
    hop = SAMPLE_RATE / RATE
    edges = np.round(np.arange(frames + 1) * hop).astype(int)
    power = np.concatenate([[0.0], np.cumsum(np.square(pcm, dtype=np.float64))])
    edges = np.minimum(edges, len(pcm))
    return np.asarray(10.0 * np.log10((power[edges[1:]] - power[edges[:-1]]) / hop + 1e-12))


def accents(level: Array) -> NDArray[np.bool_]:
    """Frames (T,) in which an accent is heard, of the loudness up to each."""
    usual, armed, last = USUAL_DB, True, -np.inf
    found = np.zeros(len(level), bool)
    for frame, now in enumerate(level):
        if now < SPEAKS_DB:
            armed = True
            continue
        if armed and now > usual + ACCENT_DB and (frame - last) / RATE >= AGAIN_S:
            found[frame], armed, last = True, False, frame
        armed = armed or now < usual
        usual += (now - usual) / (USUAL_S * RATE)
    return found


def beat(pcm: NDArray[np.float32], pose: Array, frames: int) -> Array:
    """Points (frames, 52, 2) of a body that rests in ``pose`` (52, 2) and beats to a voice (n,) at 16 kHz."""
    level = levels(pcm, frames)
    struck = accents(level)
    made = np.repeat(np.asarray(pose, float)[None], frames, 0)
    share = np.array([[MOVED.get(point, 0.0)] for point in range(len(PATS_JOINTS))])
    up, phase, heard = 0.0, np.inf, -np.inf
    for frame in range(frames):
        heard = frame if level[frame] >= SPEAKS_DB else heard
        wanted = float((frame - heard) / RATE < HANGS_S)
        up += np.clip(wanted - up, -1.0 / (RISES_S * RATE), 1.0 / (RISES_S * RATE))
        phase = 0.0 if struck[frame] else phase + 1.0 / RATE
        made[frame] += share * (_eased(up) * (UP + _down(phase) * BEAT))
    return made


def _down(seconds: float) -> float:
    """How far down the hand is so long after its accent."""
    return _eased(seconds / STRIKES_S) if seconds < STRIKES_S else 1.0 - _eased((seconds - STRIKES_S) / BACK_S)


def _eased(share: float) -> float:
    """From 0 to 1 without a jerk."""
    one = min(max(share, 0.0), 1.0)
    return one * one * (3.0 - 2.0 * one)
