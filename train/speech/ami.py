"""Reads the AMI Meeting Corpus' manual annotations: words, dialogue acts, hand and head gestures, movement, focus.

Carletta et al. (2005), "The AMI meeting corpus", CC BY 4.0. ``$ENGINE_DATA/ami_annotations_ccby`` holds one csv per
kind of annotation, rows grouped by meeting and speaker; ``words`` and ``dialogue_acts`` are gzipped. A person is a
meeting with a speaker's letter. The same four people meet in a, b, c and d of a series, so splits go by series.

Files are read row by row, with bounds on what a row and a file may hold, and only the meetings asked for are kept.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from engine.errors import EngineError

FOLDER = "ami_annotations_ccby"
LICENCE, CREDIT = "CC BY 4.0", "AMI Meeting Corpus (Carletta et al. 2005)"
LONGEST_FIELD, MOST_ROWS, MOST_BYTES = 20_000, 3_000_000, 1 << 30
"""Bounds of a csv: characters of one field, rows, and bytes once unpacked (words: 42 MB in 0.9 million rows)."""
LONGEST_S = 12 * 3600.0  #: no meeting lasts longer: a later time is a mistake

HELD_OUT = frozenset({"ES2009", "IS1002", "IS1003"})
"""Series whose people are only tested with: 3 of the 14 that have hand or head gestures (149 of 511 hand gestures,
1,304 of 5,136 emphasis signals)."""
DEV = frozenset({"ES2013", "ES2015", "IB4005"})
"""Series whose words validate; they have neither hand nor head gestures."""


class Person(NamedTuple):
    """Who: a meeting (``ES2009c``) and a speaker's letter in it (``A``)."""

    meeting: str
    speaker: str


@dataclass(frozen=True)
class Word:
    """A row of the words: ``kind`` is ``word``, ``punc`` (start = end), ``vocal`` (``laugh``, ``cough``, ...),
    ``disf``, ``gap`` or ``transformerror``; seconds from the meeting's start."""

    person: Person
    start: float
    end: float
    kind: str
    text: str


@dataclass(frozen=True)
class DialogueAct:
    """A dialogue act: ``act`` as AMI abbreviates it (``inf``, ``bck``, ...), whom it addresses, and its words."""

    person: Person
    start: float
    end: float
    act: str
    addressee: str
    text: str


@dataclass(frozen=True)
class Mark:
    """A span of a layer that covers the whole meeting: ``type`` and, for the head, ``form`` (``nod``, ``shake``);
    for the focus ``target``: the letter of the person looked at, or the place."""

    person: Person
    start: float
    end: float
    type: str
    form: str = ""
    target: str = ""

    @property
    def off_camera(self) -> bool:
        """Whether nobody could see the person: such time must be left out of every rate."""
        return self.type == "off_camera"

    @property
    def communicative(self) -> bool:
        """Whether it is a communicative gesture of hand or head."""
        return not self.off_camera and not self.type.startswith("no_comm")

    @property
    def hands(self) -> str:
        """``right``, ``left`` or ``both`` for a hand gesture, else empty."""
        return {"RH": "right", "LH": "left", "BH": "both"}.get(self.type.rpartition("_")[2], "")


def series(meeting: str) -> str:
    """The series of a meeting (``ES2009c`` -> ``ES2009``): the same people meet in all of its meetings."""
    return meeting[:-1] if meeting[-1:].islower() else meeting


def held_out(meeting: str) -> bool:
    """Whether the people of ``meeting`` are only tested with."""
    return series(meeting) in HELD_OUT


def split_of(meeting: str) -> str:
    """``train``, ``dev`` or ``test``."""
    return "test" if held_out(meeting) else "dev" if series(meeting) in DEV else "train"


def words(data: Path, meetings: Collection[str] | None = None) -> Iterator[Word]:
    """The words of all meetings, or of those named, as the file orders them (by meeting, then speaker, then time).
    Rows without times, or that end before they start, are left out of every file."""
    for row in _rows(data, "words.csv.gz", ("kind", "text"), meetings):
        yield Word(row.person, row.start, row.end, row.rest["kind"], row.rest["text"])


def dialogue_acts(data: Path, meetings: Collection[str] | None = None) -> Iterator[DialogueAct]:
    """The dialogue acts of all meetings, or of those named."""
    for row in _rows(data, "dialogue_acts.csv.gz", ("act", "addressee", "text"), meetings):
        yield DialogueAct(row.person, row.start, row.end, row.rest["act"], row.rest["addressee"], row.rest["text"])


def hand_gestures(data: Path, meetings: Collection[str] | None = None) -> Iterator[Mark]:
    """The hands' layer: communicative gestures, ``no_comm_hand`` between them, ``off_camera``."""
    return _marks(data, "handGesture.csv", meetings, ())


