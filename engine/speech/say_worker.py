"""``python -m engine.speech.say_worker``: says lines, and hears the words of sounds, in a process of its own, since
either computes for longer than a frame may wait.

It reads requests from stdin and answers each on stdout, one after another, little-endian; it ends with its input.

=========================================== ==========================================================================
``{"say": "Hello.", "voice": "heart"}``     a line to say; "" for the first voice
``{"hear": 16000}`` and so many int16       a sound at 16 kHz, whose words are asked for
``{"words": [["Hello.", 0.1, 0.5]], ...}``  an answer, times in seconds, with ``rate``, ``samples`` (0 where something
                                            was heard) and ``aligned``; so many int16 follow
``{"error": "why"}``                        it cannot be done
=========================================== ==========================================================================
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError, clean
from engine.speech.align import RATE
from engine.speech.recognise import of_sound, recogniser
from engine.speech.say import Reader, Utterance

RECOGNISER = "pocketsphinx"
LONGEST_S = 90.0
"""Of a sound whose words are asked for, which takes about a third of its length."""
_PIECE = 1600


def main(asked: BinaryIO, told: BinaryIO) -> int:
    """Answer until ``asked`` ends; the exit code."""
    reader = Reader()
    while line := asked.readline():
        request = json.loads(line)
        try:
            made = _heard(asked, int(request["hear"])) if "hear" in request else reader.say(**_line(request))
            answer: dict[str, Any] = {
                "words": [[word.text, round(word.start, 3), round(word.end, 3)] for word in made.words],
                "rate": made.rate,
                "samples": len(made.samples),
                "aligned": made.aligned,
            }
            sound = _int16(made.samples)
        except EngineError as error:
            answer, sound = {"error": str(error)}, b""
        except Exception as error:  # whatever a voice's own program raises for a text
            answer, sound = {"error": f"it cannot be said: {clean(error)[:120]}"}, b""
        told.write(json.dumps(answer).encode() + b"\n" + sound)
        told.flush()
    return 0


def _line(request: dict[str, Any]) -> dict[str, str]:
    return {"text": str(request["say"]), "voice": str(request.get("voice", ""))}


def _heard(asked: BinaryIO, count: int) -> Utterance:
    samples = np.frombuffer(asked.read(2 * count), "<i2").astype(np.float32) / 32768.0
    if not 0 < count <= LONGEST_S * RATE:
        raise EngineError(f"{count / RATE:.1f} s of sound: its words are looked for in {LONGEST_S:g} s at most")
    pieces = (samples[at : at + _PIECE] for at in range(0, count, _PIECE))
    return Utterance(np.zeros(0, np.float32), RATE, tuple(of_sound(pieces, recogniser(RECOGNISER))), True)


def _int16(samples: NDArray[np.float32]) -> bytes:
    return np.round(np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()


if __name__ == "__main__":
    output = os.fdopen(os.dup(1), "wb")  # libraries may print: that goes where nobody reads it
    os.dup2(2, 1)
    sys.exit(main(sys.stdin.buffer, output))
