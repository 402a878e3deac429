"""A stream from the network, or a device that FFmpeg reads, as conversation partner: RTSP, RTMP, HTTP, UDP, SRT, /dev.

It is played as it arrives, sound and pictures together by its timestamps. One thread reads and decodes, one passes the
sound on, one tracks the pictures. A stream that stalls or ends is a ``problem`` and is opened again, ever less often;
only one that states its length (a film on a web server) and has reached it is over.
"""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable, Collection
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.clock import Clock
from engine.errors import EngineError, clean
from engine.feeds.feeds import Feeds, Key
from engine.sources.address import is_address, shown
from engine.sources.base import FaceFeed, FaceTracker, joined
from engine.sources.inbox import Inbox, Item
from engine.sources.live_time import LiveTime
from engine.sources.looking import Found, look
from engine.sources.player import PIECE_S, AudioBlock, playing_rate
from engine.sources.reading import Picture, Reading, pyav, reason, upright
from engine.sources.retry import Retry
from engine.sources.sound_line import SoundLine
from engine.sources.tracks import TrackChoice

OPEN_S, READ_S = 8.0, 5.0
"""Seconds for which an address may keep silent when it is opened, and while it is read."""
STALL_S = 1.0
"""Seconds without anything after which a stream counts as stalled."""
_AT_END_S = 1.0  # a medium that ends so near the length it stated is over
_JOIN_S = 3.0
_AHEAD = ("http", "https", "ftp", "sftp")  # may be files, which come faster than they play


def is_live(text: str) -> bool:
    """Whether ``text`` names a stream or a device instead of a file."""
    if is_address(text):
        return True
    path = Path(text)
    return stat.S_ISCHR(path.stat().st_mode) if path.exists() else text.startswith("/dev/")


