"""CURVE on ZeroMQ sockets: key pairs in a folder, who may connect, and the thread that is asked at every handshake.

A folder made by :func:`make_keys` serves both ends. The engine reads ``server.key_secret`` and ``clients/*.key``, the
public keys of those who may connect; a client reads ``server.key`` and its own ``client.key_secret``. The files are
those of ``zmq.auth``. Without a valid key a peer does not get past the handshake, so nothing of it is stored.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from dataclasses import dataclass, field
from pathlib import Path

import zmq

from engine.errors import EngineError, reason

SERVER, CLIENT, CLIENTS = "server", "client", "clients"
MOST_CLIENTS = 1024
_ZAP = "inproc://zeromq.zap.01"


@dataclass(frozen=True)
class ServerKeys:
    """The engine's key pair and the public keys of those who may connect, all in Z85 (40 characters)."""

    public: bytes
    secret: bytes = field(repr=False)
    clients: frozenset[bytes]

    @classmethod
    def load(cls, folder: Path) -> ServerKeys:
        """From a folder. Raises :class:`EngineError` naming the file that is missing or holds no key."""
        public, secret = _pair(folder / f"{SERVER}.key_secret")
        files = sorted((folder / CLIENTS).glob("*.key"))
        if not 1 <= len(files) <= MOST_CLIENTS:
            raise EngineError(
                f"keys {folder / CLIENTS}: {len(files)} client keys (*.key); give 1 to {MOST_CLIENTS}, for nobody else "
                "can connect"
            )
        return cls(public, secret, frozenset(_load(path)[0] for path in files))

    def guard(self, socket: zmq.Socket[bytes]) -> None:
        """Let only those with a known key into ``socket``, before it is bound."""
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self.secret)
        socket.setsockopt_string(zmq.ZAP_DOMAIN, self._domain)
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)  # with nobody to ask, nobody comes in
        _keep_gate(socket.context, self._domain, self.clients)

    @property
    def _domain(self) -> str:
        """Tells apart the engines of one process, should there be several with keys of their own."""
        return hashlib.sha256(b"".join(sorted(self.clients))).hexdigest()[:16]


@dataclass(frozen=True)
class ClientKeys:
    """What a client needs to connect: the engine's public key and its own pair."""

    server: bytes
    public: bytes
    secret: bytes = field(repr=False)

    @classmethod
    def load(cls, folder: Path) -> ClientKeys:
        """From a folder. Raises :class:`EngineError` naming the file that is missing or holds no key."""
        server, _ = _load(folder / f"{SERVER}.key")
        return cls(server, *_pair(folder / f"{CLIENT}.key_secret"))

    def join(self, socket: zmq.Socket[bytes]) -> None:
        """Use the keys on ``socket``, before it connects."""
        socket.setsockopt(zmq.CURVE_SERVERKEY, self.server)
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self.public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self.secret)


def make_keys(folder: Path) -> str:
    """Make a key pair for the engine and one for a client in ``folder``; what to do with them, in words. Raises
    :class:`EngineError` where there are keys already or the folder cannot be written."""
    from zmq.auth import create_certificates

    if (folder / f"{SERVER}.key_secret").exists():
        raise EngineError(f"{folder} holds keys already; remove them, or give another folder")
    before = os.umask(0o077)  # nobody else reads the secrets, at no time
    try:
        (folder / CLIENTS).mkdir(parents=True, exist_ok=True)
        for name in (CLIENT, SERVER):  # the engine's secret last: it says that all is there
            create_certificates(folder, name)
        (folder / f"{CLIENT}.key").replace(folder / CLIENTS / f"{CLIENT}.key")
    except OSError as error:
        raise EngineError(f"cannot write keys into {folder}: {error.strerror}; give another folder") from error
    finally:
        os.umask(before)
    return (
        f"keys in {folder}: serve with --keys {folder}; a client elsewhere needs {SERVER}.key and {CLIENT}.key_secret "
        f"in a folder of its own; {CLIENTS}/ holds the public keys of those who may connect"
    )


def open_to_others(path: Path) -> bool:
    """Whether other users of this machine can read a file that should be secret."""
    try:
        return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False


def _pair(path: Path) -> tuple[bytes, bytes]:
    public, secret = _load(path)
    if secret is None:
        raise EngineError(f"keys {path}: it holds no secret key; make a pair with `engine keys FOLDER`")
    return public, secret


def _load(path: Path) -> tuple[bytes, bytes | None]:
    from zmq.auth import load_certificate

    try:
        public, secret = load_certificate(path)
        if any(len(key) != 40 or b"\0" in key for key in (public, secret) if key is not None):
            raise ValueError("a key has 40 characters")
        if secret is not None and zmq.curve_public(secret) != public:
            raise ValueError("the two keys are no pair")
    except (OSError, ValueError, zmq.ZMQError) as error:
        raise EngineError(f"keys {path}: {reason(error)}; make them with `engine keys FOLDER`") from error
    return public, secret


def _keep_gate(context: zmq.Context[zmq.Socket[bytes]], domain: str, clients: frozenset[bytes]) -> None:
    """Answer libzmq's question who may come in (ZAP, https://rfc.zeromq.org/spec/27), until the context ends."""
    # A shadow, whose sockets are not the context's to close: this one ends when the context does.
    gate: zmq.Socket[bytes] = zmq.Context.shadow(context.underlying).socket(zmq.REP)
    gate.setsockopt(zmq.LINGER, 0)
    try:
        gate.bind(_ZAP)
    except zmq.ZMQError as error:
        gate.close()
        if error.errno != zmq.EADDRINUSE:
            raise
        return  # this context has a gatekeeper; one that does not know our domain lets nobody in
    threading.Thread(target=_gate, args=(gate, domain.encode(), clients), name="gate", daemon=True).start()


def _gate(gate: zmq.Socket[bytes], domain: bytes, clients: frozenset[bytes]) -> None:
    from zmq.utils import z85

    try:
        while True:
            version, number, asked, *_ = parts = gate.recv_multipart()
            known = parts[5:6] == [b"CURVE"] and z85.encode(parts[6]) in clients and asked == domain
            verdict = (b"200", b"OK") if known else (b"400", b"no key that is known here")
            gate.send_multipart([version, number, *verdict, b"", b""])
    except zmq.ContextTerminated:
        gate.close()
