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

import functools
import hashlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np

from engine.errors import EngineError
from engine.speech.align import Aligner, AlignmentError
from train.speech import ami
from train.speech.joining import Piece, joined
from train.speech.made import made_talk
from train.speech.recorded import recorded_talk, recordings
from train.speech.store import load, save
from train.speech.talk import SPLITS, Talk
from train.speech.tts import VOICES, SilentPhrase, Speaker, TtsVoice
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
    aligner = functools.cache(Aligner)  # made when it is first needed: kept talks need none
    for recording in recordings(data, split):
        if real <= 0:
            break
        made = functools.partial(recorded_talk, recording, aligner)
        talk = _kept(recording.name, recording.made_of, made, cache)
        left, real = left - talk.seconds, real - talk.seconds
        yield talk
    texts = list(turns(data, split))
    rng = np.random.default_rng([seed, SPLITS.index(split)])
    voices = [voice for voice in VOICES if voice.split == split]
    order = [voices[index] for index in rng.permutation(len(voices))]
    for number, place in enumerate(rng.permutation(len(texts))):
        if left <= 0:
            return
        text, voice = texts[place], order[number % len(order)]
        name = f"{voice.name}-{text.name}"
        made_of = (seed, voice, text)
        talk = _kept(name, made_of, functools.partial(say_turns, name, text, voice, _seed(made_of), aligner), cache)
        left -= talk.seconds
        yield talk
    if left > 0:
        raise EngineError(
            f"AMI's people of split {split} speak {left / 60:.0f} minutes less than asked for: ask for fewer minutes"
        )


def _kept(name: str, made_of: tuple[object, ...], make: Callable[[], Talk], cache: Path | None) -> Talk:
    """The talk of ``name`` as ``cache`` keeps it, or made and kept. ``made_of`` tells all that decides it."""
    if cache is None:
        return make()
    path, key = cache / f"{name}.npz", _key(made_of)
    talk = load(path, key)
    if talk is None:
        talk = make()
        save(talk, path, key)
    return talk


def _key(made_of: tuple[object, ...]) -> str:
    return hashlib.sha256(repr((VERSION, *made_of)).encode()).hexdigest()


def _seed(made_of: tuple[object, ...]) -> int:
    return int(_key(made_of)[:7], 16)


def say_turns(name: str, text: Turns, voice: TtsVoice, seed: int, aligner: Callable[[], Aligner]) -> Talk:
    """``text`` spoken phrase by phrase, each about as long as its person took, words where the sound has them.

    A phrase that cannot be said, or whose words cannot be found in its sound, is left out with the pause after it.
    """
    speaker = Speaker(voice, seed)
    pieces: list[Piece] = []
    for phrase in text.phrases:
        try:
            pcm = speaker.say(phrase.text, phrase.seconds)
            pieces.append(Piece(pcm, aligner().align(pcm, phrase.words), phrase.pause))
        except (SilentPhrase, AlignmentError):
            continue
    licence = f"{voice.licence}; text {ami.LICENCE}"
    credit = f"{voice.credit}; text: {ami.CREDIT}, {ami.LICENCE}"
    return joined(name, voice.name, voice.split, voice.source, licence, credit, pieces)
