"""PirouNet's recordings: marker arrays of (55, T, 3) in .npy files, to the project's convention or as documented.

Papillon, Pettee & Miolane 2022 ("PirouNet", arXiv 2207.12126; the recordings are those of Pettee et al. 2019, "Beyond
Imitation", arXiv 1907.05297): optical markers at 35 fps. Two of the 55 rows are made up by the recording software and
dropped; half a thousand frames at each end are preparation. The third axis points down in the files.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.body.motion import Array, Motion
from engine.body.skeleton import skeleton
from engine.errors import EngineError

RATE = 35.0
RAW = 55
MADE_UP = (26, 53)
"""Rows of the raw arrays that are no markers: LabelingHips and SolvingHips."""
CROP = 500
TALL = 1.7
"""Metres that the dancer is taken to be tall where the files' unit is not given."""
FRONT, BACK = ("CLAV", "STRN"), ("C7", "T10")


def read_arrays(folder: Path, crop: int = CROP, unit: float | None = None) -> dict[str, Motion]:
    """The takes of a folder of (55, T, 3) .npy files by name, sorted: 53 markers in metres, Y up, at 35 fps.

    ``crop`` frames at each end are left out. ``unit`` is the files' unit in metres; without it all takes are scaled so
    that the bodies' upper quartile of height is 1.7 m. If the markers' left is not where a body that faces forward
    has it, the axes are left-handed and x is turned round. Raises :class:`EngineError` naming file and remedy.
    """
    body = skeleton("pirounet")
    raw = read_raw(folder, crop)
    if unit is None:
        unit = TALL / float(
            np.quantile(np.concatenate([np.ptp(points[..., 2], axis=1) for points in raw.values()]), 0.75)
        )
    flip = _left_handed(np.concatenate(list(raw.values())))
    motions = {}
    for name, points in raw.items():
        x, y, up = np.moveaxis(points * unit, -1, 0)
        upright = np.stack([-x if flip else x, up, -y], -1)  # a quarter turn about x keeps a right hand right
        motions[name] = Motion(body, RATE, np.ascontiguousarray(upright, np.float32))
    return motions


def read_raw(folder: Path, crop: int = CROP) -> dict[str, Array]:
    """The files' markers by name, sorted: (T, 53, 3) in the files' unit, cropped, the third axis up."""
    folder = Path(folder)
    files = sorted(folder.glob("*.npy"))
    if not files:
        raise EngineError(f"{folder}: holds no .npy files; give a folder of PirouNet's marker arrays")
    raw = {}
    for path in files:
        try:
            points = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise EngineError(f"{path}: does not read as an array ({error}); save it again with numpy.save") from error
        if points.ndim != 3 or points.shape[0] != RAW or points.shape[2] != 3:
            raise EngineError(f"{path}: has shape {points.shape}, PirouNet's arrays have ({RAW}, frames, 3)")
        if points.shape[1] <= 2 * crop:
            raise EngineError(
                f"{path}: has {points.shape[1]} frames, and {crop} are cropped at each end; crop less, or take it out"
            )
        kept = np.delete(points, MADE_UP, axis=0)[:, crop : points.shape[1] - crop].transpose(1, 0, 2)
        if not np.isfinite(kept).all():
            raise EngineError(f"{path}: holds markers that are not finite; fill the gaps or take it out")
        raw[path.stem] = np.asarray(kept * np.array([1, 1, -1]), np.float32)
    return raw


def faithful(raw: dict[str, Array]) -> tuple[Array, Array]:
    """The original's inputs from :func:`read_raw`: all takes end to end, (T, 53, 3), and the same centred.

    The first two axes are shifted and scaled so that the 1 to 99 % quantiles of both, taken over all takes, span
    [-1, 1]; the third, up, is scaled by the same factor and not shifted. Centred: every frame's mean over the markers
    is taken away on the first two axes. The network sees the centred ones, flattened to 159 numbers.
    """
    points = np.concatenate(list(raw.values())).astype(np.float32)
    low, high = np.quantile(points[..., :2], [0.01, 0.99], axis=(0, 1))
    points[..., :2] -= low.min()
    points *= 2.0 / (high.max() - low.min())
    points[..., :2] -= 1.0
    centred = points.copy()
    centred[..., :2] -= centred[..., :2].mean(1, keepdims=True)
    return points, centred


def _left_handed(points: Array) -> bool:
    """Whether markers (T, 53, 3), third axis up, have their left where a right-handed body has its right."""
    body = skeleton("pirounet")

    def mean(*markers: str) -> Array:
        return np.asarray(points[:, [body.index(marker) for marker in markers]].mean(1))

    left = mean("LFSH", "LBSH", "LFWT") - mean("RFSH", "RBSH", "RFWT")
    forward = mean(*FRONT) - mean(*BACK)
    up = mean("C7", "CLAV") - mean("LFWT", "RFWT", "LBWT", "RBWT")
    return bool(np.median(np.einsum("ti,ti->t", np.cross(up, forward), left)) < 0)