class StreamSource:
    """Plays ``address`` (an address or the path of a device) as it arrives; ``tracker``: without one there is no face.

    It is opened and looked into at once, and opened anew by :meth:`start`. User and password in an address are never
    shown. ``wait_s``: (for opening, for reading), seconds. Raises :class:`engine.errors.EngineError` when it does not
    answer in time, holds nothing to play, or has no track that ``choice`` names.
    """

    def __init__(
        self,
        address: str,
        tracker: Callable[[], FaceTracker | None] = lambda: None,
        choice: TrackChoice | None = None,
        wait_s: tuple[float, float] = (OPEN_S, READ_S),
    ) -> None:
        self._address, self._wait_s = address, wait_s
        self.name = f"stream {shown(address)}"
        self._av = pyav()
        self._found = self._look(choice or TrackChoice())
        self.tracks = self._found.tracks
        self._hears = self._found.sound is not None
        self._tracker = tracker() if self._found.picture is not None else None  # takes seconds to load
        roles = [*(["audio"] if self._hears else []), *(["face"] if self._tracker is not None else [])]
        self.gives: Collection[Key] = tuple((role, "partner") for role in roles)
        self._time = LiveTime(always=address.partition(":")[0].lower() not in _AHEAD)
        self._sound, self._pictures = Inbox(leading=self._hears), Inbox(leading=not self._hears)
        self.skipped_pictures = self._openings = 0
        self._stop, self._over, self._done = threading.Event(), threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        self._feed: FaceFeed | None = None
        self._trouble: dict[str, int] = {}
        self._came_ns = 0
        self._failure: str | None = None

    def start(self, feeds: Feeds, clock: Clock) -> None:
        """Begin to play."""
        self._clock, self._audio = clock, feeds.samples.get("partner")
        self._rate, self._front_end = playing_rate(feeds), feeds.front_end("partner")
        self._feed = FaceFeed(feeds.latest.get(("face", "partner")))
        self._came_ns = clock.now_ns()
        turns = [("stream", self._read), ("sound", self._play), ("faces", self._watch)]
        wanted = {"stream": True, "sound": self._hears, "faces": self._found.picture is not None}
        self._threads = [
            threading.Thread(target=self._repeat, args=(turn,), name=name, daemon=True)
            for name, turn in turns
            if wanted[name]
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads and close the tracker. A read that does not answer is left to its time limit."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_JOIN_S)
        if self._tracker is not None and not any(t.is_alive() for t in self._threads if t.name == "faces"):
            self._tracker.close()
            self._tracker = None

    @property
    def finished(self) -> bool:
        """Whether a medium that states its length was played to its end."""
        return self._done.is_set()

    @property
    def problem(self) -> str | None:
        """``stalled``, why it cannot be opened, damage met, or that there is no face; None when all is well."""
        if self._feed is None or self._over.is_set():
            return None
        silent_s = (self._clock.now_ns() - self._came_ns) / 1e9
        stalled = f"stream stalled: nothing came for {silent_s:.1f} s" if silent_s > STALL_S else None
        damage = [text if times == 1 else f"{text} ({times} times)" for text, times in self._trouble.items()]
        return joined(stalled, self._failure, *damage, None if stalled else self._feed.problem)

    def describe(self) -> dict[str, Any]:
        """Address without password, what it gives and what was passed over, and what it says of itself."""
        return {
            "source": "stream",
            "address": shown(self._address),
            "audio": self._hears,
            "face": self._tracker is not None,
            "openings": self._openings,
            "skipped_s": round(self._time.skipped_ns / 1e9, 2),
            "skipped_pictures": self.skipped_pictures,
            **self._found.details,
        }

    def _look(self, choice: TrackChoice) -> Found:
        self._options = {"rtsp_transport": "tcp"} if self._address.lower().startswith("rtsp") else {}
        try:
            with closing(self._open()) as container:
                return look(container, self.name, True, choice)
        except EngineError:
            if not is_address(self._address) or not self._address.lower().startswith("http"):
                raise
            self._options = {"seekable": "0"}  # many small servers cannot begin in the middle of a file
            try:
                with closing(self._open()) as container:
                    return look(container, self.name, True, choice)
            except EngineError as error:
                raise EngineError(f"{error}; or its server cannot begin in the middle of a file") from None

    def _open(self) -> Any:
        device = not is_address(self._address)
        try:
            return self._av.open(
                self._address.strip(),
                format="v4l2" if device else None,
                options=self._options,
                timeout=self._wait_s,
                metadata_errors="ignore",
            )
        except (self._av.error.FFmpegError, OSError, ValueError) as error:
            kind = "is it plugged in, permitted and free?" if device else "is the address right, and does it answer?"
            raise EngineError(f"{self.name} does not open ({reason(error)}); {kind}") from None

    def _repeat(self, turn: Callable[[], None]) -> None:
        retry = Retry()
        while not self._stop.is_set() and not (turn == self._read and self._over.is_set()):
            came_ns = self._came_ns
            try:
                turn()
            except EngineError as error:
                self._failure = str(error).removeprefix(f"{self.name} ")
            except Exception as error:  # a thread has no caller: whatever it is, the loop has to hear of it
                self._failure = f"{type(error).__name__}: {clean(error)}"
            if turn == self._read and not self._over.is_set():
                if self._came_ns != came_ns:
                    retry.worked()
                retry.failed(self._clock.now_ns())
                self._clock.sleep_until(retry.due_ns, self._stop)

    def _read(self) -> None:
        """Read from opening to end, or to whatever ends it."""
        with closing(self._open()) as container:
            sound, picture = self._found.streams(container)
            self._openings += 1
            ended: list[str] = []
            reading = Reading(container, sound, picture, lambda text: self._note(text, ended))
            line = SoundLine(self._rate, partial(self._note, "gaps in the sound", ended))
            self._finish()
            end_s = 0.0
            for packet, packet_end_s in reading.packets():
                if self._stop.is_set():
                    return
                self._came_ns, end_s = self._clock.now_ns(), max(end_s, packet_end_s)
                self._failure = None
                if sound is not None and packet.stream.index == sound.index:
                    for heard in reading.heard(packet):
                        mono = self._front_end.push(heard.samples, heard.rate)
                        for block in line.sound(mono, heard.rate, heard.time_s):
                            self._put(block, line)
                else:
                    for seen in reading.seen(packet):
                        self._pictures.put(Item(seen.at_ns, seen.picture), self._stop)
            for block in line.end_run():
                self._put(block, line)
        stated_s = self._found.stated_s
        if stated_s and end_s >= stated_s - _AT_END_S and not ended:
            self._over.set()
            self._finish(round(end_s * 1e9))
            if self._audio is not None:
                self._audio.end()
            self._done.set()
            return
        raise EngineError(f"{self.name} {ended[-1] if ended else 'has ended'}; it is opened again")

    def _put(self, block: AudioBlock, line: SoundLine) -> None:
        """Pass a block on in pieces, each due at its end, as a sound card would bring them."""
        length = max(1, int(self._rate * PIECE_S))
        before = round(line.seconds * self._rate) - len(block.samples)
        for first in range(0, len(block.samples), length):
            piece = AudioBlock(block.samples[first : first + length], block.valid)
            end_ns = round((before + first + len(piece.samples)) * 1e9 / self._rate)
            self._sound.put(Item(end_ns, piece), self._stop)

    def _finish(self, end_ns: int = 0) -> None:
        """Let what came before play to its end, at ``end_ns``: what comes after it has times of its own."""
        while not self._stop.is_set() and not (self._sound.empty and self._pictures.empty):
            self._stop.wait(0.02)
        if (due_ns := self._time.due_ns(end_ns)) is not None:
            self._clock.sleep_until(due_ns, self._stop)
        self._time.begin()

    def _play(self) -> None:
        """The next block of sound, when it is due."""
        item = self._next(self._sound)
        if item is None:
            return
        block: AudioBlock = item.what
        due_ns = self._time.came(item.end_ns, self._clock.now_ns())
        self._clock.sleep_until(due_ns, self._stop)
        if self._audio is not None and not self._stop.is_set():
            self._audio.write(np.asarray(block.samples), due_ns, block.valid)

    def _watch(self) -> None:
        """The next picture, when it is due and no newer one is."""
        item = self._pictures.take() if self._hears else self._next(self._pictures)
        if item is None:
            return
        if self._hears:  # then the sound says when its time begins, unless none comes
            until_ns = self._clock.now_ns() + round(STALL_S * 1e9)
            while self._time.due_ns(item.end_ns) is None and self._clock.now_ns() < until_ns:
                self._stop.wait(0.01)
        due_ns = self._time.due_ns(item.end_ns) if self._hears else None
        if due_ns is None:
            due_ns = self._time.came(item.end_ns, self._clock.now_ns())
        self._clock.sleep_until(due_ns, self._stop)
        following_ns = self._pictures.next_ns()
        following_due_ns = None if following_ns is None else self._time.due_ns(following_ns)
        if following_due_ns is not None and following_due_ns <= self._clock.now_ns():
            self.skipped_pictures += 1
        elif self._feed is not None and not self._stop.is_set():
            picture: Picture = item.what
            if self._tracker is not None:
                self._feed.put(due_ns, self._tracker.track(upright(picture), due_ns))

    def _next(self, inbox: Inbox) -> Item | None:
        """The next item of the leading stream; what is too far behind by then is passed over."""
        item = inbox.take()
        if item is None:
            return None
        until_ns = item.end_ns + self._time.skip_ns(inbox.waiting_ns(item.end_ns))
        while item is not None and item.end_ns < until_ns:
            item = inbox.take()
        return item

    def _note(self, text: str, ended: list[str]) -> None:
        if text.startswith("reading stops early"):
            ended.append(text)
        else:
            self._trouble[text] = self._trouble.get(text, 0) + 1
