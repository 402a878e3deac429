"""Talks for training, validation and test: real recordings and synthetic voices, split by voice and by text.

| split | real voices | synthetic voices | texts of the synthetic ones |
|---|---|---|---|
| train | LibriVox, LibriSpeech 2412, GRID s1, ... | joe, heart, jf_alpha, jf_gongitsune | AMI, all other series |
| dev | Katie, Steve | jf_nezumi | AMI, the series of ``ami.DEV`` |
| test | JFK, LibriSpeech 1088 | jm_kumo, jf_tebukuro | AMI, the series of ``ami.HELD_OUT`` |

(tables: :data:`train.simulate.voices.VOICE_SOURCES`, :data:`train.speech.tts.VOICES`.) No voice and no person of AMI is
in two splits. Synthesis takes about as long as the talks last, so talks can be kept in a folder: a talk that is there
is read, not made again, and needs no synthesiser.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from engine.errors import EngineError
from train.speech import ami
from train.speech.align import Aligner, AlignmentError
from train.speech.joining import Piece, joined
from train.speech.made import made_talk
from train.speech.recorded import recorded_talks
from train.speech.store import load, save
from train.speech.talk import SPLITS, Talk
from train.speech.tts import VOICES, Speaker, TtsVoice
from train.speech.turns import Turns, turns

SHARES = {"train": 0.75, "dev": 0.10, "test": 0.15}
"""How the minutes asked for are dealt among the splits."""
REAL_SHARE = 0.4  #: of a split's time at most are real recordings, so that a small set has both
VERSION = 1  #: of how talks are made: kept ones of another version are made again
MOST_MINUTES = 6000


def build_talks(
    data: Path | None,
    minutes: float,
    seed: int,
    *,
    splits: Collection[str] = SPLITS,
    cache: Path | None = None,
) -> Iterator[Talk]:
    """About ``minutes`` of talks in all, dealt 75 : 10 : 15 to train, dev and test; the same for the same seed.

    Synthetic talks last about 45 to 90 s; a real voice's lasts as long as its recordings. ``splits`` names those
    wanted (each is the same as if all were), ``cache`` a folder that keeps talks. Without ``data`` synthetic voices
    speak made words (:mod:`train.speech.made`).

    Raises :class:`EngineError` for minutes out of reason, a folder of data without AMI's annotations, a package that is
    not installed, or fewer texts than minutes.
    """
    if not 0 < minutes <= MOST_MINUTES:
        raise EngineError(f"{minutes} minutes of talks cannot be made: ask for more than 0 and at most {MOST_MINUTES}")
    unknown = sorted(set(splits) - set(SPLITS))
    if unknown:
        raise EngineError(f"{unknown[0]!r} is no split of talks: use {', '.join(SPLITS)}")
    if data is not None and not ami.available(data):
        raise EngineError(f"{data} holds no {ami.FOLDER}, whose texts are spoken: add it, or leave the data out")
    for split in SPLITS:
        if split in splits:
            seconds = 60.0 * minutes * SHARES[split]
            yield from _made(split, seconds, seed) if data is None else _spoken(data, split, seconds, seed, cache)


def _made(split: str, seconds: float, seed: int) -> Iterator[Talk]:
    number = 0
    while seconds > 0:
        talk = made_talk(split, number, seed)
        seconds, number = seconds - talk.seconds, number + 1
        yield talk


def _spoken(data: Path, split: str, seconds: float, seed: int, cache: Path | None) -> Iterator[Talk]:
    """Real recordings first, then AMI's turns spoken by the split's voices in turn."""
    left, real = seconds, REAL_SHARE * seconds
    for talk in recorded_talks(data, split):
        if real <= 0:
            break
        left, real = left - talk.seconds, real - talk.seconds
        yield talk
    texts = list(turns(data, split))
    rng = np.random.default_rng([seed, SPLITS.index(split)])
    voices = [voice for voice in VOICES if voice.split == split]
    order = [voices[index] for index in rng.permutation(len(voices))]
    aligner = _Lazy()
    for number, place in enumerate(rng.permutation(len(texts))):
        if left <= 0:
            return
        spoken = _kept(texts[place], order[number % len(order)], seed, aligner, cache)
        left -= spoken.seconds
        yield spoken
    if left > 0:
        raise EngineError(
            f"AMI's people of split {split} speak {left / 60:.0f} minutes less than asked for: ask for fewer minutes"
        )


class _Lazy:
    """The aligner, made when it is first needed: kept talks need none."""

    def __init__(self) -> None:
        self._made: Aligner | None = None

    def get(self) -> Aligner:
        """The one aligner."""
        self._made = self._made or Aligner()
        return self._made


def _kept(text: Turns, voice: TtsVoice, seed: int, aligner: _Lazy, cache: Path | None) -> Talk:
    name = f"{voice.name}-{text.name}"
    key = hashlib.sha256(repr((VERSION, seed, voice, text)).encode()).hexdigest()
    path = None if cache is None else cache / f"{name}.npz"
    talk = None if path is None else load(path, key)
    if talk is None:
        talk = say_turns(name, text, Speaker(voice, int(key[:7], 16)), aligner.get())
        if path is not None:
            save(talk, path, key)
    return talk


def say_turns(name: str, text: Turns, speaker: Speaker, aligner: Aligner) -> Talk:
    """``text`` spoken phrase by phrase, each about as long as its person took, words where the sound has them. A phrase
    whose words cannot be found in the sound is left out, its time becomes pause (at most 3 s)."""
    pieces: list[Piece] = []
    for phrase in text.phrases:
        pcm = speaker.say(phrase.text, phrase.seconds)
        try:
            pieces.append(Piece(pcm, aligner.align(pcm, phrase.words), phrase.pause))
        except AlignmentError:
            continue
    voice = speaker.voice
    credit = f"{voice.credit}; text: {ami.CREDIT}, {ami.LICENCE}"
    return joined(name, voice.name, voice.split, voice.source, f"{voice.licence}; text {ami.LICENCE}", credit, pieces)