def head_gestures(data: Path, meetings: Collection[str] | None = None) -> Iterator[Mark]:
    """The head's layer: ``concord_signal``, ``emphasis_signal`` and others with a form, ``no_comm_head`` between."""
    return _marks(data, "headGesture.csv", meetings, ("form",))


def movements(data: Path, meetings: Collection[str] | None = None) -> Iterator[Mark]:
    """The body's layer: ``sit``, ``take_notes``, ``move``, ``stand_whiteboard``, ``stand_screen``, ``other``."""
    return _marks(data, "movement.csv", meetings, ())


def focus(data: Path, meetings: Collection[str] | None = None) -> Iterator[Mark]:
    """The focus of attention: ``person`` with the letter looked at, ``place`` with the place, ``unspecified``."""
    return _marks(data, "focus.csv", meetings, ("place", "nxt_agent"))


def off_camera(data: Path, meetings: Collection[str] | None = None) -> dict[Person, list[tuple[float, float]]]:
    """When a person of the hands' or the head's layer was not seen: (start, end) spans in seconds by person, in
    order and merged."""
    spans: dict[Person, list[tuple[float, float]]] = {}
    layers: tuple[Callable[..., Iterator[Mark]], ...] = (hand_gestures, head_gestures)
    for layer in layers:
        for mark in layer(data, meetings):
            if mark.off_camera:
                spans.setdefault(mark.person, []).append((mark.start, mark.end))
    return {person: _merged(found) for person, found in spans.items()}


def available(data: Path | None) -> bool:
    """Whether the folder of data holds AMI's annotations."""
    return data is not None and (data / FOLDER / "words.csv.gz").is_file()


class _Row(NamedTuple):
    person: Person
    start: float
    end: float
    rest: dict[str, str]


def _rows(data: Path, name: str, columns: tuple[str, ...], meetings: Collection[str] | None) -> Iterator[_Row]:
    path = data / FOLDER / name
    if not path.is_file():
        raise EngineError(f"{path} is missing: put AMI's annotations as csv there, or name another folder of data")
    wanted = None if meetings is None else frozenset(meetings)
    try:
        with _opened(path) as file:
            reader = csv.DictReader(file, strict=True)
            missing = {"meeting", "speaker", "start", "end", *columns} - set(reader.fieldnames or ())
            if missing:
                raise EngineError(f"{path} has no column {sorted(missing)[0]!r}: it is no {name} of AMI's annotations")
            for number, row in enumerate(reader, 2):
                if number > MOST_ROWS:
                    raise EngineError(f"{path} has more than {MOST_ROWS} rows: it is no {name} of AMI's annotations")
                if wanted is None or row["meeting"] in wanted:
                    read = _row(path, number, row)
                    if read is not None:
                        yield read
    except (csv.Error, UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise EngineError(f"{path} cannot be read ({error}): fetch it again") from error


def _row(path: Path, number: int, row: dict[str, str | None]) -> _Row | None:
    """``row`` with its times as numbers, or none where the corpus gives no times or an end before the start (130 rows,
    most the last of a layer, which would reach beyond the film)."""
    given = {key: value or "" for key, value in row.items() if key is not None}
    if max(map(len, given.values())) > LONGEST_FIELD:
        raise EngineError(f"{path}: row {number} has a field of more than {LONGEST_FIELD} characters: mend it")
    if not given["start"] or not given["end"]:
        return None
    try:
        start, end = float(given["start"]), float(given["end"])
    except ValueError:
        start = end = math.nan
    if not (0 <= start <= LONGEST_S and 0 <= end <= LONGEST_S):
        times = f"start {given['start'][:40]!r} and end {given['end'][:40]!r}"
        raise EngineError(f"{path}: row {number} has {times}: times are seconds from 0 to {LONGEST_S:.0f}")
    if end < start:
        return None
    return _Row(Person(given["meeting"], given["speaker"]), start, end, given)


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return io.TextIOWrapper(_Bounded(path), "utf-8", newline="")
    if path.stat().st_size > MOST_BYTES:
        raise EngineError(f"{path} is larger than {MOST_BYTES} bytes: it is no csv of AMI's annotations")
    return path.open(encoding="utf-8", newline="")


class _Bounded(gzip.GzipFile):
    """A gzipped file that gives up once it has unpacked more than :data:`MOST_BYTES`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._path = path

    def read1(self, size: int | None = -1) -> bytes:
        if self.tell() > MOST_BYTES:
            raise EngineError(
                f"{self._path} unpacks to more than {MOST_BYTES} bytes: it is no csv of AMI's annotations"
            )
        return super().read1(-1 if size is None else size)


def _marks(data: Path, name: str, meetings: Collection[str] | None, columns: tuple[str, ...]) -> Iterator[Mark]:
    for row in _rows(data, name, ("type", *columns), meetings):
        rest = row.rest
        target = rest.get("nxt_agent") or rest.get("place") or ""
        yield Mark(row.person, row.start, row.end, rest["type"], rest.get("form", ""), target)


def _merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    out: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out
