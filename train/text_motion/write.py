"""Writes a set in the layout of HumanML3D: what its own programs would have made of the same joints and captions.

``new_joint_vecs`` (features of T - 1 frames), ``new_joints`` (joints that come back of them, so they begin at x = z = 0
facing +Z), ``texts``, ``Mean.npy`` and ``Std.npy``, and the lists of splits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import EngineError
from models.text_motion.features import canonical, decode, encode
from models.text_motion.layout import HUMANML3D, Layout
from train.files import FileError, reason
from train.text_motion.texts import Caption, written

SPLITS = ("train", "val", "test")
JOINED = {"train_val": ("train", "val"), "all": SPLITS}
"""Lists that hold the names of several splits."""
FEATURES, JOINTS, TEXTS = "new_joint_vecs", "new_joints", "texts"


class Written(Protocol):
    """A clip to be written: ``joints`` (T, J, 3) in the layout's unit and rate, y up; ``split`` of :data:`SPLITS`. A
    mirrored clip is one of its own; by custom its name is the other's with ``M`` before it."""

    @property
    def name(self) -> str: ...
    @property
    def joints(self) -> NDArray[np.float32]: ...
    @property
    def captions(self) -> Sequence[Caption]: ...
    @property
    def split(self) -> str: ...


class Statistics:
    """Mean and deviation of features over many clips, in double precision."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.count = 0
        self._sum = np.zeros(layout.width)
        self._squares = np.zeros(layout.width)

    def add(self, rows: NDArray[np.floating]) -> None:
        """Rows (T, width) more."""
        wide = np.asarray(rows, np.float64)
        self.count += len(wide)
        self._sum += wide.sum(0)
        self._squares += (wide**2).sum(0)

    def mean(self) -> NDArray[np.float32]:
        """Of each feature, (width,)."""
        return (self._sum / max(self.count, 1)).astype(np.float32)

    def std(self) -> NDArray[np.float32]:
        """The deviation (width,): as in the original the mean over each group of features, so that a group keeps its
        proportions; 1 where a group never changes."""
        mean = self._sum / max(self.count, 1)
        each = np.sqrt(np.maximum(self._squares / max(self.count, 1) - mean**2, 0.0))
        for group in self.layout.slices.values():
            size = each[group].mean()
            each[group] = size if size > 1e-8 else 1.0
        return each.astype(np.float32)


def write_set(folder: Path, clips: Iterable[Written], layout: Layout = HUMANML3D) -> dict[str, int]:
    """Writes ``clips`` to ``folder``, which must be new or empty, one after the other: none is kept in memory.

    Returns the clips of each split. Raises :class:`EngineError` naming a clip that cannot be written: a name that is
    none or comes twice, another number of joints, less than two frames, numbers that are not finite.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise EngineError(f"{folder}: is there already; give a folder that is new or empty")
    names: dict[str, list[str]] = {split: [] for split in SPLITS}
    known: set[str] = set()
    statistics = Statistics(layout)
    try:
        for part in (FEATURES, JOINTS, TEXTS):
            (folder / part).mkdir(parents=True, exist_ok=True)
        for clip in clips:
            if clip.name in known:
                raise EngineError(f"clip {clip.name!r}: comes twice; every clip needs its own name")
            rows, joints = _features(clip, layout)
            np.save(folder / FEATURES / f"{clip.name}.npy", rows)
            np.save(folder / JOINTS / f"{clip.name}.npy", joints)
            (folder / TEXTS / f"{clip.name}.txt").write_text(written(clip.captions), "utf-8", newline="\n")
            known.add(clip.name)
            names[clip.split].append(clip.name)
            if clip.split == "train":
                statistics.add(rows)
        if not statistics.count:
            raise EngineError(f"{folder}: no clip is in split 'train', whose mean and deviation a set needs")
        np.save(folder / "Mean.npy", statistics.mean())
        np.save(folder / "Std.npy", statistics.std())
        for split, parts in {**{split: (split,) for split in SPLITS}, **JOINED}.items():
            lines = [f"{name}\n" for part in parts for name in names[part]]
            (folder / f"{split}.txt").write_text("".join(lines), "utf-8", newline="\n")
    except OSError as error:
        raise FileError(
            f"{folder}: cannot be written, {reason(error)}; check the path, the rights and the space"
        ) from error
    return {split: len(found) for split, found in names.items()}


def _features(clip: Written, layout: Layout) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features (T - 1, width) of a clip, and the joints (T - 1, J, 3) that come back of them."""
    if not clip.name or not clip.name.isprintable() or clip.name.startswith(".") or set(clip.name) & set('/\\:*?"<>| '):
        raise EngineError(f"clip {clip.name[:64]!r}: is no name of a file; use letters, digits, - and _")
    if clip.split not in SPLITS:
        raise EngineError(f"clip {clip.name!r}: split {clip.split!r}; choose from {', '.join(SPLITS)}")
    shape, count = np.shape(clip.joints), len(layout.joints)
    if len(shape) != 3 or shape[1:] != (count, 3) or shape[0] < 2:
        raise EngineError(f"clip {clip.name!r}: joints are {shape}; {layout.name} needs (2 frames or more, {count}, 3)")
    if not np.isfinite(clip.joints).all():
        raise EngineError(f"clip {clip.name!r}: joints are not finite; leave it out or mend it")
    joints = torch.from_numpy(np.ascontiguousarray(clip.joints, np.float32))
    rows = encode(canonical(joints, layout), layout)
    return rows.numpy(), decode(rows, layout).numpy()
