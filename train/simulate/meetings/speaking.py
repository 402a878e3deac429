"""The speaker of a stretch: the real words by a synthetic voice, each phrase where and as long as it was.

Times are AMI's: a phrase takes about as long as the person took and ends when the person's ended, since the end is what
listeners answer to. Prosody is the synthesiser's: it knows the words and their punctuation, not how the
person said them. One person has one voice in all meetings of a series. Laughs are synthetic sounds at the real times;
the face is animated from the sound, its smiles at the laughs, its other acts drawn.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.simulate import synth
from train.simulate.cues import find_cues
from train.simulate.dialogues.avatar import turns_of
from train.simulate.dialogues.turns import Said, placed
from train.simulate.meetings.stretches import Stretch
from train.simulate.speaker import Layout, parameters_near, talk_of
from train.simulate.talk import FPS, RATE, Act, Span, Talk, TimedWord
from train.simulate.voices import LEVEL, Phrase, Voice, levelled, synthetic_voice
from train.speech.ami import CREDIT, LICENCE
from train.speech.stresses import syllables
from train.speech.tts import VOICES, SilentPhrase, Speaker, TtsVoice

DEALT = {"train": "train", "val": "dev", "test": "test"}
"""Splits, and what the table of synthetic voices calls them."""
NEAR = 0.15  #: share of its length by which a phrase may miss its time before it is said again at another tempo
APART_S = 0.04  #: least silence between two phrases
LEAD_S, ROOM_S = 0.3, 0.2  #: what begins or ends nearer to a stretch's ends is left out: it would be cut
HUM_S = 0.6  #: a synthetic voice without words hums a phrase that is shorter
LAUGH_S = (0.5, 2.5)
Speak = Callable[[Said], NDArray[np.float32]]


class Spoken(NamedTuple):
    """A phrase as it was said: when it begins (s), its sound, and its words."""

    start_s: float
    phrase: Phrase
    words: tuple[TimedWord, ...]

    @property
    def span(self) -> Span:
        """When it is heard."""
        return Span(self.start_s, self.start_s + len(self.phrase.pcm) / RATE)


class Cast(NamedTuple):
    """Who speaks a stretch: the voice as the set tells of it, and the synthesiser's, if it has words."""

    voice: Voice
    tts: TtsVoice | None


def cast_of(stretch: Stretch, synthetic: bool, seed: int) -> Cast:
    """The voice of a stretch's speaker, called after the person (``IS1003-B``), who has it in all of a series: one of
    the table's, which no other split has, or (``synthetic``) one of the simulation's own without words."""
    letter = stretch.speaker.person.speaker
    name = f"{stretch.series}-{letter}"
    number = int(np.random.default_rng([seed, *name.encode()]).integers(10_000))
    if synthetic:
        made = synthetic_voice(stretch.split, number, seed)
        return Cast(replace(made, name=name, credit=f"{made.credit}; words' times: {CREDIT}, {LICENCE}"), None)
    spoken = [voice for voice in VOICES if voice.split == DEALT[stretch.split]]
    own = spoken[number % len(spoken)]
    credit = f"{own.name}: {own.credit}; text: {CREDIT}, {LICENCE}"
    return Cast(Voice(name, own.source, stretch.split, f"{own.licence}; text {LICENCE}", credit), own)


def speaks(stretch: Stretch, cast: Cast, seed: int) -> Talk:
    """The stretch as a talk, its cues found. Raises :class:`EngineError` where nothing can be said."""
    rng, voice = np.random.default_rng([seed, *stretch.name.encode()]), cast.voice
    first, last = stretch.start_s + LEAD_S, stretch.start_s + stretch.seconds - ROOM_S
    inside = [word for word in stretch.speaker.all_words if first <= word.start and word.end <= last]
    said = [Said(item.start - stretch.start_s, item.phrase) for item in placed(inside)]
    speak = _without_words(voice, rng) if cast.tts is None else _with_words(Speaker(cast.tts, int(rng.integers(2**31))))
    spoken = lay(said, speak, stretch.seconds - ROOM_S)
    if not spoken:
        raise EngineError(f"stretch {stretch.name}: {voice.name} says nothing in it; leave it out")
    layout = Layout()
    for item in spoken:
        layout.put(item.start_s, item.phrase)
        layout.phrases.append(item.span)
        if item.phrase.kind == "rise":
            layout.asked.append(item.span)
    layout.turns = [span.start_s for span in turns_of(layout.phrases)]
    _laughs(layout, stretch, replace(voice, phrases=tuple(item.phrase for item in spoken)), rng)
    talk = talk_of(layout, voice, round(stretch.seconds * FPS), rng)
    talk = replace(talk, words=tuple(word for item in spoken for word in item.words))
    return replace(talk, cues=find_cues(talk))


