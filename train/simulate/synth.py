"""A synthetic speaker: syllables without words, with the melody, rhythm and spectrum that a listener goes by.

Recorded voices are few, and a listener that has met only few voices learns those. This one draws as many as wanted.
Glottal pulses excite damped resonances, one grain per pulse and formant, added where the pulse falls (formant-wave
synthesis: Rodet, Potard & Barriere 1984, Computer Music Journal 8), all pulses at once in numpy. Vowels are those of
Peterson & Barney (1952, JASA 24) scaled by a vocal tract's length; the melody is a declining line with accents and a
final fall into a low region or a rise (Pierrehumbert 1980; Ladd 2008, Intonational Phonology).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.simulate.talk import RATE

Array = NDArray[np.float64]
STEP = 80  # samples of one control step: 5 ms

VOWELS = np.array(
    [
        *((270, 2290, 3010), (390, 1990, 2550), (530, 1840, 2480), (660, 1720, 2410), (730, 1090, 2440)),
        *((570, 840, 2410), (440, 1020, 2240), (300, 870, 2240), (640, 1190, 2390), (490, 1350, 1690)),
    ],
    float,
)
"""F1, F2, F3 in Hz of ten vowels, adult men."""
GLIDES = np.array([(280, 2200, 2900), (320, 800, 2300), (360, 1200, 1700), (370, 1050, 2700)], float)
NASALS = np.array([(260, 1100, 2200), (260, 1500, 2400)], float)
HISSES = ((3500.0, 7800.0), (1900.0, 5500.0), (900.0, 7000.0))  #: bands (Hz) of s, sh, f
BANDWIDTHS = np.array([70.0, 90.0, 130.0, 200.0])
GRAIN_S = 0.024

KINDS = ("fall", "rise", "level")  #: how a phrase ends: statement, question, to be continued


@dataclass(frozen=True)
class VoiceParameters:
    """What stays the same of a synthetic voice. ``f0`` Hz at mid range, ``span`` semitones, ``tract`` relative to an
    adult man's formants, ``rate`` relative tempo, ``breath`` 0..1 of noise, ``tilt`` of the spectrum."""

    f0: float
    span: float
    tract: float
    rate: float
    breath: float
    tilt: float


@dataclass
class _Tracks:
    """Control values every 5 ms: semitones, loudness of voice and noise, noise band, formants."""

    tone: list[Array]
    voiced: list[Array]
    noisy: list[Array]
    band: list[Array]
    formants: list[Array]


def draw_parameters(rng: np.random.Generator) -> VoiceParameters:
    """A voice: half of them low (men's 85-150 Hz), half high (160-270 Hz)."""
    low = rng.random() < 0.5
    f0 = rng.uniform(85, 150) if low else rng.uniform(160, 270)
    tract = rng.uniform(0.93, 1.06) if low else rng.uniform(1.1, 1.25)
    return VoiceParameters(
        f0, rng.uniform(4.0, 8.0), tract, rng.uniform(0.88, 1.15), rng.uniform(0.02, 0.12), rng.uniform(0.8, 1.5)
    )


def phrase(voice: VoiceParameters, seconds: float, kind: str, rng: np.random.Generator) -> NDArray[np.float32]:
    """About ``seconds`` of speech ending in ``kind`` (of :data:`KINDS`), (N,) float32 at 16 kHz, peak 0.5."""
    count = max(2, round(seconds * voice.rate / 0.19))
    tracks = _Tracks([], [], [], [], [])
    vowel = VOWELS[rng.integers(len(VOWELS))]
    strong = _stresses(count, rng)
    for index in range(count):
        stress, last = bool(strong[index]), index == count - 1
        length = rng.uniform(0.12, 0.19) * (1.25 if stress else 1.0) * (1.35 if last else 1.0) / voice.rate
        before, vowel = vowel, VOWELS[rng.integers(len(VOWELS))]
        _syllable(tracks, length, before, vowel, rng.uniform(0.85, 1.1) if stress else rng.uniform(0.35, 0.7), rng)
    joined = [np.concatenate(part) for part in (tracks.voiced, tracks.noisy, tracks.band, tracks.formants)]
    spans = np.cumsum([0, *map(len, tracks.voiced)])
    semitones = _melody(spans, strong, kind, voice, rng)
    voiced, noisy, band, formants = joined
    fade = np.clip(np.arange(len(voiced), 0, -1) / 12, 0, 1)
    return render(voice, semitones, voiced * fade, noisy * fade, band, formants, rng)


