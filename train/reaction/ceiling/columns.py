"""What is known at each tick about a talk and its listener, as columns of small whole numbers.

Times are cut into classes at edges, words are a class each if they are frequent, so a model is a sum over one table
per column. A tick knows what is over when it begins. Words and acts are known :data:`LATE_S` after they end, as a
recogniser gives them, or at once; the columns called *future* say what nobody can know yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.reaction.ceiling.views import NOBODY, View, phrases
from train.simulate.meetings.people import TICK_S, Meeting, Participant
from train.speech.stresses import is_content
from train.speech.turns import clean

LATE_S = 0.45
"""How long after a word's end its text is known: the middle of what streaming recognisers take (0.3 to 0.6 s)."""
FREQUENT = 100  #: words that are a class each
TURN_S = 1.5  #: a longer silence ends a turn
SILENCE = (0.0001, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0)
LENGTH = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0)
SINCE = (0.1, 0.2, 0.3, 0.5, 0.8, 1.5, 3.0)
AHEAD = (0.0001, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
COUNT = (1, 2, 3, 5, 8, 12, 20)
SINCE_NOD = (0.3, 0.6, 0.9, 1.2, 1.6, 2.0, 3.0, 5.0, 10.0, 20.0, 60.0)
RATE = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)
"""Edges of the classes: seconds, words, nods a minute."""
PRIOR_NODS, PRIOR_MINUTES = 2.0, 1.0
"""A listener's rate so far starts from two nods in a minute."""
MARKS = {".": 1, "?": 2, ",": 3}
Column = NDArray[np.integer]
Columns = dict[str, Column]

OWN = ("since_nod", "rate", "since_own_speech")
"""What every model knows. The first is of the nods that are there, or that are drawn; the rate so far is the real
listener's in both: how much somebody nods is a habit, and a model that feeds on its own count would run away."""
PAUSES = ("silence", "phrase", "turn")
TEXT = ("word", "since_word", "mark", "words", "act", "since_act")
FUTURE = ("until_end", "until_word")
FUTURE_TEXT = ("next_word", "this_act", "until_act_end")


@dataclass(frozen=True)
class Vocabulary:
    """The classes of words and acts: 0 for none, then the frequent words, then other content and function words."""

    words: dict[str, int]
    acts: dict[str, int]

    @classmethod
    def of(cls, meetings: Iterable[Meeting]) -> Vocabulary:
        """The most frequent words of the meetings, and all acts."""
        words: Counter[str] = Counter()
        acts: set[str] = set()
        for who in (who for meeting in meetings for who in meeting.people):
            words.update(_plain(word.text) for word in who.words)
            acts |= {act.act for act in who.acts}
        chosen = sorted(words, key=lambda word: (-words[word], word))[:FREQUENT]
        return cls(
            {word: place + 1 for place, word in enumerate(chosen)}, {act: k + 1 for k, act in enumerate(sorted(acts))}
        )

    def word(self, text: str) -> int:
        """The class of a word."""
        plain = _plain(text)
        return self.words.get(plain, len(self.words) + (1 if is_content(plain) else 2))

    def sizes(self) -> dict[str, int]:
        """How many classes each column has."""
        said, acts = len(self.words) + 3, len(self.acts) + 1
        edges = {"since_nod": SINCE_NOD, "rate": RATE, "since_own_speech": LENGTH, "silence": SILENCE}
        edges |= {"phrase": LENGTH, "turn": LENGTH, "since_word": SINCE, "words": COUNT, "since_act": SINCE}
        edges |= {"until_end": AHEAD, "until_word": AHEAD, "until_act_end": AHEAD}
        sizes = {name: len(found) + 1 for name, found in edges.items()}
        return sizes | {"word": said, "next_word": said, "mark": 4, "act": acts, "this_act": acts}


def spoken(meeting: Meeting, vocabulary: Vocabulary, late_s: float) -> list[Columns]:
    """The columns (T,) of what each person of a meeting says."""
    return [_speaker(who, meeting.ticks, vocabulary, late_s) for who in meeting.people]


def told(view: View, speakers: Sequence[Columns]) -> Columns:
    """All columns (T,) of a view: what the floor's holder says, 0 at ticks without one, and the listener's own past.
    ``speakers`` are those of its meeting."""
    place = np.where(view.holder == NOBODY, 0, view.holder)
    tick = np.arange(len(place))
    found: Columns = {}
    for name in (*PAUSES, *TEXT, *FUTURE, *FUTURE_TEXT):
        rows = np.stack([columns[name] for columns in speakers])
        found[name] = np.where(view.holder == NOBODY, 0, rows[place, tick]).astype(np.int16)
    own = _Said(view.listener, len(tick))
    found["since_own_speech"] = classes(np.minimum(own.now - own.over, 1e3), LENGTH)
    begun = np.zeros(len(tick), np.int64)
    begun[view.nods] = 1
    last = np.maximum.accumulate(np.where(begun > 0, tick, -(10**6)))
    found["since_nod"] = since_nod(tick - np.r_[-(10**6), last[:-1]])  # a tick knows the nods of those before it
    nods, minutes = np.cumsum(begun) - begun, (np.cumsum(view.risk) - view.risk) * (TICK_S / 60.0)
    found["rate"] = classes((nods + PRIOR_NODS) / (minutes + PRIOR_MINUTES), RATE)
    return found


