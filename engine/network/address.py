"""The address that a server binds: HOST:PORT, of IPv4, IPv6 or a name."""

from __future__ import annotations

import errno
import os
import socket

from engine.access import Access, host_of, loopback
from engine.errors import EngineError, clean

_FORM = "write HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080"


def parsed(address: str, option: str = "--listen") -> tuple[str, int]:
    """Host and port. Raises :class:`EngineError` where the address is none."""
    host, port = host_of(address), address.rpartition(":")[2]
    if host is None or "://" in address or not (port.isascii() and port.isdecimal()):
        raise EngineError(f"{option} {clean(address, 80)!r} is no address; {_FORM}")
    if int(port[:6]) > 65535:
        raise EngineError(f"{option} {clean(address, 80)!r}: ports go from 0 to 65535; {_FORM}")
    return host, int(port)


def bound(address: str, access: Access, option: str = "--listen") -> socket.socket:
    """A socket that is bound to ``address``, which was given by ``option``. Raises :class:`EngineError` where that
    cannot be, and where others would reach it without a token."""
    host, port = parsed(address, option)
    if not loopback(address) and not access.tokens and not access.insecure:
        raise EngineError(
            f"{option} {clean(address, 80)}: others reach this machine there; give --tokens FILE (who may do what), "
            "bind 127.0.0.1, or say --insecure where everybody may come in"
        )
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        raise EngineError(f"{option} {clean(address, 80)}: no network here has {clean(host, 60)!r}; {_FORM}") from error
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(where)
    except OSError as error:
        made.close()
        taken = error.errno == errno.EADDRINUSE
        remedy = f"perhaps another engine is there: stop it, or give {option} another port"
        remedy = remedy if taken else "choose another address, of this machine"
        raise EngineError(f"{option} {address}: cannot bind there ({error.strerror}); {remedy}") from error
    return made
