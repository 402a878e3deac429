"""The viewer's picture of a session, whatever it announces: faces as before, bodies on a stage, flat figures, or all.

A session with a body stream gets the stage, on which avatar and partner stand where they are in the world; an avatar
that has a face too, and no partner's body beside it, has the face as large as the body. Beside the stage stands
whatever else there is: faces, a figure of points, controls, meters, timing. One with points and no body has the points
in its place. A session without either gets the canvas of :mod:`.panel`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from . import light
from .body import AVATAR, PARTNER, StageBody, draw_scene, outline
from .camera import EDGE, Camera, follow, needed, present
from .head import draw_head
from .panel import (
    AVATAR_INK,
    CARD,
    DIM,
    HEIGHT,
    INK,
    PAPER,
    TRACE_SECONDS,
    WIDTH,
    draw_canvas,
    draw_emotion,
    draw_status,
    put,
    text,
)
from .physique import physique
from .points import Plane, figure_of
from .store import BODY, FACE, FLAT, METER, PARTNER_BODY, PARTNER_FACE, FrameStore, Snapshot, shown
from .traces import LEVELS, body_rows, draw_row, meter_rows

Image = NDArray[np.uint8]
STAGE = (16, 48, 832, 504)  # x, y, width, height
LARGE_FACE, HALF_STAGE = (16, 48, 412, 504), (436, 48, 412, 504)
SIDE = (864, 48, 400, 504)
STATUS_TALL = 118
TRACES = (16, 560, 1248, 148)
LABEL_WIDTH = 196
FACE_TALL, ROW_TALL, SECOND_TALL, EMOTION_TALL = 150, 26, 120, 130
TRAIL_S = 1.0
DEEP_M = 0.10  # under the floor, from where on it is said
TRACK = (72, 64, 58)


class Screen:
    """Draws one session's pictures, newest moment after newest moment, and remembers between them only its camera."""

    def __init__(self, store: FrameStore) -> None:
        self.store = store
        self.camera: Camera | None = None
        self._seq: int | None = None
        flat = store.flat
        self.plane = None if flat is None else Plane(figure_of(flat.codec), len(flat.names) // 2)

    def draw(self, recent: list[Snapshot], received_rate: float, lost: int) -> Image:
        """The whole picture (720, 1280, 3) uint8 BGR at the newest of ``recent`` (oldest first, not empty)."""
        if not self.store.bodies and self.plane is None:
            return draw_canvas(self.store, recent, received_rate, lost)
        passed = 0 if self._seq is None else max(recent[-1].frame.seq - self._seq, 0)
        self._seq = recent[-1].frame.seq
        figures = figures_of(self.store, recent)
        self.camera = follow(
            self.camera, outline(figures), stage_of(self.store, recent[-1])[2:], passed / self.store.rate
        )
        return draw_stage(self.store, recent, figures, self.camera, received_rate, lost, self.plane)


def stage_of(store: FrameStore, now: Snapshot) -> tuple[int, int, int, int]:
    """Where bodies are drawn (x, y, width, height): beside a large face, or over the whole width."""
    return HALF_STAGE if BODY in store.bodies and PARTNER_BODY not in store.bodies and FACE in now.faces else STAGE


@functools.cache
def blank() -> Image:
    """The empty picture."""
    canvas = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    canvas[:] = PAPER
    return canvas


def newest(recent: Sequence[Snapshot], part: str) -> NDArray[np.float32] | None:
    """The newest values of a part; those of the frame before where the newest are still under way."""
    return next((moment.values[part] for moment in reversed(recent[-3:]) if part in moment.values), None)


def figures_of(store: FrameStore, recent: Sequence[Snapshot]) -> list[StageBody]:
    """The bodies of the newest moment, the avatar first, with where they have been."""
    figures = []
    for name, tint in ((BODY, AVATAR), (PARTNER_BODY, PARTNER)):
        at = newest(recent, name) if name in store.bodies else None
        if at is not None:
            past = [moment.values[name] for moment in recent[-round(TRAIL_S * store.rate) :] if name in moment.values]
            figures.append(StageBody(at, store.bodies[name], tint, np.stack(past)))
    return figures


def draw_stage(
    store: FrameStore,
    recent: list[Snapshot],
    figures: list[StageBody],
    camera: Camera,
    received_rate: float,
    lost: int,
    plane: Plane | None = None,
) -> Image:
    """The picture of a session with bodies (720, 1280, 3) uint8 BGR, seen by ``camera``; its points in ``plane``."""
    canvas = blank().copy()
    now = recent[-1]
    points = newest(recent, FLAT)
    flat = plane if points is not None else None
    stage = stage_of(store, now)
    if stage is HALF_STAGE:
        put(canvas, LARGE_FACE, draw_head(now.faces[FACE], size=LARGE_FACE[2:]))
    if store.bodies or flat is None or points is None:
        put(canvas, stage, draw_scene(figures, camera, stage[2:]))
    else:
        put(canvas, STAGE, flat.draw(points, STAGE[2:]))
    text(canvas, f"reaction engine   {store.engine.bundle}   session {store.engine.session}", 16, 30, 0.6)
    seconds = now.frame.seq / store.rate
    text(canvas, f"{int(seconds // 60):02d}:{seconds % 60:04.1f}   frame {now.frame.seq}", 1060, 30, 0.52, DIM)
    for line, words in enumerate(captions(store, figures)):
        text(canvas, words, stage[0] + 12, stage[1] + 24 + 22 * line, 0.46, DIM)
    x, y, wide, tall = SIDE
    status = (x, y + tall - STATUS_TALL, wide, STATUS_TALL)
    y = draw_faces(canvas, now, (x, y, wide), () if stage is STAGE else (FACE,))
    y = draw_controls(canvas, now, (x, y, wide), status[1])
    y = draw_meters(canvas, store, recent, (x, y, wide), status[1])
    y = draw_emotion(canvas, store, recent, (x + 12, y, wide // 2)) if status[1] - y > EMOTION_TALL else y
    second = (x, y, wide, status[1] - 8 - y)
    if second[3] >= SECOND_TALL and store.bodies and flat is not None and points is not None and store.flat is not None:
        put(canvas, second, flat.draw(points, second[2:]))
        text(canvas, f"{store.flat.name}: {store.flat.codec}", x + 12, y + 20, 0.42, DIM)
    elif second[3] >= SECOND_TALL and store.bodies:
        draw_second(canvas, figures, camera, second)
    cv2.rectangle(canvas, status[:2], (status[0] + wide - 1, status[1] + STATUS_TALL - 1), CARD, -1)
    draw_status(canvas, store, recent, received_rate, lost, status)
    draw_traces(canvas, store, recent)
    return canvas


def captions(store: FrameStore, figures: Sequence[StageBody]) -> list[str]:
    """What has to be said about the stage: who is who, and why somebody is not in the picture."""
    words = []
    middles = []
    for name, who in ((BODY, "avatar"), (PARTNER_BODY, "partner (darker)")):
        if name not in store.bodies:
            continue
        figure = next((each for each in figures if each.tint is (AVATAR if name == BODY else PARTNER)), None)
        if figure is None:
            words.append(f"{who}: not shown yet")
            continue
        known = present(figure.positions)
        missing = len(known) - int(known.sum())
        if missing:
            words.append(f"{who}: {missing} of {len(known)} joints missing")
        elif name == BODY or len(figures) > 1:
            words.append(who)
        deep = -float(figure.positions[known, 1].min()) if known.any() else 0.0
        if deep > DEEP_M:
            words.append(f"{who}: {deep:.2f} m under the floor")
        if known.any():
            middles.append(np.median(figure.positions[known], axis=0))
    if len(middles) == 2:
        apart = float(np.linalg.norm(middles[1] - middles[0]))
        if apart > 8.0 * physique(figures[0].skeleton).stature:
            words.append(f"partner is {apart:.0f} m away")
    if store.flat is not None and not store.bodies:
        words.append(f"{store.flat.name}: {store.flat.codec}")
    if BODY in store.bodies or store.flat is not None:
        words.append("blue: left   orange: right")
    return words


def draw_faces(canvas: Image, now: Snapshot, place: tuple[int, int, int], drawn: Sequence[str] = ()) -> int:
    """The faces of the moment that are not ``drawn`` already side by side at ``place`` (x, y, width); returns where the
    next block begins."""
    x, y, wide = place
    styles = {FACE: light.AVATAR, PARTNER_FACE: light.PARTNER}
    seen = [name for name in styles if name in now.faces and name not in drawn]
    for index, name in enumerate(seen):
        each = (wide - 8 * (len(seen) - 1)) // len(seen)
        box = (x + index * (each + 8), y, each, FACE_TALL)
        put(canvas, box, draw_head(now.faces[name], size=box[2:], style=styles[name]))
    return y + FACE_TALL + 8 if seen else y


def draw_controls(canvas: Image, now: Snapshot, place: tuple[int, int, int], bottom: int) -> int:
    """The controls' values as last announced, a choice with its names; returns where the next block begins."""
    x, y, wide = place
    controls = [each for index, each in enumerate(now.controls.values()) if y + ROW_TALL * (index + 1) + 12 <= bottom]
    if not controls:
        return y
    tall = ROW_TALL * len(controls) + 12
    cv2.rectangle(canvas, (x, y), (x + wide - 1, y + tall - 1), CARD, -1)
    for index, control in enumerate(controls):
        base = y + 24 + ROW_TALL * index
        text(canvas, control.name[:14], x + 12, base, 0.46, DIM)
        left, right = x + 138, x + wide - 14
        if control.choices:
            step = (right - left) // len(control.choices)
            for number, choice in enumerate(control.choices):
                chosen = choice == shown(control)
                corner = (left + number * step, base - 16)
                colour = LEVELS[number % len(LEVELS)] if chosen else TRACK
                cv2.rectangle(canvas, corner, (corner[0] + step - 5, base + 5), colour, -1 if chosen else 1)
                text(canvas, choice[: step // 9], corner[0] + 8, base, 0.42, (30, 26, 22) if chosen else DIM)
            continue
        if control.words:
            text(canvas, shown(control)[: (right - left) // 9], left, base, 0.42, INK)
            continue
        low, high = control.low, control.high
        bar = right - 58
        cv2.rectangle(canvas, (left, base - 8), (bar, base - 3), TRACK, -1)
        if len(control.value) == 1 and math.isfinite(high - low):
            share = min(max((control.value[0] - low) / max(high - low, 1e-9), 0.0), 1.0)
            cv2.rectangle(canvas, (left, base - 8), (left + round(share * (bar - left)), base - 3), AVATAR_INK, -1)
        text(canvas, shown(control), bar + 12, base, 0.46, INK)
    return y + tall + 8


def draw_second(canvas: Image, figures: Sequence[StageBody], camera: Camera, place: tuple[int, int, int, int]) -> None:
    """The stage from a quarter turn further around, which shows what the first view foreshortens."""
    turned = replace(camera, azimuth=camera.azimuth + math.pi / 2)
    points, size = outline(figures), place[2:]
    if len(points):
        turned = replace(turned, distance=max(camera.distance, needed(turned, points, size, EDGE)))
    put(canvas, place, draw_scene([replace(figure, past=None) for figure in figures], turned, size))
    text(canvas, "a quarter turn further", place[0] + 12, place[1] + 20, 0.42, DIM)


def draw_meters(
    canvas: Image, store: FrameStore, recent: Sequence[Snapshot], place: tuple[int, int, int], bottom: int
) -> int:
    """Bars of the newest values of every meter that there is room for; returns where the next block begins."""
    x, y, wide = place
    for part, stream in store.meters.items():
        names = stream.names[:METER]
        tall = ROW_TALL * (len(names) + 1) + 10
        if y + tall + 8 > bottom:
            continue
        cv2.rectangle(canvas, (x, y), (x + wide - 1, y + tall - 1), CARD, -1)
        text(canvas, f"meter: {stream.name}", x + 12, y + 22, 0.46, DIM)
        values = newest(recent, part)
        for index, name in enumerate(names):
            base = y + 22 + ROW_TALL * (index + 1)
            text(canvas, name[:13], x + 12, base, 0.46, LEVELS[index])
            left, right = x + 138, x + wide - 72
            cv2.rectangle(canvas, (left, base - 12), (right, base + 1), TRACK, -1)
            value = math.nan if values is None else float(values[index])
            if math.isfinite(value):
                end = left + round(min(max(value, 0.0), 1.0) * (right - left))
                cv2.rectangle(canvas, (left, base - 12), (end, base + 1), LEVELS[index], -1)
            text(canvas, f"{value:.2f}" if math.isfinite(value) else "?", right + 12, base, 0.46, INK)
        y += tall + 8
    return y


def draw_traces(canvas: Image, store: FrameStore, recent: Sequence[Snapshot]) -> None:
    """The traces of the last seconds; the newest moment is at the right edge."""
    x, y, wide, tall = TRACES
    cv2.rectangle(canvas, (x, y), (x + wide - 1, y + tall - 1), CARD, -1)
    last = recent[-1].frame.seq
    moments = [moment for moment in recent if last - moment.frame.seq < TRACE_SECONDS * store.rate]
    seconds = np.array([moment.frame.seq - last for moment in moments]) / store.rate
    rows = meter_rows(store, moments)
    if store.bodies:
        name = BODY if BODY in store.bodies else PARTNER_BODY
        unknown = np.full((len(store.bodies[name]["joints"]), 3), np.nan, np.float32)
        motion = np.stack([moment.values.get(name, unknown) for moment in moments])
        rows = body_rows(motion, store.bodies[name], seconds) + rows
    if not rows:
        return
    left, right = x + LABEL_WIDTH, x + wide - 8
    columns = right + seconds * (right - left) / TRACE_SECONDS
    each = (tall - 8) / len(rows)
    for index, row in enumerate(rows):
        top = round(y + 4 + index * each)
        base = top + round(each / 2) + 4
        text(canvas, row.label, x + 10, base, 0.4)
        draw_row(canvas, row, columns, (left, top + 1, right - left, round(each) - 3), (x + 88, base))
    cv2.line(canvas, (left - 6, y + 4), (left - 6, y + tall - 5), TRACK, 1)
