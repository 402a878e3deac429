"""Receives frames and shows them: live in a window, or silently for a recording that is rendered afterwards. It lives
through the engine's restarts: what is drawn is always one run of one engine, with the names that it announced.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from clients.python.announced import Received
from clients.python.saving import Saves
from clients.python.terminal import say
from clients.python.waiting import WAIT_S, Followed, Presence

from .panel import ALERT, TRACE_SECONDS, text
from .recording import Part, Recording
from .screen import Screen
from .strip import comic
from .video import OutputError, contact_sheet, pictures, sound, write_picture, write_video

log = logging.getLogger(__name__)
WINDOW = "reaction engine"
FIRST_FRAME_S = 10.0  # an engine that is there and makes no frame yet: its model loads, or it is paused
PROBE = "import cv2; cv2.namedWindow('probe'); cv2.waitKey(1); cv2.destroyAllWindows()"


@dataclass(slots=True)
class Run:
    """What one viewing saw: delays from capture to here in ms, and when frames came (seconds, monotonic). It is over
    ``seconds`` after its first frame, or where the engine was gone for ``wait`` seconds. ``savings`` get all
    frames."""

    seconds: float
    wait: float
    savings: Sequence[Saves] = ()
    delays: list[float] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def take(self, recording: Recording, frames: list[Received]) -> None:
        """Put received frames into the recording and note the timing of those that lead."""
        for frame in frames:
            for saving in self.savings:
                saving.add(frame)
            if recording.add(frame):
                self.delays.append((frame.received_ns - frame.capture_ns) / 1e6)
                self.arrivals.append(frame.received_ns / 1e9)

    def rate(self) -> float:
        """Frames per second over the last 50."""
        last = self.arrivals[-50:]
        return (len(last) - 1) / (last[-1] - last[0]) if len(last) > 1 and last[-1] > last[0] else 0.0

    def over(self, presence: Presence) -> bool:
        """Whether to stop: time is up, or the engine stays away."""
        gave_up, now = presence.over(), time.monotonic()
        if not self.arrivals:
            return now - self.began > FIRST_FRAME_S + self.wait
        return gave_up or now - self.arrivals[0] > self.seconds


def window_possible() -> bool:
    """Whether a window can be opened; tried in a process of its own, because without a display OpenCV aborts."""
    try:
        done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def record(
    subscriber: Followed, recording: Recording, seconds: float, wait: float = WAIT_S, savings: Sequence[Saves] = ()
) -> Run:
    """Receive only, so as not to disturb the engine; ends as :class:`Run` says, or with a signal."""
    run, presence = Run(seconds, wait, savings), Presence(subscriber, wait, log.warning)
    try:
        while not run.over(presence):
            run.take(recording, subscriber.receive(0.1))
    except KeyboardInterrupt:
        log.info("stopped")
    return run


def show(
    subscriber: Followed, recording: Recording, seconds: float, wait: float = WAIT_S, savings: Sequence[Saves] = ()
) -> Run:
    """Draw the newest frame in a window until it is closed, q or Esc is pressed, or as :func:`record`."""
    run, presence = Run(seconds, wait, savings), Presence(subscriber, wait, log.warning)
    screen = Screen(recording.store)
    cv2.namedWindow(WINDOW, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
    drawn: object = None
    try:
        while not run.over(presence):
            run.take(recording, subscriber.receive(0.02))
            store = recording.store
            if screen.store is not store:
                screen = Screen(store)
            recent = store.recent(round(TRACE_SECONDS * store.rate))
            if recent and drawn != (recent[-1].frame.seq, id(store), presence.gone):
                drawn = recent[-1].frame.seq, id(store), presence.gone
                image = screen.draw(recent, run.rate(), recording.missed)
                if presence.gone:
                    text(image, "the engine is gone", 560, 30, 0.6, ALERT)
                cv2.imshow(WINDOW, image)
            if cv2.waitKey(1) & 0xFF in (ord("q"), 27) or cv2.getWindowProperty(WINDOW, cv2.WND_PROP_VISIBLE) < 1:
                break
    except KeyboardInterrupt:
        log.info("stopped")
    cv2.destroyAllWindows()
    return run


def write_results(recording: Recording, films: Sequence[Path] = (), png: Path | None = None) -> list[str]:
    """Render the recording into the files that were asked for, each run of the engine into files of its own. Returns
    what went wrong, in words; what could be written was."""
    problems: list[str] = []
    sheets = [] if png is None else [(png, _write_sheet)]
    for path, write in (*sheets, *((film, write_film) for film in films)):
        for part in recording.parts(path):
            if part.after_s:
                log.warning("after %.1f s without frames the engine had begun anew: %s", part.after_s, part.path)
            try:
                say(f"wrote {part.path}: {write(part)} ({part.words()})")
            except OutputError as error:
                problems.append(str(error))
    return problems


def _write_sheet(part: Part) -> str:
    write_picture(part.path, comic(part.store) if part.store.bodies else contact_sheet(part.store))
    return "a sheet of moments"


def write_film(part: Part) -> str:
    """Render one run; how much of it, in words. Raises :class:`OutputError`."""
    store = part.store
    total = len(store.moments) + store.missed
    log.info("rendering %d frames (%.1f s) ...", total, total / store.rate)
    count = write_video(part.path, pictures(store), store.rate, sound(store), store.sample_rate)
    still = f", {store.missed} of them still pictures for missed ones" if store.missed else ""
    return f"{count} frames{still}"


def summary(run: Run, recording: Recording) -> str:
    """The small table at the end."""
    lines = [f"received  {recording.received} frames", f"missed    {recording.missed}"]
    lines.append(f"restarts  {recording.restarts}")
    if run.delays:
        p50, p95, p99 = np.percentile(run.delays, [50, 95, 99])
        lines.append(
            f"capture to receive, ms   p50 {p50:.1f}   p95 {p95:.1f}   p99 {p99:.1f}   max {max(run.delays):.1f}"
        )
    return "\n".join(lines)
