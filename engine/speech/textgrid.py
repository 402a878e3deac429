"""The words of a TextGrid, as Praat and aligners (MFA, WebMAUS) write it: long or short text form.

Of a text file Praat reads only free-standing numbers, strings in quotes and flags such as ``<exists>``; all else is
comment ("TextGrid file formats" in Praat's manual). So one reading serves both forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from engine.speech.spoken import LATEST_S, SILENCES, SpokenWord, WordsError, as_word, shared

_ITEM = re.compile(r'"((?:[^"]|"")*)"|(?<!\S)([-+]?\d[\d.]*(?:[eE][-+]?\d+)?)(?!\S)|(?<!\S)(<[a-z]+>)|(?<!\S)![^\n]*')
_WORDS = ("words", "word")
_FORM = "save it in Praat with 'Save as text file' or 'Save as short text file'"
_MOST_TIERS = 200


@dataclass
class _Tier:
    """Labels (start, end, text) of an interval tier in seconds."""

    name: str
    labels: list[tuple[float, float, str]] = field(default_factory=list)

    def said(self) -> list[tuple[float, float, list[str]]]:
        """Those that are no silence, as words."""
        found = ((start, end, as_words(text)) for start, end, text in self.labels)
        return [(start, end, words) for start, end, words in found if words]


def of_textgrid(text: str) -> tuple[str, Iterator[SpokenWord]]:
    """The name of the tier that holds words, and its words. It is the one called ``words`` or ``word`` (or, as MFA
    writes it, ``Ann - words``), otherwise the interval tier in which most labels are a single word. Of several the one
    with most words counts. Raises :class:`WordsError` where there is none, or what is no TextGrid."""
    tiers = _tiers(_Items(text))
    named = [tier for tier in tiers if _names(tier.name) & set(_WORDS)]
    best = max(named or tiers, key=_singles, default=None)
    if best is None or not best.said():
        there = ", ".join(repr(tier.name[:40]) for tier in tiers) or "none"
        raise WordsError(f"no interval tier with words in it (interval tiers: {there}); name one of them words")
    return f"tier {best.name!r}", _spoken(best)


def as_words(label: str) -> list[str]:
    """The words of a label; [] of one that says silence."""
    words = [as_word(word) for word in label.split()]
    return [word for word in words if word and word.casefold() not in SILENCES]


def _spoken(tier: _Tier) -> Iterator[SpokenWord]:
    for start, end, words in tier.said():
        if not 0.0 <= start <= end <= LATEST_S:
            raise WordsError(
                f"tier {tier.name!r}: {words[0]!r} from {start:g} to {end:g}: give seconds from 0, and no end before "
                "the start"
            )
        yield from shared(words, start, end)


def _names(name: str) -> set[str]:
    return set(re.findall(r"\w+", name.casefold()))


def _singles(tier: _Tier) -> int:
    return sum(len(words) == 1 for _, _, words in tier.said())


class _Items:
    """What Praat reads of a file, item after item."""

    def __init__(self, text: str) -> None:
        self._found = (match for match in _ITEM.finditer(text) if match.lastindex)

    def string(self, what: str) -> str:
        match = self._next(what)
        if match.lastindex != 1:
            raise WordsError(f"{match[0][:40]!r} stands where {what} should; {_FORM}")
        return match[1].replace('""', '"')

    def number(self, what: str) -> float:
        match = self._next(what)
        try:
            if match.lastindex == 2:
                return float(match[2])
        except ValueError:
            pass
        raise WordsError(f"{match[0][:40]!r} stands where {what} should; {_FORM}")

    def flag(self) -> str:
        return self._next("<exists>")[0]

    def count(self, what: str, most: int) -> int:
        value = self.number(what)
        if not 0 <= value <= most or value != int(value):
            raise WordsError(f"{what} is {value:g}; give 0 to {most}")
        return int(value)

    def _next(self, what: str) -> re.Match[str]:
        match = next(self._found, None)
        if match is None:
            raise WordsError(f"it ends where {what} should stand; {_FORM}")
        return match


def _tiers(items: _Items) -> Sequence[_Tier]:
    """The interval tiers."""
    if (items.string("the file's type"), items.string("the kind of object")) != ("ooTextFile", "TextGrid"):
        raise WordsError(f"no TextGrid; {_FORM}")
    items.number("its start"), items.number("its end")
    tiers = []
    if items.flag() != "<exists>":
        return []
    for _ in range(items.count("the number of tiers", _MOST_TIERS)):
        kind = items.string("the kind of a tier")
        if kind not in ("IntervalTier", "TextTier"):
            raise WordsError(f"a tier of kind {kind[:40]!r}; {_FORM}")
        tier = _Tier(items.string("the name of a tier"))
        items.number("a tier's start"), items.number("a tier's end")
        for _ in range(items.count("the number of labels", 10_000_000)):
            start = items.number("a time")
            end = items.number("a time") if kind == "IntervalTier" else start
            tier.labels.append((start, end, items.string("a label")))
        if kind == "IntervalTier":
            tiers.append(tier)
    return tiers
