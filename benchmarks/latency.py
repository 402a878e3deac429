"""From the partner's voice to a subscriber's hands: every stage of a real session, in two processes, open loop.

``python -m benchmarks latency [--seconds 60] [--source demo | --source file PATH] [--pin 0]``. The partner speaks in
real time whether or not the engine keeps up (no coordinated omission). Stages: capture to due (source and ring), due to
start (the loop wakes), step, publish - measured inside the engine and asked of its control socket - then publish to
receive and capture to receive, measured here from the times in each message (same host, same monotonic clock). What is
algorithmic is told apart from what is computed: a frame holds one period of sound, and look-ahead is in the spec.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from typing import Any

import numpy as np
import zmq

from benchmarks.machine import report, resident_mib
from engine.control import ask
from engine.wire import Flag, decode, topic

PERCENTILES = (50, 90, 95, 99, 99.9, 100)
WARM_UP_S = 2.0


def main(arguments: list[str]) -> int:
    """Print the table and the JSON line; 1 where the engine did not come up."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks latency", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--source", nargs="+", default=["demo"])
    parser.add_argument("--bundle", default="rules")
    parser.add_argument("--pin", metavar="CPU", help="run the engine on this processor alone (taskset)")
    options = parser.parse_args(arguments)
    command = [sys.executable, "-m", "engine", "serve", "--source", *options.source, "--bundle", options.bundle]
    command += ["--pub", "tcp://127.0.0.1:5670", "--control", "tcp://127.0.0.1:5671"]
    if options.pin is not None:
        command = ["taskset", "-c", options.pin, *command]
    engine = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        session = _wait("tcp://127.0.0.1:5671", engine)
        received = _receive(session["pub"], options.seconds + WARM_UP_S, engine.pid)
        inside = ask("tcp://127.0.0.1:5671", {"op": "stats"})
    finally:
        engine.terminate()
        engine.wait(10)
    figures = _figures(received, session["rate"], inside)
    figures["algorithmic_ms"] = {
        "frame_quantisation": 1000.0 / session["rate"],
        "lookahead": 1000.0 * session["lookahead_frames"] / session["rate"],
    }
    _print(figures)
    report("latency", {"seconds": options.seconds, "source": options.source, "bundle": options.bundle, **figures})
    return 0


def _wait(control: str, engine: subprocess.Popen[bytes]) -> dict[str, Any]:
    for _ in range(100):
        if engine.poll() is not None:
            raise SystemExit(f"the engine ended with code {engine.returncode}; run it by hand to see why")
        try:
            return ask(control, {"op": "describe"}, 0.3)
        except Exception:  # not up yet: a refused or silent socket is what we wait out
            time.sleep(0.1)
    raise SystemExit("the engine did not answer within 40 s")


def _receive(pub: str, seconds: float, pid: int) -> dict[str, Any]:
    """Times (ns) of every message of stream 0, its sequence and flags, and the engine's memory once a second."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    rows: list[tuple[int, ...]] = []
    memory: list[float] = []
    with context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.SUBSCRIBE, topic(1, 0))
        socket.connect(pub)
        begin = time.monotonic_ns()
        end = begin + round(seconds * 1e9)
        while (now := time.monotonic_ns()) < end:
            if not socket.poll(1000):
                continue
            message = socket.recv()
            now = time.monotonic_ns()
            frame = decode(message)
            if now - begin > WARM_UP_S * 1e9:
                rows.append((frame.seq, frame.capture_ns, frame.publish_ns, now, int(frame.flags), frame.step_us))
                if len(rows) % 25 == 0:
                    memory.append(resident_mib(pid))
    context.destroy(linger=0)
    return {"rows": np.array(rows, np.int64), "memory": np.array(memory)}


def _figures(received: dict[str, Any], rate: float, inside: dict[str, Any]) -> dict[str, Any]:
    sequence, capture, publish, receive, flags, step = received["rows"].T
    gaps = np.diff(sequence) - 1
    interval = np.diff(receive) / 1e6
    memory = received["memory"]
    hours = np.arange(len(memory)) / 3600.0
    return {
        "frames": len(sequence),
        "missed": int(gaps.sum()),
        "longest_burst": int(gaps.max(initial=0)),
        "late": int(((flags & int(Flag.LATE)) != 0).sum()),
        "held": int(((flags & int(Flag.HELD)) != 0).sum()),
        "rate": float(1e9 * (len(receive) - 1) / (receive[-1] - receive[0])),
        "ms": {
            "capture to publish": _quantiles((publish - capture) / 1e6),
            "publish to receive": _quantiles((receive - publish) / 1e6),
            "capture to receive": _quantiles((receive - capture) / 1e6),
            "step": _quantiles(step / 1e3),
            "interval jitter": _quantiles(np.abs(interval - 1000.0 / rate)),
        },
        "inside_ms": inside["stages_ms"],
        "memory_mib": {"first": float(memory[0]), "last": float(memory[-1])},
        "memory_slope_mib_per_hour": float(np.polyfit(hours, memory, 1)[0]) if len(memory) > 2 else float("nan"),
    }


def _quantiles(values: np.ndarray) -> dict[str, float]:
    names = (f"p{share:g}" if share < 100 else "max" for share in PERCENTILES)
    return dict(zip(names, np.percentile(values, PERCENTILES).tolist(), strict=True))


def _print(figures: dict[str, Any]) -> None:
    names = list(next(iter(figures["ms"].values())))
    print(f"{'milliseconds':>22}" + "".join(f"{name:>9}" for name in names))
    for stage, values in figures["ms"].items():
        print(f"{stage:>22}" + "".join(f"{values[name]:>9.2f}" for name in names))
    for stage, values in figures["inside_ms"].items():
        print(f"{'in engine: ' + stage:>32}" + "".join(f"  {name} {value:.2f}" for name, value in values.items()))
    keys = ("frames", "rate", "missed", "longest_burst", "late", "held", "memory_mib", "memory_slope_mib_per_hour")
    print("  ".join(f"{key} {figures[key]}" for key in keys))
