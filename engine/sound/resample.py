"""Streaming sample-rate conversion with a short, fixed delay: the same samples live, from files and for training.

A linear-phase polyphase FIR, written here because the usual library cannot be both quick and clean in a stream: soxr
1.1 (48 -> 16 kHz, 1 ms blocks) holds back 6 to 37 ms at quality HQ and 1.5 to 20 ms at LQ, in bursts, as it filters
by FFT in large blocks; its quick mode delays nothing and does not filter (tones above 8 kHz fold back at 0 dB); its
variable-rate mode delays 12.5 ms. This one, from any rate to any: see ``delay_s``.

Kaiser window, 80 dB; with n the lower of the two Nyquist frequencies it passes up to n - 650 Hz and stops from
n + 150 Hz.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from engine.errors import EngineError

LOWEST_RATE, HIGHEST_RATE = 4_000, 384_000
"""Rates accepted, Hz."""

_STOPBAND_DB = 80.0
_TRANSITION_HZ = 800.0
_BELOW_NYQUIST_HZ = 250.0  # middle of the transition: speech has next to nothing there to fold back


class StreamingResampler:
    """Mono float32 from ``in_rate`` to ``out_rate`` Hz, in blocks of any length; the same output for any blocks.

    Output sample j belongs to the moment j / ``out_rate`` of the input, so nothing shifts in time; an output merely
    waits for the input that its filter looks ahead to. ``delay_s`` is that wait: 3.1 ms whatever the rates (measured
    in the tests), 0 where the rates are equal and samples pass untouched. Raises :class:`EngineError` for rates
    outside 4 to 384 kHz.
    """

    def __init__(self, in_rate: int, out_rate: int) -> None:
        for rate in (in_rate, out_rate):
            if rate != int(rate) or not LOWEST_RATE <= rate <= HIGHEST_RATE:
                raise EngineError(f"sample rate {rate} Hz: give a whole number from {LOWEST_RATE} to {HIGHEST_RATE} Hz")
        self.in_rate, self.out_rate = int(in_rate), int(out_rate)
        common = math.gcd(self.in_rate, self.out_rate)
        self._up, self._down = self.out_rate // common, self.in_rate // common
        self._same = self.in_rate == self.out_rate
        self._half = 0 if self._same else _half_length(self.in_rate)
        self._filters = np.ones((1, 1), np.float32) if self._same else _polyphase(self.in_rate, self.out_rate)
        self._taps = self._filters.shape[1]
        self.reset()

    @property
    def delay_s(self) -> float:
        """Seconds of input after its own moment that an output sample waits for."""
        return self._half / self.in_rate

    @property
    def lag_s(self) -> float:
        """Seconds by which the end of the output so far is behind the end of the input so far."""
        return self._taken / self.in_rate - self._given / self.out_rate

    def reset(self) -> None:
        """Forget all input; the next sample is the first."""
        self._taken = self._given = 0
        # Silence before the first sample: a full left half of the filter.
        self._tail = np.zeros(max(self._half - 1, 0), np.float32)
        self._tail_at = -len(self._tail)  # input position of the first sample of the tail

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The output (m,) float32 that ``samples`` (n,) complete; m may be 0."""
        block = np.asarray(samples, np.float32)
        self._taken += len(block)
        if self._same:
            self._given += len(block)
            return block.copy()
        return self._filtered(block, self._outputs_for(self._taken - self._half))

    def flush(self) -> NDArray[np.float32]:
        """The rest of the output, up to the end of the input; the resampler is then as new."""
        due = -(-self._taken * self._up // self._down)
        rest = np.zeros(0, np.float32)
        if not self._same:
            rest = self._filtered(np.zeros(self._half, np.float32), due)
        self.reset()
        return rest

    def _outputs_for(self, known: int) -> int:
        """Outputs whose filter needs no input from position ``known + half`` on."""
        return max(0, -(-known * self._up // self._down))

    def _filtered(self, block: NDArray[np.float32], total: int) -> NDArray[np.float32]:
        held = np.concatenate([self._tail, block])
        number = np.arange(self._given, total, dtype=np.int64) * self._down
        base, phase = number // self._up, number % self._up
        out = np.zeros(len(number), np.float32)
        if len(number):
            windows = sliding_window_view(held, self._taps)[base - (self._half - 1) - self._tail_at]
            # einsum sums each row by itself, so the blocks' lengths cannot move a bit of the result, as BLAS would.
            np.einsum("ij,ij->i", windows, self._filters[phase], out=out)
            self._given = total
        keep_from = self._given * self._down // self._up - (self._half - 1) - self._tail_at
        keep_from = min(max(keep_from, 0), len(held))
        self._tail, self._tail_at = held[keep_from:].copy(), self._tail_at + keep_from
        return out


def _half_length(in_rate: int) -> int:
    """Input samples on either side of an output's moment."""
    return math.ceil((_STOPBAND_DB - 8) / (2.285 * 2 * math.pi * _TRANSITION_HZ) / 2 * in_rate)


def _polyphase(in_rate: int, out_rate: int) -> NDArray[np.float32]:
    """The filters (phases, taps): row p makes the outputs that fall p / phases of an input sample after one."""
    phases = out_rate // math.gcd(in_rate, out_rate)
    half = _half_length(in_rate)
    cutoff = (min(in_rate, out_rate) / 2 - _BELOW_NYQUIST_HZ) / in_rate  # cycles per input sample
    beta = 0.1102 * (_STOPBAND_DB - 8.7)
    # Tap i of a row meets the input sample i - (half - 1) after the base; the output sits p / phases after the base.
    offsets = (np.arange(2 * half) - (half - 1))[None, :] - (np.arange(phases) / phases)[:, None]
    window = np.i0(beta * np.sqrt(np.clip(1 - (offsets / half) ** 2, 0, None))) / np.i0(beta)
    filters = 2 * cutoff * np.sinc(2 * cutoff * offsets) * window
    return np.asarray(filters / filters.sum(axis=1, keepdims=True), np.float32)
