"""The table of files that people bring, where it is at hand: beside the folder that ENGINE_DATA names."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from engine.body.bvh import BvhError, read_body
from tests.engine.body.made import CMU

CASES = Path(os.environ.get("ENGINE_DATA", "none")).parent / "cases" / "bvh"
EQUAL = (
    *("C37", "c01", "c02", "c03", "c04", "c06", "c07", "c08", "c09", "c10", "c11", "c13", "c18", "c19", "c22", "c23"),
    *("c24", "c25", "c26", "c28", "c29", "c30", "c31", "c32", "c34", "c43", "c45", "c47", "c48"),
)
TOLD = ["c06", "c07", "c08", "c15", "c22", "c23", "c24", "c30", "c31", "c32", "c34", "c47"]

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="set ENGINE_DATA to a folder with cases/bvh beside it")


def case(name: str) -> Path:
    (path,) = CASES.glob(f"{name}_*")
    return path


@pytest.mark.parametrize("name", EQUAL)
def test_a_case_is_equal_to_the_base(name: str) -> None:
    base, found = read_body(case("c00"), CMU), read_body(case(name), CMU)
    frames = len(found.motion)
    assert np.abs(found.motion.positions - base.motion.positions[:frames]).max() < 1e-4
    assert frames == {"c08": 149, "c18": 1, "c19": 2}.get(name, 150)
    assert found.motion.rate == 30.0 and found.sound.all()
    assert len(found.notes) == (name in TOLD)


def test_damage_is_marked_and_a_root_with_rotations_alone_rests() -> None:
    base, broken, still = (read_body(case(name), CMU) for name in ("c00", "c15", "c36"))
    assert len(broken.notes) == 1 and (~broken.sound).sum() == 1
    off = np.abs(broken.motion.positions - base.motion.positions).max((1, 2))
    assert off[broken.sound].max() < 1e-4
    at = base.motion.positions - base.motion.positions[:, :1]
    assert np.abs(still.motion.positions - at).max() < 1e-4


@pytest.mark.parametrize("name", ["c17", "c20", "c38", "c39", "c40", "c41", "c44"])
def test_a_case_is_refused_in_words(name: str) -> None:
    with pytest.raises(BvhError, match=f"^{case(name)}: [^\n]+$"):
        read_body(case(name), CMU)
