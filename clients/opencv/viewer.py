"""Receives frames and shows them: live in a window, or silently for a recording that is rendered afterwards."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from clients.python.subscriber import Frame, Subscriber

from .panel import TRACE_SECONDS
from .screen import Screen
from .store import FrameStore
from .strip import comic
from .video import contact_sheet, pictures, sound, write_video

log = logging.getLogger(__name__)
WINDOW = "reaction engine"
SILENCE_S = 3.0  # a stream that stays away this long has ended
FIRST_FRAME_S = 10.0
PROBE = "import cv2; cv2.namedWindow('probe'); cv2.waitKey(1); cv2.destroyAllWindows()"


@dataclass(slots=True)
class Run:
    """What one viewing saw: delays from capture to here in ms, and when frames came (seconds, monotonic)."""

    delays: list[float] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)

    def take(self, store: FrameStore, frames: list[Frame]) -> None:
        """Put received frames into the store and note the timing of those that lead."""
        now = time.monotonic_ns()
        for frame in frames:
            store.add(frame, now)
            if frame.stream == store.lead:
                self.delays.append((now - frame.capture_ns) / 1e6)
                self.arrivals.append(now / 1e9)

    def rate(self) -> float:
        """Frames per second over the last 50."""
        last = self.arrivals[-50:]
        return (len(last) - 1) / (last[-1] - last[0]) if len(last) > 1 and last[-1] > last[0] else 0.0

    def over(self, began: float, seconds: float) -> bool:
        """Whether to stop: time is up, or the stream has ended."""
        now = time.monotonic()
        if not self.arrivals:
            return now - began > seconds + FIRST_FRAME_S
        return now - self.arrivals[0] > seconds or now - self.arrivals[-1] > SILENCE_S


def window_possible() -> bool:
    """Whether a window can be opened; tried in a process of its own, because without a display OpenCV aborts."""
    try:
        done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def record(subscriber: Subscriber, store: FrameStore, seconds: float) -> Run:
    """Receive only, so as not to disturb the engine; ends as :meth:`Run.over` says, or with a signal."""
    run, began = Run(), time.monotonic()
    try:
        while not run.over(began, seconds):
            run.take(store, subscriber.receive(0.1))
            store.learn(subscriber.announced)
    except KeyboardInterrupt:
        log.info("stopped")
    return run


def show(subscriber: Subscriber, store: FrameStore, seconds: float) -> Run:
    """Draw the newest frame in a window until it is closed, q or Esc is pressed, or as :func:`record`."""
    run, began = Run(), time.monotonic()
    screen = Screen(store)
    cv2.namedWindow(WINDOW, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
    drawn = None
    try:
        while not run.over(began, seconds):
            run.take(store, subscriber.receive(0.02))
            store.learn(subscriber.announced)
            recent = store.recent(round(TRACE_SECONDS * store.rate))
            if recent and recent[-1].frame.seq != drawn:
                drawn = recent[-1].frame.seq
                cv2.imshow(WINDOW, screen.draw(recent, run.rate(), subscriber.lost.get(store.lead, 0)))
            if cv2.waitKey(1) & 0xFF in (ord("q"), 27) or cv2.getWindowProperty(WINDOW, cv2.WND_PROP_VISIBLE) < 1:
                break
    except KeyboardInterrupt:
        log.info("stopped")
    cv2.destroyAllWindows()
    return run


def write_results(store: FrameStore, video: Path | None, png: Path | None) -> None:
    """Render the recording into the files that were asked for."""
    if not store.moments:
        return
    if png is not None:
        cv2.imwrite(str(png), comic(store) if store.bodies else contact_sheet(store))
        print(f"wrote {png}", flush=True)
    if video is not None:
        total = max(store.moments) - min(store.moments) + 1
        log.info("rendering %d frames (%.1f s) ...", total, total / store.rate)
        count = write_video(video, pictures(store), store.rate, sound(store), store.sample_rate)
        print(f"wrote {video}: {count} frames", flush=True)


def summary(run: Run, lost: int) -> str:
    """The small table at the end."""
    lines = [f"received  {len(run.delays)} frames", f"missed    {lost}"]
    if run.delays:
        p50, p95, p99 = np.percentile(run.delays, [50, 95, 99])
        lines.append(
            f"capture to receive, ms   p50 {p50:.1f}   p95 {p95:.1f}   p99 {p99:.1f}   max {max(run.delays):.1f}"
        )
    return "\n".join(lines)
