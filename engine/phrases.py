"""Many choices as one text: the words in which a control with ``choices`` is set, shown and listed.

``left elbow bent to 90; hands together for 2 s`` holds two elements of the vector, the second for two seconds, and lets
go of all others; ``none`` lets go of all. Upper case, blanks, punctuation, articles and the word "degrees" do not
matter. Phrases are separated by ``;`` or line ends, and by commas where these are in no phrase.

What is said may come from anybody, and so may the names and labels, which are a bundle's: both are bounded here.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from engine.errors import SpecError, clean
from engine.spec_items import InputSpec

FREE = -1.0
"""The value of an element that is not held."""
NONE = "none"
MOST_ELEMENTS, MOST_LABELS, MOST_PHRASES = 256, 256, 16_384
"""Elements of a control, labels of an element, and phrases of a control in all."""
LONGEST_PATTERN = 300
"""Characters of a name, or of a label, with all its ways to say it."""
LONGEST_HOLD = 8000
"""Characters of what is set."""
LONGEST_S = 3600.0
"""Seconds of a span."""
_SHOWN = 80
_MOST_TOLD = 40
_COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_IDLE = {"the", "a", "an", "is", "are", "degree", "degrees", "deg"}
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")
_SPAN = re.compile(r"(?P<count>\d+(?:\.\d*)?|\.\d+|[a-z]+)\s*(?:s|secs?|seconds?)\.?")
_LAST_FOR = re.compile(r"(?P<phrase>.*\S)\s+for\b(?P<span>.*)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class Hold:
    """What is held: ``values`` of all elements, and for how many ``seconds`` each (infinite: until it is changed)."""

    values: tuple[float, ...]
    seconds: tuple[float, ...]

    @property
    def spans(self) -> bool:
        """Whether something of it ends by itself."""
        return any(math.isfinite(each) for each in self.seconds)


def nothing(item: InputSpec) -> Hold:
    """All elements free."""
    return Hold((FREE,) * len(item.choices), (math.inf,) * len(item.choices))


def read(item: InputSpec, value: Any) -> Hold:
    """What ``value`` holds: words as the module says, None for nothing, or the plain numbers of the vector. Raises
    :class:`SpecError` naming what cannot be used and what could stand there."""
    numbers = _numbers(value)
    if numbers is not None:
        return _by_numbers(item, numbers)
    if value is not None and not isinstance(value, str):
        raise _error(item, f"a {type(value).__name__} cannot be read: give words, or {len(item.choices)} numbers")
    if value is None or plain(value) == NONE:
        return nothing(item)
    if len(value) > LONGEST_HOLD:
        raise _error(item, f"{len(value)} characters, {LONGEST_HOLD} at most")
    known = _known(item)
    values, seconds, said = list(nothing(item).values), list(nothing(item).seconds), dict[int, str]()
    for part in (part for part in re.split(r"[;\n]", value) if part.strip()):
        for phrase, (element, label), span in _parts(item, known, part):
            if element in said:
                raise _error(
                    item, f"{group(item, element)!r} stands there twice: {_cut(said[element])} and {_cut(phrase)}"
                )
            values[element], seconds[element], said[element] = float(label), span, phrase
    if not said:
        raise _error(item, f"nothing is said; write for example {_example(item)!r}, or {NONE!r} to let go of all")
    return Hold(tuple(values), tuple(seconds))


def lasting(item: InputSpec, value: Any) -> tuple[float, ...]:
    """The vector of what is held until it is changed, for whoever counts no time. Raises as :func:`read`, and for what
    ends by itself."""
    hold = read(item, value)
    if hold.spans:
        raise _error(item, "'for N s' counts a running session's time; leave it out here")
    return hold.values


def words(item: InputSpec, hold: Hold) -> str:
    """What is held as :func:`read` reads it: "left elbow bent to 90; hands together for 2 s", or "none"."""
    held = [
        phrase(item, element, int(value)) + ("" if math.isinf(span) else f" for {span:g} s")
        for element, (value, span) in enumerate(zip(hold.values, hold.seconds, strict=True))
        if value != FREE
    ]
    return "; ".join(held) or NONE


def phrase(item: InputSpec, element: int, label: int) -> str:
    """How one element at one of its labels is said."""
    return first(item.names[element]).replace("{}", first(item.choices[element][label]))


def group(item: InputSpec, element: int) -> str:
    """What an element is of: its name, with dots where the label stands, unless that is at the end."""
    return " ".join(first(item.names[element]).replace("{}", " ... ").split()).removesuffix(" ...")


def groups(item: InputSpec) -> list[dict[str, Any]]:
    """Every element for clients: ``name`` and ``choices`` as the spec has them, all ways to say them among them."""
    return [{"name": name, "choices": list(labels)} for name, labels in zip(item.names, item.choices, strict=True)]


def first(pattern: str) -> str:
    """Of the ways to say a name or label the one that is shown."""
    return _ways(pattern)[0]


def plain(text: str) -> str:
    """Words as they are compared."""
    tokens = _TOKEN.findall(unicodedata.normalize("NFKC", text).lower().replace("°", " "))
    numbers = (f"{float(token):g}" if token[0].isdecimal() else token for token in tokens)
    return " ".join(token for token in numbers if token not in _IDLE)


def trouble(item: InputSpec) -> str:
    """What is wrong with a control's names and choices, in words; empty where nothing is."""
    count = len(item.choices)
    if item.role != "control" or item.shape != (count,) or count > MOST_ELEMENTS:
        return f"choices are for a control of shape (their number,), {MOST_ELEMENTS} at most"
    if len(item.names) != count:
        return f"{len(item.names)} names for {count} choices"
    most = max(map(len, item.choices))
    if not 1 <= min(map(len, item.choices)) <= most <= MOST_LABELS:
        return f"give each element 1 to {MOST_LABELS} labels"
    if (item.low, item.missing) != (FREE, FREE) or item.high != most - 1:
        return f"low and missing are -1 (free) and high is {most - 1}, the last label of the longest choice"
    for name in item.names:
        if not all(way.count("{}") == 1 and plain(way.replace("{}", "")) for way in _pattern(name)):
            return f"the name {_cut(name)} does not hold words and one {{}} in each way to say it"
    for label in (label for labels in item.choices for label in labels):
        if not all(plain(way) and "{" not in way for way in _pattern(label)):
            return f"the label {_cut(label)} is none: give words that can be printed"
    phrases = sum(
        len(_ways(name)) * sum(len(_ways(label)) for label in labels)
        for name, labels in zip(item.names, item.choices, strict=True)
    )
    if phrases > MOST_PHRASES:
        return f"{phrases} phrases, {MOST_PHRASES} at most: give fewer ways to say the same"
    seen: dict[str, tuple[int, int]] = {}
    for said, place in _all(item):
        if seen.setdefault(said, place) != place:
            return f"the phrase {_cut(said)} means two things"
    return ""


