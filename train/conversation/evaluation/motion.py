"""Head and brows in own speech: how fast, how smoothly and how often they move, against the truth.

No moment is compared with another: who speaks the same words again moves otherwise. Distributions and spectra are. The
mouth is looked at while only the partner speaks: it has nothing to say then.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.channels import FACE
from train.conversation.evaluation.cases import Case, Face, Mask
from train.conversation.evaluation.mouth import aperture
from train.conversation.talks.layout import FPS, MOUTH
from train.report import events
from train.report.intervals import Sums, Tally

Array = NDArray[np.floating]

BROWS = tuple(name for name in FACE if name.startswith("brow"))
PARTS = {"head": events.HEAD, "brows": BROWS}
WIDEST = {"head": 200.0, "brows": 10.0}
"""Speeds (degrees/s, weights/s) from which on all count alike."""
BINS = 500
LEAST_S = 2.0
"""Shortest stretch of speech whose spectrum is taken."""
FLOOR_DB = -60.0
"""A bin of a spectrum that holds less than this against the truth counts as this much."""


def channels(face: Face, part: str) -> Array:
    """The numbers (T, N) of a part: angles in degrees, or weights."""
    units = np.degrees(1.0) if part == "head" else 1.0
    return np.asarray(face[:, [FACE[name] for name in PARTS[part]]].astype(float) * units)


def tally(face: Face, case: Case, known: Mask | None = None) -> Tally:
    """What a face (T, 58) adds to the sums; its mouth where it is ``known`` (T,), everywhere without it."""
    frames = min(len(face), case.frames)
    speaking, listening = case.speaking[:frames], case.listening[:frames]
    sums: Sums = {}
    for part in PARTS:
        signal = channels(face[:frames], part)
        fast = np.linalg.norm(np.diff(signal, axis=0), axis=1) * FPS
        third = np.abs(np.diff(signal, 3, axis=0)).mean(1) * FPS**3
        moving, jerking = (_within(speaking, order) for order in (1, 3))
        edges = np.linspace(0.0, WIDEST[part], BINS + 1)
        sums[f"{part}.speeds"] = np.histogram(np.minimum(fast[moving], WIDEST[part]), edges)[0].astype(float)
        sums[f"{part}.speed"] = np.array(fast[moving].sum())
        sums[f"{part}.moments"] = np.array(float(moving.sum()))
        sums[f"{part}.jerk"], sums[f"{part}.jerks"] = np.array(third[jerking].sum()), np.array(float(jerking.sum()))
        spectra = [
            events.speed_spectrum(signal[first:last], FPS) * (last - first) for first, last in stretches(speaking)
        ]
        bins = round(events.SPECTRUM_HZ / events.SPECTRUM_BIN_HZ)
        sums[f"{part}.spectrum"] = np.sum(spectra, axis=0) if spectra else np.zeros(bins)
        sums[f"{part}.length"] = np.array(float(sum(last - first for first, last in stretches(speaking))))
    opening = np.abs(np.diff(aperture(face[:frames][:, MOUTH]))) * FPS
    for name, where in (("spoken", speaking), ("heard", listening)):
        inside = _within(where if known is None else where & known[:frames], 1)
        sums[f"mouth.{name}"], sums[f"mouth.{name}.moments"] = (
            np.array(opening[inside].sum()),
            np.array(float(inside.sum())),
        )
    return Tally(sums, {})


def stretches(on: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and last frame of the stretches of True in ``on`` (T,) that are long enough for a spectrum."""
    edges = np.flatnonzero(np.diff(np.r_[False, on, False].astype(np.int8))).reshape(-1, 2)
    return ((int(first), int(last)) for first, last in edges if last - first >= LEAST_S * FPS)


def derive(sums: Sums, truth: Sums) -> dict[str, Array]:
    """Metrics (D,) of sums with the draws on axis 0, beside those of the truth."""
    found: dict[str, Array] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for part in PARTS:
            speed, jerk = (
                [one[f"{part}.{what}"] / one[f"{part}.{count}"] for one in (sums, truth)]
                for what, count in (("speed", "moments"), ("jerk", "jerks"))
            )
            found[f"speed_{part}"] = speed[0] / speed[1]
            found[f"jerk_{part}"] = jerk[0] / jerk[1]
            found[f"w1_{part}"] = w1(sums[f"{part}.speeds"], truth[f"{part}.speeds"], WIDEST[part] / BINS)
            power = [one[f"{part}.spectrum"] / one[f"{part}.length"][:, None] for one in (sums, truth)]
            ratio = np.maximum(power[0] / power[1], 10.0 ** (FLOOR_DB / 10.0))
            found[f"spectrum_{part}"] = np.abs(10.0 * np.log10(ratio)).mean(1)
        found["mouth_spoken"], found["mouth_heard"] = (
            sums[f"mouth.{name}"] / sums[f"mouth.{name}.moments"] for name in ("spoken", "heard")
        )
    return found


def spectrum(sums: Sums, part: str) -> Array:
    """The spectrum (D, bins) of a part's speed in speech, per frame."""
    return np.asarray(sums[f"{part}.spectrum"] / np.maximum(sums[f"{part}.length"], 1.0)[:, None])


def w1(made: Array, true: Array, width: float) -> Array:
    """Wasserstein-1 distance (D,) of histograms (D, bins) whose bins are so wide."""
    ways = [np.cumsum(bins, 1) / bins.sum(1, keepdims=True) for bins in (made, true)]
    return np.asarray(width * np.abs(ways[0] - ways[1]).sum(1))


def _within(where: NDArray[np.bool_], order: int) -> NDArray[np.bool_]:
    """Differences (T - order,) all of whose frames are ``where`` (T,) is true."""
    if len(where) <= order:
        return np.zeros(0, bool)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(where, order + 1).all(1))
