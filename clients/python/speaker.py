"""Tell the engine what its avatar says: copy this file into your speech program, it needs pyzmq and numpy alone.

speaker = Speaker("tcp://127.0.0.1:5572")               # engine serve --speech net 127.0.0.1:5572
for sentence in sentences:                              # as fast as they are made: the engine plays them in time
    pcm, rate, words = synthesise(sentence)             # (n,) int16 or float32; words (start, end, text) in seconds
    speaker.say(pcm, rate, begin=True)
    speaker.words(words)
speaker.clear()                                         # somebody interrupts: what was not played is forgotten

A program that has no sound to give sends words alone, or only whether the avatar speaks: ``speaker.speaking(True)``.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import zmq
from zmq.auth import load_certificate

HEAD = struct.Struct(
    "<4sBBHIq"
)  # magic, kind of samples, begin, 0, rate, moment to play at (0: after what came before)
MOST_AT_ONCE_S = 10.0


class Speaker:
    """One speech program's way to the engine. Every call returns the engine's answer: ``now_ns``, its clock, and
    ``ahead_s``, how much is yet to be played. Raises ValueError with the engine's words for what it refuses, and
    ConnectionError where none answers within ``timeout_s`` seconds. ``token``: one with the right ``set``, where the
    engine has a token file. ``keys``: the folder with server.key and client.key_secret that ``engine keys`` made, where
    the engine is served with --keys."""

    def __init__(
        self, address: str = "tcp://127.0.0.1:5572", timeout_s: float = 2.0, token: str = "", keys: str | Path = ""
    ) -> None:
        self._address, self._timeout_s = address, timeout_s
        self._token = [token.encode()] if token else []
        self._keys = Path(keys) if keys else None
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket: zmq.Socket[bytes] | None = None
        self._answer: dict[str, Any] = {}

    def say(self, pcm: np.ndarray, rate: int, begin: bool = False, at_ns: int = 0) -> dict[str, Any]:
        """Play mono ``pcm`` (n,) of int16, or float32 from -1 to 1, at ``rate`` Hz after what came before, or at
        ``at_ns`` on the engine's clock; with ``begin`` an utterance begins, from which words count. What is much is
        sent in parts, and this waits where the engine has enough: it takes a minute ahead of time."""
        kind = 0 if pcm.dtype == np.int16 else 1
        samples = np.ascontiguousarray(pcm, "<i2" if kind == 0 else "<f4")
        size = round(MOST_AT_ONCE_S * rate)
        for first in range(0, max(len(samples), 1), size):
            part = samples[first : first + size]
            while self._answer.get("ahead_s", 0.0) > 55.0 - MOST_AT_ONCE_S:
                time.sleep(0.5)
                self._tell({"words": []})
            head = HEAD.pack(b"RXS1", kind, begin and not first, 0, rate, 0 if first else at_ns)
            self._send(head + part.tobytes())
        return self._answer

    def words(self, words: Iterable[tuple[float, float, str]]) -> dict[str, Any]:
        """Words as (start, end, text), seconds from the start of the utterance."""
        return self._tell({"words": [{"start": start, "end": end, "text": text} for start, end, text in words]})

    def begin(self, at_ns: int = 0) -> dict[str, Any]:
        """An utterance begins after what came before, or at ``at_ns`` on the engine's clock."""
        return self._tell({"begin": True, "at_ns": at_ns})

    def speaking(self, flag: bool | None, at: float | None = None) -> dict[str, Any]:
        """The avatar speaks or does not, ``at`` seconds from the start of the utterance or now; None: the engine tells
        it from words and sound again."""
        return self._tell({"speaking": flag, "at": at})

    def clear(self) -> dict[str, Any]:
        """Forget what was not played yet."""
        return self._tell({"clear": True})

    def close(self) -> None:
        """Leave."""
        self._context.destroy(linger=0)

    def _tell(self, told: dict[str, Any]) -> dict[str, Any]:
        return self._send(json.dumps(told).encode())

    def _send(self, message: bytes) -> dict[str, Any]:
        if self._socket is None:
            self._socket = self._context.socket(zmq.REQ)
            if self._keys is not None:
                self._socket.curve_serverkey = load_certificate(self._keys / "server.key")[0]
                own = load_certificate(self._keys / "client.key_secret")
                self._socket.curve_publickey, self._socket.curve_secretkey = own
            self._socket.connect(self._address)
        self._socket.send_multipart([*self._token, message])
        if not self._socket.poll(round(1000 * self._timeout_s)):
            self._socket.close(linger=0)  # a REQ socket that waits for an answer takes nothing else
            self._socket = None
            raise ConnectionError(f"no engine takes speech at {self._address}; start it with --speech net")
        try:
            answer = dict(json.loads(self._socket.recv()))
        except (ValueError, TypeError) as error:
            raise ConnectionError(f"what answers at {self._address} is no engine") from error
        if answer.get("ok") is not True:
            raise ValueError(f"the engine refused: {str(answer.get('error'))[:500]!r}")
        ahead_s = answer.get("ahead_s")
        self._answer = {**answer, "ahead_s": float(ahead_s) if isinstance(ahead_s, (int, float)) else 0.0}
        return self._answer
