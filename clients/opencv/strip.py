"""Strips and films of bodies: a comic of every n-th frame in one picture, and bodies side by side in a video or GIF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .body import AVATAR, PARTNER, Image, StageBody, Tint, draw_scene, outline
from .camera import Camera, Size, aim, follow, present
from .panel import DIM, INK, PAPER, put, text
from .physique import physique
from .store import BODY, PARTNER_BODY, FrameStore, Snapshot, shown
from .subtitles import subtitled
from .video import write_gif, write_video

TILE, PAIR_TILE = (132, 190), (190, 190)  # of a strip, for one body and for two: width, height
SHOT = (480, 480)
COLUMNS, PAIR_COLUMNS = 12, 8
EVERY, ROWS = 4, 8  # of a session's comic
TRAIL_S = 1.0
Positions = NDArray[np.floating]
Partner = tuple[Positions, Mapping[str, Any]]


class Shot(NamedTuple):
    """One body's motion in a film: ``positions`` (T, J, 3) in metres, its announced skeleton, a title, a partner on
    the same stage (positions and skeleton) and words for every frame, such as the label in force."""

    positions: Positions
    skeleton: Mapping[str, Any]
    title: str = ""
    partner: Partner | None = None
    labels: Sequence[str] | None = None


def floor_of(positions: Positions, skeleton: Mapping[str, Any]) -> float:
    """The height in metres of the floor that a motion (T, J, 3) stands on: where its lowest joint is at its lowest, but
    for one frame in twenty. Recordings differ in it; a stage has its floor at 0."""
    at = np.where(present(positions)[..., None], positions, np.nan)
    feet = [skeleton["joints"].index(name) for name in skeleton.get("feet", ())]
    heights = at[:, feet or slice(None), 1]
    heights = heights[np.isfinite(heights).any(1)]
    return float(np.percentile(np.nanmin(heights, axis=1), 5)) if len(heights) else 0.0


def strip(
    positions: Positions,
    skeleton: Mapping[str, Any],
    every: int = 4,
    rate: float = 30.0,
    columns: int | None = None,
    partner: Partner | None = None,
    labels: Sequence[str] | None = None,
    frames: Sequence[int] | None = None,
    start: float = 0.0,
    tile: Size | None = None,
    floor: float | None = None,
    tint: Tint = AVATAR,
) -> Image:
    """A comic (H, W, 3) uint8 BGR of every ``every``-th frame of a motion (T, J, 3), or of the given ``frames``, read
    like text.

    Each tile has its time (the first frame is at ``start`` seconds) and, where ``labels`` says one for each frame, the
    label in force. All tiles have one scale and follow the body, so lengths compare and the floor shows how it travels.
    ``floor`` is its height in metres, found from the motion where it is None; ``tile`` (width, height) and ``columns``
    have sizes of their own for one body and for two.
    """
    frames = range(0, len(positions), max(every, 1)) if frames is None else frames
    if not len(frames):
        raise ValueError("no frames to draw a strip of; give positions (T, J, 3) with T of at least 1")
    floor = floor_of(positions, skeleton) if floor is None else floor
    tile = tile or (TILE if partner is None else PAIR_TILE)
    columns = columns or (COLUMNS if partner is None else PAIR_COLUMNS)
    cameras = _cameras([_figures(positions[k], skeleton, partner, k, tint) for k in frames], tile, floor)
    rows = -(-len(frames) // columns)
    wide, tall = tile
    sheet = np.empty((rows * (tall + 2) - 2, min(columns, len(frames)) * (wide + 2) - 2, 3), np.uint8)
    sheet[:] = PAPER
    for index, (k, camera) in enumerate(zip(frames, cameras, strict=True)):
        picture = draw_scene(_figures(positions[k], skeleton, partner, k, tint), camera, tile, floor)
        text(picture, f"{start + k / rate:.2f} s", 5, 13, 0.36, DIM)
        if labels is not None:
            text(picture, labels[k], 5, tall - 6, 0.38, INK)
        row, column = divmod(index, columns)
        put(sheet, (column * (wide + 2), row * (tall + 2), wide, tall), picture)
    return sheet


def film(
    path: str | Path,
    shots: Sequence[Shot | tuple[Any, ...]],
    rate: float = 30.0,
    size: Size = SHOT,
    words: Sequence[tuple[str, float, float]] = (),
    voice: NDArray[np.float32] | None = None,
    sample_rate: int = 0,
) -> int:
    """Write motions side by side into a .mp4 or .gif at ``rate`` frames a second; returns the number of frames.

    ``shots`` are :class:`Shot` or tuples of its fields; the longest decides the length, the others stay at their last
    frame. Each has a camera of its own that follows it. ``words`` (text, start and end in seconds) stand under them as
    they are said; ``voice`` (n,) at ``sample_rate`` Hz is heard, in a .mp4. Raises ValueError for another ending or no
    shots.
    """
    path = Path(path)
    if path.suffix.lower() not in (".mp4", ".gif"):
        raise ValueError(f"film {path}: the name must end in .mp4 or .gif")
    if not shots:
        raise ValueError(f"film {path}: no shots; give at least one motion")
    frames = _frames([Shot(*shot) for shot in shots], rate, size)
    if words:
        frames = subtitled(frames, words, rate)
    if path.suffix.lower() == ".gif":
        return write_gif(path, frames, rate)
    return write_video(path, frames, rate, voice, sample_rate)


def _frames(shots: list[Shot], rate: float, size: Size) -> Iterator[Image]:
    floors = [floor_of(shot.positions, shot.skeleton) for shot in shots]
    cameras: list[Camera | None] = [None] * len(shots)
    for number in range(max(len(shot.positions) for shot in shots)):
        picture = np.empty((size[1], len(shots) * size[0], 3), np.uint8)
        for index, (shot, floor) in enumerate(zip(shots, floors, strict=True)):
            k = min(number, len(shot.positions) - 1)
            past = shot.positions[max(0, k - round(TRAIL_S * rate)) : k + 1]
            figures = _figures(shot.positions[k], shot.skeleton, shot.partner, k)
            figures[0] = replace(figures[0], past=past)
            camera = follow(cameras[index], outline(figures, floor), size, 1.0 / rate)
            cameras[index] = camera
            scene = draw_scene(figures, camera, size, floor)
            text(scene, shot.title, 12, 24, 0.55, INK)
            text(scene, f"{k / rate:.2f} s", size[0] - 76, 24, 0.45, DIM)
            if shot.labels is not None:
                text(scene, shot.labels[k], 12, size[1] - 14, 0.55, INK)
            put(picture, (index * size[0], 0, *size), scene)
        yield picture


def _figures(
    at: Positions, skeleton: Mapping[str, Any], partner: Partner | None, k: int, tint: Tint = AVATAR
) -> list[StageBody]:
    figures = [StageBody(at, skeleton, tint)]
    if partner is not None and k < len(partner[0]):
        figures.append(StageBody(partner[0][k], partner[1], PARTNER))
    return figures


def _cameras(scenes: list[list[StageBody]], size: Size, floor: float) -> list[Camera]:
    """A camera for each scene, all at one distance and height; one with nobody in it looks where the last one did."""
    found: list[Camera] = []
    camera = Camera()
    for figures in scenes:
        points = outline(figures, floor)
        camera = aim(points, size, camera)
        found.append(camera)
    tall = physique(scenes[0][0].skeleton).stature
    height = float(np.median([each.target[1] for each in found]))
    far = max(each.distance + 1.0 * abs(each.target[1] - height) for each in found)
    far = max(far, 2.0 * tall)
    return [replace(each, target=(each.target[0], height, each.target[2]), distance=far) for each in found]


def comic(store: FrameStore) -> Image:
    """A recorded session with a body as a :func:`strip`: every 4th frame in order, of a long session rows of them
    spread evenly over it, with the choice among the controls that was in force."""
    first, last = min(store.moments), max(store.moments)
    moments = [store.moments.get(seq) for seq in range(first, last + 1)]
    bodies = []
    for name in (each for each in (BODY, PARTNER_BODY) if each in store.bodies):
        unknown = np.full((len(store.bodies[name]["joints"]), 3), np.nan, np.float32)
        motion = [unknown if moment is None else moment.values.get(name, unknown) for moment in moments]
        bodies.append((np.stack(motion), store.bodies[name]))
    labels = ["" if moment is None else words(moment) for moment in moments]
    (positions, skeleton), partner = bodies[0], bodies[1] if len(bodies) > 1 else None
    columns = COLUMNS if partner is None else PAIR_COLUMNS
    row = EVERY * columns
    frames = list(range(0, len(moments), EVERY))
    if len(moments) > ROWS * row:
        starts = np.linspace(0, len(moments) - row, ROWS).round().astype(int).tolist()
        frames = [k for begin in starts for k in range(begin, begin + row, EVERY)]
    tint = AVATAR if BODY in store.bodies else PARTNER
    return strip(
        positions,
        skeleton,
        EVERY,
        store.rate,
        columns=columns,
        partner=partner,
        labels=labels,
        frames=frames,
        start=first / store.rate,
        floor=0.0,
        tint=tint,
    )


def words(moment: Snapshot) -> str:
    """The choices in force at a moment."""
    return ", ".join(shown(control) for control in moment.controls.values() if control.choices)
