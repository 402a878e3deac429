"""The address that a server binds: HOST:PORT, of IPv4, IPv6 or a name."""

from __future__ import annotations

import ipaddress
import os
import socket

from engine.errors import EngineError

_FORM = "write HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080"


def parsed(address: str) -> tuple[str, int]:
    """Host and port. Raises :class:`EngineError` where the address is none."""
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not host or (":" in host and not bracketed) or not (port.isascii() and port.isdecimal()):
        raise EngineError(f"--listen {address[:80]!r} is no address; {_FORM}")
    if int(port[:6]) > 65535:
        raise EngineError(f"--listen {address[:80]!r}: ports go from 0 to 65535; {_FORM}")
    return host.strip("[]"), int(port)


def bound(address: str) -> tuple[socket.socket, bool]:
    """A socket that is bound to ``address``, and whether only this machine reaches it. Raises :class:`EngineError`
    where that cannot be."""
    host, port = parsed(address)
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        raise EngineError(f"--listen {address[:80]!r}: nothing here has the name {host[:60]!r}; {_FORM}") from error
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(where)
    except OSError as error:
        made.close()
        raise EngineError(f"--listen {address}: cannot bind there ({error.strerror}); choose another port") from error
    return made, ipaddress.ip_address(made.getsockname()[0].partition("%")[0]).is_loopback
