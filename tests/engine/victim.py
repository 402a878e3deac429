"""A publisher and a control server in a process of its own, to be attacked: ``python -m tests.engine.victim`` prints
its two addresses and then, for every line that it reads, how many frames it made."""

from __future__ import annotations

import json
import sys
import threading

import numpy as np
import zmq

from engine.clock import MonotonicClock
from engine.control import ControlServer
from engine.publish import Publisher
from engine.wire import Flag, Frame

SESSION, STREAMS, PERIOD_S = 3, 4, 0.01
TOLD = {"streams": [{"names": [f"value{number}" for number in range(1500)]}]}


def main() -> None:
    """Publish and answer until stdin ends."""
    context = zmq.Context()
    publisher = Publisher(context, "tcp://127.0.0.1:*", SESSION)
    control = ControlServer(context, "tcp://127.0.0.1:*", {"describe": lambda _: TOLD}, MonotonicClock())
    print(publisher.endpoint, control.endpoint, flush=True)
    stop, frames = threading.Event(), 0
    values = np.zeros(58, np.float32)

    def publish() -> None:
        nonlocal frames
        while not stop.wait(PERIOD_S):
            for stream in range(STREAMS):
                publisher.send(Frame(SESSION, stream, Flag(0), 0, frames, 0, 0, 0, 0, values))
            frames += 1

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        for _ in sys.stdin:
            print(json.dumps({"frames": frames}), flush=True)
    finally:
        stop.set()
        thread.join()
    publisher.close()
    control.close()
    context.destroy(linger=0)


if __name__ == "__main__":
    main()
