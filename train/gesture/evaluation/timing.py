"""Do strokes meet the stresses of the speech? Shares of strokes near a stress, and what luck would reach.

A stroke meets a stress whose moment is no farther than a window from its own. By how much that is more than luck is
told by the same strokes against the same stresses moved round the talk by several seconds, averaged over several such
shifts: a motion that only knows when somebody speaks, or that strikes without end, gains nothing over its own luck.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from train.gesture.strokes import FoundStroke

Array = NDArray[np.floating]
Sums = dict[str, Array]

WINDOW, TIGHT = 0.25, 0.15
"""Seconds around a stress: the first holds nine of ten strokes of AMI's spread (0.16 s), the second two of three."""
WINDOWS = np.array([WINDOW, TIGHT])
SHIFTS = (2.7, 4.1, 6.3, 8.5, 11.0)
"""Seconds by which speech is moved, both ways, where the talk is more than twice as long."""
REACH, BINS = 0.6, 24
"""Seconds before and after a stress of the histogram of phases."""
FAR, LEAST = 0.4, 0.2
"""Seconds from a stress beyond which a stroke is there by luck, and the share of strokes of which a phase is told."""
EDGES = np.linspace(-REACH, REACH, BINS + 1)
CENTRES = (EDGES[1:] + EDGES[:-1]) / 2


def offsets(moments: Array, stresses: Array, seconds: float, shift: float = 0.0) -> Array:
    """How long after the nearest stress each moment (N,) is (s), the talk of ``seconds`` taken as a circle and the
    stresses (K,) moved along it by ``shift``. Infinite where there is no stress."""
    if not len(stresses):
        return np.full(len(moments), np.inf)
    apart = np.asarray(moments)[:, None] - np.asarray(stresses)[None] - shift
    apart = (apart + seconds / 2) % seconds - seconds / 2 if shift else apart
    return np.asarray(apart[np.arange(len(apart)), np.abs(apart).argmin(1)] if len(apart) else np.zeros(0))


def shifts_of(seconds: float) -> list[float]:
    """Those of the shifts that a talk is long enough for."""
    return [way * shift for shift in SHIFTS if 2.0 * shift < seconds for way in (1.0, -1.0)]


def met(moments: Array, stresses: Array) -> NDArray[np.bool_]:
    """Which stresses (K,) some moment (N,) is within the window of."""
    if not len(moments):
        return np.zeros(len(stresses), bool)
    return np.asarray(
        np.abs(np.asarray(stresses)[:, None] - np.asarray(moments)[None]).min(1, initial=np.inf) <= WINDOW
    )


def tally(strokes: Sequence[FoundStroke], true: Sequence[FoundStroke], stresses: Array, seconds: float) -> Sums:
    """What a motion's strokes add to the sums; ``true`` are those of the truth of the same talk and gesturer."""
    moments = np.array([stroke.apex for stroke in strokes])
    own = offsets(moments, stresses, seconds)
    by_chance = [offsets(moments, stresses, seconds, shift) for shift in shifts_of(seconds)]
    # A talk too short to be shifted tells nothing of luck, so its strokes count for neither.
    counted = float(len(moments)) if by_chance else 0.0
    hits = _hits(own) if by_chance else np.zeros(len(WINDOWS))
    phase = _histogram(own) if by_chance else np.zeros(BINS)
    chance = np.mean([_hits(one) for one in by_chance], axis=0) if by_chance else np.zeros(len(WINDOWS))
    luck = np.mean([_histogram(one) for one in by_chance], axis=0) if by_chance else np.zeros(BINS)
    own_met, true_met = met(moments, stresses), met(np.array([stroke.apex for stroke in true]), stresses)
    return {
        "strokes": np.asarray(counted),
        "hits": hits,
        "chance": np.asarray(chance, float),
        "phase": phase,
        "luck": np.asarray(luck, float),
        "met": np.asarray(float(own_met.sum())),
        "met.true": np.asarray(float(true_met.sum())),
        "met.both": np.asarray(float((own_met & true_met).sum())),
    }


def derive(sums: Sums, redraw: Sums | None) -> dict[str, Array]:
    """Metrics (D,) of sums with the draws on axis 0; ``redraw``'s sums are those of another gesturer of the same
    talks, whose gain over luck counts as 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = _gain(sums)
        found: dict[str, Array] = {
            "hit": sums["hits"][:, 0] / sums["strokes"],
            "chance": sums["chance"][:, 0] / sums["strokes"],
            "met_f1": 2.0 * sums["met.both"] / (sums["met"] + sums["met.true"]),
        }
        other = gain * np.nan if redraw is None else _gain(redraw)
        for place, name in enumerate(("skill", "skill_tight")):
            ratio = gain[:, place] / other[:, place]
            found[name] = np.where(other[:, place] > 0.0, ratio, np.nan)
    return found | _phase(sums)


def _phase(sums: Sums) -> dict[str, Array]:
    """Mean and deviation (D,) of the phases that luck does not explain: luck's histogram, as high as it has to be to
    make what lies far from any stress, is taken off. Not a number where hardly anything is left."""
    far = np.abs(CENTRES) > FAR
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond = sums["luck"][:, far].sum(1)
        lucky = np.where(beyond > 0.0, sums["phase"][:, far].sum(1) / beyond, np.nan)
        drawn = np.where(far, 0.0, sums["phase"] - lucky[:, None] * sums["luck"])
        total = drawn.sum(1)
        mean = (drawn * CENTRES).sum(1) / total
        variance = (drawn * np.square(CENTRES - mean[:, None])).sum(1) / total
        told = (total > LEAST * sums["strokes"]) & (np.abs(mean) < FAR) & (variance > 0.0)
        return {
            "phase": np.where(told, mean, np.nan),
            "phase_spread": np.where(told, np.sqrt(np.abs(variance)), np.nan),
        }


def curve(sums: Sums, name: str) -> Array:
    """Share (D, bins) of the strokes in each step of the histogram, ``phase`` as they are or ``luck``, a second."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = sums[name] / sums["strokes"][:, None] / (EDGES[1] - EDGES[0])
    return np.asarray(np.nan_to_num(share))


def _gain(sums: Sums) -> Array:
    return np.asarray((sums["hits"] - sums["chance"]) / sums["strokes"][:, None])


def _hits(apart: Array) -> Array:
    return np.asarray((np.abs(apart)[:, None] <= WINDOWS).sum(0), float)


def _histogram(apart: Array) -> Array:
    return np.asarray(np.histogram(apart, EDGES)[0], float)
