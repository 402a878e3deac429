"""``text/meta``: the words of an interval, a pandas table that PyTables laid down, read and written without either.

The table's words are one pickled array of strings. A pickle may run any code, so none is run: only the few opcodes that
such an array needs are let through, and what they would call is replaced by records of what they were called with.
The format is that of ``DataFrame.to_hdf(format="fixed")``; pandas reads what is written here.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import h5py
import numpy as np

from train.files import FileError

COLUMNS = ("Word", "start_frame", "end_frame")
LARGEST = 1 << 24
"""Bytes of a pickle that are looked at."""
OPCODES = (
    *("PROTO", "FRAME", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "STOP", "NONE", "NEWTRUE", "NEWFALSE"),
    *("MEMOIZE", "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET", "BININT", "BININT1", "BININT2", "BINFLOAT"),
    *("MARK", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS"),
    *("SHORT_BINBYTES", "BINUNICODE", "SHORT_BINUNICODE"),
)
"""Those of a pickled array of strings, by any protocol from 3 on."""
MODULES = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray")


class FramedWord(NamedTuple):
    """A word and the frames [start, end) in which it is said."""

    text: str
    start: int
    end: int


class _Called:
    """Stands for what a pickle calls: it remembers the state it is given and does nothing."""

    def __init__(self, *_: object) -> None:
        self.state: Any = ()

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Strings(pickle.Unpickler):
    """Finds nothing but stand-ins for the parts of an array of strings."""

    def find_class(self, module: str, name: str) -> type[_Called]:
        """A stand-in. Raises ``UnpicklingError`` for all else that a pickle may name."""
        if module in MODULES and name in ("_reconstruct", "ndarray", "dtype"):
            return _Called
        raise pickle.UnpicklingError(f"names {module}.{name}")


def strings_of(pickled: bytes) -> list[str]:
    """The strings of a pickled array of strings. Raises ``ValueError`` saying what else stands there."""
    if len(pickled) > LARGEST:
        raise ValueError(f"{len(pickled)} bytes, more than {LARGEST}")
    try:
        codes = [(code.name, argument) for code, argument, _ in pickletools.genops(pickled)]
    except Exception:  # bytes that are no pickle raise many kinds; all mean the same to the user
        raise ValueError("no pickle, or one that is cut short") from None
    for code, argument in codes:
        if code not in OPCODES:
            raise ValueError(f"a pickle with opcode {code}")
        if code == "LONG_BINPUT" and isinstance(argument, int) and argument > len(pickled):
            raise ValueError("a pickle with a note of too high a number")
    try:
        found = _Strings(io.BytesIO(pickled)).load()
    except pickle.UnpicklingError as error:
        raise ValueError(f"a pickle that {error}") from None
    except Exception:
        raise ValueError("no pickle that makes sense") from None
    values = found.state[-1] if isinstance(found, _Called) and isinstance(found.state, tuple) and found.state else None
    if not isinstance(values, list):
        raise ValueError("a pickle of no array")
    for row, value in enumerate(values):
        if not isinstance(value, str):
            raise ValueError(f"row {row} is {str(value)[:20] if isinstance(value, float) else type(value).__name__}")
    return values


def read_meta(group: h5py.Group, where: str) -> tuple[FramedWord, ...]:
    """The words of a table; ``where`` names file and key for the :class:`FileError` that tells what is wrong."""

    def refuse(what: str) -> FileError:
        return FileError(f"{where}: {what}; copy the file again, or write the words anew")

    columns: dict[str, Sequence[Any]] = {}
    blocks = sorted(name for name in group if name.startswith("block") and name.endswith("_items"))
    for name in blocks[: len(COLUMNS)]:
        items = [item.decode("utf-8", "replace") for item in _small(group, name, refuse).astype("S").ravel().tolist()]
        node = group.get(name.removesuffix("_items") + "_values")
        if not isinstance(node, h5py.Dataset):
            raise refuse(f"block of {', '.join(items)[:60]} has no values")
        if h5py.check_vlen_dtype(node.dtype) is not None:
            if len(items) != 1 or node.shape != (1,):
                raise refuse("is no table of words: more than one column holds objects")
            try:
                columns[items[0]] = strings_of(np.asarray(node[0], np.uint8).tobytes())
            except ValueError as error:
                raise refuse(f"column {items[0][:40]!r} holds {error}, not words") from None
            continue
        values = _small(group, node.name.rsplit("/", 1)[-1], refuse)
        if values.ndim != 2 or values.shape[1] != len(items) or values.dtype.kind not in "iuf":
            raise refuse(f"block of {', '.join(items)[:60]} is {values.dtype} {values.shape}, no numbers a word")
        columns.update(zip(items, values.T, strict=True))
    lacking = [column for column in COLUMNS if column not in columns]
    if lacking:
        raise refuse(f"has no column {', '.join(lacking)}")
    words, starts, ends = (columns[column] for column in COLUMNS)
    if not len(words) == len(starts) == len(ends):
        raise refuse(f"has {len(words)} words, {len(starts)} starts and {len(ends)} ends")
    frames = np.array([starts, ends], np.float64).reshape(2, -1)
    if not np.isfinite(frames).all() or (np.abs(frames) > 1e9).any():
        raise refuse("holds frames that are no numbers")
    return tuple(FramedWord(*word) for word in zip(words, *frames.astype(int).tolist(), strict=True))


def _small(group: h5py.Group, name: str, refuse: Any) -> np.ndarray[Any, Any]:
    node = group[name]
    if (
        not isinstance(node, h5py.Dataset)
        or node.dtype.kind not in "iufSU"
        or node.size * node.dtype.itemsize > LARGEST
    ):
        raise refuse(f"{name} is no small array")
    return np.asarray(node[()])


def write_meta(file: h5py.File, key: str, words: Iterable[FramedWord]) -> None:
    """Writes words as pandas would."""
    rows = list(words)
    texts = np.array([[word.text] for word in rows], object).reshape(-1, 1)
    numbers = np.array([[word.start, word.end] for word in rows], np.float64).reshape(-1, 2)
    group = file.create_group(key)
    for name in (key.rpartition("/")[0], key):
        _attributes(file[name], CLASS="GROUP", TITLE="", VERSION="1.0")
    kinds = {f"{axis}_variety": "regular" for axis in ("axis0", "axis1", "block0_items", "block1_items")}
    _attributes(group, pandas_type="frame", pandas_version="0.15.2", encoding="UTF-8", errors="strict", **kinds)
    group.attrs["ndim"] = group.attrs["nblocks"] = np.int64(2)
    arrays = {
        "axis0": np.array(COLUMNS, "S"),
        "axis1": np.arange(len(rows)),
        "block0_items": np.array(COLUMNS[1:], "S"),
        "block0_values": numbers,
        "block1_items": np.array(COLUMNS[:1], "S"),
    }
    for name, array in arrays.items():
        node = group.create_dataset(name, data=array)
        _attributes(node, CLASS="ARRAY", FLAVOR="numpy", TITLE="", VERSION="2.4")
        if not name.endswith("values"):
            _attributes(node, kind="string" if array.dtype.kind == "S" else "integer", nan_rep="nan")
            node.attrs["name"] = np.bytes_(b"N.")  # no name: a pickled None, as PyTables writes it
        node.attrs["transposed"] = np.uint8(1)
    # Protocol 3 has no frames, so the module may be renamed to the one that old and new numpy know.
    pickled = pickle.dumps(texts, 3).replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n", 1)
    node = group.create_dataset("block1_values", (1,), h5py.vlen_dtype(np.uint8), maxshape=(None,), chunks=(1,))
    node[0] = np.frombuffer(pickled, np.uint8)
    _attributes(node, CLASS="VLARRAY", PSEUDOATOM="object", TITLE="", VERSION="1.4", value_type="object")
    node.attrs["transposed"] = np.uint8(1)


def _attributes(node: Any, **values: str) -> None:
    for name, value in values.items():
        if value:  # of fixed length, as PyTables reads them
            node.attrs.create(name, value, dtype=h5py.string_dtype("utf-8", len(value.encode())))
        else:
            node.attrs[name] = h5py.Empty("S1")
