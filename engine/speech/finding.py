"""Which words are said in a sound file: those that somebody wrote down, or those that a recogniser finds in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.sources.media import MediaFile
from engine.sources.player import WordItem
from engine.speech.align import LONGEST_S, RATE, Aligner
from engine.speech.recognise import of_sound, recogniser
from engine.speech.spoken import SpokenWord
from engine.speech.words import KINDS, WordsFile, beside, decoded, items, read_words

TEXT = ".txt"
"""End of the name of a text whose words are looked for in the sound."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """The words of a sound in order of their start, and what is to be said of where they come from."""

    words: tuple[WordItem, ...]
    told: str


def find_words(sound: Path, named: Path | str | None = None, how: str = "beside", model: str = "") -> Found:
    """The words of ``sound``: of the file ``named``; without one, as ``how`` says, of a words file beside it
    ("beside"), none at all ("none"), or as a recogniser hears them ("pocketsphinx", which aligns a text of the same
    name, ``talk.txt``, where there is one; "whisper" with its ``model``).

    Raises :class:`EngineError` where what is named or lies beside cannot be read, where both are asked for, and where a
    recogniser is not installed."""
    if named is not None and how != "beside":
        raise EngineError(f"words {named} and --words {how}: give one of them")
    if named is not None:
        return _written(sound, read_words(named), [])
    if how == "none":
        return Found((), "no words: gestures go by the voice alone")
    if how != "beside":
        return _recognised(sound, how, model)
    files = beside(sound)
    if files:
        try:
            return _written(sound, read_words(files[0]), files[1:])
        except EngineError as error:
            raise EngineError(f"{error}; or --words none to go without") from None
    kinds = ", ".join(f"{sound.stem}{kind}" for kind in KINDS)
    return Found((), f"no words: gestures go by the voice alone; none of {kinds} lies beside it")


def _written(sound: Path, file: WordsFile, others: Sequence[Path]) -> Found:
    details = MediaFile(sound).details
    length_s, last_s = details["stated_s"], len(file.words) and file.words[-1].start_ns / 1e9
    told = f"{len(file.words)} words of {file.path.name}" + (f", {file.place}" if file.place else "")
    if others:
        told += f"; {', '.join(one.name for one in others)} beside it: not used"
    late = sum(word.start_ns / 1e9 >= length_s for word in file.words) if length_s and last_s >= length_s else 0
    if late == len(file.words):
        raise EngineError(f"words file {file.path}: all words begin after the {length_s:.1f} s of {sound.name}")
    return Found(file.words, told + (f"; {late} begin after the sound's end and are not said" if late else ""))


def _recognised(sound: Path, how: str, model: str) -> Found:
    text = sound.with_suffix(TEXT)
    if how == "pocketsphinx" and text.is_file():
        aligner = Aligner()
        words = [word for word in decoded(text).split() if any(letter.isalnum() for letter in word)]
        if not words:
            raise EngineError(f"{text}: there are no words in it; write what is said, or take it away")
        log.info("speech %s: looking for the %d words of %s in it", sound.name, len(words), text.name)
        aligned = aligner.align(np.concatenate(list(_blocks(sound))), words)
        return Found(items(aligned), f"{len(words)} words of {text.name}, their times found by {how}")
    by = recogniser(how, model)
    log.info("speech %s: %s listens for its words", sound.name, how)
    heard: list[SpokenWord] = of_sound(_blocks(sound), by)
    return Found(items(heard), f"{len(heard)} words as {how} hears them")


def _blocks(sound: Path) -> Iterator[NDArray[np.float32]]:
    """A voice in pieces as models hear it, at :data:`~engine.speech.align.RATE`."""
    count = 0
    for block in MediaFile(sound).audio(RATE):
        count += len(block.samples)
        if count > 3 * LONGEST_S * RATE:
            raise EngineError(
                f"{sound}: longer than {3 * LONGEST_S / 60:g} minutes; give a words file of it, or cut it"
            )
        yield block.samples
