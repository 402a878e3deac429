"""What a motion that was made offline is written as: joints, features, BVH, a film and a strip of pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.body.motion import Motion
from engine.body.skeleton import Skeleton
from engine.body.write import write_bvh
from engine.errors import EngineError
from models.text_motion.features import canonical, encode
from models.text_motion.layout import HUMANML3D
from train.files import FileError, reason
from train.report import filmstrip
from train.report.filmstrip import Excerpt

Array = NDArray[np.float32]

SIZE = (360, 400)
"""Pixels of a body in a film: width, height."""
SUFFIXES = (".npy", "_263.npy", ".bvh", ".mp4", ".jpg")
"""What is written of every motion, after its name."""


def empty(folder: Path) -> Path:
    """A folder to write to, made where it is not there. Raises :class:`EngineError` where there is something in it."""
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise EngineError(f"{folder}: is there already; give a folder that is new or empty")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot(folder, error) from error
    return folder


def write(folder: Path, name: str, motion: Array, skeleton: Skeleton, shown: Sequence[Excerpt]) -> None:
    """All files of ``motion`` (T, 22, 3), two frames or more: ``NAME.npy``, ``NAME_263.npy`` (the published forward
    form, T - 1 rows), ``NAME.bvh``, and of all that is ``shown`` ``NAME.mp4`` (side by side) and ``NAME.jpg`` (below
    each other)."""
    rate = HUMANML3D.rate
    joints = np.ascontiguousarray(motion, np.float32)
    seen = torch.from_numpy(joints)
    try:
        np.save(folder / f"{name}.npy", joints)
        np.save(folder / f"{name}_263.npy", encode(canonical(seen, HUMANML3D), HUMANML3D).numpy())
        write_bvh(Motion(skeleton, rate, joints), folder / f"{name}.bvh")
        every = -(-len(joints) // filmstrip.STRIP)  # so that the strip shows all of it
        strips = [
            filmstrip.comic(replace(one, positions=one.positions[::every]), skeleton, rate / every) for one in shown
        ]
        (folder / f"{name}.jpg").write_bytes(filmstrip.jpeg(np.concatenate(strips)))
        filmstrip.movie(folder / f"{name}.mp4", shown, skeleton, rate, SIZE)
    except OSError as error:
        raise _cannot(folder, error) from error


def write_text(path: Path, text: str) -> None:
    """A text file in UTF-8."""
    try:
        path.write_text(text, "utf-8", newline="\n")
    except OSError as error:
        raise _cannot(path, error) from error


def write_json(path: Path, value: Any) -> None:
    """Plain values as JSON for people to read."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _cannot(path: Path, error: OSError) -> FileError:
    return FileError(f"{path}: cannot be written, {reason(error)}; check the path, the rights and the space")