def lay(said: Sequence[Said], speak: Speak, end_s: float) -> list[Spoken]:
    """What is said, each phrase so that it ends at its time, or as soon as the one before is over; one level for all.
    What cannot be said, and what would be heard beyond ``end_s``, is left out."""
    found: list[Spoken] = []
    clock = 0.0
    for item in said:
        try:
            pcm = speak(item)
        except SilentPhrase:
            continue
        seconds = len(pcm) / RATE
        start = max(item.start + item.phrase.seconds - seconds, clock)
        start = round(start * FPS) / FPS  # phrases lie on the grid of frames
        if start + seconds > end_s:
            continue
        kind = "rise" if item.phrase.text.endswith("?") else ""
        found.append(Spoken(start, Phrase(pcm, kind), words_of(item.phrase.words, start, seconds)))
        clock = start + seconds + APART_S
    level = levelled([item.phrase for item in found])
    return [item._replace(phrase=phrase) for item, phrase in zip(found, level, strict=True)]


def words_of(words: Sequence[str], start_s: float, seconds: float) -> tuple[TimedWord, ...]:
    """The words of a phrase laid on its time by their syllables."""
    edges = np.cumsum([0, *(syllables(word) for word in words)])
    times = [round(float(start_s + seconds * edge / edges[-1]), 3) for edge in edges]
    return tuple(TimedWord(word, *span) for word, span in zip(words, itertools.pairwise(times), strict=True))


def _with_words(speaker: Speaker) -> Speak:
    """A synthesiser, whose tempo is asked for."""
    return lambda item: _timed(lambda seconds: speaker.say(item.phrase.text, seconds), item.phrase.seconds)


def _timed(say: Callable[[float], NDArray[np.float32]], seconds: float) -> NDArray[np.float32]:
    """What ``say`` says in ``seconds``; what misses that is said again, asked for as much less or more."""
    pcm = say(seconds)
    took = len(pcm) / RATE
    return pcm if abs(took / seconds - 1.0) <= NEAR else say(seconds * seconds / took)


def _without_words(voice: Voice, rng: np.random.Generator) -> Speak:
    """The simulation's syllables, or a hum for what is short."""
    parameters = voice.parameters
    assert parameters is not None

    def say(item: Said) -> NDArray[np.float32]:
        if item.phrase.seconds < HUM_S:
            return synth.hum(parameters, rng)
        kind = {"?": "rise", ".": "fall"}.get(item.phrase.text[-1], "level")
        return _timed(lambda seconds: synth.phrase(parameters, seconds, kind, rng), item.phrase.seconds)

    return say


def _laughs(layout: Layout, stretch: Stretch, voice: Voice, rng: np.random.Generator) -> None:
    """The speaker's own laughs, each with a smile that outlasts it; one into own speech is a smile alone."""
    parameters = voice.parameters or parameters_near(voice)
    for laugh in stretch.speaker.laughs:
        start = laugh.start_s - stretch.start_s
        seconds = float(np.clip(laugh.end_s - laugh.start_s, *LAUGH_S))
        end = start + seconds
        if not 0.5 < start < stretch.seconds - seconds - 1.0 or any(act.end_s > start for act in layout.acts):
            continue
        if all(span.end_s <= start or span.start_s >= end for span in layout.phrases):
            pcm = synth.laugh(parameters, seconds, rng)
            layout.put(start, Phrase(pcm * np.float32(LEVEL / np.sqrt(np.mean(np.square(pcm))))))
            layout.acts.append(Act("laugh", start, end, 1.0))
        after = min(end + rng.uniform(0.8, 2.0), stretch.seconds - 0.3)
        layout.acts.append(Act("smile", max(0.2, start - 0.3), after, rng.uniform(0.6, 0.9)))
