"""The avatar's own voice in its partner's sound: a loudspeaker heard by the microphone, or one sound given for both.

**Found** by the coherence of both over lags up to half a second: the cross spectrum and both power spectra are averaged
over the last seconds in which the own voice spoke, and the cross spectrum is divided by the powers (the smoothed
coherence transform of Carter, Nuttall & Cable 1973, a kin of GCC-PHAT, Knapp & Carter 1976, IEEE Trans. ASSP 24). Of an
echo a peak of 0.55 to 1 remains at its lag, beneath a partner who is 12 dB louder 0.35; of two people who talk at once
0.06 at most.

**Held back**, where that is asked for, by what is left of the partner's sound when the echo is taken off: the same
spectra say how the room changes the own voice (a Wiener filter, cut to the taps after the lag), which foretells the
echo of each hop. Where what is left is small against that, the hop is turned down to the floor of the partner's sound;
where somebody speaks, it passes untouched, and for two hops more. The filter takes nothing off what passes.

Both voices are heard at about 4 kHz, where a hop costs 0.1 to 0.3 ms whatever the rate. It is causal and delays
nothing: a hop is judged by what came up to its end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sound.level import SILENT, Floor

EchoMode = Literal["gate", "say", "off"]
ECHO_MODES: tuple[EchoMode, ...] = ("gate", "say", "off")
"""Find it and hold it back; find it and say so; neither."""
RATE = 4_000
"""Hz, about: the sound is thinned out by a whole number to no less."""
SPAN = 4_096
"""Samples at that rate of the own voice in which a hop of the partner's is looked for (1 s)."""
LONGEST_LAG_S, EARLY_S = 0.5, 0.04
"""Lags that are looked at; by the second the own voice may be told later than its echo is heard."""
MEMORY_S = 3.0
"""Of the averages, in seconds of own voice."""
BEGINS, ENDS = 0.12, 0.06
"""Peak of the coherence above which there is an echo, and below which there is none any more."""
LEARN_S, SURE_S = 1.5, 0.5
"""Own voice before anything is believed, and for which the peak has to stand."""
LEAST_POWER = 1e-6
"""Of the own voice's last second (-60 dBFS), below which it is silent and nothing is learnt."""
BEFORE_S, AFTER_S = 0.005, 0.2
"""Taps of the echo's path that are believed, before and after its lag: those of a room."""
LEFT, ABOVE_FLOOR = 0.5, 4.0
"""Somebody speaks where more is left than this share of the echo foretold, and than so many times the floor."""
FADES = 0.6
"""By which the echo foretold counts on, a hop later: what a room's late tail leaves is no voice."""
LOUDER = 4.0
"""By which an echo may be louder or softer than foretold: the front end raises a voice faster than a path is learnt."""
STAYS_OPEN = 2
RAMP_S = 0.005
_HALF = 8
_BAND = (150.0, 1_700.0)
_LONGEST_PIECE = SPAN // 8
_TINY = 1e-12
Array = NDArray[np.float32]
Spectrum = NDArray[np.complexfloating[Any, Any]]


class _Judged(NamedTuple):
    """Of a hop of the partner's sound: the energies of it, of what is left of it without the echo that was foretold,
    and of that."""

    all: float
    left: float
    foretold: float


