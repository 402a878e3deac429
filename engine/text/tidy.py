"""A text as people send it, made safe to work with: one line, without what no reader sees."""

from __future__ import annotations

import unicodedata

_DROPPED = {"Cs", "Co", "Cn"}  # halves of characters, private ones and ones that there are not


def tidy(text: str) -> str:
    """``text`` in the composed form of its letters (NFC), control characters (line ends too) and runs of white space as
    one blank, without what is no character and without blanks at its ends; may be empty."""
    if text.isascii() and text.isprintable():  # most texts, and soon done
        return " ".join(text.split())
    kinds = ((letter, unicodedata.category(letter)) for letter in text)
    kept = "".join(" " if kind == "Cc" else letter for letter, kind in kinds if kind not in _DROPPED)
    return " ".join(unicodedata.normalize("NFC", kept).split())


def plain(word: str) -> str:
    """A word as a vocabulary lists it: lower case, without punctuation at its ends ("Don't!" is "don't")."""
    letters = tidy(word.lower()).replace("’", "'")
    first = next((place for place, letter in enumerate(letters) if letter.isalnum()), len(letters))
    last = next((place for place in range(len(letters), first, -1) if letters[place - 1].isalnum()), first)
    return letters[first:last]
