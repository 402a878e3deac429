"""What AMI's people said in their own turns, as phrases to be spoken again: clean text, its duration, the pause after.

A person's words of a meeting are cut into phrases at pauses; long waits while others talk become short ones, so that a
talk is mostly speech and still holds silence in which its speaker listens; phrases are gathered into talks of 45 to
90 s. What people said alone in the middle of another's turn ("mm-hmm") is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from train.speech import ami
from train.speech.stresses import is_content, syllables

PAUSE_S = 0.35  #: silence that ends a phrase
LONGEST_PAUSE_S = 3.0  #: a longer wait becomes one of :data:`WAIT_S`
WAIT_S = (1.0, 2.5)
ASIDE_S = 1.0  #: silence before and after what is said into another's turn
LEAST_WORDS = 1.9  #: words a second of a talk: a slower one is mostly waiting
SHORTEST_PHRASE_S = 0.1  #: some words of the corpus last no time
LONGEST_WORDS = 28  #: a phrase without a pause is cut here
SYLLABLE_S = 0.32  #: AMI's words reach to the next word: what is longer than this per syllable is a hesitation after it
SHORTEST_S, LONGEST_S = 45.0, 90.0


@dataclass(frozen=True)
class Phrase:
    """``text`` as a synthesiser reads it, its ``words`` without punctuation, how long the person took, and the silence
    after it in seconds."""

    text: str
    words: tuple[str, ...]
    seconds: float
    pause: float


@dataclass(frozen=True)
class Turns:
    """Phrases of one person that make one talk; ``number`` counts the person's talks."""

    person: ami.Person
    number: int
    phrases: tuple[Phrase, ...]

    @property
    def name(self) -> str:
        """``ES2009c-B-03``."""
        return f"{self.person.meeting}-{self.person.speaker}-{self.number:02d}"


def turns(data: Path, split: str) -> Iterator[Turns]:
    """All talks of the people of a split, person after person. Reads the whole file of words."""
    chosen = (word for word in ami.words(data) if ami.split_of(word.person.meeting) == split)
    for person, group in groupby(chosen, key=lambda word: word.person):
        yield from gathered(person, phrases(group))


def clean(text: str) -> str:
    """A word of AMI's without its marks (``T_V_`` is ``TV``); empty where nothing is left, or the one letter of a word
    given up."""
    joined = re.sub(r"_", "", text).replace("’", "'")
    plain = re.sub(r"[^A-Za-z0-9'\-]", "", joined).strip("-'") if joined not in ("'em", "'cause") else joined
    fragment = len(plain) == 1 and plain.islower() and plain not in "ai"  # of a word begun and given up
    return plain if re.search(r"[A-Za-z0-9]", plain) and not fragment else ""


def phrases(words: Iterable[ami.Word]) -> list[Phrase]:
    """The phrases of one person's words, in order; each ``pause`` is what really was."""
    cuts: list[_Cut] = []
    for word in sorted(words, key=lambda item: (item.start, item.end)):
        if word.kind == "punc":
            if cuts and word.text in (".", ",", "?", "!") and cuts[-1].text[-1][-1] not in ".,?!":
                cuts[-1].text[-1] += word.text
            continue
        plain = clean(word.text) if word.kind == "word" else ""
        if not plain:
            continue
        end = min(word.end, word.start + SYLLABLE_S * syllables(plain) + 0.2)
        last = cuts[-1] if cuts else None
        if last is None or word.start - last.end > PAUSE_S or len(last.words) >= LONGEST_WORDS:
            cuts.append(_Cut([], [], word.start, end))
            last = cuts[-1]
        last.text.append(plain)
        last.words.append(plain)
        last.end = max(last.end, end)
    ends = [*(after.start for after in cuts[1:]), cuts[-1].end + LONGEST_PAUSE_S] if cuts else []
    return [
        Phrase(
            _sentence(cut.text),
            tuple(cut.words),
            max(SHORTEST_PHRASE_S, cut.end - cut.start),
            max(0.0, following - cut.end),
        )
        for cut, following in zip(cuts, ends, strict=True)
    ]


def gathered(person: ami.Person, said: list[Phrase]) -> Iterator[Turns]:
    """``said`` as talks of 45 to 90 s with waits shortened. What is left at the end and is shorter is left out,
    as are talks of few words.

    Lengths and shortened waits are drawn by a generator of the person's own.
    """
    rng = np.random.default_rng(list(f"{person.meeting}{person.speaker}".encode()))
    before = [LONGEST_PAUSE_S + 1, *(phrase.pause for phrase in said[:-1])]
    own = [phrase for phrase, silence in zip(said, before, strict=True) if not _aside(phrase, silence)]
    talk: list[Phrase] = []
    number, length, wanted = 0, 0.0, rng.uniform(SHORTEST_S + 5, LONGEST_S - 10)
    for phrase in own:
        pause = phrase.pause if phrase.pause <= LONGEST_PAUSE_S else float(rng.uniform(*WAIT_S))
        talk.append(Phrase(phrase.text, phrase.words, phrase.seconds, pause))
        length += phrase.seconds + pause
        if length >= wanted:
            if sum(len(item.words) for item in talk) >= LEAST_WORDS * length:
                yield Turns(person, number, tuple(talk))
            number, length, wanted, talk = number + 1, 0.0, rng.uniform(SHORTEST_S + 5, LONGEST_S - 10), []


@dataclass
class _Cut:
    text: list[str]
    words: list[str]
    start: float
    end: float


def _aside(phrase: Phrase, silence: float) -> bool:
    """Whether a phrase is a listener's "mm-hmm": no content, and the person is silent before and after."""
    alone = silence > ASIDE_S and phrase.pause > ASIDE_S
    return alone and len(phrase.words) <= 3 and not any(is_content(word) for word in phrase.words)


def _sentence(parts: list[str]) -> str:
    """The words as a sentence that a synthesiser reads well: it begins with a capital, ends with a mark, and a word
    said twice has a comma between."""
    spaced = [
        first + ("," if first.casefold() == second.casefold() and first[-1].isalnum() else "")
        for first, second in pairwise([*parts, ""])
    ]
    text = " ".join(spaced)
    if text[-1] == ",":
        return text[0].upper() + text[1:]
    return text[0].upper() + text[1:] + ("" if text[-1] in ".?!" else ",")
