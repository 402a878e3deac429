"""Plays timed audio and faces into feeds: in real time, or as fast as the reader takes them.

File and built-in partner both become *laps* (one pass through the material), each with blocks of audio and faces with
times; this module alone knows about pacing, back-pressure and order. Both ways put every face and word of time <= t
before the audio up to t, so the frame that ends at t sees it - except where faces cost time (a tracker): in real time
those run on a thread of their own, newest first, and arrive when they are done, as a camera's would.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.clock import Clock
from engine.errors import EngineError
from engine.feeds.feeds import Feeds
from engine.feeds.samples import AudioRing
from engine.feeds.words import Word
from engine.sources.base import FaceFeed, joined

PIECE_S = 0.02
"""Longest piece of audio released at once in real time, seconds: what a sound card would hand over."""

SILENT_RATE = 16_000
"""Samples a second by which material is timed for a model that hears nothing."""

_LATE_NS = 100_000_000  # material that grows and comes later than this is played later from there on
_JOIN_S = 10.0


@dataclass(frozen=True)
class AudioBlock:
    """The next ``samples`` (n,) float32 at the ring's rate; ``valid`` False where they are filler."""

    samples: NDArray[np.float32]
    valid: bool = True


@dataclass(frozen=True)
class FaceItem:
    """A face ``at_ns`` nanoseconds into its lap; ``read`` does the work (tracking) and gives (58,) float32 or None."""

    at_ns: int
    read: Callable[[], NDArray[np.float32] | None]


@dataclass(frozen=True)
class WordItem:
    """A word ``text`` said from ``start_ns`` to ``end_ns`` nanoseconds into its lap."""

    start_ns: int
    end_ns: int
    text: str


@dataclass(frozen=True)
class Lap:
    """One pass through the material. The audio blocks, end to end, say how long it is; later faces and words are left
    out. Faces and words come in order of time. ``grows``: it is still being made, and may be waited for; in real time
    what comes too late then moves all that follows."""

    audio: Iterable[AudioBlock]
    faces: Iterable[FaceItem] = ()
    words: Iterable[WordItem] = ()
    grows: bool = False


def playing_rate(feeds: Feeds, owner: str = "partner") -> int:
    """The rate (Hz) at which a player of these feeds wants its owner's audio."""
    return feeds.samples[owner].rate if owner in feeds.samples else SILENT_RATE


