"""Timed words beside a sound file: JSON, WebVTT or SubRip.

JSON is a list of ``{"start": 0.12, "end": 0.5, "text": "hello"}`` in seconds from the start of the sound, or an object
that has such a list as ``words``; other fields are passed over, since every recogniser writes some of its own. In
WebVTT and SubRip a cue may hold several words: its time is shared among them by their letters, or by the times that
WebVTT may have between words (``hello <00:00:01.250>there``).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.feeds.words import LONGEST_WORD, UNKNOWN_END_S
from engine.sources.player import WordItem
from engine.text.tidy import tidy

KINDS = (".json", ".vtt", ".srt")
MOST_BYTES = 8 << 20
MOST_WORDS = 100_000
LATEST_S = 7 * 86_400.0

_TIME = r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)[.,](\d{3})"
_CUE = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")
_INNER = re.compile(rf"<{_TIME}>")
_TAG = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")


def read_words(path: Path | str) -> tuple[WordItem, ...]:
    """The words of a file in order of their start. Raises :class:`EngineError` naming the file, the word or line, and
    what is wanted."""
    file = Path(path)
    if file.suffix.lower() not in KINDS:
        raise EngineError(f"words file {file}: give a file that ends in {', '.join(KINDS)}")
    if not file.is_file():
        raise EngineError(f"words file {file}: there is no such file; check the path")
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise EngineError(f"words file {file}: {size} bytes, {MOST_BYTES} at most; cut it to what the sound needs")
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise EngineError(f"words file {file} cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise EngineError(f"words file {file} is no UTF-8 text ({error.reason}); save it as UTF-8") from None
    words = _of_json(file, text) if file.suffix.lower() == ".json" else list(_of_cues(file, text))
    if not words or len(words) > MOST_WORDS:
        raise EngineError(f"words file {file}: {len(words)} words in it; give 1 to {MOST_WORDS}")
    return tuple(sorted(words, key=lambda word: (word.start_ns, word.end_ns)))


def timed_word(entry: Any) -> tuple[float, float, str]:
    """Start, end (seconds; without one :data:`~engine.feeds.words.UNKNOWN_END_S` after the start) and text of a word as
    JSON has it. Raises ValueError saying what it is not."""
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        raise ValueError('no {"start": s, "end": s, "text": "hello"}')
    start = _seconds(entry.get("start"))
    end = start + UNKNOWN_END_S if entry.get("end") is None else _seconds(entry.get("end"))
    if not 0.0 <= start <= end <= LATEST_S:
        raise ValueError(f"start {start:g} and end {end:g}: give seconds from 0, and no end before the start")
    text = tidy(entry["text"][: 4 * LONGEST_WORD])[:LONGEST_WORD]
    if not text:
        raise ValueError("a text without letters")
    return start, end, text


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LATEST_S:
        raise ValueError(f"a time that is {type(value).__name__}, not seconds up to {LATEST_S:g}")
    return float(value)


def _of_json(file: Path, text: str) -> list[WordItem]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EngineError(f"words file {file} does not read as JSON ({str(error)[:80]}); write it again") from None
    listed = told.get("words") if isinstance(told, dict) else told
    if not isinstance(listed, list):
        raise EngineError(f"words file {file}: no list of words in it; {_FORM}")
    words = []
    for number, entry in enumerate(listed[: MOST_WORDS + 1]):
        try:
            words.append(_item(*timed_word(entry)))
        except ValueError as error:
            raise EngineError(f"words file {file}: word {number} is {error}; {_FORM}") from None
    return words


_FORM = 'give a list of {"start": 0.12, "end": 0.5, "text": "hello"}, times in seconds'


def _of_cues(file: Path, text: str) -> Iterator[WordItem]:
    """The words of WebVTT's and SubRip's cues, which differ in nothing that matters here."""
    lines = text.splitlines()
    found = 0
    for number, line in enumerate(lines):
        cue = _CUE.match(line)
        if cue is None:
            if "-->" in line:
                raise EngineError(f"words file {file}: line {number + 1} has no times such as 00:01.000 --> 00:02.500")
            continue
        start, end = _of_clock(cue.groups()[:4]), _of_clock(cue.groups()[4:])
        if end < start:
            raise EngineError(f"words file {file}: line {number + 1} ends before it starts; mend its times")
        said = []
        for following in lines[number + 1 :]:
            if not following.strip() or "-->" in following:
                break
            said.append(following)
        for word in _shared(" ".join(said), start, end):
            yield word
            found += 1
            if found > MOST_WORDS:
                return


def _shared(said: str, start: float, end: float) -> Iterator[WordItem]:
    """A cue's words; between two known times each has a share of the time as large as its share of the letters."""
    parts = _INNER.split(said)  # text, then four groups of a time and the text after it, and so on
    times = [start, *(_of_clock(parts[at : at + 4]) for at in range(1, len(parts), 5)), end]
    for place, part in enumerate(parts[::5]):
        words = [tidy(html.unescape(word)) for word in _TAG.sub("", part).split()]
        begun, over = (min(max(time, start), end) for time in times[place : place + 2])
        letters = sum(len(word) for word in words)
        for word in words:
            until = begun + max(0.0, over - begun) * len(word) / max(letters, 1)
            letters -= len(word)
            if word:
                yield _item(begun, until, word[:LONGEST_WORD])
            begun = until


def _of_clock(groups: Any) -> float:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in groups)
    return 3600.0 * hours + 60.0 * minutes + seconds + thousandths / 1000.0


def _item(start: float, end: float, text: str) -> WordItem:
    return WordItem(round(start * 1e9), round(end * 1e9), text)
