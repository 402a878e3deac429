"""What a speech program has sent and what of it is due: sound, words and flags reach the feeds when their time comes.

A synthesiser computes faster than it is played, so most of what it sends lies in the future. It waits here and a model
never hears it early. What is played is one unbroken line of sound, silence where nothing was sent, as a sound card
would give it; so the avatar's own voice can be a session's clock.

Sound of an utterance that comes too late (the synthesiser is slower than time) is played when it comes, and the words
and flags of its utterance that are still to come wait for as long. What is too much is refused whole: more than
:data:`MOST_AHEAD_S` of sound, :data:`MOST_WAITING` words and flags; of more than :data:`MOST_UTTERANCES` utterances
that wait the oldest loses its words. Where the engine itself was held up for more than :data:`LONGEST_STALL_S` (a
computer that slept), the sound that was due meanwhile is dropped.
"""

from __future__ import annotations

from bisect import insort_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.feeds.feeds import Feeds
from engine.feeds.words import WORDS_A_SECOND, WORDS_AT_ONCE, Word
from engine.network.limits import Bucket
from engine.sound.resample import StreamingResampler
from engine.sources.player import playing_rate
from engine.speech.messages import SpeechSound, SpeechUpdate

MOST_AHEAD_S = 60.0
MOST_WAITING = 4096
MOST_UTTERANCES = 256
LONGEST_STALL_S = 1.0
EARLY_S = 0.05
"""By which words and flags are passed on before their time, which the feeds keep: so they are there when it comes."""
FLAG_LASTS_S = 60.0
"""After so long without a message, true for ``speaking`` no longer counts: the program that said so may be gone."""
_PART = 1024  # samples that are resampled at once: that takes some hundred times their memory


@dataclass(frozen=True, slots=True)
class _Note:
    """A word, or of ``text`` None a flag, from ``start`` to ``end`` seconds into its utterance."""

    start: float
    end: float
    text: str | None
    flag: bool | None = None


@dataclass(slots=True)
class _Utterance:
    """``origin`` is the sample with which it begins, ``end`` that after its last sound, None before the first."""

    origin: int
    end: int | None = None
    notes: list[_Note] = field(default_factory=list)  # the next one last


