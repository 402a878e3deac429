"""The text of a BVH file, whatever program and country wrote it, and the numbers in it.

BVH is text of no stated encoding and no stated way to write a number. What is met: UTF-8 and UTF-16 with and without a
byte order mark, one-byte code pages; three kinds of line ends; comments; decimal commas; commas or semicolons between
numbers; and words that are no number (``-1.#IND``, ``nan``) where a program had none.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError

LARGEST = 512 * 2**20
"""Bytes of a file: over an hour of a body with fingers at 120 frames a second."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OTHERS = (
    (b"Kaydara FBX", "an FBX file"),
    (b"; FBX", "an FBX file"),
    (b"glTF", "a glTF file"),
    (b"PK\x03\x04", "a zip"),
)


class BvhError(EngineError):
    """A BVH file cannot be used; the message names the file, what is wrong and the remedy."""


def read_text(path: Path) -> str:
    """The text of a file with ``\\n`` as line end, without comment lines. Raises :class:`BvhError`."""
    try:
        if not path.is_file():
            raise BvhError(f"{path}: no such file; give a .bvh file")
        if path.stat().st_size > LARGEST:
            raise BvhError(
                f"{path}: {path.stat().st_size / 2**20:.0f} MiB, {LARGEST / 2**20:.0f} at most; cut the take in pieces"
            )
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = error.strerror if isinstance(error, OSError) else "no file can have this name"
        raise BvhError(f"{path}: cannot be read ({reason}); give a .bvh file") from error
    if not content.strip(b"\0 \t\r\n"):
        raise BvhError(f"{path}: is empty; export the take again")
    for begin, what in _OTHERS:
        if content.startswith(begin):
            raise BvhError(f"{path}: is {what} under another name; export the take as BVH")
    text = _decoded(content).replace("\r\n", "\n").replace("\r", "\n").strip("\0")
    if "#" in text or "//" in text:
        text = re.sub(r"^[ \t]*(#|//).*$", "", text, flags=re.MULTILINE)
    return text


def _decoded(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    head = content[:200]
    if head[1::2].count(0) > 0.4 * len(head):
        return content.decode("utf-16-le", "replace")
    if head[::2].count(0) > 0.4 * len(head):
        return content.decode("utf-16-be", "replace")
    for encoding in ("utf-8", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def plain_numbers(text: str, width: int = 0) -> str:
    """Text in which numbers stand as Python reads them, with blanks between. Commas and semicolons separate, but commas
    are decimal points where a line has ``width`` words without taking it apart at them; without ``width``, where no
    point stands anywhere and they are between digits."""
    text = text.replace(";", " ")
    if "," not in text:
        return text
    if any(len(line.split()) == width for line in text.split("\n", 50)[:50]):
        return text.replace(",", ".")
    if "." not in text:
        text = re.sub(r"(?<=\d),(?=\d)|(?<![\d,]),(?=\d)", ".", text)
    return text.replace(",", " ")


def numbers(line: str) -> NDArray[np.float64]:
    """The numbers of a line as :func:`plain_numbers` leaves it; NaN for a word that is none."""
    words = line.split()
    try:
        return np.fromiter(map(float, words), np.float64, len(words))
    except ValueError:
        return np.array([_number(word) for word in words], np.float64)


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")
