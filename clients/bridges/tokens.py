"""Tokens that VTube Studio has given, kept for the next time in the user's configuration: a file that its owner alone
can read, written as a whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from platformdirs import user_config_path

LONGEST = 64 * 1024
"""Bytes of the file that are read."""
LONGEST_TOKEN = 64
"""Characters; those of VTube Studio have no more."""


def token_file() -> Path:
    """Where they are."""
    return user_config_path("reaction-engine") / "vtube_studio_tokens.json"


def known(where: str) -> str:
    """The token for a program's address; "" where there is none, or the file does not read."""
    token = _all().get(where, "")
    return token if isinstance(token, str) and 0 < len(token) <= LONGEST_TOKEN else ""


def keep(where: str, token: str) -> None:
    """Remember a token, or with "" forget it. Raises OSError where the file cannot be written."""
    held = _all()
    held.pop(where, None)
    if token:
        held[where] = token
    path = token_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # for its owner alone (0600)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump(held, file)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _all() -> dict[str, object]:
    try:
        with token_file().open("rb") as file:
            held = json.loads(file.read(LONGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return held if isinstance(held, dict) else {}
