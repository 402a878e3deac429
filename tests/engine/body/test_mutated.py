"""Whatever is done to a file, it reads as finite motion or is refused in words, and never takes long."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest

from engine.body.bvh import BvhError, read_body
from tests.engine.body.made import CMU, dance, text_of

WORDS = (
    *("nan", "inf", "-1e300", "1e9", "{", "}", "JOINT x\n", "ROOT y", "End Site", "OFFSET", "OFFSET 1e8 0 0"),
    *("CHANNELS 99999999999999999999999", "MOTION", "Frames: 999999999999999", "Frame Time: 1e-300", "\0", "\r"),
    *("\xff\xfe", ",", ";", "#", "//", "1_0", "é", "Xposition", "Xscale", ".end", ":", "left", "1e999", "0x10", "٣"),
)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Some bytes, words or pieces replaced, put in, doubled, taken out or cut off."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at, kind = chance.randrange(len(data) + 1), chance.randrange(6)
        word = chance.choice(WORDS).encode()
        if kind == 0:
            data[at:at] = word
        elif kind == 1:
            del data[at : at + chance.randrange(1, 40)]
        elif kind == 2 and at < len(data):
            data[at] = chance.randrange(256)
        elif kind == 3 and chance.random() < 0.3:
            del data[at:]
        elif kind == 4:
            data[at:at] = data[at : at + chance.randrange(1, 300)]
        else:
            found = chance.choice(list(re.finditer(rb"\S+", bytes(data))) or [None])
            if found is not None:
                data[found.start() : found.end()] = word
    return bytes(data)


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_file_reads_finite_or_is_refused_in_words(tmp_path: Path, seed: int) -> None:
    chance, path, read = random.Random(seed), tmp_path / "a.bvh", 0
    content = text_of(tmp_path, dance(frames=2)).encode()
    for _ in range(60):
        path.write_bytes(mutated(content, chance))
        for body in (None, CMU):
            try:
                found = read_body(path, body)
            except BvhError as error:
                assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
                assert not re.search("usecols|Errno|pickle|Traceback", str(error))
                continue
            read += 1
            assert np.isfinite(found.motion.positions).all() and len(found.motion) == len(found.sound)
            assert found.motion.rotations is not None and np.isfinite(found.motion.rotations).all()
            assert 0.0 < found.motion.rate <= 10_000.0
    assert read > 20