class Player:
    """Plays ``laps`` one after the other on a thread, from :meth:`start` to the end or :meth:`stop`.

    In real time it begins together with the session's others (:class:`~engine.feeds.together.Together`). ``fast``: no
    pacing; the writer waits for the reader instead, so the result does not depend on timing. Capture times
    are then the session's start plus media time, ahead of the clock. ``slow_faces``: reading a face takes long enough
    to need its own thread in real time; where it falls behind, pictures are passed over (``skipped_faces``). ``owner``:
    whose voice and face it is. Where nothing is heard the sound only keeps the time, and ``fast`` goes by the faces
    instead, from the session's start on. An error while reading ends the play and becomes the ``problem``.
    """

    def __init__(
        self,
        laps: Iterable[Lap],
        feeds: Feeds,
        clock: Clock,
        fast: bool,
        slow_faces: bool,
        owner: str = "partner",
    ) -> None:
        self.skipped_faces = 0
        self._laps = laps
        heard = owner in feeds.samples
        self._audio = feeds.samples[owner] if heard else AudioRing(SILENT_RATE, SILENT_RATE // 25, 1.0)
        self._origin_ns, self._face = feeds.start_ns, feeds.latest.get(("face", owner))
        self._together = feeds.together
        self._waited_for = False
        self._feed = FaceFeed(self._face)
        self._words = _WordFeed(feeds, owner)
        self._block = fast and heard
        self._clock = clock
        self._fast = fast
        self._own_thread = slow_faces and not fast
        self._stop = threading.Event()
        self._in_turn = self._stop if fast and not heard else None
        self._finished = threading.Event()
        self._failure: str | None = None
        self._position = 0
        self._late_ns = 0
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)

    def start(self) -> None:
        """Begin to play."""
        if not self._fast:
            self._together.expect()
            self._waited_for = True
        self._thread.start()

    def stop(self) -> None:
        """Stop playing and wait for the threads."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    @property
    def finished(self) -> bool:
        """Whether all was played, or playing failed."""
        return self._finished.is_set()

    @property
    def problem(self) -> str | None:
        """What went wrong, or that no face is seen; None when all is well."""
        return joined(self._failure, self._feed.problem)

    def _run(self) -> None:
        try:
            self._play()
        except EngineError as error:
            self._failure = str(error)
        except Exception as error:  # a thread has no caller: whatever it is, the loop has to hear of it
            self._failure = f"playing failed: {type(error).__name__}: {error}"
        finally:
            if self._waited_for:
                self._together.leave(self._clock)
            self._audio.end()
            if self._face is not None:
                self._face.end()
            self._finished.set()

    def _play(self) -> None:
        start_ns: int | None = None
        for lap in self._laps:
            blocks = iter(lap.audio)
            first = next(blocks, None)  # opening a file takes time, which must not count as time played
            if first is None:
                raise EngineError("there is nothing to play: neither sound nor pictures came of it")
            start_ns = self._begin_ns() if start_ns is None else start_ns
            lap_ns = start_ns + self._media_ns(self._position)
            pieces = self._pieces(itertools.chain([first], blocks))
            self._words.begin(lap.words, lap_ns)
            if self._own_thread:
                self._with_face_thread(pieces, lap, start_ns, lap_ns)
            else:
                self._merged(pieces, lap, start_ns, lap_ns)
            if self._stop.is_set():
                return

    def _begin_ns(self) -> int:
        if not self._waited_for:
            return self._origin_ns
        self._waited_for = False
        return self._together.begin(self._clock, self._stop)

    def _merged(self, pieces: Iterator[AudioBlock], lap: Lap, start_ns: int, lap_ns: int) -> None:
        faces = iter(lap.faces)
        face = next(faces, None)
        for piece in pieces:
            end_ns = self._due_ns(piece, start_ns, lap.grows)
            while face is not None and self._face_ns(face, lap_ns) <= end_ns and not self._stop.is_set():
                self._feed.put(self._face_ns(face, lap_ns), face.read(), self._in_turn)
                face = next(faces, None)
            if not self._release(piece, end_ns):
                return

    def _with_face_thread(self, pieces: Iterator[AudioBlock], lap: Lap, start_ns: int, lap_ns: int) -> None:
        over = threading.Event()
        worker = threading.Thread(target=self._faces, args=(lap.faces, lap_ns, over), name="faces", daemon=True)
        worker.start()
        try:
            for piece in pieces:
                end_ns = self._due_ns(piece, start_ns, lap.grows)
                if not self._release(piece, end_ns):
                    return
        finally:
            over.set()
            worker.join(_JOIN_S)

    def _due_ns(self, piece: AudioBlock, start_ns: int, grows: bool) -> int:
        """Wait until the end of a piece is due; when that was."""
        media_ns = start_ns + self._media_ns(self._position + len(piece.samples))
        if not self._fast:
            behind_ns = self._clock.now_ns() - media_ns - self._late_ns
            if grows and behind_ns > _LATE_NS:
                self._late_ns += behind_ns
                self._words.move(behind_ns)
            self._clock.sleep_until(media_ns + self._late_ns, self._stop)
        return media_ns + self._late_ns

    def _face_ns(self, face: FaceItem, lap_ns: int) -> int:
        return lap_ns + self._late_ns + face.at_ns

    def _faces(self, faces: Iterable[FaceItem], lap_ns: int, over: threading.Event) -> None:
        try:
            items = iter(faces)
            face = next(items, None)
            while face is not None and not over.is_set():
                following = next(items, None)  # decoded ahead of time, so that tracking starts on time
                while (due_ns := self._face_ns(face, lap_ns)) > self._clock.now_ns() and not over.is_set():
                    self._clock.sleep_until(due_ns, over)  # again where all was moved meanwhile
                if over.is_set():
                    return
                if following is not None and self._face_ns(following, lap_ns) <= self._clock.now_ns():
                    self.skipped_faces += 1
                else:
                    self._feed.put(due_ns, face.read())
                face = following
        except EngineError as error:
            self._failure = str(error)
        except Exception as error:  # as in _run: the audio goes on, and the loop hears of it
            self._failure = f"reading faces failed: {type(error).__name__}: {error}"

    def _pieces(self, blocks: Iterable[AudioBlock]) -> Iterator[AudioBlock]:
        """Blocks of at most ``PIECE_S`` that never cross the end of a hop, so that hop times are exact."""
        longest = max(1, int(self._audio.rate * PIECE_S))
        for block in blocks:
            at = 0
            while at < len(block.samples):
                room = self._audio.hop - self._position % self._audio.hop
                piece = block.samples[at : at + min(longest, room)]
                yield AudioBlock(piece, block.valid)
                at += len(piece)

    def _release(self, piece: AudioBlock, end_ns: int) -> bool:
        """Write a piece and move on; False when asked to stop."""
        if self._stop.is_set():
            return False
        self._position += len(piece.samples)
        self._words.up_to(end_ns)
        return self._audio.write(piece.samples, end_ns, piece.valid, block=self._block, stop=self._stop)

    def _media_ns(self, position: int) -> int:
        return (position * 1_000_000_000 + self._audio.rate // 2) // self._audio.rate


class _WordFeed:
    """Passes on the words of a lap when their time comes, to all who want their owner's words."""

    def __init__(self, feeds: Feeds, owner: str) -> None:
        self._ring = feeds.words.get(owner)
        self._lap_ns = 0
        self._items: Iterator[WordItem] = iter(())
        self._next: WordItem | None = None

    def begin(self, items: Iterable[WordItem], lap_ns: int) -> None:
        """The words of the lap that begins at ``lap_ns``."""
        self._items, self._lap_ns = iter(items), lap_ns
        self._next = next(self._items, None)

    def move(self, ns: int) -> None:
        """All that is still to come comes later by ``ns``."""
        self._lap_ns += ns

    def up_to(self, moment_ns: int) -> None:
        """Put the words that have begun by then."""
        while self._next is not None and self._lap_ns + self._next.start_ns <= moment_ns:
            word, self._next = self._next, next(self._items, None)
            if self._ring is not None:
                self._ring.put(Word(word.text, self._lap_ns + word.start_ns, self._lap_ns + word.end_ns))
