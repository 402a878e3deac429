"""Which syllables a speaker stresses, from the sound and the words: where a gesture's stroke or a nod would fall.

A word stands out by its energy, by its pitch above the line that the phrase falls along and by how far pitch moves
within it, by its length against what its spelling lets expect, and because it is a content word (Kochanski, Grabe,
Coleman & Rosner 2005, JASA 118: loudness and duration first, pitch after; Calhoun 2010 for the words). Everything is
normalised within the talk, so a soft voice has its stresses too and strengths compare within it. Words that stand out
more than their neighbours are stressed, on their loudest syllable or nearly so, where the spelling expects it.

Without words (nobody knows them) the syllables of the sound are taken for words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

from train.speech.sound import pitch_track
from train.speech.talk import RATE, SpokenWord, Stress

HOP = RATE // 100  #: samples of a step of 10 ms
BAND = (300.0, 3400.0)  #: Hz in which vowels are loud: below it voicing hums through consonants, above it s hisses
HIGHEST_HZ = 420.0  #: of a voice's pitch
SLIP = 9.0  #: semitones from a talk's median pitch beyond which the pitch was taken for its octave
NEAR_S = 1.2  #: a word is compared with those that begin within so many seconds
APART_S = 0.3  #: two stresses are at least so far apart: the stronger stays
MARKED = 0.4  #: how far above the talk's mean a word must stand out, in standard deviations
WEIGHTS = {"energy": 0.8, "height": 0.35, "movement": 0.3, "length": 0.5, "content": 0.9}
HEARD = {"energy": 2.0, "height": 1.5, "movement": 1.5, "length": 0.04, "content": 0.3}
"""A spread (dB, semitones, semitones, s, share) below which differences count for less: hardly anybody hears them."""
EXPECTED_DB = 3.0  #: advantage of the syllable that the spelling lets expect: vowels differ by themselves by some dB
SOFT_DB = 22.0  #: a syllable that much below the talk's loud ones is none

_FUNCTION_WORDS = """
a about above across after again against ah all also am an and any are aren't around as at be because been
before behind being below between both but by can can't cause could couldn't did didn't do does doesn't doing
don't down each eh either er even every few for from had hadn't has hasn't have haven't having he he'd he'll
he's her here hers herself him himself his hm hmm how how's i i'd i'll i'm i've if in into is isn't it it'd
it'll it's its itself just kind let let's like ll m many may maybe me might mine mm mm-hmm more most much must
my myself near neither nor of off oh okay on once one ones onto or other our ours ourselves out over own per
perhaps quite rather re s same shall she she'd she'll she's should shouldn't since so some something such than
that that'd that'll that's the their theirs them themselves then there there's these they they'd they'll they're
they've this those though through thus to too toward towards uh uh-huh um under unless until up upon us ve very
was wasn't we we'd we'll we're we've well were weren't what what's when where whether which while who whom whose
why will with within without won't would wouldn't yeah yes yet you you'd you'll you're you've your yours
yourself yourselves
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""English words that carry grammar rather than content, and what people say while they think or listen."""


FILLERS = frozenset(("ah", "eh", "er", "hm", "hmm", "huh", "m", "mm", "mm-hmm", "oh", "uh", "uh-huh", "um"))
"""What is said while thinking or listening: loud and long as it may be, it is not stressed."""


class _Loudness(NamedTuple):
    """Every 10 ms: level of the vowels in dB, smoothed; pitch in semitones, NaN where unvoiced."""

    level: NDArray[np.float64]
    pitch: NDArray[np.float64]


def find_stresses(pcm: NDArray[np.float32], words: Sequence[SpokenWord] = ()) -> tuple[Stress, ...]:
    """The stressed syllables of ``pcm`` (n,) at 16 kHz, in order, 0.3 s apart or more; about one in three words.

    ``words`` lie in it by their times. A stress's ``strength`` is the share of the talk's words that stand out less.
    Without words each ``word`` is -1. A silent sound, or one with fewer than three syllables, has no stresses.
    """
    if len(pcm) < RATE // 2 or not np.any(pcm):
        return ()
    heard = _listen(pcm)
    nuclei = _peaks(heard.level)
    said = words or [SpokenWord("", at - 0.08, at + 0.1) for at in nuclei / 100]
    found = [_syllable(heard.level, nuclei, word.start, word.end, word.text) for word in said]
    kept = [index for index, at in enumerate(found) if at is not None]
    if len(kept) < 3:
        return ()
    times = np.array([found[index] for index in kept], float)
    texts = [said[index].text for index in kept]
    lengths = np.array([said[index].end - said[index].start for index in kept])
    score = _prominence(heard, times, texts, lengths)
    strength = np.argsort(np.argsort(score)) / (len(score) - 1)
    chosen: list[int] = []
    for index in np.argsort(-score):
        filler = _plain(texts[index]) in FILLERS
        if (
            score[index] >= MARKED
            and not filler
            and all(abs(times[index] - times[other]) >= APART_S for other in chosen)
        ):
            chosen.append(int(index))
    return tuple(
        Stress(float(times[index]), float(strength[index]), kept[index] if words else -1) for index in sorted(chosen)
    )


def is_content(text: str) -> bool:
    """Whether an English word carries content: it has letters and is no function word or filler."""
    plain = _plain(text)
    return any(letter.isalpha() for letter in plain) and plain not in FUNCTION_WORDS


def _plain(text: str) -> str:
    return text.casefold().replace("’", "'").strip(".,!?;:\"()'_-")


def syllables(text: str) -> int:
    """How many syllables the spelling of an English word lets expect, at least 1."""
    plain = re.sub(r"[^a-z]", "", text.casefold())
    groups = len(re.findall(r"[aeiouy]+", plain))
    if plain.endswith("e") and not plain.endswith(("le", "ee")) and groups > 1:
        groups -= 1
    if plain.endswith("ed") and not plain.endswith(("ted", "ded")) and groups > 1:
        groups -= 1
    return max(1, groups)


_BEFORE = re.compile(
    r"[aeiouy]+[^aeiouy]*(?:[tsc]ions?|[tsc]ians?|[tsx]ious(?:ly)?|ious|eous|ual(?:ly)?|[tsc]ial(?:ly)?|ical(?:ly)?|ics?"
    r"|ity|ities|ify|ified|graphy|logy|ience|iences|ient|ium|ian|ia)$"
)
_WEAK_FIRST = re.compile(
    r"^(?:a[bcdfgl](?=[^aeiouy])|a(?=gain|bout|round|way|long|part|mong|like|live|wake)|be(?!tter|st|d)|de|dis|e[mnx]|for(?=g)"
    r"|in|im|mis|ob|per|pre|pro(?!b|m|d)|re(?!ad|al|d)|sub|sur(?!e)|un|com|con|with|my(?=sel)|him|our|them|your(?=sel))"
)


def stressed_syllable(text: str) -> int:
    """Which syllable of an English word, from 0, its spelling lets expect to be stressed.

    A rule of thumb: the syllable before endings such as -tion, -ity or -ic; else the second after a prefix such as re-
    or con- in a word of two or three syllables; else the first.
    """
    plain = re.sub(r"[^a-z]", "", text.casefold())
    count = syllables(plain)
    ending = _BEFORE.search(plain)
    if ending and count > 1:
        return min(count - 1, len(re.findall(r"[aeiouy]+", plain[: ending.start()])))
    return 1 if count in (2, 3) and _WEAK_FIRST.match(plain) else 0


def _level(pcm: NDArray[np.float32]) -> NDArray[np.float64]:
    vowels = sosfiltfilt(butter(2, BAND, "bandpass", fs=RATE, output="sos"), pcm.astype(np.float64))
    steps = len(vowels) // HOP
    power = np.square(vowels[: steps * HOP]).reshape(steps, HOP).mean(1)
    return np.asarray(10 * np.log10(gaussian_filter1d(power, 2.5) + 1e-10))


def _listen(pcm: NDArray[np.float32]) -> _Loudness:
    sound = pcm.astype(np.float64)
    level = _level(pcm)
    steps = len(level)
    speech = np.square(sound[: steps * HOP]).reshape(steps, HOP).mean(1)
    loud = speech[speech > speech.mean() / 10]
    track = pitch_track(sound * (0.1 / np.sqrt(loud.mean())), HIGHEST_HZ)
    pitch = np.full(steps, np.nan)
    shift = 2  # a pitch of 50 ms of sound belongs to its middle
    size = min(len(track), steps - shift)
    pitch[shift : shift + size] = 12 * np.log2(track[:size] / 100.0)
    if np.isfinite(pitch).any():
        away = pitch - np.nanmedian(pitch)
        pitch = np.where(np.abs(away) > SLIP, pitch - 12 * np.sign(away), pitch)
    return _Loudness(level, pitch)


def syllable_peaks(pcm: NDArray[np.float32]) -> NDArray[np.float64]:
    """Seconds at which the syllables of ``pcm`` (n,) at 16 kHz are loudest."""
    return (_peaks(_level(pcm)) + 0.5) / 100


def _peaks(level: NDArray[np.float64]) -> NDArray[np.int64]:
    peaks, _ = find_peaks(level, prominence=2.5, distance=8)
    return np.asarray(peaks[level[peaks] > np.percentile(level, 98) - SOFT_DB], np.int64)


def _syllable(
    level: NDArray[np.float64], nuclei: NDArray[np.int64], start: float, end: float, text: str
) -> float | None:
    """Seconds of the stressed syllable's peak in a word, or None where the word is not to be heard.

    It is the loudest, with an advantage for the one that the spelling lets expect.
    """
    inside = nuclei[(nuclei >= start * 100) & (nuclei < end * 100)]
    if not len(inside):
        first, last = int(start * 100), min(int(np.ceil(end * 100)), len(level))
        if not text or last - first < 3:
            return None
        at = first + int(np.argmax(level[first:last]))
        return (at + 0.5) / 100 if level[at] > np.percentile(level, 98) - SOFT_DB else None
    place = (stressed_syllable(text) + 0.5) / syllables(text)
    near = np.argmin(np.abs((inside / 100 - start) / (end - start) - place))
    return float(inside[np.argmax(level[inside] + EXPECTED_DB * (np.arange(len(inside)) == near))] + 0.5) / 100


def _prominence(
    heard: _Loudness, times: NDArray[np.float64], texts: list[str], lengths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far each word (N,) stands out, standardised over the talk, neighbours' mean partly taken off."""
    energy, height, movement = (np.zeros(len(times)) for _ in range(3))
    for index, time in enumerate(times):
        at = int(time * 100)
        energy[index] = heard.level[at]
        near = heard.pitch[max(0, at - 8) : at + 12]
        if np.isfinite(near).sum() >= 4:
            height[index] = np.nanpercentile(near, 90)
            movement[index] = np.nanmax(near) - np.nanmin(near)
        else:
            height[index] = movement[index] = np.nan
    features = {"energy": energy, "height": height, "movement": np.minimum(movement, 8.0)}
    local = np.abs(times[:, None] - times[None, :]) < NEAR_S
    score = np.zeros(len(times))
    for name, values in features.items():
        filled = np.where(np.isfinite(values), values, np.nanmedian(values) if np.isfinite(values).any() else 0.0)
        around = (local * filled).sum(1) / local.sum(1)
        score += WEIGHTS[name] * _standard(filled - 0.7 * (around - filled.mean()), HEARD[name])
    if any(texts):
        counts = np.array([syllables(text) for text in texts])
        letters = np.array([len(text) for text in texts])
        expected = np.stack([np.ones(len(counts)), counts, letters], 1)
        fit, *_ = np.linalg.lstsq(expected, lengths, rcond=None)
        score += WEIGHTS["length"] * _standard(lengths - expected @ fit, HEARD["length"])
        content = np.array([float(is_content(text)) for text in texts])
        score += WEIGHTS["content"] * _standard(content, HEARD["content"])
    return _standard(score)


def _standard(values: NDArray[np.float64], least: float = 0.3) -> NDArray[np.float64]:
    """``values`` with mean 0 and deviation 1 (less where they spread by less than ``least``), bounded to +-2.5 so that
    no single one decides."""
    return np.asarray(np.clip((values - values.mean()) / max(float(values.std()), least), -2.5, 2.5))
