"""A live own voice whose words nobody sends: a recogniser hears it and puts its words into the feed as it knows them.

It runs in a process of its own (:mod:`engine.speech.worker`), since it may compute for a second and hold the
interpreter: no frame waits for it. Words come 0.3 to 1.5 s after they were said, with the times at which they were; a
model is to bear that. When it cannot keep up, sound is left out rather than heard ever later.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.clock import Clock
from engine.errors import EngineError, clean
from engine.feeds.feeds import Feeds, Key
from engine.feeds.words import Word
from engine.sound.resample import StreamingResampler
from engine.speech.align import RATE

READY_S = 120.0
"""How long a recogniser may take to load its model."""
WAITING_S = 5.0
"""Sound that waits for the recogniser at most. Drop rule: the newest piece is left out, and counted."""
PIECE_S = 0.1
_MARKS = 4096  # pieces whose times are remembered: some minutes
_JOIN_S = 3.0


class Listening:
    """Gives the words of ``owner``'s voice as the recogniser ``name`` hears them; ``model`` is whisper's. Raises
    :class:`EngineError` where it, or its model, is not installed."""

    def __init__(self, name: str, model: str = "", owner: str = "self") -> None:
        self.name = f"recogniser {name}"
        self.gives: Collection[Key] = (("words", owner),)
        self.dropped_s = 0.0
        self.count = 0
        """Words that were heard so far."""
        self._owner = owner
        self._pieces: queue.Queue[NDArray[np.float32]] = queue.Queue(maxsize=round(WAITING_S / PIECE_S))
        self._marks: deque[tuple[int, int]] = deque(maxlen=_MARKS)  # (samples that the worker got by then, ns)
        self._sent = 0
        self._held = np.zeros(0, np.float32)
        self._resampler: StreamingResampler | None = None
        self._failure: str | None = None
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._worker = subprocess.Popen(
            [sys.executable, "-m", "engine.speech.worker", name, *([model] if model else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._await_ready()
        except EngineError:
            self.stop()
            raise

    def start(self, feeds: Feeds, clock: Clock) -> None:
        """Begin to listen. Raises :class:`EngineError` where the voice is not heard, or its words are not wanted."""
        if self._owner not in feeds.samples or self._owner not in feeds.words:
            raise EngineError(f"{self.name}: no bundle hears the words of its {self._owner}; leave --words out")
        ring, self._words = feeds.samples[self._owner], feeds.words[self._owner]
        self._resampler = None if ring.rate == RATE else StreamingResampler(ring.rate, RATE)
        for run in (self._send, self._receive):
            self._threads.append(threading.Thread(target=run, name=run.__name__.strip("_"), daemon=True))
            self._threads[-1].start()
        ring.listen(self._heard)

    def stop(self) -> None:
        """End the recogniser."""
        self._stop.set()
        self._worker.kill()
        for thread in self._threads:
            thread.join(_JOIN_S)
        for pipe in (self._worker.stdin, self._worker.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not written before it ended
                    pipe.close()
        self._worker.wait(_JOIN_S)

    @property
    def finished(self) -> bool:
        """Never over: the voice says when it is."""
        return False

    @property
    def problem(self) -> str | None:
        """That the recogniser ended, or cannot keep up; None when all is well."""
        if self._failure is None and self.dropped_s:
            return f"{self.name} is slower than speech: {self.dropped_s:.1f} s were not listened to"
        return self._failure

    def describe(self) -> dict[str, Any]:
        """How many words it heard, and what it left out."""
        return {"source": self.name, "words": self.count, "dropped_s": round(self.dropped_s, 1)}

    def _await_ready(self) -> None:
        """Wait until the worker says that it has its model."""
        told: list[bytes] = []
        reader = threading.Thread(target=lambda: told.append(self._line()), daemon=True)
        reader.start()
        reader.join(READY_S)
        said = _told(told[0]) if told else {}
        if "ready" not in said:
            why = clean(said.get("error", "it did not load")) or "it did not load"
            raise EngineError(why if why.startswith(("recogniser", "words")) else f"{self.name}: {why}")

    def _line(self) -> bytes:
        return self._worker.stdout.readline(1 << 16) if self._worker.stdout is not None else b""

    def _heard(self, samples: NDArray[np.float32], end_ns: int) -> None:
        """Sound as it is written, in the writer's thread: noted, and given to the worker by another."""
        made = samples if self._resampler is None else self._resampler.push(np.asarray(samples, np.float32))
        self._held = np.concatenate([self._held, np.asarray(made, np.float32)])
        end_ns -= 0 if self._resampler is None else round(self._resampler.lag_s * 1e9)
        size = round(PIECE_S * RATE)
        while len(self._held) >= size:
            piece, self._held = self._held[:size], self._held[size:]
            try:
                self._pieces.put_nowait(piece)
            except queue.Full:
                self.dropped_s += PIECE_S
                continue
            self._sent += size
            self._marks.append((self._sent, end_ns - len(self._held) * 1_000_000_000 // RATE))

    def _send(self) -> None:
        while not self._stop.is_set():
            try:
                piece = self._pieces.get(timeout=0.1)
            except queue.Empty:
                continue
            try:
                assert self._worker.stdin is not None
                self._worker.stdin.write(np.uint32(len(piece)).tobytes() + piece.astype("<f4").tobytes())
                self._worker.stdin.flush()
            except (OSError, ValueError):
                return  # it has ended, which the other thread says

    def _receive(self) -> None:
        while not self._stop.is_set():
            line = self._line()
            if not line:
                if not self._stop.is_set():
                    self._failure = f"{self.name} ended (code {self._worker.wait()}): no more words come"
                return
            said = _told(line)
            for text, start, end in said.get("words", ()):
                self.count += 1
                self._words.put(Word(text, self._when(start), self._when(end)))
            if "error" in said:
                self._failure = f"{self.name}: {clean(said['error'])}"

    def _when(self, seconds: float) -> int:
        """The time of a moment of the sound that the worker got, by the piece in which it lies."""
        marks, at = list(self._marks), round(seconds * RATE)
        place = min(bisect_left(marks, (at, 0)), len(marks) - 1)
        position, ns = marks[place]
        return ns - (position - at) * 1_000_000_000 // RATE


def _told(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
