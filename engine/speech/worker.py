"""``python -m engine.speech.worker NAME [MODEL]``: a recogniser in a process of its own, for
:mod:`engine.speech.listening`.

It reads pieces of sound from stdin (u32 count, then so many float32 at 16 kHz, little-endian) and writes JSON lines to
stdout: ``{"ready": true}`` or ``{"error": "why"}`` once, then ``{"words": [["hello", start, end], ...]}`` in seconds
from the first sample. It ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
from typing import BinaryIO

import numpy as np

from engine.errors import EngineError
from engine.speech.recognise import recogniser

_LONGEST = 16_000 * 60


def main(asked: list[str], sound: BinaryIO, told: BinaryIO) -> int:
    """Listen to ``sound`` until it ends; the exit code."""

    def say(**what: object) -> None:
        told.write(json.dumps(what).encode() + b"\n")
        told.flush()

    try:
        by = recogniser(*asked)
    except EngineError as error:
        say(error=str(error))
        return 1
    say(ready=True)
    while len(head := sound.read(4)) == 4:
        count = int(np.frombuffer(head, "<u4")[0])
        if count > _LONGEST:
            say(error=f"a piece of {count} samples")
            return 1
        words = by.push(np.frombuffer(sound.read(4 * count), "<f4"))
        if words:
            say(words=[[word.text, word.start, word.end] for word in words])
    return 0


if __name__ == "__main__":
    output = os.fdopen(os.dup(1), "wb")  # libraries may print: that goes where nobody reads it
    os.dup2(2, 1)
    sys.exit(main(sys.argv[1:], sys.stdin.buffer, output))
