"""What is counted on one answer to one talk: sums that add up over answers, talks and voices.

Everything that is reported later is a function of these sums (and of two largest values), so that a bootstrap over
voices is a weighted sum and every ratio is taken of pooled counts, never a mean of ratios. Dwells and intervals are
whole numbers of frames and are kept as histograms of them, which loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.channels import FACE
from train.reaction.evaluation import timing
from train.reaction.evaluation.scene import NOD_WINDOW_S, SMILE_WINDOW_S, Scene
from train.report import events, hazard
from train.report.intervals import Sums, Tally
from train.simulate.talk import FPS

Array = NDArray[np.floating]

NOD_BAND_HZ = (1.0, 4.0)
LONGEST_INTERVAL = 60 * FPS
"""Blink intervals and dwells longer than a minute count as a minute."""
END_S = 600.0
"""First and last stretch compared in talks at least twice that long."""

PARTS: dict[str, tuple[str, ...]] = {
    "rotation": events.HEAD,
    "translation": events.PLACE,
    "face": events.EXPRESSION,
    "lids": events.LIDS_AND_EYES,
}
"""Channels whose motion is measured apart."""


def tally(face: NDArray[np.float32], scene: Scene, rng: np.random.Generator) -> Tally:
    """All counts of one answer, face (T, 58) at 25 fps, to ``scene``; ``rng`` draws the shifts of its own chance."""
    nods, smiles = np.array(events.nods(face, FPS)), np.array(events.smiles(face, FPS))
    found: Sums = {"minutes": np.array(len(face) / FPS / 60.0), "answers": np.array(1.0)}
    for name, times, cues, window in (
        ("nod", nods, scene.nod_cues, NOD_WINDOW_S),
        ("smile", smiles, scene.smile_cues, SMILE_WINDOW_S),
    ):
        found |= timing.counts(name, times, cues, window, scene.seconds, rng)
    for name, moments in (("cues", scene.nod_cues), ("phrases", scene.phrase_ends)):
        found |= hazard.sums(name, nods, moments, [(0.0, scene.seconds)])
    found |= _rates("nod", nods, scene.nod_masks) | _rates("smile", smiles, scene.smile_masks)
    found |= _eyes(face) | _motion(face) | _ends(face, nods)
    drift = np.array(100.0 * events.drift(face, FPS))
    found["drift"] = drift
    peaks = {
        "drift_most": drift,
        "freeze_s": np.array(events.longest_freeze(face, FPS)),
        "step": np.array(events.largest_step(face)),
    }
    return Tally(found, peaks)


def _rates(name: str, times: Array, masks: dict[str, NDArray[np.bool_]]) -> Sums:
    found: Sums = {}
    for place, mask in masks.items():
        frames = np.minimum((times * FPS).round().astype(int), len(mask) - 1)
        found[f"{name}s.{place}"] = np.array(float(mask[frames].sum()))
        found[f"{name}_minutes.{place}"] = np.array(mask.sum() / FPS / 60.0)
    return found


def _eyes(face: NDArray[np.float32]) -> Sums:
    times = events.blinks(face, FPS)
    away = events.looks_away(face)
    towards_runs, away_runs = events.dwells(away)
    return {
        "blinks": np.array(float(len(times))),
        "blink_intervals": _histogram(np.diff(np.round(np.array(times) * FPS)).astype(int)),
        "gaze.away": np.array(float(away.sum())),
        "gaze.frames": np.array(float(len(away))),
        "gaze.towards_runs": _histogram(towards_runs),
        "gaze.away_runs": _histogram(away_runs),
    }


def _histogram(lengths: NDArray[np.integer]) -> Array:
    return np.bincount(np.minimum(lengths, LONGEST_INTERVAL), minlength=LONGEST_INTERVAL + 1).astype(float)


def _motion(face: NDArray[np.float32]) -> Sums:
    found: Sums = {}
    for part, names in PARTS.items():
        signal = channels(face, names)
        third = np.abs(np.diff(signal, 3, axis=0))
        found[f"jerk.{part}"] = np.array(third.sum() * FPS**3)
        found[f"jerk_count.{part}"] = np.array(float(third.size))
    frequency, power = events.speed_power(channels(face, ("headPitch",)), FPS)
    band = (frequency >= NOD_BAND_HZ[0]) & (frequency <= NOD_BAND_HZ[1])
    frames = float(len(face))
    found["nod_band"] = np.array(power[band].sum() * frames)
    for part in ("rotation", "face"):
        found[f"spectrum.{part}"] = events.speed_spectrum(channels(face, PARTS[part]), FPS) * frames
    found["frames"] = np.array(frames)
    return found


def _ends(face: NDArray[np.float32], nods: Array) -> Sums:
    """Nods, blinks and head jerk of the first and the last ten minutes; nothing where a talk is shorter than both."""
    span = round(END_S * FPS)
    long = len(face) >= 2 * span
    found: Sums = {}
    for end, start in (("first", 0), ("last", len(face) - span)):
        part = face[start : start + span] if long else face[:0]
        inside = (nods >= start / FPS) & (nods < (start + span) / FPS)
        third = np.abs(np.diff(channels(part, PARTS["rotation"]), 3, axis=0)) if long else np.zeros((0, 3))
        found[f"{end}.minutes"] = np.array(len(part) / FPS / 60.0)
        found[f"{end}.nods"] = np.array(float(inside.sum() if long else 0))
        found[f"{end}.blinks"] = np.array(float(len(events.blinks(part, FPS))))
        found[f"{end}.jerk"] = np.array(third.sum() * FPS**3)
        found[f"{end}.jerk_count"] = np.array(float(third.size))
    return found


def channels(face: NDArray[np.float32], names: Sequence[str]) -> Array:
    """Some channels of a face (T, 58) as (T, names) in float64, angles in degrees and shifts in millimetres."""
    units = [np.degrees(1.0) if n in events.HEAD else 1e3 if n in PARTS["translation"] else 1.0 for n in names]
    return np.asarray(face[:, [FACE[name] for name in names]].astype(float) * np.array(units))
