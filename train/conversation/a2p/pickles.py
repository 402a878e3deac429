"""Pickled files of the published programs, read without running anything that stands in them.

A pickle may name any program. ``data_stats.pth`` and fairseq's weights are read by torch's own restricted reader,
``results.npy`` by one that knows numpy's arrays and plain containers only; whatever else a file names is refused by
that name.
"""

from __future__ import annotations

import argparse
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy._core import multiarray

from train.files import FileError, reason

LARGEST = 4 << 30
"""Bytes of a file that is read."""
MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
MAKERS: dict[str, Callable[..., Any]] = {
    "_reconstruct": multiarray._reconstruct,
    "scalar": multiarray.scalar,
}
"""What an array and a number of numpy are pickled as calls of."""
KINDS = ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")


def load_torch(path: Path, options: bool = False) -> Any:
    """What ``torch.save`` wrote: tensors, numpy arrays and plain containers; with ``options`` also the command line's
    options (``argparse.Namespace``) that fairseq lays beside its weights. Raises :class:`FileError` naming what else
    the file asks for."""
    admitted: list[Any] = [np.ndarray, np.dtype, *{type(np.dtype(kind)) for kind in KINDS}]
    admitted += [(maker, f"{module}.{name}") for module in MODULES for name, maker in MAKERS.items()]
    if options:
        admitted.append(argparse.Namespace)
    _size(path)
    try:
        with torch.serialization.safe_globals(admitted):
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise FileError(f"{path}: cannot be read, {reason(error)}; check the path and the rights") from error
    except Exception as error:  # torch raises many kinds; all mean the same to the user
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"names {named[1]}, which is not run" if named else "is damaged, or no file of torch.save"
        raise FileError(f"{path}: {what}; save its tensors alone with torch.save") from None


def load_results(path: Path) -> dict[str, Any]:
    """The dictionary that ``np.save`` wrote. Raises :class:`FileError` for any other file, and for one that names more
    than numpy's arrays."""
    _size(path)
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, kind = read(file)
            if not kind.hasobject or shape != ():
                raise FileError(f"{path}: holds an array of {kind.name}, no dictionary of results; give a results.npy")
            found = _Arrays(file).load()
    except OSError as error:
        raise FileError(f"{path}: cannot be read, {reason(error)}; check the path and the rights") from error
    except FileError:
        raise
    except pickle.UnpicklingError as error:
        raise FileError(f"{path}: {error}, which is not run; write plain arrays with numpy.save") from None
    except Exception:  # bytes that are no such file raise many kinds; all mean the same to the user
        raise FileError(f"{path}: is damaged, or no results.npy; sample again") from None
    value = found.item() if isinstance(found, np.ndarray) and found.shape == () else None
    if not isinstance(value, dict):
        raise FileError(f"{path}: holds no dictionary of results; give a results.npy")
    return value


class _Arrays(pickle._Unpickler):
    """Finds what arrays are made of. The reader in Python, whose memo is a dictionary: that in C reserves memory for
    any number that a file names."""

    def find_class(self, module: str, name: str) -> Any:
        """A part of numpy. Raises ``UnpicklingError`` for all else that a pickle may name."""
        if module in MODULES and name in MAKERS:
            return MAKERS[name]
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        raise pickle.UnpicklingError(f"names {module}.{name}")


def _size(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise FileError(f"{path}: cannot be read, {reason(error)}; check the path and the rights") from error
    if size > LARGEST:
        raise FileError(f"{path}: has {size} bytes, {LARGEST} at most are read; give a smaller file")
