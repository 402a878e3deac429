"""Recursive filters over sound in blocks of any length: against an offset, rumble and the hum of the mains.

Second-order sections are one linear system. Over 128 samples its response is a matrix product of the input and of the
state before, so sound is filtered without a loop over samples and without waiting: a stretch that is not full yet is
filled up with zeros, whose outputs nobody asks for. Written here since ``scipy.signal.sosfilt`` would cost every
engine 76 MiB of memory and 0.8 s at its start.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STRETCH = 128
OFFSET_HZ = 20.0
"""High-pass of second order (Butterworth) that takes an offset off within 0.1 s; 80 Hz, a deep voice, loses 0.02 dB."""
RUMBLE_HZ = 40.0
"""High-pass of fourth order for what lies under a voice: steps, traffic, a fan."""
MAINS_HZ, HARMONICS, NOTCH_HZ = (50.0, 60.0), 6, 2.0
"""Hum has overtones of the mains' frequency; each notch is so wide (-3 dB) and settles in 0.2 s."""


class Section(NamedTuple):
    """A second-order section: y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]."""

    b0: float
    b1: float
    b2: float
    a1: float
    a2: float


class _System(NamedTuple):
    """A cascade over one stretch. ``taps`` outputs, ``states`` numbers kept."""

    forced: Array  #: (taps, STRETCH, STRETCH): outputs of the stretch's inputs
    free: Array  #: (taps, STRETCH, states): outputs of the state before
    driven: Array  #: (states, STRETCH): what the inputs add to the state after
    step: Array  #: (states, states): what is left of the state before


class VoiceFilter:
    """The filters over ``channels`` channels at ``rate`` Hz; a stream of blocks of any length."""

    def __init__(self, rate: int, channels: int) -> None:
        self._system = _system(rate)
        self._state = np.zeros((channels, len(self._system.step)))
        self._held = np.zeros((channels, 0))

    def push(self, samples: Array) -> tuple[Array, Array]:
        """``samples`` (n, channels), finite: without their offset, and without rumble and hum as well; (n, channels)
        each."""
        count, done = len(samples), self._held.shape[1]
        whole = np.concatenate([self._held, samples.T], 1)
        stretches = -(-whole.shape[1] // STRETCH)
        filled = np.zeros((len(whole), stretches * STRETCH))
        filled[:, : whole.shape[1]] = whole
        inputs = filled.reshape(len(whole), stretches, STRETCH)
        # einsum sums every output by itself, so how sound is cut into blocks cannot move a bit of it, as BLAS would.
        driven = np.einsum("kj,cbj->cbk", self._system.driven, inputs)
        before = np.empty_like(driven)
        for stretch in range(stretches):
            before[:, stretch] = self._state
            if (stretch + 1) * STRETCH <= whole.shape[1]:
                self._state = self._state @ self._system.step.T + driven[:, stretch]
        out = np.einsum("tij,cbj->tcbi", self._system.forced, inputs)
        out += np.einsum("tik,cbk->tcbi", self._system.free, before)
        self._held = whole[:, whole.shape[1] // STRETCH * STRETCH :]
        kept = out.reshape(2, len(whole), -1)[:, :, done : done + count]
        return kept[0].T, kept[1].T


def high_pass(rate: int, hertz: float, order: int) -> list[Section]:
    """Butterworth of an even ``order`` (bilinear, pre-warped)."""
    w = math.tan(math.pi * hertz / rate)
    sections = []
    for damping in (2 * math.sin(math.pi * (k + 0.5) / order) for k in range(order // 2)):
        whole = 1 + damping * w + w * w
        sections.append(Section(1 / whole, -2 / whole, 1 / whole, 2 * (w * w - 1) / whole, 1 - 2 * damping * w / whole))
    return sections


def notches(rate: int) -> list[Section]:
    """A notch at each multiple of the mains' frequencies that there is below half the rate."""
    found = sorted({hertz * k for hertz in MAINS_HZ for k in range(1, HARMONICS + 1)})
    sections = []
    for hertz in (hertz for hertz in found if hertz < 0.45 * rate):
        turn = 2 * math.cos(2 * math.pi * hertz / rate)
        gain = 1 / (1 + math.tan(math.pi * NOTCH_HZ / rate))
        sections.append(Section(gain, -gain * turn, gain, -gain * turn, 2 * gain - 1))
    return sections


@cache
def _system(rate: int) -> _System:
    """The offset's filter (first tap), then all others (second tap) at ``rate`` Hz, as one system over a stretch."""
    first = high_pass(rate, OFFSET_HZ, 2)
    second = [*high_pass(rate, RUMBLE_HZ, 4), *notches(rate)]
    states = 2 * (len(first) + len(second))
    # One sample from every unit state, and from a unit input, gives the matrices of a sample.
    columns = [_sample(first, second, np.eye(states)[:, k], 0.0) for k in range(states)]
    columns.append(_sample(first, second, np.zeros(states), 1.0))
    after = np.stack([column[0] for column in columns], 1)
    out = np.stack([column[1] for column in columns], 1)
    step, enter, read, through = after[:, :-1], after[:, -1], out[:, :-1], out[:, -1]
    free, driven, power = np.empty((2, STRETCH, states)), np.empty((states, STRETCH)), np.eye(states)
    forced = np.zeros((2, STRETCH, STRETCH))
    for k in range(STRETCH):
        free[:, k] = read @ power
        driven[:, STRETCH - 1 - k] = power @ enter
        response = through if k == 0 else read @ driven[:, STRETCH - k]
        for place in range(k, STRETCH):
            forced[:, place, place - k] = response
        power = step @ power
    return _System(forced, free, driven, power)


def _sample(first: list[Section], second: list[Section], state: Array, value: float) -> tuple[Array, Array]:
    """State after a sample, and both taps of it (transposed direct form II)."""
    after, taps = np.empty_like(state), []
    for place, section in enumerate((*first, *second)):
        made = section.b0 * value + state[2 * place]
        after[2 * place] = section.b1 * value - section.a1 * made + state[2 * place + 1]
        after[2 * place + 1] = section.b2 * value - section.a2 * made
        value = made
        if place == len(first) - 1:
            taps.append(value)
    return after, np.array([*taps, value])
