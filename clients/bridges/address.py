"""Where a bridge sends to, written as a URL: ``vmc://192.168.1.20:39539?names=arkit``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from clients.python.announced import clean


@dataclass(frozen=True)
class Option:
    """What a query may set: the ``words`` that are allowed, the first being what holds where it is not given; without
    words anything that ``pattern`` matches as a whole."""

    words: tuple[str, ...] = ()
    pattern: str = ""
    about: str = ""


@dataclass(frozen=True)
class Protocol:
    """A scheme of URLs: its usual port and its options."""

    port: int
    options: dict[str, Option]


_SUBJECT = Option(pattern=r"[\w. -]{1,64}", about="a name of 1 to 64 letters, digits, blanks, dots and dashes")
_PORT = r"([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])"
_LISTEN = Option(pattern=rf"([\w.-]+:|\[[0-9a-fA-F:.]+\]:)?{_PORT}", about="PORT or ADDRESS:PORT")
PROTOCOLS = {
    "vmc": Protocol(39539, {"names": Option(("both", "arkit", "vrm0", "vrm1")), "case": Option(("pascal", "camel"))}),
    "livelink": Protocol(11111, {"name": _SUBJECT}),
    "ifacialmocap": Protocol(49983, {"version": Option(("1", "2")), "listen": _LISTEN}),
    "vts": Protocol(8001, {"shapes": Option(("yes", "no"))}),
}
"""By scheme. Ports: protocol.vmc.info; Unreal's Live Link; ifacialmocap.com/for-developer; DenchiSoft/VTubeStudio."""
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9.])?|[0-9A-Fa-f:.]+(%[\w.-]+)?")


@dataclass(frozen=True)
class Address:
    """A URL taken apart; ``options`` has every option of the protocol that has a value."""

    scheme: str
    host: str
    port: int
    options: dict[str, str]

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse(url: str) -> Address:
    """Raises ValueError naming the URL, what is wrong with it and how it is written."""
    shown = clean(url, 120)
    scheme = url.partition("://")[0].lower()
    if "://" not in url or scheme not in PROTOCOLS:
        schemes = ", ".join(f"{each}://HOST:PORT" for each in PROTOCOLS)
        raise ValueError(f"bridge {shown!r}: no protocol of that name; write {schemes}")
    protocol = PROTOCOLS[scheme]
    meant = f"write {scheme}://HOST:PORT, as in {scheme}://127.0.0.1:{protocol.port}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"bridge {shown!r}: host or port cannot be read; {meant}") from None
    if parts.username is not None or parts.path not in ("", "/") or parts.fragment:
        raise ValueError(f"bridge {shown!r}: there is more than a host, a port and options; {meant}")
    if not _HOST.fullmatch(host):
        raise ValueError(f"bridge {shown!r}: no host; {meant}")
    if port == 0:
        raise ValueError(f"bridge {shown!r}: port 0; give 1 to 65535")
    return Address(scheme, host, port or protocol.port, _options(shown, parts.query, protocol))


def _options(shown: str, query: str, protocol: Protocol) -> dict[str, str]:
    chosen = {name: option.words[0] for name, option in protocol.options.items() if option.words}
    given = set()
    for name, value in parse_qsl(query, keep_blank_values=True):
        option = protocol.options.get(name)
        if option is None or name in given:
            known = ", ".join(protocol.options)
            what = "is given twice" if name in given else "is no option"
            raise ValueError(f"bridge {shown!r}: {clean(name, 40)!r} {what}; the options are {known}, each once")
        fits = value in option.words if option.words else re.fullmatch(option.pattern, value) is not None
        if not fits:
            how = " or ".join(option.words) or option.about
            raise ValueError(f"bridge {shown!r}: {name}={clean(value, 40)}; give {how}")
        chosen[name] = value
        given.add(name)
    if query and not given:
        raise ValueError(f"bridge {shown!r}: options are written ?NAME=VALUE; there is {', '.join(protocol.options)}")
    return chosen
