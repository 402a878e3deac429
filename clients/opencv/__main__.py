"""``python -m clients.opencv``: watch the avatar react, live or into a video and a sheet of pictures."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path

from clients.python.following import add_session, following
from clients.python.saving import FILM, Saving, finished, kind_of, opened
from clients.python.terminal import Complaints, complain, prepare, say
from clients.python.waiting import about, add_arguments

try:
    from .panel import TRACE_SECONDS
    from .recording import Recording
    from .video import check_output
    from .viewer import record, show, summary, window_possible, write_results
except ImportError as missing:
    prepare()
    absent = isinstance(missing, ModuleNotFoundError)
    remedy = "pip install -e '.[viewer]'" if absent else "on Debian apt-get install libgl1"
    complain(f"error: the viewer needs OpenCV and PyAV: {missing}; {remedy}")
    sys.exit(1)

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
    films = [path for path in arguments.save if kind_of(path) == FILM]
    for path in films:
        check_output(path, (FILM,))
    if arguments.png:
        check_output(arguments.png, (".png",))
    with following(arguments, log.warning, arguments.wait) as followed:
        engine, frames = followed.engine, followed.frames
        keep_all = bool(films or arguments.png)
        keep = None if keep_all else round(2 * TRACE_SECONDS * engine.rate)
        recording = Recording(engine, keep, arguments.stream)
        headless = arguments.headless
        if not headless and not window_possible():
            log.info("no display: going on without a window (as with --headless)")
            headless = True
        others = [path for path in arguments.save if path not in films]
        savings = opened(others, lambda path: Saving(path, engine, arguments.stream))
        say(f"{about(engine)}, at {followed.where}")
        seconds = min(arguments.seconds, followed.lasts)
        run = (record if headless else show)(frames, recording, seconds, arguments.wait, savings)
        strange = frames.mismatched + frames.undescribed
    say(summary(run, recording))
    if strange:
        log.warning("%d messages did not fit the announced layout and were dropped", strange)
    if recording.undrawn:
        log.warning("%d messages were of an engine with nothing to draw", recording.undrawn)
    problems = finished(savings, say)
    if not run.delays:
        problems = [f"no frames came from {followed.where}: is the engine running, and its port reachable?"]
    else:
        problems += write_results(recording, films, arguments.png)
    for problem in problems:
        complain(f"error: {problem}")
    return 1 if problems else 0


def main() -> int:
    """The exit status."""
    prepare()
    parser = argparse.ArgumentParser(prog="python -m clients.opencv", description=__doc__)
    add_arguments(parser)
    parser.add_argument("--seconds", type=positive, default=float("inf"), help="stop this long after the first frame")
    add_session(parser)
    parser.add_argument(
        "--save",
        "--video",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="write the session to a .mp4 film, with the partner's voice if any, or a .bvh, .npz or .csv file; "
        "several times for several files",
    )
    parser.add_argument("--stream", metavar="NAME", help="draw and save this output alone")
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
