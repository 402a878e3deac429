"""The words of a table: a line a word, with its start, its end and its text in columns of whatever order.

Cells are divided by commas, semicolons or tabs. A first line may name the columns, as recognisers, aligners and people
do (``start,end,word``, ``Begin;Duration;Token``, ``start_ms``). Without one there have to be two columns of numbers,
start and end, and one of text. With semicolons and tabs a number may have a decimal comma.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.speech.spoken import SILENCES, SpokenWord, WordsError, timed_word

STARTS = ("start", "begin", "onset", "from", "starttime", "begintime", "tmin", "xmin", "t0")
ENDS = ("end", "stop", "offset", "to", "endtime", "stoptime", "tmax", "xmax", "t1")
LENGTHS = ("duration", "dur", "length")
TEXTS = ("word", "text", "token", "label", "words", "orthography", "mark")
"""Names of columns, in lower case, without blanks and underlines."""
_UNITS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 0.001, "msec": 0.001, "milliseconds": 0.001}
_FORM = "give lines such as 0.12,0.5,hello, or a first line that names the columns: start,end,word"
_MOST_COLUMNS = 64


@dataclass(frozen=True)
class _Column:
    place: int
    scale: float = 1.0


@dataclass(frozen=True)
class _Columns:
    """Where a line has what; ``end`` None: not known. ``lasts``: the end is counted from the start."""

    start: _Column
    end: _Column | None
    text: int
    lasts: bool = False
    header: bool = False


def of_columns(text: str) -> Iterator[SpokenWord]:
    """The words of a table; lines that say silence are passed over. Raises :class:`WordsError` naming the line."""
    mark = _divider(text)
    rows = _rows(text, mark)
    if not rows:
        return
    columns = _named(rows[0][1]) or _guessed([cells for _, cells in rows], mark)
    for number, cells in rows[columns.header :]:
        try:
            word = _word(cells, columns, mark)
        except ValueError as error:
            raise WordsError(f"line {number} is {error}; {_FORM}") from None
        if word is not None:
            yield word


def _divider(text: str) -> str:
    """What divides the cells of the first line: whatever gives three of them, or else two."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    counts = {mark: len(next(csv.reader([first], delimiter=mark), [])) for mark in "\t;,"}
    return next((mark for least in (3, 2) for mark, count in counts.items() if count >= least), ",")


def _rows(text: str, mark: str) -> list[tuple[int, list[str]]]:
    """Lines that are not empty, with their numbers and cells."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    rows: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            if len(cells) > _MOST_COLUMNS:
                raise WordsError(f"line {reader.line_num} has {len(cells)} columns, {_MOST_COLUMNS} at most; {_FORM}")
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise WordsError(f"line {reader.line_num} does not read as a table ({error}); {_FORM}") from None
    return rows


def _named(cells: Sequence[str]) -> _Columns | None:
    """The columns that a first line names; None where it names none. Raises :class:`WordsError` where it names columns
    and not those that are needed."""
    found: dict[str, _Column] = {}
    for place, cell in enumerate(cells):
        name, scale = _plain(cell)
        for what, names in (("start", STARTS), ("end", ENDS), ("length", LENGTHS), ("text", TEXTS)):
            if name in names:
                found.setdefault(what, _Column(place, scale))
    if not found or any(_number(cell, ";") is not None for cell in cells):
        return None
    missing = [what for what in ("start", "text") if what not in found]
    if missing:
        raise WordsError(
            f"its first line names {', '.join(cells)[:80]}, and no column for the {' and the '.join(missing)}; name "
            f"them start and word, times in seconds (or start_ms)"
        )
    end = found.get("end", found.get("length"))
    return _Columns(found["start"], end, found["text"].place, "end" not in found, header=True)


def _plain(cell: str) -> tuple[str, float]:
    """A column's name in lower case without its unit, and the unit in seconds: ``Start (ms)`` is start, 0.001."""
    parts = [part for part in re.split(r"[^a-z0-9]+", cell.casefold()) if part]
    scale = _UNITS.get(parts[-1], 0.0) if len(parts) > 1 else 0.0
    return "".join(parts[:-1] if scale else parts), scale or 1.0


def _guessed(rows: Sequence[Sequence[str]], mark: str) -> _Columns:
    """The columns of a table without names: the two of numbers are start and end, the other is the text."""
    width = len(rows[0])
    whole = [cells for cells in rows if len(cells) == width]
    numbers = [place for place in range(width) if all(_number(cells[place], mark) is not None for cells in whole)]
    texts = [place for place in range(width) if place not in numbers]
    if len(numbers) != 2 or len(texts) != 1:
        raise WordsError(f"it has {len(numbers)} columns of numbers and {len(texts)} of text without names; {_FORM}")
    return _Columns(_Column(numbers[0]), _Column(numbers[1]), texts[0])


def _word(cells: Sequence[str], columns: _Columns, mark: str) -> SpokenWord | None:
    """The word of a line, None where it says silence. Raises ValueError saying what it is not."""
    needed = [columns.start.place, columns.text, *([columns.end.place] if columns.end else [])]
    if len(cells) <= max(needed):
        raise ValueError(f"of {len(cells)} columns, {max(needed) + 1} are needed")
    text = cells[columns.text]
    if not text or text.casefold() in SILENCES:
        return None
    start = _time(cells, columns.start, mark)
    end = None if columns.end is None or not cells[columns.end.place] else _time(cells, columns.end, mark)
    if end is not None and columns.lasts:
        end += start
    return timed_word({"start": start, "end": end, "text": text})


def _time(cells: Sequence[str], column: _Column, mark: str) -> float:
    value = _number(cells[column.place], mark)
    if value is None:
        raise ValueError(f"a time that is {cells[column.place][:40]!r}, not seconds")
    return value * column.scale


def _number(cell: str, mark: str) -> float | None:
    """A plain number; with a decimal comma where commas divide nothing."""
    found = re.fullmatch(r"[-+]?\d{1,15}(?:[.,]\d{0,20})?(?:[eE][-+]?\d{1,2})?", cell)
    if found is None or ("," in cell and mark == ","):
        return None
    return float(cell.replace(",", "."))
