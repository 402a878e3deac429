"""Files that people give, read whole: what is wrong with one is told by its name, in words, with the remedy.

The libraries beneath speak of themselves (pickles, error numbers, arguments of their functions); nothing of that gets
through. All functions raise :class:`FileError`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError

LISTED = 10
"""Reasons that are told in full where many files have one."""


class FileError(EngineError):
    """A file cannot be used; the message names it, what is wrong and the remedy."""


class Line(NamedTuple):
    """A line of a csv file: its number, from 1, and its cells without the blanks around them."""

    number: int
    cells: list[str]


def reason(error: OSError) -> str:
    """What the system says of a file that it does not open or write, in words and without number."""
    return (error.strerror or "the system refused it").lower()


def listed(reasons: Sequence[str], whole: str) -> list[str]:
    """The first :data:`LISTED` reasons, then how many more there are; ``whole`` says where all are told."""
    more = len(reasons) - LISTED
    return [*reasons[:LISTED], *([f"and {more} more: {whole}"] if more > 0 else [])]


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, a mark of byte order left out."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return file.read()
    except OSError as error:
        raise FileError(f"{path}: cannot be read, {reason(error)}; check the path and the rights") from error
    except UnicodeDecodeError:
        raise FileError(f"{path}: is no text in UTF-8; save it as UTF-8") from None


def read_csv(path: Path) -> list[Line]:
    """The lines of a csv file, empty ones left out."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        return [Line(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(row)]
    except csv.Error:
        raise FileError(f"{path}:{reader.line_num}: does not read as csv; mend its quotation marks") from None


def read_json(path: Path) -> Any:
    """What a JSON file holds."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise FileError(
            f"{path}: does not read as JSON at line {error.lineno}, column {error.colno}; mend it there"
        ) from None
    except RecursionError:
        raise FileError(f"{path}: does not read as JSON, it is nested too deeply; make it anew") from None


def read_array(path: Path, mapped: bool = False) -> NDArray[Any]:
    """The array of numbers of a .npy file; ``mapped``: read only where it is looked at, and not to be written to."""
    try:
        with path.open("rb") as file:
            array = (
                np.lib.format.open_memmap(path, mode="r")
                if mapped
                else np.lib.format.read_array(file, allow_pickle=False)
            )
    except OSError as error:
        raise FileError(f"{path}: cannot be read, {reason(error)}; check the path and the rights") from error
    except Exception:  # bytes that are no array raise many kinds; all mean the same to the user
        raise FileError(
            f"{path}: does not read as an array of numbers (no .npy file, cut short, or an array of Python objects); "
            "copy it again, or save it with numpy.save"
        ) from None
    if array.dtype.kind not in "fiub":
        raise FileError(f"{path}: holds {array.dtype.name} values, not real numbers; save numbers")
    return np.asarray(array)


def read_numbers(path: Path, names: Iterable[str]) -> NDArray[np.float32]:
    """The numbers (rows, columns) of a csv file whose header must be ``names``."""
    wanted = list(names)
    head, _, body = read_text(path).partition("\n")
    found = [name.strip() for name in head.split(",")]
    if found != wanted:
        raise FileError(f"{path}: its columns are {', '.join(found)[:80]!r}, not {', '.join(wanted)[:80]!r}")
    lines = body.splitlines()
    if not any(line.strip() for line in lines):
        return np.zeros((0, len(wanted)), np.float32)
    try:
        rows = np.loadtxt(lines, np.float32, delimiter=",", ndmin=2, comments=None)
    except ValueError:
        rows = np.zeros((0, 0), np.float32)
    if rows.shape[1] != len(wanted):
        raise FileError(_first_bad(path, lines, len(wanted)))
    return rows


def _first_bad(path: Path, lines: Sequence[str], wanted: int) -> str:
    """What is wrong with the first line that is not ``wanted`` numbers."""
    for number, line in enumerate(lines, 2):
        cells = line.split(",")
        if line.strip() and len(cells) != wanted:
            return f"{path}:{number}: has {len(cells)} cells, {wanted} are needed; mend that line"
        for column, cell in enumerate(cells, 1):
            try:
                float(cell)
            except ValueError:
                if line.strip():
                    return f"{path}:{number}: cell {column} is {cell.strip()[:40]!r}, no number; mend that line"
    return f"{path}: does not read as {wanted} numbers a line; make it anew"
