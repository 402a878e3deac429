"""The loudness rule: a mouth that opens as loud as the voice is. What lips reach without any idea of sounds.

In each frame the level of the own voice, in dB below its own running peak, is smoothed and, if that fits better, taken
some frames late; every channel of the mouth is a linear function of it, fitted by least squares to the captured mouths
of the training part. How low a level counts, the smoothing and the lag are those that fit the validating part best.
The rule is causal.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from engine.errors import EngineError
from train.conversation.evaluation.cases import Case
from train.conversation.talks.layout import FPS

Array = NDArray[np.floating]

QUIET_DB = -50.0
"""dBFS below which the running peak does not fall."""
FALL_DB = 1.5
"""dB a second by which the peak falls: what an engine that hears no recording to its end can do."""
FLOORS_DB = (-20.0, -30.0, -40.0, -50.0)
SMOOTHINGS = (0.0, 0.3, 0.5, 0.65, 0.8)
LAGS = (0, 1, 2, 3)


class Setting(NamedTuple):
    """Lowest level (dB below the peak) that counts, share of the level before that is kept, and frames of lag."""

    floor_db: float
    smoothing: float
    lag: int


@dataclass(frozen=True)
class Loudness:
    """A fitted rule: channels (27,) at no voice, what each gains at full level (27,), and its setting."""

    base: Array
    gain: Array
    setting: Setting

    def mouth(self, case: Case) -> NDArray[np.float32]:
        """The mouth (T, 27) of a case's own voice."""
        return self.of(levels(case))

    def of(self, level: Array) -> NDArray[np.float32]:
        """The mouth (T, 27) of levels (T,) in dB below the running peak."""
        made = self.base + followed(level, self.setting)[:, None] * self.gain
        return np.clip(made, 0.0, 1.0).astype(np.float32)


def levels(case: Case) -> Array:
    """How loud (T,) the own voice is in each frame, in dB below its running peak."""
    hop = case.sound.rate / FPS
    edges = np.minimum(np.round(np.arange(case.frames + 1) * hop).astype(int), len(case.sound.own))
    power = np.concatenate([[0.0], np.cumsum(np.square(case.sound.own, dtype=np.float64))])
    level = 10.0 * np.log10((power[edges[1:]] - power[edges[:-1]]) / hop + 1e-12)
    peak, found = QUIET_DB, np.zeros(case.frames)
    for frame, now in enumerate(level):
        peak = max(now, peak - FALL_DB / FPS, QUIET_DB)
        found[frame] = now - peak
    return found


def followed(level: Array, setting: Setting) -> Array:
    """Levels (T,) in dB as a share (T,) of 0 to 1, smoothed and late."""
    share = 1.0 - np.clip(level, setting.floor_db, 0.0) / setting.floor_db
    out = lfilter([1.0 - setting.smoothing], [1.0, -setting.smoothing], share)
    return np.concatenate([np.zeros(setting.lag), out])[: len(out)]


def fit(training: Sequence[Case], validating: Sequence[Case], say: Callable[[str], None] = print) -> Loudness:
    """The rule that fits captured mouths. Raises :class:`EngineError` where there are none to fit, or to choose by
    (then those of the training part choose)."""
    if not training:
        raise EngineError("no captured mouth in the training part: the loudness rule cannot be fitted")
    chosen_by = validating or training
    heard = {
        part: [(levels(case), case.mouth) for case in cases]
        for part, cases in (("train", training), ("dev", chosen_by))
    }
    best: tuple[float, Loudness] | None = None
    for setting in itertools.starmap(Setting, itertools.product(FLOORS_DB, SMOOTHINGS, LAGS)):
        rule = fitted(heard["train"], setting)
        error = float(np.mean(np.concatenate([(rule.of(level) - mouth).ravel() ** 2 for level, mouth in heard["dev"]])))
        if best is None or error < best[0]:
            best = (error, rule)
    assert best is not None
    say(f"loudness rule: {best[1].setting}, root of the mean square {best[0] ** 0.5:.4f}")
    return best[1]


def fitted(heard: Sequence[tuple[Array, Array]], setting: Setting) -> Loudness:
    """Least squares of mouths (T, 27) on levels (T,) of one setting."""
    share = np.concatenate([followed(level, setting) for level, _ in heard])
    mouths = np.concatenate([mouth for _, mouth in heard]).astype(float)
    design = np.stack([np.ones(len(share)), share], 1)
    (base, gain), *_ = np.linalg.lstsq(design, mouths, rcond=None)
    return Loudness(base, gain, setting)
