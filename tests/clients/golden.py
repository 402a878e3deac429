"""Frames whose bytes are pinned in ``tests/wire_golden.json``; ``python -m tests.clients.golden`` rewrites that file.

Rewriting is right only together with a new wire version: every client decodes the same file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from engine import wire

PATH = Path(__file__).resolve().parents[1] / "wire_golden.json"
FRAMES = {
    "face of 58 values": wire.Frame(
        *(1, 0, wire.Flag(0), 1234, 0, 1_000_000_000, 1_040_000_000, 1_041_500_000, 0x1234ABCD),
        np.linspace(-1.0, 1.0, 58).astype(np.float32),
    ),
    "all flags and largest header fields": wire.Frame(
        *(2**32 - 1, 2**16 - 1, wire.Flag(255), 2**32 - 1, 2**64 - 1, 2**63 - 1, -(2**63), -1, 2**32 - 1),
        np.array([0.0, 1.5], np.float32),
    ),
    "monitor stream": wire.Frame(
        *(7, wire.PARTNER_STREAM, wire.Flag.SILENT | wire.Flag.NO_FACE, 0, 258, 3, 2, 1, 0),
        np.array([0.1, -0.25, 3.0e-5], np.float32),
    ),
    "flags beyond the first eight": wire.Frame(
        *(9, 512, wire.Flag.UNSOUND | wire.Flag.PENDING | wire.Flag.FIRST, 5, 1, 2, 3, 4, 5),
        np.array([-1.0], np.float32),
    ),
    "all flags that there is room for": wire.Frame(
        *(9, 0, wire.Flag(2**24 - 1), 5, 2, 2, 3, 4, 5), np.array([1.0e38], np.float32)
    ),
    "no values": wire.Frame(3, 1, wire.Flag.HELD, 40_000, 17, 5, 6, 7, 8, np.empty(0, np.float32)),
}


def cases() -> list[dict[str, Any]]:
    """The file's content: each frame's fields, its values and its message as hex."""
    rows = []
    for name, frame in FRAMES.items():
        fields = {key: int(getattr(frame, key)) for key in wire.Frame.__slots__ if key != "values"}
        rows.append({"name": name, **fields, "values": frame.values.tolist(), "hex": wire.encode(frame).hex()})
    return rows


if __name__ == "__main__":
    PATH.write_text(json.dumps(cases(), indent=1) + "\n")
