"""Sets of texts and motions in the layout of HumanML3D and KIT-ML, read lazily: nothing before it is asked for.

    new_joint_vecs/NAME.npy  (T, 263) or (T, 251), forward features (:mod:`models.text_motion.features`)
    new_joints/NAME.npy      (T, 22, 3) or (T, 21, 3): joints that come back of them
    texts/NAME.txt           captions (:mod:`train.text_motion.texts`)
    Mean.npy, Std.npy        of features, (263,) or (251,)
    train.txt, val.txt, test.txt, train_val.txt, all.txt   names, a line each
    keywords/NAME.json       optional: eleven fields (:data:`engine.text.fields.FIELDS`) a caption, see
                             :meth:`MotionSet.fields`
    codes/NAME.npy           optional: pose codes of every frame, (T, 392), on or off

A clip whose name is another's with ``M`` before it is that clip mirrored, left and right changed in its words. CoMo's
``keyword_embeddings`` hold vectors of one CLIP model without the words, and are not read. The original leaves clips out
while it loads, without a word: here a clip is given as it is, and ``python -m train check text_motion`` tells which.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.text.fields import FIELDS
from models.text_motion.layout import Layout, of_width
from models.text_motion.posecodes.table import CODES
from train.files import FileError, read_array, read_json, read_text
from train.text_motion.texts import Caption, read_captions
from train.text_motion.write import FEATURES, JOINED, JOINTS, SPLITS, TEXTS

KEYWORDS, CODE_FILES = "keywords", "codes"
LISTS = (*SPLITS, *JOINED)
"""Names of the lists of clips."""
_NAME = re.compile(r"[^\x00-\x1f/\\]+")


class MotionSet:
    """A set at ``folder``. Raises :class:`EngineError` where there is none."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        if not (self.folder / FEATURES).is_dir():
            found = "has no" if self.folder.is_dir() else "is no folder, so it has no"
            raise EngineError(
                f"{self.folder}: {found} folder {FEATURES}; give the folder of a set in the layout of HumanML3D or "
                "KIT-ML, or make one with `python -m train motions`"
            )

    @functools.cached_property
    def layout(self) -> Layout:
        """The layout, by the width of Mean.npy, or of the first clip where there is no Mean.npy."""
        path = self.folder / "Mean.npy"
        if not path.exists():
            if not self.files:
                raise EngineError(f"{self.folder / FEATURES}: holds no .npy file; copy the set again")
            path = self.folder / FEATURES / f"{self.files[0]}.npy"
        shape = read_array(path, mapped=True).shape
        return of_width(shape[-1] if shape else 0, str(path))

    @functools.cached_property
    def files(self) -> tuple[str, ...]:
        """Names of all clips that have features, sorted."""
        return tuple(sorted(path.stem for path in (self.folder / FEATURES).glob("[!.]*.npy")))

    @property
    def splits(self) -> tuple[str, ...]:
        """The lists that are there."""
        return tuple(name for name in LISTS if (self.folder / f"{name}.txt").is_file())

    def names(self, split: str) -> list[str]:
        """Names of a list in its order, each once, whether or not they have files.

        Raises :class:`EngineError` where there is no such list, or where a line is no name.
        """
        if split not in self.splits:
            there = ", ".join(self.splits) or "none"
            raise EngineError(f"{self.folder}: has no list {split}.txt; there is {there}")
        path = self.folder / f"{split}.txt"
        found = [line.strip() for line in read_text(path).splitlines()]
        for number, name in enumerate(found, 1):
            if name and (not _NAME.fullmatch(name) or name in (".", "..")):
                raise FileError(f"{path}:{number}: {name[:64]!r} is no name of a clip; mend that line")
        return list(dict.fromkeys(filter(None, found)))

    def features(self, name: str) -> NDArray[np.floating]:
        """Forward features (T, width) of a clip, mapped from the file."""
        return self._array(FEATURES, name, (self.layout.width,), self.layout.width)

    def joints(self, name: str) -> NDArray[np.floating]:
        """Joints (T, J, 3) of a clip in the layout's unit, mapped from the file."""
        count = len(self.layout.joints)
        return self._array(JOINTS, name, (count, 3), count)

    def captions(self, name: str) -> list[Caption]:
        """Captions of a clip; none where it has no texts."""
        return list(read_captions(self.folder / TEXTS / f"{name}.txt").captions)

    def fields(self, name: str) -> list[dict[str, str]] | None:
        """The eleven fields of each caption of a clip, or None where it has none.

        ``keywords/NAME.json`` is a list with an object for each caption, in the order of the text file, or one object
        for all of them; a field that is not named is empty.
        """
        path = self.folder / KEYWORDS / f"{name}.json"
        if not path.exists():
            return None
        read, captions = read_json(path), self.captions(name)
        each = [read] * len(captions) if isinstance(read, Mapping) else read
        if not isinstance(each, list) or len(each) != len(captions):
            has = f"{len(each)} entries" if isinstance(each, list) else "no list"
            raise FileError(f"{path}: has {has} for {len(captions)} captions; give one object for each, or one for all")
        return [_fields(path, item) for item in each]

    def codes(self, name: str) -> NDArray[np.bool_] | None:
        """Pose codes (T, 392) of a clip's frames, or None where it has none."""
        path = self.folder / CODE_FILES / f"{name}.npy"
        if not path.exists():
            return None
        codes = self._array(CODE_FILES, name, (CODES,), CODES)
        if codes.dtype != np.bool_ and not ((codes == 0) | (codes == 1)).all():
            raise FileError(f"{path}: holds values that are neither 0 nor 1; save codes as on or off")
        return codes.astype(np.bool_, copy=False)

    @functools.cached_property
    def mean(self) -> NDArray[np.float32]:
        """The mean of each feature, (width,)."""
        return self._statistic("Mean.npy")

    @functools.cached_property
    def std(self) -> NDArray[np.float32]:
        """The deviation of each feature, (width,), above 0."""
        std = self._statistic("Std.npy")
        if not (std > 0).all():
            where = int(np.argmin(std > 0))
            raise FileError(
                f"{self.folder / 'Std.npy'}: is {std[where]:g} at {where}, which divides nothing; make it anew"
            )
        return std

    def _array(self, part: str, name: str, shape: tuple[int, ...], wanted: int) -> NDArray[Any]:
        path = self.folder / part / f"{name}.npy"
        array = read_array(path, mapped=True)
        if array.ndim != 1 + len(shape) or array.shape[1:] != shape or not len(array):
            what = "joints" if part == JOINTS else "numbers"
            raise FileError(
                f"{path}: has shape {array.shape}; {self.layout.name} needs (frames, {', '.join(map(str, shape))}), "
                f"{wanted} {what} a frame"
            )
        return array

    def _statistic(self, file: str) -> NDArray[np.float32]:
        path = self.folder / file
        array = read_array(path)
        if array.shape != (self.layout.width,):
            raise FileError(f"{path}: has shape {array.shape}; {self.layout.name} needs ({self.layout.width},)")
        if not np.isfinite(array).all():
            raise FileError(f"{path}: holds a value that is not finite; make it anew")
        return array.astype(np.float32)


def _fields(path: Path, item: object) -> dict[str, str]:
    if not isinstance(item, Mapping):
        raise FileError(f"{path}: an entry is no object; give one object of the fields {', '.join(FIELDS)} a caption")
    for field, value in item.items():
        if field not in FIELDS or not isinstance(value, str):
            raise FileError(
                f"{path}: {str(field)[:40]!r}: {str(value)[:40]!r}; give a text for any of {', '.join(FIELDS)}"
            )
    return {field: item.get(field, "") for field in FIELDS}