def _parts(item: InputSpec, known: Mapping[str, Any], part: str) -> Iterator[tuple[str, tuple[int, int], float]]:
    """The phrases of a part with what each means: the whole part, or what stands between its commas."""
    try:
        found = _one(item, known, part)
    except SpecError:
        pieces = [piece for piece in part.split(",") if piece.strip()]
        if len(pieces) < 2:
            raise
        yield from (_one(item, known, piece) for piece in pieces)
        return
    yield found


def _one(item: InputSpec, known: Mapping[str, Any], part: str) -> tuple[str, tuple[int, int], float]:
    """One phrase, its element and label, and its span in seconds."""
    if plain(part) in known:
        return part, known[plain(part)], math.inf
    timed = _LAST_FOR.fullmatch(part)
    said = part if timed is None else timed["phrase"]
    span = math.inf if timed is None else _span(item, timed["span"])
    if plain(said) in known:
        return said, known[plain(said)], span
    raise _unknown(item, said)


def _span(item: InputSpec, said: str) -> float:
    found = _SPAN.fullmatch(said.strip().lower())
    count = "" if found is None else found["count"]
    counted = {word: float(place) for place, word in enumerate(_COUNTS, 1)}
    seconds = counted.get(count, math.nan) if not count or count.isalpha() else float(count)
    if not 0.0 < seconds <= LONGEST_S:
        raise _error(item, f"{_cut('for' + said)} is no span: write 'for 2 s', up to {LONGEST_S:g} s")
    return seconds


