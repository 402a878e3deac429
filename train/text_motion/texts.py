"""Captions of a clip, as HumanML3D and KIT-ML write them: a line each, ``caption#word/POS word/POS#from#to``.

``from`` and ``to`` are seconds; 0 and 0 (or ``nan``) stand for the whole clip. Texts of such sets were written by many
hands: what can be read is read, what was assumed is said in a note, and only a line that says nothing is left out.
"""

from __future__ import annotations

import codecs
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import EngineError
from train.files import FileError, reason
from train.text_motion.tags import tags

ALIEN = "cp1252"
"""How a text is read that is no UTF-8: by the code page of older Windows."""


@dataclass(frozen=True)
class Caption:
    """A sentence on a clip, its ``tags`` (``word/POS`` each), and the span it speaks of in seconds: 0 and 0 for all."""

    text: str
    tags: tuple[str, ...] = ()
    start: float = 0.0
    end: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether it speaks of the whole clip."""
        return self.start == 0.0 and self.end == 0.0

    def frames(self, count: int, rate: float) -> slice:
        """The frames it speaks of in a clip of ``count``, cut as the original cuts them."""
        if self.whole:
            return slice(0, count)
        return slice(int(min(self.start * rate, count)), int(min(self.end * rate, count)))


@dataclass(frozen=True)
class Captions:
    """What was read of a file, and notes on what was assumed or left out."""

    captions: tuple[Caption, ...]
    notes: tuple[str, ...] = ()


def read_captions(path: Path) -> Captions:
    """The captions of a file; none, with a note, where there is no such file.

    Raises :class:`FileError` where the system refuses it.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Captions((), (f"has no texts: there is no {path.name}",))
    except OSError as error:
        raise FileError(f"{path}: cannot be read, {reason(error)}; check the path and the rights") from error
    text, notes = _decoded(raw)
    captions = []
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if line.strip():
            caption, said = _caption(line)
            notes += [f"texts, line {number}: {said}"] if said else []
            captions += [caption] if caption is not None else []
    if not captions:
        notes.append("no caption can be read: nothing is asked while it is shown")
    return Captions(tuple(captions), tuple(notes))


def written(captions: Sequence[Caption]) -> str:
    """The text of a file that holds ``captions``. Tags are made by rules where a caption has none.

    Raises :class:`EngineError` for a caption without words."""
    lines = []
    for caption in captions:
        text = _plain(caption.text)
        if not text:
            raise EngineError(f"caption {caption.text[:40]!r}: has no words; leave it out")
        lines.append(f"{text}#{' '.join(caption.tags or tags(text))}#{caption.start}#{caption.end}\n")
    return "".join(lines)


def _decoded(raw: bytes) -> tuple[str, list[str]]:
    """The text of bytes, and a note where they are no UTF-8."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace"), ["texts: UTF-16, not UTF-8; read so"]
    try:
        return raw.decode("utf-8"), []
    except UnicodeDecodeError as error:
        note = f"texts: byte {error.start} is no UTF-8; all read as {ALIEN}, save it as UTF-8"
        return raw.decode(ALIEN, "replace"), [note]


def _caption(line: str) -> tuple[Caption | None, str]:
    """The caption of a line that is not empty, or None, and what is to be said of it."""
    parts = line.replace("\0", " ").strip().rsplit("#", 3)
    note = ""
    if len(parts) < 4:
        note = f"has {len(parts) - 1} '#', 3 are needed; read as a caption of the whole clip"
        said = parts[1] if len(parts) > 1 and "/" in parts[1] else ""
        parts = [parts[0], said, "0", "0"]
    elif "#" in parts[0]:
        note = "has more than 3 '#'; those before the tags are read as part of the caption"
    text = _plain(parts[0])
    if not text:
        return None, "has no words; left out"
    span = [_seconds(part) for part in parts[2:]]
    if not all(map(math.isfinite, span)):
        return None, f"its span is {parts[2].strip()[:20]!r} to {parts[3].strip()[:20]!r}, no seconds; left out"
    start, end = span
    if start < 0 or (end <= start and (start, end) != (0.0, 0.0)):
        return None, f"its span of {start:g} to {end:g} s holds no frame; left out"
    return Caption(text, tuple(parts[1].split()), start, end), note


def _plain(text: str) -> str:
    """A caption on one line, without what has a meaning of its own in the file."""
    return " ".join(text.translate({ord(mark): " " for mark in "#\0\ufeff"}).split())


def _seconds(cell: str) -> float:
    """A time; ``nan`` is 0, as in the original; infinite where it is none."""
    try:
        value = float(cell)
    except ValueError:
        return math.inf
    return 0.0 if math.isnan(value) else value
