"""PirouNet's recordings: marker arrays of (55, T, 3) in .npy files, brought to the project's convention.

Papillon, Pettee & Miolane 2022 ("PirouNet", arXiv 2207.12126; the recordings are those of Pettee et al. 2019, "Beyond
Imitation", arXiv 1907.05297): optical markers at 35 fps. Two of the 55 rows are made up by the recording software and
dropped; half a thousand frames at each end are preparation. The third axis points down in the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.body.bvh import BodyFile
from engine.body.motion import Array, Motion
from engine.body.skeleton import skeleton
from engine.body.units import given_unit
from engine.errors import EngineError
from train.files import FileError, read_array

RATE = 35.0
RAW = 55
MADE_UP = (26, 53)
"""Rows of the raw arrays that are no markers: LabelingHips and SolvingHips."""
CROP = 500
TALL = 1.7
"""Metres that the dancer is taken to be tall where the files' unit is not given."""
FRONT, BACK = ("CLAV", "STRN"), ("C7", "T10")


@dataclass(frozen=True)
class Arrays:
    """The ``bodies`` in files, and the ``problems`` of those that cannot be used, in words."""

    bodies: dict[Path, BodyFile]
    problems: dict[Path, str]


def read_arrays(paths: Sequence[Path], unit: str | None = None, crop: int = CROP) -> Arrays:
    """The takes in (55, T, 3) .npy files: 53 markers in metres, Y up, at 35 fps.

    ``crop`` frames at each end are left out. ``unit`` is the files' unit, a name or metres; without it all takes are
    scaled so that the bodies' upper quartile of height is 1.7 m. If the markers' left is not where a body that faces
    forward has it, the axes are left-handed and x is turned round.
    """
    raw: dict[Path, Array] = {}
    problems: dict[Path, str] = {}
    for path in paths:
        try:
            raw[path] = read_markers(path, crop)
        except EngineError as error:
            problems[path] = str(error)
    if not raw:
        return Arrays({}, problems)
    heights = np.concatenate([np.ptp(points[..., 2], axis=1) for points in raw.values()])
    metres = TALL / float(np.quantile(heights, 0.75)) if unit is None else given_unit(unit)
    flip = _left_handed(np.concatenate(list(raw.values())))
    notes = ["Z down turned upright"]
    if unit is None:
        notes.append(f"unit found: {metres:.3g} m, the dancer is taken to be {TALL} m tall; --unit sets it")
    if flip:
        notes.append("left-handed axes: x turned round")
    bodies = {}
    for path, points in raw.items():
        x, y, up = np.moveaxis(points * metres, -1, 0)
        upright = np.stack([-x if flip else x, up, -y], -1)  # a quarter turn about x keeps a right hand right
        motion = Motion(skeleton("pirounet"), RATE, np.ascontiguousarray(upright, np.float32))
        bodies[path] = BodyFile(motion, np.ones(len(motion), bool), metres, tuple(notes))
    return Arrays(bodies, problems)


def read_raw(folder: Path) -> dict[str, Array]:
    """The markers of all files of a folder by name, sorted, as :func:`read_markers` gives them: PirouNet's labels count
    frames over all of them, so one that cannot be used is refused."""
    files = sorted(Path(folder).glob("*.npy"))
    if not files:
        raise EngineError(f"{folder}: holds no .npy files; give a folder of PirouNet's marker arrays")
    return {path.stem: read_markers(path) for path in files}


def read_markers(path: Path, crop: int = CROP) -> Array:
    """A file's markers (T, 53, 3) in the file's unit, cropped, the third axis up. Raises :class:`EngineError`."""
    points = read_array(path)
    if points.ndim != 3 or points.shape[0] != RAW or points.shape[2] != 3:
        raise FileError(f"{path}: has shape {points.shape}; give PirouNet's arrays, which have ({RAW}, frames, 3)")
    if points.shape[1] <= 2 * crop:
        raise FileError(
            f"{path}: has {points.shape[1]} frames, of which the first and the last {crop} are preparation and left "
            "out; give the whole recording, or take it out"
        )
    kept = np.delete(points, MADE_UP, axis=0)[:, crop : points.shape[1] - crop].transpose(1, 0, 2)
    if not np.isfinite(kept).all():
        raise FileError(f"{path}: holds markers that are not finite; fill the gaps or take it out")
    return np.asarray(kept * np.array([1, 1, -1]), np.float32)


def _left_handed(points: Array) -> bool:
    """Whether markers (T, 53, 3), third axis up, have their left where a right-handed body has its right."""
    body = skeleton("pirounet")

    def mean(*markers: str) -> Array:
        return np.asarray(points[:, [body.index(marker) for marker in markers]].mean(1))

    left = mean("LFSH", "LBSH", "LFWT") - mean("RFSH", "RBSH", "RFWT")
    forward = mean(*FRONT) - mean(*BACK)
    up = mean("C7", "CLAV") - mean("LFWT", "RFWT", "LBWT", "RBWT")
    return bool(np.median(np.einsum("ti,ti->t", np.cross(up, forward), left)) < 0)
