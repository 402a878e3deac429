"""Timed words beside a sound file: JSON, WebVTT, SubRip, CSV or a TextGrid of Praat.

JSON is a list of ``{"start": 0.12, "end": 0.5, "text": "hello"}`` in seconds from the start of the sound, or an object
that has such a list as ``words``; other fields are passed over, since every recogniser writes some of its own,
and ``word`` is taken for ``text``. The
other formats have a file each: :mod:`engine.speech.cues`, :mod:`engine.speech.columns`, :mod:`engine.speech.textgrid`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from engine.errors import EngineError
from engine.sources.player import WordItem
from engine.speech.columns import of_columns
from engine.speech.cues import of_cues
from engine.speech.spoken import SpokenWord, WordsError, timed_word
from engine.speech.textgrid import of_textgrid

KINDS = (".json", ".TextGrid", ".csv", ".tsv", ".vtt", ".srt")
"""Ends of names, in the order in which they are looked for beside a sound."""
MOST_BYTES = 8 << 20
MOST_WORDS = 100_000
_FORM = 'give a list of {"start": 0.12, "end": 0.5, "text": "hello"}, times in seconds'


@dataclass(frozen=True)
class WordsFile:
    """What was read of a words file: its ``words`` in order of their start, and the ``place`` in it where there are
    several that hold words ("" where there are not)."""

    path: Path
    words: tuple[WordItem, ...]
    place: str = ""


def read_words(path: Path | str) -> WordsFile:
    """The words of a file. Raises :class:`EngineError` naming the file, the word or line, and what is wanted."""
    file = Path(path)
    kind = file.suffix.lower()
    if kind not in {known.lower() for known in KINDS}:
        raise EngineError(f"words file {file}: give a file that ends in {', '.join(KINDS)}")
    text, place = decoded(file), ""
    try:
        if kind == ".json":
            found = _of_json(text)
        elif kind in (".csv", ".tsv"):
            found = of_columns(text)
        elif kind == ".textgrid":
            place, found = of_textgrid(text)
        else:
            found = of_cues(text)
        spoken = list(islice(found, MOST_WORDS + 1))
    except WordsError as error:
        raise EngineError(f"words file {file}: {error}") from None
    if not spoken or len(spoken) > MOST_WORDS:
        raise EngineError(f"words file {file}: {len(spoken)} words in it; give 1 to {MOST_WORDS}")
    return WordsFile(file, items(spoken), place)


def items(spoken: Sequence[SpokenWord]) -> tuple[WordItem, ...]:
    """Words as a player takes them, in order of their start."""
    made = (WordItem(round(word.start * 1e9), round(word.end * 1e9), word.text) for word in spoken)
    return tuple(sorted(made, key=lambda word: (word.start_ns, word.end_ns)))


def beside(sound: Path | str) -> list[Path]:
    """The words files that lie beside a sound file and have its name (``talk.json`` of ``talk.wav``), in the order of
    :data:`KINDS`; [] where there are none."""
    file = Path(sound)
    kinds = [known.lower() for known in KINDS]
    try:
        near = [one for one in file.parent.iterdir() if one.stem == file.stem and one.suffix.lower() in kinds]
    except OSError:
        return []
    return sorted((one for one in near if one.is_file()), key=lambda one: (kinds.index(one.suffix.lower()), one.name))


def decoded(file: Path) -> str:
    """What is written in a file: UTF-8, or UTF-16 that says so, as Praat writes it. Raises :class:`EngineError`."""
    if not file.is_file():
        raise EngineError(f"words file {file}: there is no such file; check the path")
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise EngineError(f"words file {file}: {size} bytes, {MOST_BYTES} at most; cut it to what the sound needs")
        content = file.read_bytes()
        wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        return content.decode("utf-16" if wide else "utf-8-sig")
    except OSError as error:
        raise EngineError(f"words file {file} cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise EngineError(f"words file {file} is no UTF-8 text ({error.reason}); save it as UTF-8") from None


def _of_json(text: str) -> Iterator[SpokenWord]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WordsError(f"does not read as JSON ({str(error)[:80]}); write it again") from None
    listed = told.get("words") if isinstance(told, dict) else told
    if not isinstance(listed, list):
        raise WordsError(f"no list of words in it; {_FORM}")
    for number, entry in enumerate(listed):
        try:
            if isinstance(entry, dict) and "text" not in entry and "word" in entry:
                entry = {**entry, "text": entry["word"]}
            yield timed_word(entry)
        except ValueError as error:
            raise WordsError(f"word {number} is {error}; {_FORM}") from None