def _unknown(item: InputSpec, said: str) -> SpecError:
    """Of a phrase that is none: the labels of the element it names, or the names that are near."""
    asked = plain(said)[: 2 * _SHOWN]
    most, found = 0, list[int]()
    for element, name in enumerate(item.names):
        fits = max(_around(asked, *(plain(side) for side in way.split("{}"))) for way in _ways(name))
        if fits > most:
            most, found = fits, []
        if fits and fits == most:
            found.append(element)
    if found:
        labels = [first(label) for element in found for label in item.choices[element]]
        there = ", ".join(labels[:_MOST_TOLD]) + (", ..." if len(labels) > _MOST_TOLD else "")
        return _error(item, f"{_cut(said)} cannot be: {group(item, found[0])!r} takes {there}")
    names = {plain(group(item, number)): group(item, number) for number in range(len(item.names))}
    near = [names[found] for found in difflib.get_close_matches(asked[:_SHOWN], names, 3, 0.4)]
    hint = f"near it {'is' if len(near) == 1 else 'are'} {', '.join(map(repr, near))}; " if near else ""
    return _error(item, f"{_cut(said)} is not known: {hint}`engine controls {item.name}` lists all")


def _around(said: str, before: str, after: str) -> int:
    """How long a name is if words begin and end as it does, otherwise 0."""
    inner = f" {said} "
    fits = inner.startswith(f" {before} " if before else " ") and inner.endswith(f" {after} " if after else " ")
    return len(before + after) if fits else 0


def _by_numbers(item: InputSpec, numbers: tuple[float, ...]) -> Hold:
    if len(numbers) != len(item.choices):
        raise _error(item, f"{len(numbers)} numbers: give {len(item.choices)}, or words such as {_example(item)!r}")
    for element, value in enumerate(numbers):
        if not (FREE <= value < len(item.choices[element]) and value.is_integer()):
            last = len(item.choices[element]) - 1
            told = f"{value:g} for {group(item, element)!r}, number {element}"
            raise _error(item, f"{told}: give -1 (free) or a whole number up to {last}")
    return Hold(numbers, (math.inf,) * len(numbers))


def _numbers(value: Any) -> tuple[float, ...] | None:
    """The numbers of a value that is nothing but numbers."""
    parts = value[:LONGEST_HOLD].split(",") if isinstance(value, str) else value
    if isinstance(parts, (int, float)) and not isinstance(parts, bool):
        parts = [parts]
    if not isinstance(parts, (list, tuple)):
        return None
    try:
        return tuple(float(part) for part in parts)
    except (TypeError, ValueError, OverflowError):
        return None


@lru_cache(maxsize=16)
def _known(item: InputSpec) -> Mapping[str, tuple[int, int]]:
    """Element and label of every phrase."""
    return dict(_all(item))


def _all(item: InputSpec) -> Iterator[tuple[str, tuple[int, int]]]:
    for element, (name, labels) in enumerate(zip(item.names, item.choices, strict=True)):
        for way in _ways(name):
            for number, label in enumerate(labels):
                for value in _ways(label):
                    yield plain(way.replace("{}", f" {value} ")), (element, number)


def _ways(pattern: str) -> list[str]:
    return [way.strip() for way in pattern.split("|")]


def _pattern(pattern: str) -> list[str]:
    """The ways of a name or label, one of them empty where it cannot be used at all."""
    return _ways(pattern) if len(pattern) <= LONGEST_PATTERN and pattern.isprintable() and ";" not in pattern else [""]


def _example(item: InputSpec) -> str:
    return phrase(item, 0, 0)


def _cut(text: str) -> str:
    return repr(clean(text.strip(), _SHOWN))


def _error(item: InputSpec, text: str) -> SpecError:
    return SpecError(f"control {item.name}: {text}")