def since_nod(ticks: NDArray[np.integer]) -> Column:
    """The classes of so many ticks since the last own nod began."""
    return classes(ticks * TICK_S + 1e-6, SINCE_NOD)


def classes(values: NDArray[np.floating] | NDArray[np.integer], edges: Sequence[float]) -> Column:
    """The class of each value: how many of ``edges`` it reaches."""
    return np.searchsorted(np.asarray(edges, float), np.asarray(values, float), "right").astype(np.int16)


class _Said:
    """A person's words on a grid of ticks; times in s, -1e3 and 1e3 where there is no word before or after."""

    def __init__(self, who: Participant, size: int) -> None:
        self.now = np.arange(size) * TICK_S
        self.starts = np.array([word.start for word in who.words])
        self.ends = np.maximum.accumulate(np.array([word.end for word in who.words]))
        self.begun = np.searchsorted(self.starts, self.now + 1e-6, "right")
        over = np.r_[-1e3, self.ends][self.begun]
        self.speaking = self.now < over - 1e-6
        self.over = np.minimum(over, self.now)  #: when the last word ended, now where one goes on

    def known(self, ends: NDArray[np.float64], late_s: float) -> NDArray[np.int64]:
        """How many of the things that end at ``ends`` (rising) are known at each tick."""
        return np.searchsorted(ends + late_s, self.now + 1e-6, "right")


def _speaker(who: Participant, size: int, vocabulary: Vocabulary, late_s: float) -> Columns:
    """The columns (size,) of what a person says."""
    said = _Said(who, size)
    now = said.now
    silence = np.where(said.speaking, 0.0, np.minimum(now - said.over, 1e3))
    found: Columns = {"silence": classes(silence, SILENCE)}
    for name, gap in (("phrase", {}), ("turn", {"gap_s": TURN_S})):
        starts = np.array([-1e3, *(span.start_s for span in phrases(who, **gap))])
        since = said.over - starts[np.searchsorted(starts, now + 1e-6, "right") - 1]
        found[name] = classes(np.clip(since, 0.0, 1e3), LENGTH)

    codes = np.array([0, *(vocabulary.word(word.text) for word in who.words), 0])
    known = said.known(said.ends, late_s)
    found["word"] = codes[known]
    found["since_word"] = classes(now - np.r_[-1e3, said.ends][known] - late_s, SINCE)
    found["mark"] = _marks(who)[known]
    first = np.array([span.start_s for span in phrases(who)])
    begun = np.r_[0, np.searchsorted(said.starts, first)][np.searchsorted(first, now + 1e-6, "right")]
    found["words"] = classes(np.maximum(known - begun, 0), COUNT)

    acts = sorted(who.acts, key=lambda act: act.end)
    kinds = np.array([0, *(vocabulary.acts[act.act] for act in acts)])
    act_ends = np.array([act.end for act in acts])
    told_acts = said.known(act_ends, late_s)
    found["act"] = kinds[told_acts]
    found["since_act"] = classes(now - np.r_[-1e3, act_ends][told_acts] - late_s, SINCE)

    phrase_ends = np.array([*(span.end_s for span in phrases(who)), 1e6])
    inside = np.searchsorted(np.r_[first, 1e6], now + 1e-6, "right") - 1
    left = np.where(inside >= 0, phrase_ends[np.maximum(inside, 0)] - now, 0.0)
    found["until_end"] = classes(np.maximum(left, 0.0), AHEAD)
    after = np.r_[said.starts, 1e6][said.begun] - now
    found["until_word"] = classes(np.where(said.speaking, 0.0, after), AHEAD)
    found["next_word"] = codes[said.begun + 1] if len(who.words) else np.zeros(size, np.int64)
    by_start = sorted(who.acts, key=lambda act: act.start)
    going = np.searchsorted(np.array([act.start for act in by_start]), now + 1e-6, "right")
    rest = np.r_[-1e3, [act.end for act in by_start]][going] - now
    found["this_act"] = np.where(rest > 0, np.array([0, *(vocabulary.acts[act.act] for act in by_start)])[going], 0)
    found["until_act_end"] = classes(np.maximum(rest, 0.0), AHEAD)
    return found


def _marks(who: Participant) -> Column:
    """The mark that follows each word, after a first 0 for no word; of those that are spoken words alone."""
    marks: list[int] = [0]
    spoken = {id(word) for word in who.words}
    for word in who.all_words:
        if id(word) in spoken:
            marks.append(0)
        elif word.kind == "punc" and len(marks) > 1:
            marks[-1] = MARKS.get(word.text, 0)
    return np.array(marks)


def _plain(text: str) -> str:
    return clean(text).casefold()
