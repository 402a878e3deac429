"""A publisher and control socket that behave as the engine's do, on free local ports, for the clients' tests."""

from __future__ import annotations

import json
import struct
import threading
import time
from typing import Any

import numpy as np
import zmq

from engine import channels, wire

SESSION, RATE, SAMPLE_RATE, HOP = 5, 25.0, 16000, 640
PCM = [f"pcm{index}" for index in range(HOP)]


def stream(number: int, name: str, kind: str, names: list[str], units: list[str]) -> dict[str, Any]:
    """One stream as ``describe`` lists it."""
    layout = wire.layout_hash(names, units)
    return {"stream": number, "name": name, "kind": kind, "names": names, "units": units, "layout": layout}


def description(pub: str, monitor: bool = True) -> dict[str, Any]:
    """A describe reply."""
    face = (list(channels.FACE_NAMES), list(channels.FACE_UNITS))
    streams = [stream(0, "face", "output", *face)]
    if monitor:
        streams.append(stream(256, "partner_audio", "input", PCM, ["sample"] * HOP))
        streams.append(stream(257, "partner_face", "input", *face))
    head = {"ok": True, "protocol": 1, "engine": "0.1.0", "session": SESSION, "bundle": "listener_rules"}
    return {**head, "rate": RATE, "sample_rate": SAMPLE_RATE, "lookahead_frames": 0, "pub": pub, "streams": streams}


def frame(seq: int, values: np.ndarray, number: int = 0, session: int = SESSION, layout: int = 0) -> bytes:
    """An encoded frame captured 5 ms ago."""
    now = time.monotonic_ns()
    times = (now - 5_000_000, now - 2_000_000, now)
    return wire.encode(wire.Frame(session, number, wire.Flag(0), 900, seq, *times, layout, values.astype(np.float32)))


def face(**weights: float) -> np.ndarray:
    """A face vector (58,) with the named values."""
    values = np.zeros(58, np.float32)
    for name, value in weights.items():
        values[channels.FACE[name]] = value
    return values


class Engine:
    """Answers describe and publishes 25 frames a second, once started, until stopped; use as a context manager."""

    def __init__(self, monitor: bool = True) -> None:
        self.context = zmq.Context()
        self.pub = self.context.socket(zmq.PUB)
        self.control = self.context.socket(zmq.REP)
        for socket in (self.pub, self.control):
            socket.set(zmq.LINGER, 0)
        self.pub_port = self.pub.bind_to_random_port("tcp://127.0.0.1")
        self.endpoint = f"tcp://127.0.0.1:{self.control.bind_to_random_port('tcp://127.0.0.1')}"
        self.about = description(f"tcp://127.0.0.1:{self.pub_port}", monitor)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self) -> Engine:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join()
        self.pub.close()
        self.control.close()
        self.context.term()

    def run(self) -> None:
        """Publish and answer."""
        layouts = {each["stream"]: each["layout"] for each in self.about["streams"]}
        began, seq = time.monotonic(), 0
        while not self.stopping.is_set():
            if self.control.poll(max(0, int((began + seq / RATE - time.monotonic()) * 1000))):
                self.control.recv()
                self.control.send_json(self.about)
                continue
            phase = seq / RATE
            pose = face(headPitch=0.25 * np.sin(6 * phase), mouthSmileLeft=0.5, eyeBlinkLeft=float(seq % 25 < 3))
            if seq % 20 != 7:  # one frame in twenty is lost
                self.pub.send(frame(seq, pose, layout=layouts[0]))
            if 256 in layouts:
                tone = 0.3 * np.sin(2 * np.pi * 440 * (seq * HOP + np.arange(HOP)) / SAMPLE_RATE)
                self.pub.send(frame(seq, tone, 256, layout=layouts[256]))
                self.pub.send(frame(seq, face(headYaw=0.3), 257, layout=layouts[257]))
            if seq % 25 == 0:
                self.pub.send(b"RXA1" + struct.pack("<I", SESSION) + json.dumps(self.about).encode())
            seq += 1
