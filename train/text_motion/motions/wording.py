"""Words: verbs in the form a sentence needs, counts, and the choice among phrases that say the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_VERB = re.compile(r"\*(\w+)\*")
_DOUBLING = "step sidestep squat spin hop jog run put flip get sit signal"
_DOUBLED = {verb: verb + verb[-1] for verb in _DOUBLING.split()}
_OTHER = {"do": "does", "go": "goes"}


def pick(options: Sequence[Item], key: str) -> Item:
    """One of ``options``, by the key alone: the same everywhere and always."""
    return options[int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") % len(options)]


def said(phrase: str, form: str = "s") -> str:
    """``phrase`` with its verbs in a form: ``s`` (walks) or ``ing`` (walking)."""
    return _VERB.sub(lambda match: conjugated(match[1], form), phrase)


def number(count: int) -> str:
    """A count in words, ``several`` beyond ten."""
    return NUMBERS[count] if count < len(NUMBERS) else "several"


def conjugated(verb: str, form: str) -> str:
    """A verb in the form ``s`` or ``ing``."""
    if form == "ing":
        if verb in _DOUBLED:
            return _DOUBLED[verb] + "ing"
        return (verb[:-1] if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")) else verb) + "ing"
    if verb in _OTHER:
        return _OTHER[verb]
    if verb.endswith(("s", "sh", "ch", "x", "z")):
        return verb + "es"
    return verb[:-1] + "ies" if verb.endswith("y") and verb[-2] not in "aeiou" else verb + "s"


def times(count: int) -> str:
    """How often, with a blank before it; nothing for once."""
    return ("", "", " twice")[count] if count < 3 else f" {number(count)} times"
