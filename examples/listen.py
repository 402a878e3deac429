"""How would a listener move to a recording? ``python examples/listen.py SPEECH.wav [OUT.npz]`` prints when it nods,
and saves all frames: ``face`` (T, 58), the numbers' ``names``, and their ``rate``."""

from __future__ import annotations

import sys

import numpy as np

import engine

NOD = 0.04  # radians below where the head is usually held


def main(recording: str, out: str | None = None) -> None:
    """Run the rule listener over the sound of ``recording``."""
    with engine.open("rules", seed=1) as model:
        sound = engine.read_audio(recording, model.spec.sample_rate)
        face = model.run({"partner_audio": sound}, nod_rate=1.5)["face"]
        names, rate = model.spec.output("face").names, model.spec.rate
    pitch = face[:, names.index("headPitch")]
    down = pitch > np.median(pitch) + NOD
    nods = np.flatnonzero(down[1:] & ~down[:-1]) / rate
    print(f"{len(face)} frames, nods at {', '.join(f'{at:.1f}' for at in nods) or 'no time'} s")
    if out is not None:
        np.savez(out, face=face, names=names, rate=rate)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:3])
    except engine.EngineError as error:
        sys.exit(f"listen: {error}")
