"""A listener to sound that a program pushes as it gets it: here a recording, in place of a microphone or a call.
``python examples/live.py SPEECH.wav [SECONDS]`` prints the head's pitch once a second."""

from __future__ import annotations

import sys
import time

import engine

RATE, BLOCK = 16_000, 320  # Hz, and samples that are pushed at a time: 20 ms


def main(recording: str, seconds: float = 10.0) -> None:
    """Push the sound of ``recording`` in its own time, and take the frames that come of it."""
    sound = engine.read_audio(recording, RATE, raw=True)[: round(RATE * seconds)]
    with engine.live("rules", sample_rate=RATE, controls={"nod_rate": 1.5}) as session:
        (face,) = (stream for stream in session.describe()["streams"] if stream["name"] == "face")
        pitch, begun = face["names"].index("headPitch"), time.monotonic()
        for first in range(0, len(sound), BLOCK):
            time.sleep(max(0.0, begun + (first + BLOCK) / RATE - time.monotonic()))
            session.push_audio(sound[first : first + BLOCK])
            for frame in session.receive():
                if frame.seq % round(face["rate"]) == 0:
                    print(f"frame {frame.seq}: pitch {frame.streams['face'][pitch]:+.3f} rad", flush=True)
        print(f"{session.stats()['frames']} frames")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        main(sys.argv[1], *map(float, sys.argv[2:3]))
    except engine.EngineError as error:
        sys.exit(f"live: {error}")
