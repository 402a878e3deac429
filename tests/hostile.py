"""What hostile peers send: seeded mutations of bytes and of JSON, and connections that speak ZeroMQ's protocol by hand
(ZMTP 3.0, https://rfc.zeromq.org/spec/23) because no library would send what they do."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterator
from typing import Any

MANY = 200_000
"""Mutated messages at each door."""
_DEEP: Any = json.loads("[" * 300 + "]" * 300)
ODD: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 2**16, 2**32, 2**64, -(10**400), 1e308, -0.5, float("nan"), float("inf")),
    *("", "a", "\x1b[2J", "\u202e", "\ud800", "x" * 300, "tcp://[::1", "tcp://*:99999", "ipc://", "joints"),
    *([], {}, [None], [[]], {"": None}, [1, 2, 3], {"joints": 3}, _DEEP),
)
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL".ljust(55, b"\0")
MORE, LONG, COMMAND = 1, 2, 4


def mutated_json(rng: random.Random, told: Any) -> Any:
    """A copy with one thing changed, at any depth: replaced, left out, doubled, or under another name."""
    if isinstance(told, (dict, list)) and told and rng.random() < 0.85:
        copy = told.copy()
        at: Any = rng.choice(list(told)) if isinstance(told, dict) else rng.randrange(len(told))
        fate = rng.random()
        if fate < 0.80:
            copy[at] = mutated_json(rng, told[at])
        elif fate < 0.90:
            del copy[at]
        elif isinstance(copy, dict):
            copy[rng.choice(("", "x", *told))] = copy.pop(at)
        else:
            copy.append(copy[at])
        return copy
    return rng.choice(ODD)


def mutated_bytes(rng: random.Random, message: bytes) -> bytes:
    """A copy with some bytes changed, cut out, put in, or doubled."""
    data = bytearray(message)
    for _ in range(rng.choice((1, 1, 1, 2, 5, 20))):
        at = rng.randrange(len(data) + 1)
        fate = rng.randrange(5)
        if fate < 2 and at < len(data):
            data[at] = rng.choice((0, 1, 255, data[at] ^ 1 << rng.randrange(8)))
        elif fate == 2:
            del data[at : at + rng.choice((1, 2, 8, 1000))]
        elif fate == 3:
            data[at:at] = rng.choice((b"\0", b"\xff", b'"', b"{", b"[", b"9", b"e9", b"\\u", rng.randbytes(4)))
        else:
            data[at:at] = data[at : at + rng.choice((1, 4, 60))]
    return bytes(data)


def mutants(seed: int, bases: list[Any], count: int = MANY) -> Iterator[bytes]:
    """``count`` mutated messages of JSON values and of bytes, the same ones for each seed."""
    rng = random.Random(seed)
    texts = [base if isinstance(base, bytes) else json.dumps(base).encode() for base in bases]
    for number in range(count):
        base, text = bases[number % len(bases)], texts[number % len(bases)]
        if isinstance(base, bytes) or rng.random() < 0.4:
            yield mutated_bytes(rng, text)
        else:
            yield json.dumps(mutated_json(rng, base)).encode()


class Peer:
    """A connection to ``endpoint`` (``tcp://HOST:PORT``) that has shaken hands as a socket of ``kind``. Raises OSError
    where it is cut off, as every later call does."""

    def __init__(self, endpoint: str, kind: bytes) -> None:
        host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
        self.line = socket.create_connection((host, int(port)), 10)
        try:
            self.line.sendall(GREETING)
            self._take(64)
            ready = b"\x05READY\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind
            self.line.sendall(bytes((COMMAND, len(ready))) + ready)
            kind_of_part, length = self._take(2)
            if kind_of_part != COMMAND or not self._take(length).startswith(b"\x05READY"):
                raise ConnectionResetError("refused")
        except OSError:
            self.line.close()
            raise

    def _take(self, count: int) -> bytes:
        taken = b""
        while len(taken) < count:
            got = self.line.recv(count - len(taken))
            if not got:
                raise ConnectionResetError("cut off")
            taken += got
        return taken

    def send(self, data: bytes) -> None:
        """These bytes, as they are."""
        self.line.sendall(data)

    def close(self) -> None:
        """Go."""
        self.line.close()


def part(content: bytes, more: bool = False) -> bytes:
    """One part of a message on the wire."""
    if len(content) < 256:
        return bytes((MORE * more, len(content))) + content
    return bytes((LONG | MORE * more,)) + len(content).to_bytes(8, "big") + content
