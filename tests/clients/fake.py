"""A publisher and control socket that behave as the engine's do, on free local ports, for the clients' tests."""

from __future__ import annotations

import json
import struct
import threading
import time
from typing import Any

import numpy as np
import zmq

from clients.python.announced import Announced
from engine import channels, wire
from engine.body.skeleton import Skeleton, skeleton

SESSION, RATE, SAMPLE_RATE, HOP = 5, 25.0, 16000, 640
PCM = [f"pcm{index}" for index in range(HOP)]
LEVELS = ["low", "medium", "high"]


def stream(
    number: int, name: str, kind: str, names: list[str], units: list[str], codec: str, body: str = ""
) -> dict[str, Any]:
    """One stream as ``describe`` lists it."""
    layout = wire.layout_hash(names, units)
    plain = {"stream": number, "name": name, "kind": kind, "names": names, "units": units, "layout": layout}
    return plain | {"skeleton": body, "codec": codec, "of": "self" if kind == "output" else "partner"}


def description(pub: str, monitor: bool = True) -> dict[str, Any]:
    """A describe reply."""
    face = (list(channels.FACE_NAMES), list(channels.FACE_UNITS))
    streams = [stream(0, "face", "output", *face, "arkit58")]
    if monitor:
        streams.append(stream(256, "partner_audio", "input", PCM, ["sample"] * HOP, "pcm"))
        streams.append(stream(257, "partner_face", "input", *face, "arkit58"))
    head = {"ok": True, "protocol": 1, "engine": "0.1.0", "session": SESSION, "bundle": "listener_rules"}
    return {**head, "rate": RATE, "sample_rate": SAMPLE_RATE, "lookahead_frames": 0, "pub": pub, "streams": streams}


def dance(pub: str, monitor: bool = True, outputs: tuple[str, ...] = ("body", "effort")) -> dict[str, Any]:
    """A describe reply of a session with a body, no sound, and controls of which one is a choice."""
    body = skeleton("cmu")
    names = list(body.channels)
    known = {
        "body": ("output", names, ["m"] * len(names), "joints", body.name),
        "effort": ("output", LEVELS, ["probability"] * 3, "chances:effort"),
        "face": ("output", list(channels.FACE_NAMES), list(channels.FACE_UNITS), "arkit58"),
        "emotion": ("output", list(channels.EMOTION_NAMES), list(channels.EMOTION_UNITS), "emotion25"),
    }
    streams = []
    for number, name in enumerate(outputs):
        kind, *rest = known[name]
        streams.append(stream(number, name, kind, *rest))
    if monitor:
        streams.append(stream(256, "partner_body", "input", names, ["m"] * len(names), "joints", body.name))
    head = {"ok": True, "protocol": 1, "engine": "0.1.0", "session": SESSION, "bundle": "dance"}
    choice = {"name": "effort", "low": 0.0, "high": 2.0, "default": 1.0, "value": 2.0, "choices": LEVELS, "about": ""}
    speed = {"name": "speed", "low": 0.25, "high": 2.0, "default": 1.0, "value": 0.8, "choices": [], "about": ""}
    head |= {"controls": [choice, speed], "skeletons": {body.name: body.to_dict()}}
    return {**head, "rate": RATE, "sample_rate": 0, "lookahead_frames": 0, "pub": pub, "streams": streams}


def read(about: dict[str, Any], **changed: Any) -> Announced:
    """A describe reply as a client knows it."""
    return Announced.read(about | changed)


def frame(seq: int, values: np.ndarray, number: int = 0, session: int = SESSION, layout: int = 0) -> bytes:
    """An encoded frame captured 5 ms ago."""
    now = time.monotonic_ns()
    times = (now - 5_000_000, now - 2_000_000, now)
    flat = values.astype(np.float32).ravel()
    return wire.encode(wire.Frame(session, number, wire.Flag(0), 900, seq, *times, layout, flat))


def face(**weights: float) -> np.ndarray:
    """A face vector (58,) with the named values."""
    values = np.zeros(58, np.float32)
    for name, value in weights.items():
        values[channels.FACE[name]] = value
    return values


def standing(body: Skeleton | None = None, x: float = 0.0, sway: float = 0.0) -> np.ndarray:
    """A body (J, 3) at rest with its lowest joint on the floor at ``x``, its hands moved up by ``sway`` m."""
    body = body or skeleton("cmu")
    at = body.rest_positions().astype(np.float32)
    at[:, 1] -= at[:, 1].min()
    at[:, 0] += x
    for name in ("lHand", "lMid1", "rHand", "rMid1"):
        if name in body.joints:
            at[body.index(name), 1] += sway
    return at


def values(name: str, seq: int) -> np.ndarray:
    """What the stream ``name`` says at a frame."""
    phase = seq / RATE
    if name == "face":
        return face(headPitch=0.25 * np.sin(6 * phase), mouthSmileLeft=0.5, eyeBlinkLeft=float(seq % 25 < 3))
    if name == "partner_audio":
        return np.array(0.3 * np.sin(2 * np.pi * 440 * (seq * HOP + np.arange(HOP)) / SAMPLE_RATE))
    if name in ("body", "partner_body"):
        return standing(x=0.3 * np.sin(phase) + float(name == "partner_body"), sway=0.2 * np.sin(6 * phase))
    emotion = np.linspace(0.0, 1.0, 25)
    return {"partner_face": face(headYaw=0.3), "effort": np.array((0.1, 0.2, 0.7)), "emotion": emotion}[name]


class Engine:
    """Answers describe and publishes 25 frames a second, once started, until stopped; use as a context manager.

    It serves a face or, with ``dancing``, a body. One that comes ``after`` another has its addresses.
    """

    def __init__(
        self, monitor: bool = True, dancing: bool = False, after: Engine | None = None, session: int = SESSION
    ) -> None:
        self.context = zmq.Context()
        self.pub = self.context.socket(zmq.PUB)
        self.control = self.context.socket(zmq.REP)
        for socket in (self.pub, self.control):
            socket.set(zmq.LINGER, 0)
        self.pub.bind("tcp://127.0.0.1:*" if after is None else after.about["pub"])
        self.control.bind("tcp://127.0.0.1:*" if after is None else after.endpoint)
        self.endpoint = self.control.get(zmq.LAST_ENDPOINT).decode().rstrip("\0")
        self.session, self.sent = session, 0
        self.about = (dance if dancing else description)(self.pub.get(zmq.LAST_ENDPOINT).decode().rstrip("\0"), monitor)
        self.about["session"] = session
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self) -> Engine:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.stopping.is_set():
            return
        self.stopping.set()
        self.thread.join()
        self.pub.close()
        self.control.close()
        self.context.term()

    def run(self) -> None:
        """Publish and answer."""
        began, seq = time.monotonic(), 0
        while not self.stopping.is_set():
            if self.control.poll(max(0, int((began + seq / RATE - time.monotonic()) * 1000))):
                self.control.recv()
                self.control.send_json(self.about)
                continue
            for each in self.about["streams"]:
                if each["stream"] or seq % 20 != 7:  # one frame in twenty of the first stream is lost
                    message = frame(seq, values(each["name"], seq), each["stream"], self.session, each["layout"])
                    self.pub.send(message)
            if seq % 25 == 0:
                self.pub.send(b"RXA1" + struct.pack("<I", self.session) + json.dumps(self.about).encode())
            self.sent = seq = seq + 1