class Echo:
    """Hears hop after hop of both voices at ``rate`` Hz, in step. ``holds``: whether :meth:`heard` holds an echo back.
    ``gain_db`` tells by how much the partner's sound was raised against the own before it came here. Used by one
    thread, asked by any."""

    def __init__(self, rate: int, holds: bool = False, gain_db: Callable[[], float] = lambda: 0.0) -> None:
        self.notices: tuple[str, ...] = ()
        """What is to be said, once."""
        self.found = False
        self.lag_s, self.level_db = math.nan, math.nan
        self.held_s = 0.0
        """Seconds of the partner's sound that were held back."""
        self._rate, self._holds, self._gain_db = rate, holds, gain_db
        self._every = max(1, rate // RATE)
        self._thin = rate / self._every
        self._own, self._partner = _Thinned(self._every), _Thinned(self._every)
        early = round(EARLY_S * self._thin)
        self._early = early
        self._heard = np.zeros(SPAN, np.float32)  # of the own voice, the newest last
        self._later = np.zeros(early, np.float32)  # of the partner's sound that is not compared yet
        bins = SPAN // 2 + 1
        hertz = np.arange(bins) * self._thin / SPAN
        self._band = ((hertz > _BAND[0]) & (hertz < min(_BAND[1], 0.42 * self._thin))).astype(np.float32)
        self._band *= SPAN / 2 / max(float(self._band.sum()), 1.0)
        self._cross: Spectrum = np.zeros(bins, np.complex64)
        self._powers = np.zeros((2, bins), np.float32)
        self._learnt_s = self._stands_s = 0.0
        self._place = 0  # the lag, in thinned samples from the earliest
        self._path: Spectrum = np.zeros(bins, np.complex64)
        self._foretold, self._open = 0.0, 0
        self._floor, self._thin_floor = Floor(), Floor()
        self._gain = 1.0

    def heard(self, own: Array | None, partner: Array | None) -> Array | None:
        """The next hop (n,) of both, None where there is none; the partner's as a model ought to hear it: as it is, or
        of an echo that is held back a softer copy."""
        if own is None and partner is None:
            return None
        count = len(own) if own is not None else len(partner) if partner is not None else 0
        nothing = np.zeros(count, np.float32)
        thin = self._own.push(_sound(own, nothing)), self._partner.push(_sound(partner, nothing))
        pieces = [slice(first, first + _LONGEST_PIECE) for first in range(0, len(thin[0]), _LONGEST_PIECE)]
        judged = [self._compare(thin[0][piece], thin[1][piece]) for piece in pieces]
        if partner is None or not judged or not self._holds:
            return partner
        return self._held_back(partner, _Judged(*(sum(part) / len(thin[0]) for part in zip(*judged, strict=True))))

    def told(self) -> dict[str, Any]:
        """Plain values: ``echo_db``, its level against the own voice, and ``echo_ms``, its lag (None where there is no
        echo now); ``echo_held_s``, seconds held back so far."""
        known = self.found and math.isfinite(self.level_db)
        return {
            "echo_db": round(self.level_db - self._gain_db(), 1) if known else None,
            "echo_ms": round(1e3 * self.lag_s) if known else None,
            "echo_held_s": round(self.held_s, 2),
        }

    def _compare(self, own: Array, partner: Array) -> _Judged:
        """Learn from a piece of both, and judge the partner's by what is known by now."""
        count = len(own)
        self._heard = np.concatenate([self._heard[count:], own])
        later = np.concatenate([self._later, partner])
        compared, self._later = later[:count], later[count:]
        energy = _energy(partner)
        if _energy(self._heard) < LEAST_POWER * SPAN:
            return _Judged(energy, energy, 0.0)
        blocks = np.zeros((3, SPAN), np.float32)
        blocks[0] = self._heard
        # The powers are those of what the echo is compared with, or each word's beginning would spoil the filter.
        blocks[1, -count:] = self._heard[SPAN - count - self._place : SPAN - self._place]
        blocks[2, -count:] = compared
        spoken, here, there = np.fft.rfft(blocks)
        keep = np.float32(math.exp(-count / (self._thin * MEMORY_S)))
        self._cross = keep * self._cross + (1 - keep) * np.conj(spoken) * there
        self._powers = keep * self._powers + (1 - keep) * np.abs(np.stack([here, there])) ** 2
        self._learnt_s += count / self._thin
        self._look(count / self._thin)
        if not self.found:
            return _Judged(energy, energy, 0.0)
        foretold = np.fft.irfft(spoken * self._path)[-count:]
        known = float(partner @ foretold) / (_energy(foretold) + _TINY)
        foretold *= min(max(known, 1.0 / LOUDER), LOUDER)
        return _Judged(energy, _energy(partner - foretold), _energy(foretold))

    def _look(self, seconds: float) -> None:
        """Where the coherence has its peak, and whether that is an echo."""
        own, partner = self._powers
        coherence = np.fft.irfft(self._band * self._cross / np.sqrt(own * partner + _TINY**2))
        lags = np.abs(coherence[: round((EARLY_S + LONGEST_LAG_S) * self._thin)])
        place = int(np.argmax(lags))
        self._stands_s = self._stands_s + seconds if lags[place] > (ENDS if self.found else BEGINS) else 0.0
        known = self._learnt_s > LEARN_S
        self.found = known and (self._stands_s > 0.0 if self.found else self._stands_s > SURE_S)
        if not self.found:
            return
        self._place, self.lag_s = place, (place - self._early) / self._thin
        path = np.fft.irfft(self._cross / (own + 1e-3 * own.mean() + _TINY))
        taps = np.zeros(SPAN, np.float32)
        first, last = place - round(BEFORE_S * self._thin), place + round(AFTER_S * self._thin)
        taps[max(0, first) : last] = path[max(0, first) : last]
        level = np.abs(np.fft.rfft(taps)) ** 2
        self.level_db = 10.0 * math.log10(float(level @ own) / (float(own.sum()) + _TINY) + _TINY)
        taps[: self._early] = 0.0  # what the own voice is yet to say foretells nothing
        self._path = np.fft.rfft(np.roll(taps, -self._early))
        if not self.notices:
            self.notices = (self._words(),)

    def _words(self) -> str:
        level, lag = round(self.level_db - self._gain_db()), round(1e3 * self.lag_s)
        same = abs(level) <= 3 and abs(lag) <= 5
        remedy = (
            "both were given the same sound: give the partner's own file or device"
            if same
            else "the microphone hears the loudspeaker: wear headphones or turn it down"
        )
        held = "--echo gate holds it back" if not self._holds else "it is held back while nobody speaks over it"
        return f"the avatar's own is heard in it, {level:+d} dB and {lag} ms later; {remedy}; {held}"

    def _held_back(self, partner: Array, hop: _Judged) -> Array:
        """The partner's hop, turned down where it is an echo and nothing else; ``hop`` in powers."""
        power = _energy(_sound(partner, partner)) / len(partner)
        floor = self._floor.add(power) if power > SILENT else self._floor.value
        thin_floor = self._thin_floor.add(hop.all) if hop.all > SILENT else self._thin_floor.value
        self._foretold = max(hop.foretold, FADES * self._foretold)
        speaks = hop.left > max(LEFT * self._foretold, ABOVE_FLOOR * thin_floor)
        self._open = STAYS_OPEN if speaks else self._open - 1
        held = self.found and self._open <= 0 and power > floor
        before, self._gain = self._gain, math.sqrt(floor / power) if held else 1.0
        self.held_s += held * len(partner) / self._rate
        if before == self._gain == 1.0:
            return partner
        gains = np.full(len(partner), self._gain, np.float32)
        ramp = min(len(partner), max(1, round(RAMP_S * self._rate)))
        gains[:ramp] = np.linspace(before, self._gain, ramp + 1, dtype=np.float32)[1:]
        return partner * gains


class _Thinned:
    """Every so many samples of a sound, without what would fold back, 8 of those late; the same for any blocks."""

    def __init__(self, every: int) -> None:
        self._every, self._phase = every, 0
        side = _HALF * every
        window = np.sinc(0.9 * np.arange(-side, side + 1) / every) * np.kaiser(2 * side + 1, 6.0)
        self._taps = (window / window.sum()).astype(np.float32)
        self._tail = np.zeros(2 * side, np.float32)

    def push(self, samples: Array) -> Array:
        """The thinned samples that ``samples`` (n,) complete."""
        if self._every == 1:
            return samples
        whole = np.concatenate([self._tail, samples])
        self._tail = whole[len(whole) - len(self._tail) :]
        first = -self._phase % self._every
        self._phase += len(samples)
        return np.convolve(whole, self._taps, "valid")[first :: self._every]


def _sound(samples: Array | None, nothing: Array) -> Array:
    """Finite samples: what is not would stay in the averages for ever."""
    if samples is None:
        return nothing
    return samples if np.isfinite(samples).all() else np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)


def _energy(samples: NDArray[np.floating[Any]]) -> float:
    return float(samples @ samples)
