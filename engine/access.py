"""Who may do what: which addresses others can reach, what they need there, and the rights of tokens.

On this machine alone (loopback, ``ipc://``) everything is allowed until a token file says otherwise. Beyond it a ZeroMQ
socket is bound with CURVE keys only (:mod:`engine.curve`): a token comes inside a message, and libzmq stores a message
of any number of parts before anybody sees it. The HTTP door reads what comes piece by piece; there a token is enough.

A token has rights, each on its own: ``describe`` (descriptions, statistics, the clock), ``set`` (controls, texts,
reset, pause), ``stop`` (end the engine) and ``session`` (open a session on the network and steer it).
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.curve import SERVER, ServerKeys, make_keys, open_to_others
from engine.errors import EngineError, clean

__all__ = ["LOCAL", "RIGHTS", "Access", "host_of", "loopback", "make_keys", "parse_tokens"]

RIGHTS = ("describe", "set", "stop", "session")
ANYONE = "*"
"""In a token file: the rights of those who show no token."""
SHORTEST_TOKEN, LONGEST_TOKEN = 16, 256
MOST_TOKENS, LONGEST_FILE = 1024, 1 << 18
_REMARK = re.compile(r"(?:^|\s)#")
_FORM = (
    f"write a line for each: TOKEN right,right ({', '.join(RIGHTS)}), the token of {SHORTEST_TOKEN} characters or more"
)


@dataclass(frozen=True)
class Access:
    """``keys`` guard ZeroMQ sockets. ``tokens`` (rights by token) guard requests wherever they are given; ``anyone``
    are the rights of those who show none. ``insecure`` lets sockets be bound beyond this machine without either.
    ``warnings`` are for a person."""

    keys: ServerKeys | None = None
    tokens: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    anyone: frozenset[str] = frozenset()
    insecure: bool = False
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, keys: Path | None = None, tokens: Path | None = None, insecure: bool = False) -> Access:
        """From a folder of keys and a file of tokens. Raises :class:`EngineError` for what cannot be used."""
        secrets = [folder / f"{SERVER}.key_secret" for folder in (keys,) if folder is not None]
        secrets += [tokens] if tokens is not None else []
        warnings = [f"{path} can be read by others on this machine; chmod 600 {path}" for path in secrets]
        found, anyone = ({}, frozenset[str]()) if tokens is None else parse_tokens(_read(tokens), str(tokens))
        return cls(
            None if keys is None else ServerKeys.load(keys),
            found,
            anyone,
            insecure,
            tuple(warning for path, warning in zip(secrets, warnings, strict=True) if open_to_others(path)),
        )

    def check(self, endpoint: str, option: str) -> None:
        """Raise :class:`EngineError` where a ZeroMQ socket at ``endpoint`` would let in anybody from elsewhere."""
        if self.keys is None and not self.insecure and "://" in endpoint and not loopback(endpoint):
            tokens = " (tokens guard what is asked, not the socket)" if self.tokens else ""
            raise EngineError(
                f"{option} {clean(endpoint, 80)}: others reach this machine there{tokens}; give --keys FOLDER (`engine "
                "keys FOLDER` makes them), bind 127.0.0.1, or say --insecure where everybody may come in"
            )

    def allows(self, token: object, right: str) -> bool:
        """Whether ``token`` (what a peer showed; "" or anything else for none) may do what needs ``right``. Every token
        is compared, in a time that does not tell how much of one was guessed."""
        if not self.tokens:
            return True
        shown = _digest(token if isinstance(token, str) else "")
        allowed = right in self.anyone
        for known, rights in self.tokens.items():
            allowed |= hmac.compare_digest(_digest(known), shown) and right in rights
        return allowed

    def require(self, token: object, right: str, what: str) -> None:
        """Raise :class:`EngineError` in words where ``what`` is not allowed."""
        if not self.allows(token, right):
            shown = "this token does not have" if token else "no token was shown for"
            raise EngineError(
                f"{what}: {shown} the right {right!r}; give one that has it, of the engine's --tokens file"
            )


LOCAL = Access()
"""Of this machine alone, where everything is allowed."""


def loopback(endpoint: str) -> bool:
    """Whether only this machine reaches a socket bound to ``endpoint`` (``tcp://127.0.0.1:5570``, ``tcp://[::1]:5570``,
    ``ipc://...``). A name other than localhost, a wildcard and anything unknown count as reached by others."""
    transport, colon, _ = endpoint.partition("://")
    if colon and transport in ("ipc", "inproc"):
        return True
    host = host_of(endpoint)
    if (colon and transport != "tcp") or host is None:
        return False
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool(address.is_loopback or (mapped is not None and mapped.is_loopback))


def host_of(endpoint: str) -> str | None:
    """The host of ``tcp://HOST:PORT`` or ``HOST:PORT``, an IPv6 address without brackets; None where there is none."""
    host, colon, _ = endpoint.partition("://")[2 if "://" in endpoint else 0].rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1] or None
    return host if colon and host and ":" not in host else None


def parse_tokens(text: str, name: str = "tokens") -> tuple[dict[str, frozenset[str]], frozenset[str]]:
    """Rights by token, and of those who show none, of a file with a token a line; ``#`` begins a remark. Raises
    :class:`EngineError` naming the line, and never a token."""
    tokens: dict[str, frozenset[str]] = {}
    anyone: frozenset[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        token, *rest = _REMARK.split(line, maxsplit=1)[0].split() or [""]
        if not token:
            continue
        rights = frozenset(right for part in rest for right in part.split(",") if right)
        unknown = sorted(rights.difference(RIGHTS))
        if not rights or unknown:
            wrong = f"there is no right {clean(unknown[0], 40)!r}" if unknown else "it names no rights"
            raise EngineError(f"{name} line {number}: {wrong}; {_FORM}")
        if token == ANYONE and anyone is None:
            anyone = rights
            continue
        if not SHORTEST_TOKEN <= len(token) <= LONGEST_TOKEN or not (token.isascii() and token.isprintable()):
            raise EngineError(f"{name} line {number}: {len(token)} characters are no token; {_FORM}")
        if token in tokens or len(tokens) == MOST_TOKENS:
            raise EngineError(f"{name} line {number}: a token twice, or more than {MOST_TOKENS}; {_FORM}")
        tokens[token] = rights
    if not tokens:
        raise EngineError(f"{name}: it holds no token; {_FORM}")
    return tokens, anyone or frozenset()


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST_FILE + 1)
        if len(data) > LONGEST_FILE:
            raise EngineError(f"tokens {path}: more than {LONGEST_FILE} bytes; {_FORM}")
        return data.decode()
    except OSError as error:
        raise EngineError(f"tokens {path}: {error.strerror}; {_FORM}") from error
    except UnicodeDecodeError as error:
        raise EngineError(f"tokens {path}: it is no text; {_FORM}") from error


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
