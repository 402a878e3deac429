"""Addresses of cameras and streams (``rtsp://``, ``http://`` ...): told apart from paths, and shown without passwords.

Whoever prints an address, in a log, an error or an announcement, prints :func:`shown`.
"""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<rest>.+)", re.IGNORECASE)
_SECRET = re.compile(r"(?P<name>pass\w*|pwd|secret|token|key|auth\w*)=[^&/;]*", re.IGNORECASE)
_HIDDEN = r"\g<name>=..."
_HOST = re.compile(r"([^:@/?\[]*|\[[^]@]*\])(:\d*)?([/?]|$)")  # without user and password


def is_address(text: str) -> bool:
    """Whether ``text`` is the address of a stream, not a path: ``file://`` is neither."""
    found = _ADDRESS.fullmatch(text.strip())
    return found is not None and found["scheme"].lower() != "file"


def shown(text: str) -> str:
    """``text`` as people may read it: an address without user, password and what is asked for after ``?``, where some
    cameras want a password as well; anything else as it is."""
    found = _ADDRESS.fullmatch(text.strip())
    if found is None:
        return text
    rest = found["rest"]
    if not _HOST.match(rest):  # whatever a password holds, slashes too: all up to the last @ goes
        rest = rest.rpartition("@")[2]
    rest, asked, _ = rest.partition("?")
    return f"{found['scheme']}://{_SECRET.sub(_HIDDEN, rest)}{asked and '?...'}"
