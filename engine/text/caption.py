"""A caption cut into phrases, each with the parts of the body that move in it: what :mod:`engine.text.fields` reads.

Rules over word lists (:mod:`engine.text.field_words`), no grammar: a phrase ends at punctuation, at a joining word and
before a further verb; a noun phrase is what stands between a preposition or a verb and the word for a part.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.text.field_words import HELPERS, PARTS, PLACES, SPLITTERS, SUBJECTS, VERBS, WHOSE

MOST_WORDS = 1000
"""As many as the longest text can have that the engine takes as a prompt."""
BOTH = ("left", "right")
SPOKEN = {"legs": ("leg",), "feet": ("foot",), "hands": ("hand",), "head": ("head",), "torso": ("torso",), "none": ()}
"""What a kind of verb speaks of, without "!" at its end."""

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s'’\-/]")
_SIDES = {"left": ("left",), "right": ("right",), "both": BOTH, "two": BOTH}
_HOW = PLACES | {"with"}
_NOT_FURTHER = ("if", "though", "like", "without", "for", "start", "starts", "stop", "stops", "keep", "keeps")
_NOT_BEFORE_VERBS = ("in", "of", "at", "into")


class Part(NamedTuple):
    """A part that moves: its name, its sides, and where in the phrase its noun phrase begins."""

    name: str
    sides: tuple[str, ...]
    start: int


@dataclass
class Phrase:
    """Words that belong together, and the word that joined them to those before ("" after punctuation)."""

    words: list[str]
    joint: str = ""
    parts: list[Part] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        """What its verbs speak of, as of :data:`~engine.text.field_words.VERBS`."""
        return [kind for place in self._verbs() for kind in VERBS[self.words[place]]]

    @property
    def acts(self) -> bool:
        """Whether a verb in it is no noun, as "dance" is in "of an indian dance"."""
        return any(not WHOSE.intersection(self.words[max(0, place - 2) : place]) for place in self._verbs())

    def _verbs(self) -> list[int]:
        return [place for place in range(len(self.words)) if _is_verb(self.words, place)]


def tokens(text: str) -> list[str]:
    """Words in lower case and marks of punctuation, :data:`MOST_WORDS` at most."""
    found = itertools.islice(_TOKEN.finditer(text), MOST_WORDS)
    return [match.group().casefold().replace("’", "'") for match in found]


def phrases(said: list[str]) -> Iterator[Phrase]:
    """The phrases of a caption's tokens, without their subjects, with their parts. One that lacks a verb has that of
    the phrase before: "raises the left arm and | the right leg" gives "raises the right leg"."""
    before: Phrase | None = None
    for phrase in _cut(said):
        _find_parts(phrase, before)
        further = phrase.words[0] == "with" and not phrase.joint  # "spins | with the arms raised"
        if phrase.parts and not phrase.acts and not further and before is not None and before.parts:
            _take_verb(phrase, before)
        yield phrase
        if phrase.parts or phrase.kinds:
            before = phrase


def _take_verb(phrase: Phrase, before: Phrase) -> None:
    verb = before.words[: before.parts[0].start]
    if verb and verb[-1] in _HOW and phrase.words[0] in _HOW:  # "punches with his right, then with his left"
        verb = verb[:-1]
    phrase.parts = [part._replace(start=part.start + len(verb)) for part in phrase.parts]
    phrase.words = [*verb, *phrase.words]


def _cut(said: list[str]) -> Iterator[Phrase]:
    words: list[str] = []
    joint = ""
    for place, token in enumerate(said):
        after = said[place + 1] if place + 1 < len(said) else ""
        mark = not token[0].isalnum()
        joins = not mark and token in SPLITTERS and not _holds_together(words, token, after)
        if mark or joins or _is_further(words, token, said[place + 1 : place + 6]):
            found = _without_subject(words)
            if found:
                yield Phrase(found, joint)
            words, joint = [], token if joins else ""
        if not mark and not joins:
            words.append(token)
    found = _without_subject(words)
    if found:
        yield Phrase(found, joint)


def _holds_together(words: list[str], token: str, after: str) -> bool:
    """Nothing is cut in "as if", "one after the other", "the left and right arm" and "something or someone"."""
    if token == "as":
        return after in ("if", "though")
    if token == "after":
        return after in ("the", "another")
    if token == "or" and after not in VERBS:
        return True
    return bool(words) and words[-1] in BOTH and after in BOTH


def _is_further(words: list[str], token: str, ahead: list[str]) -> bool:
    """Whether a phrase with a verb ends before ``token``: "walks | swinging the arms", "bends | to pick it up",
    "standing | moves an arm", "walks | with the arms raised" (but not "hops with the left leg": that is how)."""
    kinds = Phrase(words).kinds
    if not kinds:
        return False
    if token == "to":
        return bool(ahead) and ahead[0] in VERBS
    if token == "with":
        parts = [PARTS[word][0] for word in ahead if word in PARTS]
        return any(kind.startswith("legs") for kind in kinds) and bool(parts) and parts[0] not in ("leg", "foot")
    if token not in VERBS or words[-1] in WHOSE | PLACES:
        return False
    if token.endswith("ing"):
        return words[-1] not in _NOT_FURTHER
    first = (_without_subject(words) or words)[0]
    stands = first.endswith("ing") and any(kind.startswith("legs") for kind in VERBS.get(first, ()))
    return stands and token.endswith("s") and token not in PARTS and words[-1] != first


def _without_subject(words: list[str]) -> list[str]:
    """The words from behind "a person who is" and "the standing man"."""
    start = 0
    for place, word in enumerate(words[:6]):
        if word in SUBJECTS and (place == 0 or words[0] in WHOSE or words[0] in SUBJECTS):
            start = place + 1
            break
        if word in PARTS or (word in VERBS and words[place + 1 : place + 2] and words[place + 1] not in SUBJECTS):
            break
    while start < len(words) and words[start] in HELPERS:
        start += 1
    return words[start:]


def _is_verb(words: list[str], place: int) -> bool:
    word = words[place]
    if word not in VERBS or (word == "back" and words[place + 1 : place + 2] not in (["up"], ["away"], ["off"])):
        return False
    if place and words[place - 1] in _NOT_BEFORE_VERBS and not word.endswith("ing"):
        return False  # "in place"
    return word not in PARTS or (place == 0 and len(words) > 1 and "none" in VERBS[word] and words[1] not in PLACES)


def _part(words: list[str], place: int) -> tuple[str, bool] | None:
    """The part of the body that a word names, and whether as a plural."""
    word, last = words[place], words[place - 1] if place else ""
    if word == "hip" and words[place + 1 : place + 2] == ["hop"]:
        return None
    if word == "back":  # "his back" and "the lower back", not "walks back"
        of_body = last in ("upper", "lower") or (last in WHOSE and last not in ("a", "an"))
        return ("torso", False) if of_body else None
    return PARTS[word] if word in PARTS and not _is_verb(words, place) else None


def _find_parts(phrase: Phrase, before: Phrase | None) -> None:
    """Fill in the parts that move in a phrase."""
    words, kinds = phrase.words, phrase.kinds
    known = before.parts if before is not None else []
    points = any(kind in ("hands!", "hands", "head!") for kind in kinds)
    for place, word in enumerate(words):
        found = _part(words, place)
        if found is not None:
            start = _start(words, place)
            if not (start and words[start - 1] in PLACES and (phrase.parts or points)):
                phrase.parts.append(Part(found[0], _sides(phrase, start, place, found[1], known), start))
        elif word == "other" and known and "after" not in words[:place] and words[place + 1 : place + 2] == []:
            opposite = tuple(side for side in BOTH if side not in known[-1].sides)
            phrase.parts.append(Part(known[-1].name, opposite or BOTH, _start(words, place)))
    if phrase.parts:
        return
    spoken = [part for kind in kinds for part in SPOKEN[kind.rstrip("!")]] if kinds else [part.name for part in known]
    for place, word in enumerate(words):
        if word in BOTH and "with" in words[max(0, place - 2) : place]:  # "punches with his right"
            phrase.parts += [Part(name, (word,), _start(words, place)) for name in spoken[:1]]
    if not phrase.parts and {"it", "them"}.intersection(words) and {"hands", "none"}.intersection(kinds):
        phrase.parts += [part._replace(start=len(words)) for part in known]  # "raises the arm and | lowers it"


def _start(words: list[str], place: int) -> int:
    """Where the noun phrase begins whose noun stands at ``place``: "the left arm" at "the"."""
    start = place
    while start and place - start < 5:
        word = words[start - 1]
        if word in _HOW or word in PARTS or (word in VERBS and not word.endswith(("ed", "bent"))):
            break
        start -= 1
        if word in WHOSE:
            break
    return start


def _sides(phrase: Phrase, start: int, place: int, plural: bool, known: list[Part]) -> tuple[str, ...]:
    """The sides that a part is named with; both where none is said."""
    noun = phrase.words[start:place]
    named = {side for word in noun for side in _SIDES.get(word, ())}
    earlier = [*known, *phrase.parts]
    if "other" in noun and not named and earlier and len(earlier[-1].sides) == 1:
        return tuple(side for side in BOTH if side not in earlier[-1].sides)
    if not named and not plural and place == 0 and phrase.joint in ("and", "or") and known:
        return known[-1].sides  # "the left arm and | leg"
    return tuple(side for side in BOTH if side in named) or BOTH
