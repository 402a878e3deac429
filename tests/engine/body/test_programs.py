"""``engine bvh --for``: the names and channels that a program wants, and the same body read back from them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.body.bvh import BvhError, read_body
from engine.body.motion import Motion, forward_kinematics
from engine.body.write import PROGRAMS, write_bvh
from engine.cli import main
from engine.cli_parser import parser
from tests.engine.body.made import CMU, dance
from tests.engine.body.test_export import recording
from tests.engine.dancer import STICK, walk

NAMES = {
    "blender": ("hip", "lThigh", "lShldr", "lForeArm", "chest", "lFoot"),
    "motionbuilder": ("Hips", "LeftUpLeg", "LeftArm", "LeftForeArm", "Spine1", "LeftFoot"),
    "mixamo": ("mixamorig:Hips", "mixamorig:LeftUpLeg", "mixamorig:LeftArm", "mixamorig:Spine1", "mixamorig:LeftFoot"),
    "unity": ("Hips", "LeftUpperLeg", "LeftUpperArm", "LeftLowerArm", "Chest", "LeftFoot"),
}


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("solved", [False, True])
def test_a_file_for_a_program_reads_back_where_it_was(tmp_path: Path, program: str, solved: bool) -> None:
    motion = dance()
    written = replace(motion, rotations=None) if solved else motion
    assert write_bvh(written, tmp_path / "a.bvh", program) < 1e-4
    text = (tmp_path / "a.bvh").read_text()
    joints = re.findall(r"(?:ROOT|JOINT) (\S+)", text)
    assert set(NAMES[program]) <= set(joints) and len(set(joints)) == len(joints) == 25
    assert text.count("CHANNELS 6") == (25 if program == "motionbuilder" else 1)
    assert text.count("End Site") == 6  # the feet have their own, eyes and fingers get one
    back = read_body(tmp_path / "a.bvh", CMU)
    assert np.abs(back.motion.positions - motion.positions).max() < 1e-4
    assert back.unit == 0.01 and back.motion.rate == 30.0
    assert [note[:16] for note in back.notes] == ([] if program == "blender" else ["joints found by "])


def test_the_command_line_writes_for_a_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for program in PROGRAMS:
        assert parser().parse_args(["bvh", "a.npz", "a.bvh", "--for", program]).program == program
    saved = recording(tmp_path / "a.npz", dance())
    assert main(["bvh", str(saved), str(tmp_path / "a.bvh"), "--for", "unity"]) == 0
    assert "of cmu for unity, rotations solved" in capsys.readouterr().out
    assert "ROOT Hips\n" in (tmp_path / "a.bvh").read_text()


def test_joints_that_a_program_has_no_name_for_are_named(tmp_path: Path) -> None:
    motion, out = dance(), tmp_path / "a.bvh"
    with pytest.raises(BvhError, match="'stick': mixamo has no name for hip, chest, head, lHand, rHand; write it"):
        write_bvh(walk(3), out, "mixamo")
    tail = replace(CMU, joints=(*CMU.joints, "tail"), parents=(*CMU.parents, 0), rest=(*CMU.rest, (0.0, -0.1, -0.2)))
    positions = np.concatenate([motion.positions, motion.positions[:, :1] - np.float32([0, 0.1, 0.2])], 1)
    with pytest.raises(BvhError, match="unity has no name for tail; write it for blender"):
        write_bvh(Motion(tail, 30.0, positions), out, "unity")
    with pytest.raises(BvhError, match="no program 'maya'; give one of blender, motionbuilder, mixamo, unity"):
        write_bvh(motion, out, "maya")
    assert not out.exists()
    write_bvh(replace(walk(3), skeleton=STICK), out)


def test_angles_go_on_without_jumps_and_through_the_lock(tmp_path: Path) -> None:
    """A joint that turns about Y beyond a right angle, where angles about X and Z are one."""
    angle = np.linspace(0, 4 * np.pi, 97)
    rotations = np.tile(np.eye(3, dtype=np.float32), (97, 5, 1, 1))
    rotations[:, 1, 0, 0] = rotations[:, 1, 2, 2] = np.cos(angle)
    rotations[:, 1, 0, 2], rotations[:, 1, 2, 0] = np.sin(angle), -np.sin(angle)
    rotations[:, 2, 0, 0] = rotations[:, 2, 1, 1] = np.cos(angle)
    rotations[:, 2, 1, 0], rotations[:, 2, 0, 1] = np.sin(angle), -np.sin(angle)
    motion = walk(97)
    turning = Motion(STICK, 30.0, forward_kinematics(STICK, motion.positions[:, 0], rotations), rotations)
    write_bvh(turning, tmp_path / "a.bvh")
    back = read_body(tmp_path / "a.bvh", STICK)
    assert np.abs(back.motion.positions - turning.positions).max() < 1e-4
    rows = np.loadtxt((tmp_path / "a.bvh").read_text().split("Frame Time")[1].splitlines()[1:])
    assert np.abs(np.diff(rows[:, 9])).max() < 10.0  # the head's angle about Z grows on, twice around
