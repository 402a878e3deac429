"""``python -m clients.python``: a line a second with the rate, the latency and some of the avatar's numbers."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

import numpy as np

from .announced import Received
from .saving import Saving
from .subscriber import NoEngine, Subscriber, connectable
from .terminal import complain, prepare, say
from .waiting import SILENCE_S, Presence, about, add_arguments, find, seconds

SHOWN = ("headPitch", "headYaw", "mouthSmileLeft", "jawOpen", "eyeBlinkLeft", "browInnerUp")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def watch(arguments: argparse.Namespace) -> None:
    """Print, and save, until ``seconds`` have passed. Raises ConnectionError where no engine is there, or comes back,
    within ``wait`` seconds, and OSError where nobody can read what is printed."""
    control, keys = arguments.control, arguments.keys
    end = time.monotonic() + arguments.seconds
    engine = find(control, arguments.token, keys, min(arguments.wait, arguments.seconds), complain)
    if all(stream.kind != "output" for stream in engine.streams):
        raise ConnectionError(f"the engine at {control} announces no output, such as the avatar's face or body")
    _say(f"{about(engine)}, {engine.rate:g} frames/s")
    saving = Saving(arguments.save, engine, arguments.stream) if arguments.save else None
    try:
        with Subscriber(connectable(engine.pub, control), announced=engine, keys=keys) as subscriber:
            presence = Presence(subscriber, arguments.wait, complain)
            while time.monotonic() < end:
                report(subscriber, presence, saving, min(1.0, end - time.monotonic()))
                if presence.over():
                    raise NoEngine(f"the engine at {control} has sent nothing for {SILENCE_S + arguments.wait:g} s")
    finally:
        if saving is not None:
            _say(saving.close())


def report(subscriber: Subscriber, presence: Presence, saving: Saving | None, lasts: float) -> None:
    """Receive for ``lasts`` seconds, save what comes, and print one line about the first output."""
    began, delays, newest = time.monotonic(), [], None
    while (left := began + lasts - time.monotonic()) > 0:
        for frame in subscriber.receive(left):
            if saving is not None:
                saving.add(frame)
            if frame.stream == _first(frame):
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
    shown = "  ".join(f"{name} {pose[name]:+.2f}" for name in chosen)
    tail = f"  [{', '.join(newest.words())}]" if newest.flags else ""
    lost = subscriber.lost.get(newest.stream, 0)
    _say(f"{len(delays):3d} frames/s  lost {lost}  capture to here {delay}  {shown}{tail}")


def _first(frame: Received) -> int:
    """The number of the first output of the frame's engine; -1 for one that has none."""
    return min((each.number for each in frame.engine.streams if each.kind == "output"), default=-1)


def _say(words: str) -> None:
    if (error := say(words)) is not None:
        raise error


def main() -> int:
    """The exit status."""
    prepare()
    parser = argparse.ArgumentParser(prog="python -m clients.python", description=__doc__)
    add_arguments(parser)
    parser.add_argument("--seconds", type=seconds, default=float("inf"), help="stop after this long")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write what comes to a .csv or .npz file")
    parser.add_argument("--stream", metavar="NAME", help="of --save: this stream alone (of a .csv the first output)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        watch(arguments)
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