def hum(voice: VoiceParameters, rng: np.random.Generator) -> NDArray[np.float32]:
    """A "mhm": two nasal bumps, the second higher, about 0.5 s."""
    steps = round(rng.uniform(0.42, 0.6) / 0.005)
    x = np.arange(steps) / steps
    voiced = 0.7 * (np.sin(np.pi * np.clip(x / 0.46, 0, 1)) + np.sin(np.pi * np.clip((x - 0.5) / 0.5, 0, 1)))
    semitones = np.where(x < 0.48, -2.0 + x, 1.5 + 2 * x) - 1.0
    formants = np.repeat(NASALS[:1], steps, 0)
    return render(voice, semitones, voiced, np.zeros(steps), np.full(steps, 2), formants, rng) * np.float32(0.5)


def laugh(voice: VoiceParameters, seconds: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """A "ha ha ha" of about five calls a second, each a breath and a vowel, falling (Bachorowski et al. 2001, JASA)."""
    steps = round(seconds / 0.005)
    time = np.arange(steps) * 0.005
    phase = (time * rng.uniform(4.4, 5.4)) % 1.0
    wane = np.clip(1.1 - time / seconds, 0, 1)
    voiced = np.where(phase > 0.4, np.sin(np.pi * (phase - 0.4) / 0.6), 0.0) * wane
    noisy = np.where(phase < 0.5, np.sin(np.pi * phase / 0.5), 0.0) * 0.5 * wane
    semitones = 6.0 - 5.0 * time / seconds - 2.0 * phase
    formants = np.repeat(VOWELS[[8]], steps, 0)
    return render(voice, semitones, voiced, noisy, np.full(steps, 2), formants, rng)


def render(
    voice: VoiceParameters,
    semitones: Array,
    voiced: Array,
    noisy: Array,
    band: Array,
    formants: Array,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Sound of control tracks (T,) every 5 ms and formants (T, 3): (T * 80,) float32, peak 0.5 unless silent."""
    size = len(voiced) * STEP
    at = np.arange(size) / STEP
    steps = np.arange(len(voiced))
    f0 = voice.f0 * 2 ** (np.interp(at, steps, _soft(semitones, 3)) / 12)
    cycles = np.cumsum(f0) / RATE
    where = np.interp(np.arange(1, int(cycles[-1])), cycles, np.arange(size))  # samples, not whole ones
    where = where + rng.normal(0, 0.008, len(where)) * RATE / np.interp(where, np.arange(size), f0)
    loud = np.interp(where / STEP, steps, _soft(voiced, 2)) * rng.normal(1, 0.04, len(where))
    kept = loud > 0.01
    where, loud = where[kept], loud[kept]
    soft = _soft(formants, 5)
    tuned = np.stack([np.interp(where / STEP, steps, soft[:, k]) for k in range(3)], 1) * voice.tract
    out = _grains(where, loud, f0[np.clip(where.astype(int), 0, size - 1)], tuned, voice, size)
    out += _noise(np.interp(at, steps, _soft(noisy, 1)), np.repeat(band, STEP), rng)
    out += voice.breath * 0.15 * np.interp(at, steps, voiced) * rng.standard_normal(size)
    return (0.5 * out / max(float(np.abs(out).max()), 1e-6)).astype(np.float32)


def _grains(where: Array, loud: Array, f0: Array, formants: Array, voice: VoiceParameters, size: int) -> Array:
    """The sum of one damped resonance per pulse and formant, and of the voice's own fundamental."""
    length = round(GRAIN_S * RATE)
    start = np.ceil(where).astype(np.int64)
    time = ((start - where)[:, None] + np.arange(length)) / RATE
    attack = np.clip(time / 0.0012, 0, 1)
    shape = attack * attack * (3 - 2 * attack)
    fade = np.clip((GRAIN_S - time) / 0.006, 0, 1)
    total = np.exp(-2 * np.pi * 60 * time) * np.sin(2 * np.pi * 1.15 * f0[:, None] * time) * 0.8
    highest = np.full(len(where), 3600.0 * voice.tract)
    for k, centre in enumerate([*formants.T, highest]):
        level = (500.0 / centre) ** voice.tilt
        total += level[:, None] * np.exp(-np.pi * BANDWIDTHS[k] * time) * np.sin(2 * np.pi * centre[:, None] * time)
    grain = total * shape * fade * loud[:, None]
    place = start[:, None] + np.arange(length)
    return np.bincount(place.ravel(), grain.ravel(), size + length + 1)[:size].astype(np.float64, copy=False)


def _noise(loud: Array, band: Array, rng: np.random.Generator) -> Array:
    """Noise in the band of the moment, as loud as ``loud`` says."""
    size = len(loud)
    spectrum = np.fft.rfft(rng.standard_normal(size))
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    out = np.zeros(size)
    for index, (low, high) in enumerate(HISSES):
        passes = np.clip((hertz - low) / 600 + 1, 0, 1) * np.clip((high - hertz) / 600 + 1, 0, 1)
        out += np.where(band == index, np.fft.irfft(spectrum * passes, size), 0.0)
    return 0.35 * loud * out


def _syllable(
    tracks: _Tracks, length: float, before: Array, vowel: Array, loud: float, rng: np.random.Generator
) -> None:
    """Appends one syllable: a consonant of a random manner, then the vowel, sometimes closed by a nasal."""
    manner = rng.choice(["stop", "voiced stop", "hiss", "nasal", "glide", "none"], p=[0.2, 0.16, 0.2, 0.16, 0.16, 0.12])
    band = int(rng.integers(len(HISSES)))

    def add(seconds: float, voiced: float, noisy: float, target: Array, swell: float = 0.0) -> None:
        steps = max(2, round(seconds / 0.005))
        x = (np.arange(steps) + 0.5) / steps
        tracks.voiced.append(voiced * (1 - swell + swell * np.sin(np.pi * np.clip(0.08 + 0.92 * x**0.8, 0, 1))))
        tracks.noisy.append(np.full(steps, noisy))
        tracks.band.append(np.full(steps, band))
        tracks.formants.append(np.repeat(target[None], steps, 0))

    consonant = rng.uniform(0.3, 0.42) * length
    if manner == "stop":
        add(consonant - 0.02, 0.0, 0.0, before)
        add(0.02, 0.0, 0.8 * loud, vowel)
    elif manner == "voiced stop":
        add(consonant, 0.05 * loud, 0.0, before * (0.6, 1.0, 1.0))
    elif manner == "hiss":
        add(consonant, 0.0, rng.uniform(0.35, 0.7) * loud, 0.5 * (before + vowel))
    elif manner == "nasal":
        add(consonant, 0.25 * loud, 0.0, NASALS[rng.integers(len(NASALS))])
    elif manner == "glide":
        add(consonant, 0.4 * loud, 0.0, GLIDES[rng.integers(len(GLIDES))])
    closed = rng.random() < 0.2
    rest = length - (0.0 if manner == "none" else consonant)
    add(rest * (0.65 if closed else 1.0), loud, 0.0, vowel, 0.75)
    if closed:
        add(rest * 0.35, 0.2 * loud, 0.0, NASALS[rng.integers(len(NASALS))])


def _stresses(count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which syllables are stressed: every second to fourth."""
    strong = np.zeros(count, bool)
    at = int(rng.integers(0, 2))
    while at < count:
        strong[at] = True
        at += int(rng.integers(2, 5))
    return strong


def _melody(
    spans: NDArray[np.int64], strong: NDArray[np.bool_], kind: str, voice: VoiceParameters, rng: np.random.Generator
) -> Array:
    """Semitones about the voice's middle, every 5 ms: declination, accents, and an end that falls, rises or stays.

    A long phrase has a second unit: pitch falls low before it and is set up again.
    """
    count, pieces = len(strong), len(spans) - 1
    starts = spans[np.linspace(0, pieces, count + 1).round().astype(int)]
    total = int(spans[-1])
    time = np.arange(total)
    cut = int(rng.integers(count // 2 - 1, count // 2 + 2)) if count >= 12 else 0
    bounds = [(0, cut), (cut, count)] if cut else [(0, count)]
    out = np.zeros(total)
    for first, last in bounds:
        begin, end = int(starts[first]), int(starts[last])
        x = (time[begin:end] - begin) / max(end - begin, 1)
        line = (0.35 - 0.6 * x) * voice.span
        for index in np.flatnonzero(strong[first:last]) + first:
            middle = 0.5 * (starts[index] + starts[index + 1])
            height = rng.uniform(0.3, 0.6) * voice.span
            line += height * np.exp(-0.5 * ((time[begin:end] - middle) / 18.0) ** 2)
        ending = kind if last == count else "fall"
        tail = min(end - begin, int(rng.uniform(0.28, 0.45) / 0.005))
        ramp = np.clip((time[begin:end] - (end - tail)) / (0.45 * tail), 0, 1)
        if ending == "fall":
            line += (-0.75 * voice.span - line) * ramp
        elif ending == "rise":
            slope = np.clip((time[begin:end] - (end - tail)) / tail, 0, 1)
            line += (-0.15 * voice.span - line) * ramp + rng.uniform(0.9, 1.3) * voice.span * slope**1.5
        out[begin:end] = line
    return out + _soft(rng.normal(0, 1.0, total), 20)


def _soft(track: Array, steps: int) -> Array:
    """``track`` (T, ...) under a triangular window that reaches ``steps`` control steps either way."""
    window = np.bartlett(2 * steps + 3)
    window /= window.sum()
    padded = np.pad(track, [(steps + 1, steps + 1)] + [(0, 0)] * (track.ndim - 1), mode="edge")
    if track.ndim == 1:
        return np.convolve(padded, window, "valid")
    return np.stack([np.convolve(padded[:, k], window, "valid") for k in range(track.shape[1])], 1)
