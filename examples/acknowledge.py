"""When would a listener say "mm-hm"? ``python examples/acknowledge.py SPEECH.wav [RATE]`` prints what is due and when;
give each line to a voice to have it said. A RATE of 3 makes it three times as often as people do."""

from __future__ import annotations

import sys

import numpy as np

import engine

SAID = {"continuer": "mm-hm", "assessment": "oh?"}


def main(recording: str, rate: float = 1.0) -> None:
    """Run the rule listener over the sound of ``recording``, and read the counts of its stream ``acknowledge``."""
    with engine.open("rules", seed=1) as model:
        sound = engine.read_audio(recording, model.spec.sample_rate)
        counts = model.run({"partner_audio": sound}, acknowledge_rate=rate)["acknowledge"]
        names, period = model.spec.output("acknowledge").names, 1.0 / model.spec.rate
    # A count that grows is due. Live, compare with the last frame that you saw, whichever that was.
    for frame, kind in np.argwhere(np.diff(counts, axis=0, prepend=0.0) % 65536 > 0):
        print(f"{frame * period:6.2f} s  {names[kind]}: {SAID[names[kind]]}")
    print(f"{int(counts[-1].sum())} in {len(counts) * period:.0f} s")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        main(sys.argv[1], *map(float, sys.argv[2:3]))
    except engine.EngineError as error:
        sys.exit(f"acknowledge: {error}")