class SpeechSchedule:
    """Writes the feeds of ``owner`` from ``start_ns`` on. Used from one thread; methods are told the time."""

    def __init__(self, feeds: Feeds, start_ns: int, owner: str = "self") -> None:
        self._ring, self._words = feeds.samples.get(owner), feeds.words.get(owner)
        self._speaking = feeds.speaking.get(owner)
        self.rate = playing_rate(feeds, owner)
        self._front_end = feeds.front_end(owner)
        self._start_ns = start_ns
        self._sound = np.zeros(round((MOST_AHEAD_S + 1.0) * self.rate), np.float32)  # by position, around and around
        self._given = 0  # samples passed on so far
        self._filled = 0  # position after the last sample that waits
        self._utterances: deque[_Utterance] = deque()
        self._resampler: StreamingResampler | None = None
        self._heard_ns = start_ns
        self._flag_holds = False
        self.dropped_words = 0
        """Words that came due faster than anybody speaks, and were not passed on."""
        self._words_allowed = Bucket(WORDS_A_SECOND, WORDS_AT_ONCE, start_ns)

    def sound(self, sound: SpeechSound, time_ns: Callable[[], int]) -> None:
        """Take sound; what comes due while it is made fit (a second for a minute of it) is passed on meanwhile. Raises
        :class:`EngineError` where it is too much, and nothing is changed then."""
        self._heard_ns = time_ns()
        self.release(self._heard_ns)
        first = max(self._filled, self._given, self._position(sound.at_ns))
        if self._utterances and not sound.begins and self._utterances[-1].end is None:
            first = max(first, self._utterances[-1].origin)
        length = -(-len(sound.samples) * self.rate // sound.rate)
        ahead_s = (first + length - self._given) / self.rate
        if ahead_s > MOST_AHEAD_S:
            raise EngineError(f"that would be {ahead_s:.1f} s ahead of now, {MOST_AHEAD_S:g} at most: send it later")
        if sound.begins or not self._utterances:
            self._begin(first)
        if self._resampler is None or self._resampler.in_rate != sound.rate:
            self._resampler = StreamingResampler(sound.rate, self.rate)
        for at in range(0, max(1, len(sound.samples)), _PART):
            part = self._front_end.push(sound.samples[at : at + _PART], sound.rate)
            self._place(self._resampler.push(part), first)
            self.release(time_ns())

    def told(self, told: SpeechUpdate, now_ns: int) -> None:
        """Do what a message says. Raises :class:`EngineError` where it is too much, and nothing is changed then."""
        self.release(now_ns)
        waiting = 0 if told.clear else sum(len(utterance.notes) for utterance in self._utterances)
        if waiting + len(told.words) + told.flagged > MOST_WAITING:
            raise EngineError(f"{waiting} words and flags wait, {MOST_WAITING} at most: send them later")
        at = max(self._given, self._position(told.at_ns))
        if at - self._given > MOST_AHEAD_S * self.rate:
            raise EngineError(
                f"at_ns is {(at - self._given) / self.rate:.1f} s ahead of now, {MOST_AHEAD_S:g} at most: send it later"
            )
        self._heard_ns = now_ns
        if told.clear:
            self._clear(now_ns)
        if told.begins or not self._utterances:
            self._begin(max(at, self._filled))
        now = self._utterances[-1]
        notes = [_Note(word.start, word.end, word.text) for word in told.words]
        if told.flagged:
            seconds = (self._given - now.origin) / self.rate if told.at is None else told.at
            notes.append(_Note(seconds, seconds, None, told.flag))
        for note in notes:
            insort_left(now.notes, note, key=lambda item: -item.start)

    def ahead_s(self) -> float:
        """Seconds of sound that were yet to be played at the last message or release."""
        return max(0, self._filled - self._given) / self.rate

    def release(self, now_ns: int) -> None:
        """Pass on what is due by now."""
        target = self._position(now_ns)
        late = target - self._given - round(LONGEST_STALL_S * self.rate)
        if late > 0:
            self._take(min(late, len(self._sound)))
            self._given = target - round(LONGEST_STALL_S * self.rate)
        self._release_notes(target + round(EARLY_S * self.rate), now_ns)
        silent_ns = now_ns - max(self._heard_ns, self._time(self._filled))
        if self._flag_holds and silent_ns > FLAG_LASTS_S * 1e9:
            self._flag(None, now_ns)
        if target > self._given:
            due = self._take(target - self._given)
            self._given = target
            if self._ring is not None:
                self._ring.write(due, self._time(target))

    def _begin(self, at: int) -> None:
        """An utterance begins at a position; what the resampler holds back of the one before still belongs to that."""
        if self._resampler is not None:
            rest = self._resampler.flush()
            if self._filled > self._given:  # where all was played long ago it would be heard as a click
                self._store(rest, self._filled)
        if len(self._utterances) >= MOST_UTTERANCES:
            self._utterances.popleft()
        self._utterances.append(_Utterance(max(at, self._filled)))

    def _place(self, samples: NDArray[np.float32], wanted: int) -> None:
        """Let samples of the present utterance wait from a position on, or as soon after it as is free. Where that is
        later than its last sound ended, all that is still to come of it is as much later."""
        first, now = max(wanted, self._filled, self._given), self._utterances[-1]
        now.origin = first if now.end is None else now.origin + first - now.end
        self._store(samples, first)
        now.end = self._filled

    def _store(self, samples: NDArray[np.float32], first: int) -> None:
        self._sound[np.arange(first, first + len(samples)) % len(self._sound)] = samples
        self._filled = first + len(samples)

    def _take(self, count: int) -> NDArray[np.float32]:
        """The next samples, whose place is free then."""
        at = np.arange(self._given, self._given + count) % len(self._sound)
        taken = self._sound[at]
        self._sound[at] = 0.0
        return taken

    def _clear(self, now_ns: int) -> None:
        self._sound[:] = 0.0
        self._filled = self._given
        self._resampler = None
        self._utterances.clear()
        if self._flag_holds:
            self._flag(None, now_ns)

    def _release_notes(self, until: int, now_ns: int) -> None:
        for utterance in self._utterances:
            while utterance.notes and utterance.origin + round(utterance.notes[-1].start * self.rate) <= until:
                self._pass_on(utterance.notes.pop(), self._time(utterance.origin), now_ns)
        while len(self._utterances) > 1 and not self._utterances[0].notes:
            self._utterances.popleft()

    def _pass_on(self, note: _Note, origin_ns: int, now_ns: int) -> None:
        start_ns = origin_ns + round(note.start * 1e9)
        if note.text is None:
            self._flag(note.flag, start_ns)
        elif not self._words_allowed.take(1, now_ns):
            self.dropped_words += 1
        elif self._words is not None:
            self._words.put(Word(note.text, start_ns, origin_ns + round(note.end * 1e9)))

    def _flag(self, flag: bool | None, at_ns: int) -> None:
        self._flag_holds = flag is True
        if self._speaking is not None:
            self._speaking.say(flag, at_ns)

    def _position(self, ns: int) -> int:
        return max(0, (ns - self._start_ns) * self.rate // 1_000_000_000)

    def _time(self, position: int) -> int:
        return self._start_ns + (position * 1_000_000_000 + self.rate // 2) // self.rate
