"""The words of WebVTT's and SubRip's cues, which differ in nothing that matters here.

A cue may hold several words: its time is shared among them by their letters, or by the times that WebVTT may have
between words (``hello <00:00:01.250>there``).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from engine.speech.spoken import SpokenWord, WordsError, shared
from engine.text.tidy import tidy

_TIME = r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)[.,](\d{3})"
_CUE = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")
_INNER = re.compile(rf"<{_TIME}>")
_TAG = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")


def of_cues(text: str) -> Iterator[SpokenWord]:
    """The words of all cues. Raises :class:`WordsError` naming the line."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        cue = _CUE.match(line)
        if cue is None:
            if "-->" in line:
                raise WordsError(f"line {number + 1} has no times such as 00:01.000 --> 00:02.500")
            continue
        start, end = _of_clock(cue.groups()[:4]), _of_clock(cue.groups()[4:])
        if end < start:
            raise WordsError(f"line {number + 1} ends before it starts; mend its times")
        said = []
        for following in lines[number + 1 :]:
            if not following.strip() or "-->" in following:
                break
            said.append(following)
        yield from _of_cue(" ".join(said), start, end)


def _of_cue(said: str, start: float, end: float) -> Iterator[SpokenWord]:
    """A cue's words; those between two known times share the time between them."""
    parts = _INNER.split(said)  # text, then four groups of a time and the text after it, and so on
    times = [start, *(_of_clock(parts[at : at + 4]) for at in range(1, len(parts), 5)), end]
    for place, part in enumerate(parts[::5]):
        words = [tidy(html.unescape(word)) for word in _TAG.sub("", part).split()]
        begun, over = (min(max(time, start), end) for time in times[place : place + 2])
        yield from shared(words, begun, over)


def _of_clock(groups: Any) -> float:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in groups)
    return 3600.0 * hours + 60.0 * minutes + seconds + thousandths / 1000.0
