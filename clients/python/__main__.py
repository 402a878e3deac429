"""``python -m clients.python``: a line a second with the rate, the latency and some of the avatar's numbers, and one
for each thing that is due, such as a spoken "mm-hm"."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .announced import Announced, Received
from .counting import Counts
from .following import add_session, following
from .saving import FILM, Saves, Saving, finished, kind_of, opened, output
from .subscriber import NoEngine
from .terminal import complain, prepare, say
from .waiting import SILENCE_S, Followed, Presence, about, add_arguments, seconds

SHOWN = ("headPitch", "headYaw", "mouthSmileLeft", "jawOpen", "eyeBlinkLeft", "browInnerUp")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def watch(arguments: argparse.Namespace) -> int:
    """Print, and save, until ``seconds`` have passed; the exit status. Raises ConnectionError where no engine is there,
    or comes back, within ``wait`` seconds, ValueError for what cannot be saved, and OSError where nobody can read what
    is printed."""
    for path in arguments.save:
        kind_of(path)  # before anybody is asked
    place = arguments.session or arguments.control
    with following(arguments, complain, min(arguments.wait, arguments.seconds)) as followed:
        end = time.monotonic() + min(arguments.seconds, followed.lasts)
        engine, frames = followed.engine, followed.frames
        if all(stream.kind != "output" for stream in engine.streams):
            raise ConnectionError(f"the engine at {place} announces no output, such as the avatar's face")
        shown = output(engine, arguments.stream)
        _say(f"{about(engine)}, {shown.rate:g} frames/s")
        savings = opened(arguments.save, lambda path: _saving(path, engine, arguments.stream))
        try:
            presence, counts = Presence(frames, arguments.wait, complain), Counts()
            while time.monotonic() < end:
                report(frames, presence, savings, counts, arguments.stream, min(1.0, end - time.monotonic()))
                if presence.over():
                    raise NoEngine(f"the engine at {place} has sent nothing for {SILENCE_S + arguments.wait:g} s")
        finally:
            problems = finished(savings, say)
            for problem in problems:
                complain(f"error: {problem}")
    return 1 if problems else 0


def _saving(path: Path, engine: Announced, stream: str | None) -> Saves:
    """What writes this kind of file."""
    if kind_of(path) != FILM:
        return Saving(path, engine, stream)
    try:
        from clients.opencv.film import Film
    except ImportError as error:
        remedy = "films are drawn with OpenCV: pip install -e '.[viewer]'"
        raise ValueError(f"--save {path}: needs {error.name}, which is not installed; {remedy}") from None
    return Film(path, engine, stream)


def report(
    frames: Followed,
    presence: Presence,
    savings: Sequence[Saves],
    counts: Counts,
    stream: str | None,
    lasts: float,
) -> None:
    """Receive for ``lasts`` seconds, save what comes, and print what is due by ``counts`` and one line about the
    ``stream``, or the first output."""
    began, delays, newest = time.monotonic(), [], None
    while (left := began + lasts - time.monotonic()) > 0:
        for frame in frames.receive(left):
            for saving in savings:
                saving.add(frame)
            for name in counts.due(frame):
                _say(f"{frame.info.name}: {name}")
            if (frame.info.kind, frame.info.name) == ("output", stream) or (stream is None and _is_first(frame)):
                newest = frame
                delays.append((frame.received_ns - frame.capture_ns) / 1e6)
    if newest is None:
        if not presence.gone:
            _say("no frames in the last second")
        return
    delay = f"{np.median(delays):5.1f} ms (p95 {np.percentile(delays, 95):.1f})"
    if not 0 <= np.median(delays) < 10_000:
        delay = "unknown (another host's clock)"
    pose = newest.named()
    chosen = [name for name in SHOWN if name in pose] or list(pose)[: len(SHOWN) // 2]
    numbers = "  ".join(f"{name} {pose[name]:+.2f}" for name in chosen)
    tail = f"  [{', '.join(newest.words())}]" if newest.flags else ""
    lost = frames.lost.get(newest.stream, 0)
    _say(f"{len(delays):3d} frames/s  lost {lost}  capture to here {delay}  {numbers}{tail}")


def _is_first(frame: Received) -> bool:
    """Whether the frame is of the first output of its engine."""
    return frame.stream == min((each.number for each in frame.engine.streams if each.kind == "output"), default=-1)


def _say(words: str) -> None:
    if (error := say(words)) is not None:
        raise error


def main() -> int:
    """The exit status."""
    prepare()
    parser = argparse.ArgumentParser(prog="python -m clients.python", description=__doc__)
    add_arguments(parser)
    parser.add_argument("--seconds", type=seconds, default=float("inf"), help="stop after this long")
    add_session(parser)
    parser.add_argument(
        "--save",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="write what comes to a .csv, .npz, .bvh or .mp4 file; several times for several files",
    )
    parser.add_argument("--stream", metavar="NAME", help="show and save this output, not the first")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return watch(arguments)
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        pass  # whoever read has read enough, as in ``| head``
    except (ConnectionError, ValueError) as error:
        complain(f"error: {error}")
        return 1
    except OSError as error:
        complain(f"error: stdout: {error.strerror}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
