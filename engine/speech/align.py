"""When each word, or each phone, of a known text was said: alignment of text to sound by PocketSphinx.

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
from engine.speech.spoken import SpokenWord

RATE = 16_000
"""Samples a second of the sound that is aligned."""
LONGEST_S = 1200.0
"""Of one alignment; ten minutes take 20 s and 260 MB."""
INSTALL = 'pip install "reaction-engine[words]"'

FRAMES = 100.0
"""Frames a second in which PocketSphinx counts."""

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_PART = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d")
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
    """Aligns texts to sounds, one after another; holds PocketSphinx' model (90 MB of memory). Raises
    :class:`EngineError` where PocketSphinx is not installed."""

    def __init__(self) -> None:
        self._decoder = sphinx(lm=None)
        self._level = self._decoder.get_cmn()

    def align(self, pcm: NDArray[np.float32], texts: Sequence[str]) -> tuple[SpokenWord, ...]:
        """When each of ``texts`` (words in the order said) was said in ``pcm`` (n,) at :data:`RATE`: as many words, in
        order.

        Raises :class:`AlignmentError` where the words cannot be found, as when the sound is too short for them, and
        :class:`EngineError` for a word without a letter or a digit, and for sound that is too long. Sound that says
        something else is mostly not noticed: the words are then laid where they fit least badly.
        """
        tokens, owners = self._asked(pcm, texts)
        spans = self._spans(pcm, tokens)
        if len(spans) != len(tokens):
            raise _not_found(pcm, texts)
        out: list[SpokenWord] = []
        for index, text in enumerate(texts):
            own = [span for span, owner in zip(spans, owners, strict=True) if owner == index]
            out.append(SpokenWord(text, own[0].start, own[-1].end))
        return tuple(out)

    def phones(self, pcm: NDArray[np.float32], texts: Sequence[str]) -> tuple[SpokenWord, ...]:
        """When each phone (ARPAbet without stresses) of ``texts`` was said in ``pcm``, in two passes: words in the
        sound, then the phones of these words. Arguments and errors as :meth:`align`."""
        tokens, _ = self._asked(pcm, texts)
        if len(self._spans(pcm, tokens)) != len(tokens):
            raise _not_found(pcm, texts)
        try:
            self._decoder.set_alignment()
            feed(self._decoder, pcm)
            found = [phone for word in self._decoder.get_alignment() or () for phone in word]
        except RuntimeError as error:  # PocketSphinx' word for phones that do not fit
            raise _not_found(pcm, texts) from error
        return tuple(
            SpokenWord(phone.name, phone.start / FRAMES, (phone.start + phone.duration) / FRAMES) for phone in found
        )

    def _asked(self, pcm: NDArray[np.float32], texts: Sequence[str]) -> tuple[list[str], list[int]]:
        """What ``texts`` are to the decoder, and of which text each is. Raises :class:`EngineError`."""
        if not 0 < len(pcm) <= LONGEST_S * RATE:
            raise EngineError(f"{len(pcm) / RATE:.1f} s of sound cannot be aligned: give {LONGEST_S:g} s at most")
        shouted = all(text == text.upper() for text in texts)  # a text without small letters has no acronyms
        tokens: list[str] = []
        owners: list[int] = []
        for index, text in enumerate(texts):
            parts = self._tokens(text.lower() if shouted else text)
            if not parts:
                raise EngineError(f"word {text[:40]!r} cannot be aligned: it has no letter or digit, leave it out")
            tokens += parts
            owners += [index] * len(parts)
        if not tokens:
            raise EngineError("there are no words to align; give at least one")
        return tokens, owners

    def _spans(self, pcm: NDArray[np.float32], tokens: list[str]) -> list[SpokenWord]:
        """What was said of ``tokens``; fewer where the end was not reached."""
        try:
            self._decoder.set_cmn(self._level)  # each sound is heard as if it were the first
            self._decoder.set_align_text(" ".join(tokens))
            feed(self._decoder, pcm)
        except RuntimeError:  # PocketSphinx' word for a text that does not fit
            return []
        return heard(self._decoder)

    def _tokens(self, text: str) -> list[str]:
        """``text`` as words of the dictionary, added to it where it lacks them."""
        out: list[str] = []
        for part in _PART.findall(text):
            token = _DIGITS[int(part)] if part.isdigit() else part.casefold().replace("’", "'")
            phones = None if part.isupper() and 1 < len(part) < 6 else self._decoder.lookup_word(token)
            if phones is None:
                token = token + ("-spelled" if part.isupper() else "")
                if self._decoder.lookup_word(token) is None:
                    self._decoder.add_word(token, self._phones(part), True)
            out.append(token)
        return out

    def _phones(self, part: str) -> str:
        plain = re.sub(r"[^a-z]", "", part.casefold())
        if plain and part.isupper() and len(part) < 6:
            known = self._decoder.lookup_word(plain)
            letters = [self._decoder.lookup_word(letter) or SPELLING[letter] for letter in plain]
            return known if known and len(part) > 3 else " ".join(letters)
        return spelled(part)


def _not_found(pcm: NDArray[np.float32], texts: Sequence[str]) -> AlignmentError:
    words = " ".join(texts)
    return AlignmentError(f"{words[:60]!r} is not found in {len(pcm) / RATE:.1f} s of sound: check the text")


def spelled(word: str) -> str:
    """The phones of a word by its spelling: ARPAbet without stresses. Letters that are not English ones are read as a
    neutral vowel."""
    plain = re.sub(r"(.)\1", r"\1", re.sub(r"['’]", "", word.casefold()))
    if len(plain) > 3 and plain.endswith("e") and plain[-2] not in "aeiouy":
        plain = plain[:-1]
    phones, at = [], 0
    while at < len(plain):
        size = next((size for size in (4, 3, 2, 1) if plain[at : at + size] in SPELLING), 1)
        phones.append(SPELLING.get(plain[at : at + size], "AH"))
        at += size
    return " ".join(phones)


def sphinx(**settings: Any) -> Any:
    """A PocketSphinx decoder with its own English model; ``settings`` are its own. Raises :class:`EngineError` where it
    is not installed."""
    try:
        from pocketsphinx import Decoder
    except ImportError as error:
        raise EngineError(f"words cannot be found in sound, pocketsphinx is not installed: {INSTALL}") from error
    return Decoder(loglevel="FATAL", **settings)


def feed(decoder: Any, pcm: NDArray[np.float32]) -> None:
    """Let a decoder hear ``pcm`` (n,) at :data:`RATE` as one utterance, at a level that it knows."""
    peak = max(float(np.abs(pcm).max(initial=0.0)), 1e-6)
    decoder.start_utt()
    try:
        decoder.process_raw(np.round(pcm * (0.7 / peak) * 32767).astype("<i2").tobytes(), full_utt=True)
    finally:
        decoder.end_utt()


def heard(decoder: Any) -> list[SpokenWord]:
    """What a decoder heard, without silences and noises."""
    return [
        SpokenWord(re.sub(r"\(\d+\)$", "", item.word), item.start_frame / FRAMES, (item.end_frame + 1) / FRAMES)
        for item in decoder.seg() or ()
        if item.word[0] not in "<["
    ]
