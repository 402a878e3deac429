"""``python -m clients.python``: a line a second with the rate, the latency and some of the avatar's numbers."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

import numpy as np

from .announced import Stream
from .subscriber import Subscriber, connectable, describe

SHOWN = ("headPitch", "headYaw", "mouthSmileLeft", "jawOpen", "eyeBlinkLeft", "browInnerUp")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def watch(control: str, seconds: float, token: str = "", keys: Path | None = None) -> None:
    """Print until ``seconds`` have passed. Raises ConnectionError if no engine answers."""
    engine = describe(control, token=token, keys=keys)
    stream = next((each for each in engine.streams if each.kind == "output"), None)
    if stream is None:
        raise ConnectionError(f"the engine at {control} announces no output, such as the avatar's face or body")
    print(f"session {engine.session}, {stream.rate:g} frames/s, bundle {stream.bundle}", flush=True)
    pub = connectable(engine.pub, control)
    subscriber = Subscriber(pub, engine.session, stream.number, announced=engine, keys=keys)
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            report(subscriber, stream)
    finally:
        subscriber.close()


def report(subscriber: Subscriber, stream: Stream) -> None:
    """Receive for one second and print one line about it."""
    began, delays, newest = time.monotonic(), [], None
    while (left := began + 1.0 - time.monotonic()) > 0:
        for newest in subscriber.receive(left):
            delays.append((time.monotonic_ns() - newest.capture_ns) / 1e6)
    if newest is None:
        print("no frames in the last second", flush=True)
        return
    delay = f"{np.median(delays):5.1f} ms (p95 {np.percentile(delays, 95):.1f})"
    if not 0 <= np.median(delays) < 10_000:
        delay = "unknown (another host's clock)"
    pose = dict(zip(stream.names, newest.values.tolist(), strict=False))
    chosen = [name for name in SHOWN if name in pose] or list(pose)[: len(SHOWN) // 2]
    shown = "  ".join(f"{name} {pose[name]:+.2f}" for name in chosen)
    tail = f"  [{', '.join(newest.words())}]" if newest.flags else ""
    lost = subscriber.lost.get(stream.number, 0)
    print(f"{len(delays):3d} frames/s  lost {lost}  capture to here {delay}  {shown}{tail}", flush=True)


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m clients.python", description=__doc__)
    parser.add_argument("--control", default="tcp://127.0.0.1:5571", help="the engine's control endpoint")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this long")
    parser.add_argument("--token", default="", help="one that may describe, where the engine has tokens")
    parser.add_argument("--keys", type=Path, help="a client's folder of keys, where the engine has some")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        watch(arguments.control, arguments.seconds, arguments.token, arguments.keys)
    except KeyboardInterrupt:
        pass
    except (ConnectionError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
