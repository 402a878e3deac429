"""Reading h5 files of strangers: links out of a file are not followed, sizes are bounded, nothing pickled is run.

What cannot be read is told by file and key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.files import FileError
from train.gesture.pats import layout
from train.gesture.pats.layout import KEYS

Array = NDArray[Any]
AGAIN = "copy the file again, or leave the interval out"


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """An h5 file to read. Raises :class:`FileError` for what is none, or is cut short."""
    try:
        file = h5py.File(path, "r")
    except FileNotFoundError:
        raise FileError(f"{path}: is not there; {AGAIN}") from None
    except OSError:
        raise FileError(f"{path}: does not open as h5 (another kind of file, or cut short); {AGAIN}") from None
    with file:
        yield file


def node(file: h5py.File, key: str, where: str) -> Any:
    """What stands at a key inside this very file, or None. Raises :class:`FileError` for a link to elsewhere."""
    here: Any = file
    for part in key.split("/"):
        if not isinstance(here, h5py.Group) or part not in here:
            return None
        if not isinstance(here.get(part, getlink=True), h5py.HardLink):
            raise FileError(f"{where}: {key} is a link to elsewhere, which is not followed; {AGAIN}")
        try:
            here = here[part]
        except (KeyError, RuntimeError, OSError):
            raise FileError(f"{where}: {key} is damaged; {AGAIN}") from None
    return here


def array_of(file: h5py.File, key: str, where: str) -> Array:
    """The numbers at a key, as they are stored, in the shape that :data:`.layout.KEYS` gives."""
    found = node(file, key, where)
    if not isinstance(found, h5py.Dataset):
        raise FileError(f"{where}: has no {key}; leave the interval out, or choose what it has")
    want, shape = KEYS.get(key), found.shape
    if want is None:
        raise EngineError(f"{key!r} is no key of the set that holds numbers; choose from {', '.join(KEYS)}")
    if found.dtype.kind not in "iufb" or found.dtype.itemsize > 8 or found.external or found.is_virtual:
        raise FileError(f"{where}: {key} holds {found.dtype}, or numbers of another file; {AGAIN}")
    half = key == "pose/confidence" and shape[1:] == (layout.JOINTS,)
    if shape[1:] != want.shape and not half:
        raise FileError(f"{where}: {key} is {shape}; ({want.counts}, {', '.join(map(str, want.shape))}) is needed")
    if not shape or shape[0] > layout.most(key):
        raise FileError(f"{where}: {key} is {shape}; {layout.most(key)} {want.counts} at most are read")
    try:
        values: Array = found[()]
    except (OSError, RuntimeError, ValueError):
        raise FileError(f"{where}: {key} is damaged; {AGAIN}") from None
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        rows = ~np.isfinite(values.reshape(len(values), -1)).all(1)
        raise FileError(f"{where}: {key} has {rows.sum()} {want.counts} not finite, first {rows.argmax()}; {AGAIN}")
    return values[:, : layout.JOINTS] if key == "pose/confidence" else values


def strings(file: h5py.File, key: str, where: str) -> list[str]:
    """The strings (N,) at a key."""
    found = node(file, key, where)
    if not isinstance(found, h5py.Dataset) or h5py.check_string_dtype(found.dtype) is None or found.ndim != 1:
        raise FileError(f"{where}: {key} is no list of strings; {AGAIN}")
    if len(found) > 1_000_000 or found.external or found.is_virtual:
        raise FileError(f"{where}: {key} has {len(found)} strings; no more than a million of one file are read")
    try:
        return list(found.asstr()[()])
    except (UnicodeDecodeError, OSError, RuntimeError):
        raise FileError(f"{where}: {key} does not read as text in UTF-8; {AGAIN}") from None


def numbers(file: h5py.File, key: str, shape: tuple[int, ...], where: str) -> Array:
    """Finite numbers of that shape, ones before it left out."""
    found = node(file, key, where)
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "iuf":
        raise FileError(f"{where}: has no numbers at {key}; {AGAIN}")
    if tuple(found.shape)[-len(shape) :] != shape or found.size != int(np.prod(shape)) or found.is_virtual:
        raise FileError(f"{where}: {key} is {found.shape}, {shape} is needed; {AGAIN}")
    values = np.asarray(found[()], np.float64).reshape(shape)
    if not np.isfinite(values).all():
        raise FileError(f"{where}: {key} is not finite; {AGAIN}")
    return values
