"""When each word of a known text was said: alignment of text to sound by PocketSphinx, and its own recognition.

PocketSphinx (CMU, BSD-2) carries a US English model and a dictionary of 134,000 words in its package; 11 s of speech
take 0.15 s. On 72 words of GRID its word starts are 0.00 s from the corpus' own in the median, 0.06 s at the 90th
percentile. A word that the dictionary lacks is said by a simple rule of spelling, an acronym by its letters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.speech.talk import SpokenWord

INSTALL = 'pip install "reaction-engine[speech]"'
LONGEST_S = 120.0  #: of one alignment: longer sound should be cut at its pauses

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SPELLED = """
tch CH|sch SH|igh AY|eigh EY|dge JH|ch CH|sh SH|th TH|ph F|wh W|ck K|ng NG|qu K W|kn N|wr R|gh G|ee IY|ea IY|oo UW|
ou AW|ow OW|oa OW|ai EY|ay EY|oi OY|oy OY|au AO|aw AO|ie IY|ei EY|ey IY|ue UW|ew UW|er ER|ir ER|ur ER|or AO R|ar AA R|
a AE|b B|c K|d D|e EH|f F|g G|h HH|i IH|j JH|k K|l L|m M|n N|o AA|p P|r R|s S|t T|u AH|v V|w W|x K S|y IY|z Z
"""
SPELLING = dict(item.split(" ", 1) for item in _SPELLED.replace("\n", "").split("|"))
"""Phones (ARPAbet) of spellings, tried from the longest: a rule of thumb for names and made words."""


class AlignmentError(EngineError):
    """The text could not be found in the sound."""


class Aligner:
    """Aligns texts to sounds, one after another; holds PocketSphinx' model (90 MB of memory)."""

    def __init__(self) -> None:
        self._decoder = _decoder(lm=None)

    def align(self, pcm: NDArray[np.float32], texts: Sequence[str]) -> tuple[SpokenWord, ...]:
        """When each of ``texts`` (words in the order said) was said in ``pcm`` (n,) at 16 kHz: as many words, in order.

        Raises :class:`AlignmentError` where the words cannot be found, as when the sound says something else or is
        too short for them, and :class:`EngineError` for a word without a letter or a digit.
        """
        if not 0 < len(pcm) <= LONGEST_S * 16000:
            raise EngineError(f"{len(pcm) / 16000:.1f} s of sound cannot be aligned: cut it at pauses to 120 s or less")
        tokens: list[str] = []
        owners: list[int] = []
        for index, text in enumerate(texts):
            parts = self._tokens(text)
            if not parts:
                raise EngineError(f"word {text[:40]!r} cannot be aligned: it has no letter or digit, leave it out")
            tokens += parts
            owners += [index] * len(parts)
        spans = self._spans(pcm, tokens)
        if len(spans) != len(tokens):
            words = " ".join(texts)
            raise AlignmentError(f"{words[:60]!r} is not found in {len(pcm) / 16000:.1f} s of sound: check the text")
        out: list[SpokenWord] = []
        for index, text in enumerate(texts):
            own = [span for span, owner in zip(spans, owners, strict=True) if owner == index]
            out.append(SpokenWord(text, own[0][0], own[-1][1]))
        return tuple(out)

    def _spans(self, pcm: NDArray[np.float32], tokens: list[str]) -> list[tuple[float, float]]:
        """(start, end) seconds of what was said of ``tokens``; fewer where the end was not reached."""
        self._decoder.set_align_text(" ".join(tokens))
        _feed(self._decoder, pcm)
        return [(start, end) for _, start, end in _segments(self._decoder)]

    def _tokens(self, text: str) -> list[str]:
        """``text`` as words of the dictionary, added to it where it lacks them."""
        out: list[str] = []
        for part in re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d", text):
            token = _DIGITS[int(part)] if part.isdigit() else part.casefold().replace("’", "'")
            letters = part.isupper() and 1 < len(part) < 6
            token += "-by-letters" if letters else ""
            if self._decoder.lookup_word(token) is None:
                said = [self._decoder.lookup_word(letter) or spelled(letter) for letter in part.casefold()]
                self._decoder.add_word(token, " ".join(said) if letters else spelled(part), True)
            out.append(token)
        return out


def spelled(word: str) -> str:
    """The phones of a word by its spelling: ARPAbet without stresses. Letters that are not English ones are read as a
    neutral vowel."""
    plain = re.sub(r"(.)\1", r"\1", re.sub(r"'", "", word.casefold()))
    if len(plain) > 3 and plain.endswith("e") and plain[-2] not in "aeiouy":
        plain = plain[:-1]
    phones, at = [], 0
    while at < len(plain):
        for size in (4, 3, 2, 1):
            if plain[at : at + size] in SPELLING:
                phones.append(SPELLING[plain[at : at + size]])
                break
        else:
            size = 1
            phones.append("AH")
        at += size
    return " ".join(phones)


def recognise(pcm: NDArray[np.float32]) -> tuple[SpokenWord, ...]:
    """The words that PocketSphinx hears in ``pcm`` (n,) at 16 kHz. About one in five is wrong in clear read speech, and
    most in acted or distant speech; where they begin and end is mostly right. Takes a third of the sound's time."""
    decoder = _decoder()
    _feed(decoder, pcm)
    return tuple(SpokenWord(*item) for item in _segments(decoder))


def _decoder(**settings: Any) -> Any:
    try:
        from pocketsphinx import Decoder
    except ImportError as error:
        raise EngineError(f"words cannot be aligned to sound, pocketsphinx is not installed: {INSTALL}") from error
    return Decoder(loglevel="FATAL", **settings)


def _feed(decoder: Any, pcm: NDArray[np.float32]) -> None:
    peak = max(float(np.abs(pcm).max()), 1e-6)
    decoder.start_utt()
    decoder.process_raw(np.round(pcm * (0.7 / peak) * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()


def _segments(decoder: Any) -> list[tuple[str, float, float]]:
    """What was heard, without silences and noises: word, start, end in seconds."""
    found = decoder.seg()
    return [
        (re.sub(r"\(\d+\)$", "", item.word), item.start_frame / 100, (item.end_frame + 1) / 100)
        for item in found or ()
        if item.word[0] not in "<["
    ]
