"""What a caption says of each part of the body and of the mood, read by rules: eleven short phrases for a model.

PGR2M and CoMo before it give a caption beside eleven keyword fields, ten parts of the body and a mood, which a large
language model had written for every caption of their set (reference 4.5). That cannot be asked while somebody types a
prompt, and it differs from one run to the next. The rules here take a millisecond, give the same answer every time, and
are applied to captions in training as to prompts in serving, so that a model meets what it has learned.

A caption is cut into phrases at punctuation, "and", "then", "while" and before a further verb. A phrase belongs to the
parts that it names ("the left arm", "both hands"); where it names none, to those that its verb speaks of: "walks" of
both legs, "waves" of hands and arms. A hand speaks of its arm too, a foot of its leg. What follows "on" or "above" is a
place and not what moves. English only: of other text nothing is read, and every field is empty.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.text.field_words import (
    HELPERS,
    MANNERS,
    MOODS,
    NO_MOODS,
    PARTS,
    PLACES,
    SPLITTERS,
    SUBJECTS,
    VERBS,
    VERY,
    WHOSE,
)

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

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s'’\-/]")
_SIDES = {"left": ("left",), "right": ("right",), "both": ("left", "right"), "two": ("left", "right")}
_BOTH = ("left", "right")
_SPOKEN = {"legs": ("leg",), "feet": ("foot",), "hands": ("hand",), "head": ("head",), "torso": ("torso",), "none": ()}
_WITH = {"hand": "arm", "foot": "leg"}  # what else a part speaks of
_LONGEST_LIKE = 8
MOST_WORDS = 1000
"""As many as the longest text can have that the engine takes as a prompt."""


@dataclass
class _Phrase:
    """Words that belong together, and the word that joined them to those before ("" after punctuation)."""

    words: list[str]
    joint: str = ""
    parts: list[tuple[str, tuple[str, ...], int]] = field(default_factory=list)
    """Of each part that moves its name, its sides and where in the words what is said of it begins."""

    @property
    def verbs(self) -> list[str]:
        return [word for place, word in enumerate(self.words) if _is_verb(self.words, place)]


def read_fields(text: str) -> dict[str, str]:
    """What ``text`` says of each of :data:`FIELDS`, in its own words and lower case; "" where it says nothing.

    "a person raises the left arm and kicks with the right foot, angrily" gives left_arm "raises the left arm",
    right_foot and right_leg "kicks with the right foot", mood "angrily". Any text is taken; never raises. Only the
    first :data:`MOST_WORDS` words and marks are read.
    """
    found = itertools.islice(_TOKEN.finditer(text), MOST_WORDS)
    tokens = [match.group().casefold().replace("’", "'") for match in found]
    said: dict[str, list[str]] = {name: [] for name in FIELDS}
    before: _Phrase | None = None
    for phrase in _phrases(tokens):
        _find_parts(phrase, before)
        if before is not None and not phrase.parts and not phrase.verbs:
            # "walks forward and back": more of what was said. A manner alone is kept for the mood.
            if not all(_is_manner(word) or word in VERY for word in phrase.words):
                _extend(said, before, phrase)
            continue
        _attribute(said, phrase, before)
        before = phrase
    said["mood"] = list(_moods(tokens))
    return {name: ", ".join(dict.fromkeys(phrases)) for name, phrases in said.items()}


def _phrases(tokens: list[str]) -> Iterator[_Phrase]:
    """Cut at punctuation, joining words and further verbs; without subjects."""
    words: list[str] = []
    joint = ""

    def cut(by: str) -> Iterator[_Phrase]:
        nonlocal words, joint
        found = _without_subject(words)
        if found:
            yield _Phrase(found, joint)
        words, joint = [], by

    for place, token in enumerate(tokens):
        after = tokens[place + 1] if place + 1 < len(tokens) else ""
        if not token[0].isalnum():
            yield from cut("")
        elif token in SPLITTERS and not (token == "as" and after in ("if", "though")) and not _sides_meet(words, after):
            yield from cut(token)
        else:
            if _further(words, token, after, tokens[place + 1 : place + 6]):
                yield from cut("")
            words.append(token)
    yield from cut("")


def _sides_meet(words: list[str], after: str) -> bool:
    """In "the left and right arm" nothing is cut."""
    return bool(words) and words[-1] in ("left", "right") and after in ("left", "right")


def _further(words: list[str], token: str, after: str, ahead: list[str]) -> bool:
    """Whether a phrase with a verb ends before ``token``: "walks | swinging the arms", "bends | to pick it up",
    "walks | with the arms raised" (but not "hops with the left leg": that is how)."""
    verbs = [kind for place, word in enumerate(words) if _is_verb(words, place) for kind in VERBS[word]]
    if not verbs:
        return False
    if token == "to":
        return after in VERBS
    if token.endswith("ing"):
        return token in VERBS and words[-1] not in WHOSE and words[-1] not in ("if", "though", "like")
    parts = [PARTS[word][0] for word in ahead if word in PARTS]
    return token == "with" and "legs!" in verbs and bool(parts) and parts[0] not in ("leg", "foot")


def _without_subject(words: list[str]) -> list[str]:
    """The words from behind "a person who is"."""
    start = 0
    for place, word in enumerate(words[:8]):
        if word in SUBJECTS:
            start = place + 1
            break
        if word in PARTS or word in VERBS:
            break
    while start < len(words) and words[start] in HELPERS:
        start += 1
    return words[start:]


def _is_verb(words: list[str], place: int) -> bool:
    word = words[place]
    if word not in VERBS or (word == "back" and words[place + 1 : place + 2] not in (["up"], ["away"], ["off"])):
        return False
    return word not in PARTS or (place == 0 and len(words) > 1 and "none" in VERBS[word] and words[1] not in PLACES)


def _part(words: list[str], place: int) -> tuple[str, bool] | None:
    """The part of the body that a word names, and whether as a plural."""
    word, last = words[place], words[place - 1] if place else ""
    if word == "back":  # "his back" and "the lower back", not "walks back"
        of_body = last in ("upper", "lower") or (last in WHOSE and last not in ("a", "an"))
        return ("torso", False) if of_body else None
    if word in PARTS and not _is_verb(words, place):
        return PARTS[word]
    return None


def _find_parts(phrase: _Phrase, before: _Phrase | None) -> None:
    """Fill in the parts that move in a phrase."""
    words = phrase.words
    points = any(kind in ("hands!", "hands", "head!") for word in phrase.verbs for kind in VERBS[word])
    for place in range(len(words)):
        found = _part(words, place)
        if found is None:
            if words[place] == "other" and before is not None and before.parts and not _names_part(words[place + 1 :]):
                name, sides, _ = before.parts[-1]
                opposite = tuple(side for side in _BOTH if side not in sides)
                phrase.parts.append((name, opposite or _BOTH, _start(words, place)))
            continue
        start = _start(words, place)
        if start and words[start - 1] in PLACES and (phrase.parts or points):
            continue
        phrase.parts.append((found[0], _sides(words, start, place, found[1], phrase, before), start))
    if not phrase.parts:  # "punches with his right"
        for place, word in enumerate(words[:-1] and words[1:], 1):
            if word in ("left", "right") and "with" in words[max(0, place - 2) : place]:
                spoken = [part for verb in phrase.verbs for kind in VERBS[verb] for part in _SPOKEN[kind.rstrip("!")]]
                phrase.parts += [(part, (word,), place) for part in spoken[:1]]


def _names_part(words: list[str]) -> bool:
    return bool(words) and words[0] in PARTS


def _start(words: list[str], place: int) -> int:
    """Where the noun phrase begins whose noun stands at ``place``: "the left arm" at "the"."""
    start = place
    while start and place - start < 5:
        word = words[start - 1]
        if word in PLACES or word in PARTS or word == "with" or (word in VERBS and not word.endswith(("ed", "bent"))):
            break
        start -= 1
        if word in WHOSE:
            break
    return start


def _sides(
    words: list[str], start: int, place: int, plural: bool, phrase: _Phrase, before: _Phrase | None
) -> tuple[str, ...]:
    """The sides that a part is named with; both where none is said."""
    named = {side for word in words[start:place] for side in _SIDES.get(word, ())}
    if "other" in words[start:place] and not named:
        earlier = [*(before.parts if before is not None else []), *phrase.parts]
        if earlier and len(earlier[-1][1]) == 1:
            return tuple(side for side in _BOTH if side not in earlier[-1][1])
    if not named and not plural and start == place == 0 and phrase.joint in ("and", "or") and before and before.parts:
        return before.parts[-1][1]  # "the left arm and leg"
    return tuple(side for side in _BOTH if side in named) or _BOTH


def _attribute(said: dict[str, list[str]], phrase: _Phrase, before: _Phrase | None) -> None:
    """Write a phrase down for the parts that it names and for those that its verbs speak of."""
    own = " ".join(phrase.words)
    if not phrase.verbs and before is not None and before.parts:  # "raises the left arm and | the right leg"
        verb = before.words[: before.parts[0][2]]
        own = " ".join([*verb, *phrase.words])
        phrase.parts = [(name, sides, start + len(verb)) for name, sides, start in phrase.parts]
        phrase.words = [*verb, *phrase.words]
    named = {part for name, _, _ in phrase.parts for part in (name, _WITH.get(name, name))}
    for name, sides, _ in phrase.parts:
        _write(said, name, sides, own)
    for verb_ in phrase.verbs:
        for kind in VERBS[verb_]:
            parts = _SPOKEN[kind.rstrip("!")]
            if not named or (kind.endswith("!") and not named.intersection(_closure(parts))):
                for part in parts:
                    _write(said, part, _BOTH, own)


def _closure(parts: tuple[str, ...]) -> set[str]:
    return {*parts, *(_WITH[part] for part in parts if part in _WITH)}


def _write(said: dict[str, list[str]], part: str, sides: tuple[str, ...], phrase: str) -> None:
    for name in (part, *([_WITH[part]] if part in _WITH else [])):
        for place in (name,) if name in said else tuple(f"{side}_{name}" for side in sides):
            if phrase not in said[place]:
                said[place].append(phrase)


def _extend(said: dict[str, list[str]], before: _Phrase, more: _Phrase) -> None:
    """Add words without a verb or a part to what they follow."""
    old = " ".join(before.words)
    before.words = [*before.words, *([more.joint] if more.joint else []), *more.words]
    new = " ".join(before.words)
    for phrases in said.values():
        phrases[:] = [new if phrase == old else phrase for phrase in phrases]


def _is_manner(word: str) -> bool:
    return word in MOODS or (len(word) > 4 and word.endswith("ly") and word not in NO_MOODS)


def _moods(tokens: list[str]) -> Iterator[str]:
    """What is said of mood and manner: "very slowly", "old", "like a robot", "as if tired", "in a proud way"."""
    place = 0
    while place < len(tokens):
        token = tokens[place]
        end = place
        if token == "like" or (token == "as" and tokens[place + 1 : place + 2] in (["if"], ["though"])):
            end = place + 2
            while end < min(len(tokens), place + _LONGEST_LIKE) and _goes_on(tokens[end]):
                end += 1
        elif token == "in" and tokens[place + 1 : place + 2] in (["a"], ["an"]):
            close = [at for at in range(place + 2, min(len(tokens), place + 6)) if tokens[at] in MANNERS]
            end = close[0] + 1 if close else place
        elif _is_manner(token):
            end = place + 1
            place -= 1 if place and tokens[place - 1] in VERY else 0
        if end > place:
            yield " ".join(tokens[place : min(end, len(tokens))])
        place = max(end, place + 1)


def _goes_on(token: str) -> bool:
    return token[0].isalnum() and token not in SPLITTERS
