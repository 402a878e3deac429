"""``python -m clients.opencv``: watch the avatar react, live or into a video and a sheet of pictures."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path

from clients.python.subscriber import Subscriber, connectable
from clients.python.terminal import Complaints, complain, prepare, say
from clients.python.waiting import about, add_arguments, find

from .panel import TRACE_SECONDS
from .recording import Recording
from .video import check_output
from .viewer import record, show, summary, window_possible, write_results

log = logging.getLogger("clients.opencv")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def positive(word: str) -> float:
    """A positive number of seconds from the command line."""
    value = float(word)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{word} is not a positive number of seconds")
    return value


def view(arguments: argparse.Namespace) -> int:
    """Watch one engine, and the one after it at the same address; the exit status."""
    if arguments.video:
        check_output(arguments.video, (".mp4",))
    if arguments.png:
        check_output(arguments.png, (".png",))
    engine = find(arguments.control, arguments.token, arguments.keys, arguments.wait, log.warning)
    keep_all = bool(arguments.video or arguments.png)
    recording = Recording(engine, None if keep_all else round(2 * TRACE_SECONDS * engine.rate))
    headless = arguments.headless
    if not headless and not window_possible():
        log.info("no display: going on without a window (as with --headless)")
        headless = True
    pub = connectable(engine.pub, arguments.control)
    with Subscriber(pub, announced=engine, keys=arguments.keys) as subscriber:
        say(f"{about(engine)}, at {pub}")
        run = (record if headless else show)(subscriber, recording, arguments.seconds, arguments.wait)
    say(summary(run, recording))
    if strange := subscriber.mismatched + subscriber.undescribed:
        log.warning("%d messages did not fit the announced layout and were dropped", strange)
    if recording.undrawn:
        log.warning("%d messages were of an engine with nothing to draw", recording.undrawn)
    if not run.delays:
        complain(f"error: no frames came from {pub}: is the engine running, and its port reachable?")
        return 1
    problems = write_results(recording, arguments.video, arguments.png)
    for problem in problems:
        complain(f"error: {problem}")
    return 1 if problems else 0


def main() -> int:
    """The exit status."""
    prepare()
    parser = argparse.ArgumentParser(prog="python -m clients.opencv", description=__doc__)
    add_arguments(parser)
    parser.add_argument("--seconds", type=positive, default=float("inf"), help="stop this long after the first frame")
    parser.add_argument("--video", type=Path, help="write the session to this .mp4, with the partner's voice if any")
    parser.add_argument("--png", type=Path, help="write a sheet of moments, or a dance as a strip, to this .png")
    parser.add_argument("--headless", action="store_true", help="no window: receive only, render at the end")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(message)s", handlers=[Complaints()])
    logging.getLogger("clients").setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return view(arguments)
    except KeyboardInterrupt:
        log.warning("stopped before everything was written")
        return 130
    except (ConnectionError, ValueError, OSError) as error:
        complain(f"error: {_reason(error)}")
        return 1


def _reason(error: Exception) -> str:
    """In words: the system's errors without their numbers, and with the file they are about."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
