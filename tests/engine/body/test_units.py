"""The unit of a body by its size, whoever it is and however they move; and which way is up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.body.bvh import BvhError, read_body
from engine.body.motion import Motion, forward_kinematics
from engine.body.units import UNITS, find_unit
from engine.body.write import write_bvh
from tests.engine.body.made import CMU, dance


@pytest.mark.parametrize(
    ("tall", "unit"),
    [
        *((metres / UNITS[unit], unit) for metres in (1.5, 1.75, 2.0) for unit in ("cm", "m", "mm", "in", "CMU")),
        (110.0, "cm"),  # a child
        (1.1, "m"),
        (1150.0, "mm"),
        (5.8, "ft"),
        (17.0, "dm"),
    ],
)
def test_the_unit_makes_the_body_a_person(tall: float, unit: str) -> None:
    assert find_unit(tall).metres == pytest.approx(UNITS[unit])


def test_what_could_be_two_units_says_so_and_what_is_none_is_scaled() -> None:
    assert "would be nearly as likely; --unit sets it" in find_unit(80.0).note  # a toddler, or a tall man in inches
    assert find_unit(170.0).note == ""
    odd = find_unit(1e5)
    assert odd.metres == pytest.approx(1.7e-5) and odd.note.startswith("unit unknown")


@pytest.mark.parametrize("factor", [1.0, 0.01])
def test_who_crouches_or_lies_is_as_tall_as_standing(tmp_path: Path, factor: float) -> None:
    motion = dance()
    assert motion.rotations is not None
    local = motion.rotations.copy()
    down = np.float32([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    for joint, turn in (("lThigh", down.T), ("rThigh", down.T), ("lShin", down), ("rShin", down)):
        local[:, CMU.index(joint)] = turn
    root = motion.positions[:, 0] - np.float32([0, 0.4, 0])
    small = replace(CMU, rest=tuple((x * factor, y * factor, z * factor) for x, y, z in CMU.rest))
    crouching = forward_kinematics(small, root * np.float32(factor), local)
    write_bvh(Motion(small, 30.0, crouching, local), tmp_path / "a.bvh")
    found = read_body(tmp_path / "a.bvh", CMU)
    assert found.unit == pytest.approx(0.01 / factor)
    assert found.notes == () if factor == 1.0 else "metres" in found.notes[0]


def tipped(motion: Motion, turn: list[list[int]], rest: bool) -> Motion:
    """The dance turned over, with ``rest`` its rest pose too."""
    about = np.float32(turn)
    places = np.float32(CMU.rest) @ (about.T if rest else np.eye(3, dtype=np.float32))
    body = replace(CMU, rest=tuple((float(x), float(y), float(z)) for x, y, z in places))
    return Motion(body, 30.0, motion.positions @ about.T)


X_UP, DOWN = [[0, 1, 0], [-1, 0, 0], [0, 0, 1]], [[1, 0, 0], [0, -1, 0], [0, 0, -1]]


@pytest.mark.parametrize(("turn", "rest", "words"), [(X_UP, True, "X"), (DOWN, True, "-Y"), (DOWN, False, "-Y")])
def test_who_stands_on_a_wall_or_upside_down_is_refused(
    tmp_path: Path, turn: list[list[int]], rest: bool, words: str
) -> None:
    motion = dance()
    write_bvh(tipped(motion, turn, rest), tmp_path / "a.bvh")
    with pytest.raises(BvhError, match=f"stands along {words}: export it with Y or Z up, or say --up"):
        read_body(tmp_path / "a.bvh", CMU)
    assert len(read_body(tmp_path / "a.bvh", CMU, up="y").motion) == len(motion)


def test_who_lies_on_the_floor_all_through_a_take_lies(tmp_path: Path) -> None:
    motion = dance()
    motion = replace(motion, positions=motion.positions - motion.positions[:, :1])
    for name, turn in (("x", X_UP), ("z", [[1, 0, 0], [0, 0, -1], [0, 1, 0]])):
        lying = tipped(motion, turn, rest=False)
        lying = replace(lying, positions=lying.positions - np.float32([0, lying.positions[..., 1].min(), -2.0]))
        write_bvh(lying, tmp_path / f"{name}.bvh")
        found = read_body(tmp_path / f"{name}.bvh", CMU)
        assert found.notes == () and np.abs(found.motion.positions - lying.positions).max() < 1e-3


def test_a_tree_that_is_no_person_keeps_its_directions(tmp_path: Path) -> None:
    body = replace(CMU, name="chain", joints=tuple(f"part{n}" for n in range(len(CMU.joints))), across=(), feet=())
    write_bvh(replace(dance(), skeleton=body), tmp_path / "a.bvh")
    found = read_body(tmp_path / "a.bvh")
    assert found.unit == 0.01 and found.notes == ()
    assert np.abs(found.motion.positions[:, : len(body.joints)].max((0, 1)) - dance().positions.max((0, 1))).max() < 0.2
