"""The feed of *samples*: PCM by sample position, cut into hops, between a source's thread and the loop's.

The ring cannot grow: it overwrites its oldest samples (``overruns``), or makes a fast writer wait. Positions are
absolute: sample ``k * hop`` is the first of frame k for the whole session, whatever was lost on the way. What is
written goes to the rings that follow as well, so that several bundles of one session, at rates of their own, hear one
voice.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.sound.resample import StreamingResampler

CAPACITY_S = 4.0
"""Sound that a session keeps, seconds."""
BACKLOG_HOPS = 8
"""Unread hops at which a writer that asked to be held back waits (0.32 s at 25 frames/s)."""

_MARKS = 1024
_STOP_POLL_S = 0.05


@dataclass(frozen=True)
class Hop:
    """The audio of one frame: ``samples`` (hop,) float32 mono, ``capture_ns`` of its last sample on the engine's clock,
    ``valid`` False when any of it is filler (no audio stream, a gap, samples lost to an overrun)."""

    samples: NDArray[np.float32]
    capture_ns: int
    valid: bool


class AudioRing:
    """Mono float32 PCM at the model's rate, cut into hops. Thread-safe; any number of readers of one timeline.

    ``rate`` in Hz, ``hop`` in samples, ``capacity_s`` in seconds (rounded up to whole hops, at least
    ``BACKLOG_HOPS + 1``). Drop rule: a write beyond the capacity overwrites the oldest unread samples and counts them
    in ``overruns``; reading a hop that was overwritten gives silence with ``valid`` False.

    Samples take the next position in order of arrival. One exception: where the loop went on without them
    (:meth:`skip_to`), a block captured after a gap goes to the position that its time implies, so that a microphone
    that returns after three seconds is heard at once and not three seconds late, while a delayed burst of old samples
    stays where it belongs and is passed over (``late_samples``).
    """

    def __init__(self, rate: int, hop: int, capacity_s: float) -> None:
        if rate <= 0 or hop <= 0 or not capacity_s > 0:
            raise EngineError(
                f"audio ring of {capacity_s} s at {rate} Hz in hops of {hop}: all three have to be positive"
            )
        self.rate = rate
        self.hop = hop
        self.overruns = 0
        """Unread samples overwritten because the reader was too far behind."""
        self.late_samples = 0
        """Samples that arrived after the loop had gone on without them."""
        self._size = max(-(-round(capacity_s * rate) // hop), BACKLOG_HOPS + 1) * hop
        self._samples = np.zeros(self._size, np.float32)
        self._valid = np.zeros(self._size, np.bool_)
        self._changed = threading.Condition()
        self._written = 0  # position after the newest sample
        self._read = 0  # position before which the reader wants nothing more
        self._ended = False
        # (position, ns): at ns the samples before position had been captured. The anchor is where time and position
        # last agreed: the newest mark while the reader waits for samples, the reader's word once it went on without.
        self._anchor: tuple[int, int] | None = None
        self._marks: deque[tuple[int, int]] = deque(maxlen=_MARKS)
        self._followers: list[tuple[AudioRing, StreamingResampler | None]] = []
        self._heard: list[Callable[[NDArray[np.float32], int], None]] = []
        self._wake: Callable[[], None] | None = None

    def wakes(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` whenever a hop is complete or the stream ends; it has to be quick."""
        self._wake = wake

    def follow(self, other: AudioRing) -> None:
        """Let all that is written here go to ``other`` too, at its rate. Before anything is written."""
        resampler = None if other.rate == self.rate else StreamingResampler(self.rate, other.rate)
        self._followers.append((other, resampler))

    def listen(self, heard: Callable[[NDArray[np.float32], int], None]) -> None:
        """Call ``heard(samples, end_ns)`` with valid sound as it is written, in the writer's thread."""
        self._heard.append(heard)

    @property
    def capacity(self) -> int:
        """Samples that the ring holds."""
        return self._size

    @property
    def ended(self) -> bool:
        """Whether :meth:`end` was called: nothing more will come."""
        with self._changed:
            return self._ended

    def write(
        self,
        samples: NDArray[np.float32],
        end_ns: int,
        valid: bool = True,
        block: bool = False,
        stop: threading.Event | None = None,
    ) -> bool:
        """Append mono ``samples`` (n,) whose last was captured at ``end_ns``; ``valid`` False marks filler.

        With ``block`` the writer waits while more than ``BACKLOG_HOPS`` hops are unread. Returns False when ``stop``
        was set before everything was written, or when the stream had ended; True otherwise.
        """
        total = len(samples)
        step = self.hop if block else max(total, 1)
        for first in range(0, total, step):
            part = samples[first : first + step]
            part_end_ns = end_ns - round((total - first - len(part)) * 1e9 / self.rate)
            if valid:  # before a reader can see it: whoever reads a hop may ask at once what was heard in it
                for heard in self._heard:
                    heard(part, part_end_ns)
            with self._changed:
                while block and not self._ended and self._written + len(part) > self._read + BACKLOG_HOPS * self.hop:
                    if stop is not None and stop.is_set():
                        return False
                    self._changed.wait(_STOP_POLL_S)
                if self._ended:
                    return False
                before = self._written
                self._append(np.asarray(part, np.float32), part_end_ns, valid)
                self._changed.notify_all()
                complete = self._written // self.hop > before // self.hop
            if complete and self._wake is not None:
                self._wake()
            for ring, resampler in self._followers:
                passed = part if resampler is None else resampler.push(np.asarray(part, np.float32))
                behind_ns = 0 if resampler is None else round(resampler.lag_s * 1e9)
                if not ring.write(passed, part_end_ns - behind_ns, valid, block, stop):
                    return False
        return True

    def hop_ready(self, k: int) -> bool:
        """Whether the last sample of hop ``k`` has a place in the ring (or has had)."""
        with self._changed:
            return self._ready(k)

    def read_hop(self, k: int) -> Hop | None:
        """Hop ``k``, or None while it is incomplete. Does not consume it: say so with :meth:`consumed`."""
        with self._changed:
            if not self._ready(k):
                return None
            first = k * self.hop
            capture_ns = self._time_of(first + self.hop)
            if first < self._written - self._size:
                return Hop(np.zeros(self.hop, np.float32), capture_ns, False)
            at = first % self._size  # the size is a whole number of hops, so a hop never wraps
            valid = bool(self._valid[at : at + self.hop].all())
            return Hop(self._samples[at : at + self.hop].copy(), capture_ns, valid)

    def wait(self, k: int, timeout_s: float) -> bool:
        """Wait until hop ``k`` is complete, the stream ends, or ``timeout_s`` seconds of real time pass.

        Returns whether the hop is complete.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ready(k) or self._ended, timeout_s)
            return self._ready(k)

    def newest_hop(self) -> int:
        """Index of the newest complete hop, -1 before the first."""
        with self._changed:
            return self._written // self.hop - 1

    def consumed(self, k: int) -> None:
        """The loop is done with hops up to and including ``k``; a waiting writer may go on."""
        self.skip_to(k + 1)

    def skip_to(self, k: int, begins_ns: int | None = None) -> None:
        """Hops before ``k`` are done with, whether their samples came or not.

        ``begins_ns``: the moment at which, in the loop's timetable, the capture of hop ``k`` begins. With it, samples
        captured later than that always find a place that is still to be read. Without it their place is reckoned from
        the last sample before the stall, which is as good as long as the loop counts its frames from there too.
        """
        with self._changed:
            self._read = max(self._read, k * self.hop)
            if begins_ns is not None and self._written < k * self.hop:
                self._anchor = (k * self.hop, begins_ns)
            self._changed.notify_all()

    def end(self) -> None:
        """No more will be written. A hop begun is completed with zeros, so the last sound is heard."""
        with self._changed:
            rest = -self._written % self.hop
            if rest and not self._ended:
                end_ns = self._time_of(self._written + rest)
                self._append(np.zeros(rest, np.float32), end_ns, bool(self._valid[(self._written - 1) % self._size]))
            self._ended = True
            self._changed.notify_all()
        for ring, _ in self._followers:
            ring.end()
        if self._wake is not None:
            self._wake()

    def position_at(self, ns: int) -> int:
        """How many samples had been captured at ``ns``, by the times that came with them (beyond the last, reckoned);
        0 where none came yet."""
        with self._changed:
            if not self._marks:
                return 0
            position, at_ns = self._marks[-1]
            return position + round((ns - at_ns) * self.rate / 1e9)

    @property
    def written(self) -> int:
        """Position after the newest sample."""
        return self._written

    def begins_ns(self, position: int) -> int:
        """When the sample at ``position`` was captured, reckoned back from the end of the block that brought it; of
        samples that have not come, beyond the last."""
        with self._changed:
            later = next((mark for mark in self._marks if mark[0] > position), None)
            known = later or (self._marks[-1] if self._marks else (0, 0))
            return known[1] - round((known[0] - position) * 1e9 / self.rate)

    def pass_over(self, end_ns: int) -> None:
        """What was captured by ``end_ns`` is done with unread: a writer that waits may go on."""
        position = self.position_at(end_ns)
        with self._changed:
            self._read = max(self._read, min(position, self._written))
            self._changed.notify_all()

    def read_span(self, first: int) -> Hop | None:
        """A hop of samples from position ``first`` on, or None while it is incomplete; what was overwritten or never
        came is invalid silence. The reader is done with what lies before it."""
        with self._changed:
            if first + self.hop > self._written:
                return None
            at = np.arange(first, first + self.hop) % self._size
            kept = first >= max(0, self._written - self._size)
            samples = self._samples[at] if kept else np.zeros(self.hop, np.float32)
            self._read = max(self._read, first)
            self._changed.notify_all()
            return Hop(samples, self._time_of(first + self.hop), kept and bool(self._valid[at].all()))

    def _ready(self, k: int) -> bool:
        return k >= 0 and (k + 1) * self.hop <= self._written

    def _append(self, samples: NDArray[np.float32], end_ns: int, valid: bool) -> None:
        if not len(samples):
            return
        left_behind = self._written < self._read
        if left_behind:
            self._resume(end_ns, len(samples))
            self.late_samples += min(len(samples), max(0, self._read - self._written))
        self._store(samples, valid)
        last_ns = self._marks[-1][1] if self._marks else end_ns
        self._marks.append((self._written, max(end_ns, last_ns)))
        if not left_behind or self._anchor is None:
            self._anchor = self._marks[-1]

    def _resume(self, end_ns: int, count: int) -> None:
        """Move to the position of a block of ``count`` samples that ends at ``end_ns``, if time was lost before it."""
        if self._anchor is None:  # nothing ever came: these are the first samples, and the loop waits at _read
            target = self._read
        else:
            position, ns = self._anchor
            target = position + round((end_ns - ns) * self.rate / 1e9) - count
            target = min(target, self._read + self._size)  # no reader profits from more filler than the ring holds
        gap = target - self._written
        if gap <= self.hop // 2:  # jitter of capture times, no loss
            return
        fill = min(gap, self._size)
        self._written += gap - fill
        self._store(np.zeros(fill, np.float32), False)
        self._marks.append((self._written, end_ns - round(count * 1e9 / self.rate)))

    def _store(self, samples: NDArray[np.float32], valid: bool) -> None:
        start, self._written = self._written, self._written + len(samples)
        kept = samples[-self._size :]
        at = (start + len(samples) - len(kept)) % self._size
        head = min(len(kept), self._size - at)
        self._samples[at : at + head], self._samples[: len(kept) - head] = kept[:head], kept[head:]
        self._valid[at : at + head] = self._valid[: len(kept) - head] = valid
        if self._written - self._size > self._read:
            self.overruns += self._written - self._size - self._read
            self._read = self._written - self._size

    def _time_of(self, position: int) -> int:
        """Nanoseconds at which the samples before ``position`` had been captured, between or beyond the marks."""
        later = None
        for mark in reversed(self._marks):
            if mark[0] <= position:
                if later is None or mark[0] == position:
                    return mark[1] + round((position - mark[0]) * 1e9 / self.rate)
                (p0, t0), (p1, t1) = mark, later
                return t0 + ((t1 - t0) * (position - p0) + (p1 - p0) // 2) // (p1 - p0)
            later = mark
        if later is None:
            return 0
        return later[1] - round((later[0] - position) * 1e9 / self.rate)
