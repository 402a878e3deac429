"""``engine replay``: a recording replayed, and told in a few lines."""

from __future__ import annotations

from pathlib import Path

from engine.bundle import Bundle
from engine.record.replay import replay


def replay_command(path: Path, bundle: str | None = None, anyway: bool = False) -> int:
    """Replay ``path`` with a bundle (a name or folder; default: that of its name) and print what was found. 0 where
    every frame came out the same, 1 where one did not. Raises :class:`~engine.errors.EngineError` where it cannot be
    replayed; a recording of another bundle can with ``anyway``."""
    found = replay(path, None if bundle is None else Bundle.load(bundle), anyway=anyway)
    print(f"{path}: {found.frames} frames of {found.bundle} replayed on {found.where}")
    if found.cut:
        print("the file has no end, as after a crash or on a full disk; what there is was replayed")
    if found.unknown:
        print(f"{found.unknown} frames could not be compared: frames before them are missing")
    if found.first is None:
        print("all the same, byte for byte: payload, sequence, due times and flags")
        return 0
    print(f"{found.different} frames differ (values by {found.largest:.3g} at most); the first: {found.first}")
    return 1
