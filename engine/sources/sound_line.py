"""Pieces of sound with times, put end to end at one rate: silence where there is none, nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from engine.sound.resample import StreamingResampler
from engine.sources.player import AudioBlock

_GAP_S = 0.05  # containers round timestamps to milliseconds: less is no gap
_OVERLAP_S = 0.1
_SILENCE_S = 1.0


class SoundLine:
    """Makes consecutive blocks of mono float32 at ``rate`` Hz of pieces of any rate; ``on_gap`` is told of gaps."""

    def __init__(self, rate: int, on_gap: Callable[[], None]) -> None:
        self._rate = rate
        self._on_gap = on_gap
        self._position = 0  # samples at `rate` given out or held by the resampler's delay
        self._resampler: StreamingResampler | None = None
        self._run_start_s = 0.0
        self._run_count = 0

    @property
    def seconds(self) -> float:
        """Length so far."""
        return self._position / self._rate

    def sound(self, samples: NDArray[np.float32], rate: int, time_s: float | None) -> Iterator[AudioBlock]:
        """Mono sound (n,) that starts ``time_s`` after the beginning (None: right after what came before)."""
        running = self._resampler
        apart_s = 0.0
        if running is not None and time_s is not None:
            apart_s = time_s - (self._run_start_s + self._run_count / running.in_rate)
        if apart_s > _GAP_S:
            self._on_gap()
        if not -_OVERLAP_S <= apart_s <= _GAP_S or running is None or running.in_rate != rate:
            yield from self.end_run()
            start_s = self.seconds if time_s is None else time_s
            yield from self.silence_to(start_s)
            samples = samples[max(0, round((self.seconds - start_s) * rate)) :]  # a codec's run-in, or heard before
            running = self._resampler = StreamingResampler(rate, self._rate)
            self._run_start_s, self._run_count = self.seconds, 0
        self._run_count += len(samples)
        yield from self._given(running.push(samples), True)

    def end_run(self) -> Iterator[AudioBlock]:
        """Whatever the resampler still holds."""
        if self._resampler is not None:
            yield from self._given(self._resampler.flush(), True)
        self._resampler = None

    def silence_to(self, end_s: float) -> Iterator[AudioBlock]:
        """Invalid silence up to ``end_s`` after the beginning, in blocks of a second at most."""
        while (left := round(end_s * self._rate) - self._position) > 0:
            yield from self._given(np.zeros(min(left, round(_SILENCE_S * self._rate)), np.float32), False)

    def _given(self, samples: NDArray[np.float32], valid: bool) -> Iterator[AudioBlock]:
        self._position += len(samples)
        if len(samples):
            yield AudioBlock(samples, valid)
