"""What a caption says of each part of the body and of the mood, read by rules: eleven short phrases for a model.

PGR2M and CoMo before it give a caption beside eleven keyword fields, ten parts of the body and a mood, which a large
language model had written for every caption of their set. That cannot be asked while somebody types a
prompt, and it differs from one run to the next. The rules here take a fraction of a millisecond, give the same answer
every time, and are applied to captions in training as to prompts in serving, so that a model meets what it has learned.

A caption is cut into phrases at punctuation, "and", "then", "while" and before a further verb
(:mod:`engine.text.caption`). A phrase belongs to the parts that it names ("the left arm", "both hands"); where it names
none, to those that its verb speaks of: "walks" of both legs, "waves" of hands and arms. A hand speaks of its arm too, a
foot of its leg. What follows "on" or "above" is a place and not what moves. English only: of other text nothing is
read, and every field is empty.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.text.caption import BOTH, SPOKEN, Phrase, phrases, tokens
from engine.text.field_words import MANNERS, MOODS, NO_MOODS, SPLITTERS, VERY

FIELDS = (
    "head",
    "torso",
    "left_arm",
    "right_arm",
    "left_hand",
    "right_hand",
    "left_leg",
    "right_leg",
    "left_foot",
    "right_foot",
    "mood",
)
"""Names of the fields, in the order in which a model takes them."""

_WITH = {"hand": "arm", "foot": "leg"}  # what else a part speaks of
_LONGEST_LIKE = 8
_SOFT = "hands"  # of verbs such as "take": nothing is said of hands in "takes a step"


def read_fields(text: str) -> dict[str, str]:
    """What ``text`` says of each of :data:`FIELDS`, in its own words and lower case; "" where it says nothing.

    "a person raises the left arm and kicks with the right foot, angrily" gives left_arm "raises the left arm",
    right_foot and right_leg "kicks with the right foot", mood "angrily". Any text is taken; never raises. Only the
    first :data:`~engine.text.caption.MOST_WORDS` words and marks are read.
    """
    said: dict[str, list[str]] = {name: [] for name in FIELDS}
    words = tokens(text)
    before: Phrase | None = None
    for phrase in phrases(words):
        if phrase.parts or phrase.kinds or before is None:
            _attribute(said, phrase)
            before = phrase
        elif not all(_is_manner(word) or word in VERY for word in phrase.words):
            _extend(said, before, phrase)  # "walks forward | and back"; a manner alone is kept for the mood
    said["mood"] = list(_moods(words))
    return {name: ", ".join(dict.fromkeys(found)) for name, found in said.items()}


def _attribute(said: dict[str, list[str]], phrase: Phrase) -> None:
    """Write a phrase down for the parts that it names and for those that its verbs speak of."""
    own, kinds = " ".join(phrase.words), phrase.kinds
    named = {name for part in phrase.parts for name in _closure(part.name)}
    for part in phrase.parts:
        _write(said, part.name, part.sides, own)
    walks = any(kind.startswith(("legs", "feet")) for kind in kinds)
    for kind in kinds:
        for name in SPOKEN[kind.rstrip("!")]:
            if (not named and not (kind == _SOFT and walks)) or (kind.endswith("!") and not named & _closure(name)):
                _write(said, name, BOTH, own)


def _closure(part: str) -> set[str]:
    return {part, _WITH.get(part, part)}


def _write(said: dict[str, list[str]], part: str, sides: tuple[str, ...], phrase: str) -> None:
    for name in _closure(part):
        for place in (name,) if name in said else tuple(f"{side}_{name}" for side in sides):
            if phrase not in said[place]:
                said[place].append(phrase)


def _extend(said: dict[str, list[str]], before: Phrase, more: Phrase) -> None:
    """Add words without a verb or a part to what they follow."""
    old = " ".join(before.words)
    before.words = [*before.words, *([more.joint] if more.joint else []), *more.words]
    new = " ".join(before.words)
    for found in said.values():
        found[:] = [new if phrase == old else phrase for phrase in found]


def _is_manner(word: str) -> bool:
    return word in MOODS or (len(word) > 4 and word.endswith("ly") and word not in NO_MOODS)


def _moods(words: list[str]) -> Iterator[str]:
    """What is said of mood and manner: "very slowly", "old", "like a robot", "as if tired", "in a proud way"."""
    place = 0
    while place < len(words):
        word, after = words[place], words[place + 1 : place + 2]
        end = place
        if word == "like" or (word == "as" and after in (["if"], ["though"])):
            end = place + 2
            while end < min(len(words), place + _LONGEST_LIKE) and _goes_on(words[end]):
                end += 1
        elif word == "in" and after in (["a"], ["an"]):
            close = [at for at in range(place + 2, min(len(words), place + 6)) if words[at] in MANNERS]
            end = close[0] + 1 if close else place
        elif _is_manner(word):
            end = place + 1
            place -= 1 if place and words[place - 1] in VERY else 0
        if end > place:
            yield " ".join(words[place : min(end, len(words))])
        place = max(end, place + 1)


def _goes_on(word: str) -> bool:
    return word[0].isalnum() and word not in SPLITTERS
