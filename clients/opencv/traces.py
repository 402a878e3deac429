"""What a body does over the last seconds, as lines: how fast its hands are, where its feet and hips; and the meters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .body import AVATAR
from .camera import present
from .physique import LEFT, MIDDLE, RIGHT, Physique, physique
from .store import METER, FrameStore, Snapshot

Array = NDArray[np.float64]
Colour = tuple[int, int, int]

CONTACT_M = 0.05  # m over the floor below which a foot is down and ought not to slide
LEVELS: tuple[Colour, ...] = (
    (200, 170, 90),
    (120, 200, 120),
    (90, 130, 240),
    (210, 120, 200),
    (110, 210, 230),
    (180, 180, 180),
)
"""Colours of a meter's values, in order: low to high."""


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One strip of lines: its label, lowest and highest value, unit, and lines (T,) with their colours."""

    label: str
    low: float
    high: float
    unit: str
    lines: tuple[tuple[Array, Colour], ...]


def body_rows(positions: NDArray[np.floating], skeleton: Mapping[str, Any], seconds: Array) -> list[TraceRow]:
    """Traces of a motion (T, J, 3) in metres at times ``seconds`` (T,), the left side's line blue, the right's orange.

    A skeleton without limbs has the mean speed of its joints instead of its hands'; one that names no feet has no
    rows for them. What is missing is NaN.
    """
    build = physique(skeleton)
    at = np.where(present(positions)[..., None], np.asarray(positions, np.float64), np.nan)
    flat = at.reshape(len(at), -1, 3)
    hands = sorted((end for end in build.ends if end not in build.feet), key=lambda end: build.sides[end])
    rows = []
    if hands:
        speeds = [(speed(flat[:, hand], seconds), AVATAR.of(build.sides[hand])) for hand in hands]
        rows.append(TraceRow("hand speed", 0.0, 4.0, "m/s", tuple(speeds)))
    else:
        moved = np.stack([speed(flat[:, joint], seconds) for joint in range(build.joints)])
        rows.append(TraceRow("joint speed", 0.0, 3.0, "m/s", ((_mean(moved), AVATAR.middle),)))
    soles = _soles(build)
    if soles:
        heights, slides = [], []
        for side, joints in soles:
            height = flat[:, joints, 1].min(1)
            slide = np.min([speed(flat[:, joint] * (1, 0, 1), seconds) for joint in joints], axis=0)
            heights.append((height, AVATAR.of(side)))
            slides.append((np.where(height < CONTACT_M, slide, 0.0), AVATAR.of(side)))
        rows.append(TraceRow("foot height", 0.0, 0.5, "m", tuple(heights)))
        rows.append(TraceRow("foot slide", 0.0, 1.0, "m/s", tuple(slides)))
    tall = build.stature
    hips = flat[:, list(build.torsos[0].low), 1].mean(1) if build.torsos else flat[:, 0, 1]
    rows.append(TraceRow("hip height", 0.2 * tall, 0.8 * tall, "m", ((hips, AVATAR.middle),)))
    return rows


def speed(points: Array, seconds: Array) -> Array:
    """Speed (T,) m/s of a point (T, 3); NaN at the first frame and where it is missing."""
    moved = np.full(len(points), np.nan)
    if len(points) > 1:
        passed = np.maximum(np.diff(seconds), 1e-6)
        moved[1:] = np.linalg.norm(np.diff(points, axis=0), axis=-1) / passed
    return moved


def _mean(values: Array) -> Array:
    known = np.isfinite(values)
    return np.where(known.any(0), np.where(known, values, 0.0).sum(0) / np.maximum(known.sum(0), 1), np.nan)


def _soles(build: Physique) -> list[tuple[int, list[int]]]:
    """The joints of each foot, by side."""
    sided = [(side, [joint for joint in build.feet if build.sides[joint] == side]) for side in (LEFT, RIGHT, MIDDLE)]
    return [(side, joints) for side, joints in sided if joints]


def meter_rows(store: FrameStore, moments: Sequence[Snapshot]) -> list[TraceRow]:
    """A row for each of the session's meters: its values over time."""
    rows = []
    for part, stream in store.meters.items():
        unknown = np.full(len(stream.names), np.nan)
        values = np.array([moment.values.get(part, unknown) for moment in moments], np.float64)
        lines = [(values[:, index], LEVELS[index]) for index in range(min(METER, values.shape[1]))]
        rows.append(TraceRow(stream.name, 0.0, 1.0, "", tuple(lines)))
    return rows


def draw_row(
    image: NDArray[np.uint8],
    row: TraceRow,
    x: Array,
    box: tuple[int, int, int, int],
    newest: tuple[int, int] | None = None,
) -> None:
    """Draw a row's lines into ``box`` (x, y, width, height) at columns ``x`` (T,) pixels; ``newest`` is where the
    newest values go as numbers."""
    left, top, wide, tall = box
    cv2.line(image, (left, top + tall), (left + wide, top + tall), (72, 64, 58), 1)
    for values, colour in row.lines:
        with np.errstate(invalid="ignore"):
            share = np.clip((values - row.low) / (row.high - row.low), 0.0, 1.0)
        known = np.isfinite(share)
        # Gaps stay gaps: a line is drawn over each unbroken run.
        for run in np.split(np.flatnonzero(known), np.flatnonzero(np.diff(np.flatnonzero(known)) > 1) + 1):
            if len(run) > 1:
                line = np.round(np.stack([x[run], top + tall - share[run] * (tall - 2)], 1) * 16).astype(np.int32)
                cv2.polylines(image, [line], False, colour, 1, cv2.LINE_AA, 4)
    if newest is not None and row.unit:
        x_at, y_at = newest
        for words, colour in [*((f"{values[-1]:.2f}", ink) for values, ink in row.lines), (row.unit, (160, 150, 144))]:
            cv2.putText(image, words, (x_at, y_at), cv2.FONT_HERSHEY_SIMPLEX, 0.36, colour, 1, cv2.LINE_AA)
            x_at += 34
