"""Takes: layouts, units, cleaning, partners, and files that are left out by name."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.body.motion import Motion, forward_kinematics
from engine.errors import EngineError
from tests.train.dance.bodies import CMU, dancer, write_bvh
from train.dance.options import How
from train.dance.sources import TakeError
from train.dance.takes import load_takes, read_takes

REAL = Path(os.environ.get("ENGINE_DATA", "")) / "body_cmu_bvh30"
MOTION_BUILDER = {"hip": "Hips", "abdomen": "Spine", "chest": "Spine1"} | {
    f"{side[0].lower()}{own}": f"{side}{other}"
    for side in ("Left", "Right")
    for own, other in {
        "Collar": "Shoulder",
        "Shldr": "Arm",
        "ForeArm": "ForeArm",
        "Hand": "Hand",
        "Buttock": "HipJoint",
        "Thigh": "UpLeg",
        "Shin": "Leg",
        "Foot": "Foot",
    }.items()
}
"""What MotionBuilder calls joints of the cmu skeleton."""


def folder_of_pairs(folder: Path) -> Path:
    for number in range(4):
        write_bvh(folder / "duet" / f"a{number}.bvh", dancer(1, 60, seed=number))
        write_bvh(folder / "duet" / f"b{number}.bvh", dancer(2, 60, seed=number), rest=number != 0)
    (folder / "duet" / "pairs.json").write_text(
        json.dumps({"fps": 30, "pairs": [[f"a{n}.bvh", f"b{n}.bvh"] for n in range(1, 4)]})
    )
    for number in range(3):
        write_bvh(folder / "solo" / f"s{number}.bvh", dancer(0, 60, seed=number))
    return folder


def test_a_folder_is_read_as_it_was_danced(tmp_path: Path) -> None:
    danced = dancer(1, 60)
    write_bvh(tmp_path / "modern" / "one.bvh", danced)
    (take,) = read_takes(tmp_path)
    assert (take.name, take.style, take.group, take.partner, take.split) == ("one", "modern", "one", None, "train")
    assert take.motion.skeleton == CMU and len(take.motion) == 60 and take.sound.all()
    moved = take.motion.positions - danced.positions
    assert np.ptp(moved, axis=(0, 1)).max() < 2e-4  # the rest frame is gone, all else is only lowered to the floor
    assert moved[0, 0, 1] == pytest.approx(-np.quantile(feet(danced), 0.05), abs=2e-4)
    assert np.abs(take.motion.rotations - danced.rotations).max() < 1e-4


def test_pairs_share_group_split_and_frames(tmp_path: Path) -> None:
    takes = {take.name: take for take in read_takes(folder_of_pairs(tmp_path))}
    assert takes["a1"].partner == "b1" and takes["b1"].partner == "a1" and takes["a0"].partner is None
    for one, other in (("a1", "b1"), ("a2", "b2"), ("a3", "b3")):
        assert takes[one].group == takes[other].group and takes[one].split == takes[other].split
        assert len(takes[one].motion) == len(takes[other].motion)
    assert {takes[f"s{n}"].split for n in range(3)} == {"train", "val", "test"}


def test_files_that_cannot_be_used_are_named_and_the_others_are_read(tmp_path: Path) -> None:
    write_bvh(tmp_path / "good1.bvh", dancer(1, 60))
    write_bvh(tmp_path / "good2.BVH", dancer(1, 60))
    write_bvh(tmp_path / "short.bvh", dancer(1, 39))
    other = replace(CMU, joints=tuple(MOTION_BUILDER.get(joint, joint) for joint in CMU.joints), across=(), feet=())
    write_bvh(tmp_path / "other.bvh", replace(dancer(1, 60), skeleton=other))
    (tmp_path / "torn.bvh").write_text((tmp_path / "good1.bvh").read_text()[:500])
    told: list[str] = []
    takes = read_takes(tmp_path, say=told.append)
    assert [take.name for take in takes] == ["good1", "good2"]
    assert len(told) == 3 and all(line.startswith("left out: ") for line in told)
    for name, fault in (
        ("short", "39 frames"),
        ("other", "no joint hip, abdomen, chest, rCollar and .*--retarget"),
        ("torn", "MOTION"),
    ):
        assert any(re.search(rf"{name}\.bvh: .*{fault}", line) for line in told), (name, told)
    takes = read_takes(tmp_path, how=How(retarget=True), say=told.append)
    assert [take.name for take in takes] == ["good1", "good2", "other"] and takes[2].motion.skeleton == CMU
    assert np.abs(takes[2].motion.positions - takes[0].motion.positions).max() < 2e-3  # danced by the same seed


def test_where_no_file_can_be_used_all_reasons_are_told(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"t{number:02}.bvh").write_text("no take")
    told: list[str] = []
    with pytest.raises(TakeError, match="none of 12 files can be used, as told above"):
        read_takes(tmp_path, say=told.append)
    assert len(told) == 11 and all(f"t{number:02}.bvh: does not" in told[number] for number in range(10))
    assert told[-1] == f"left out: and 2 more: python -m train check dance {tmp_path} tells all"
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "t.bvh").write_text("no take")
    with pytest.raises(TakeError, match=r"t\.bvh: does not read as BVH"):
        read_takes(tmp_path / "one")
    with pytest.raises(TakeError, match="no such file or folder"):
        read_takes(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TakeError, match=r"no \.bvh files"):
        read_takes(tmp_path / "empty")


def test_units_are_found_and_z_up_is_turned(tmp_path: Path) -> None:
    danced = dancer(1, 60)
    lying = turned_up(danced)
    for name, motion, scale in (("cm", danced, 100.0), ("m", danced, 1.0), ("mm", danced, 1000.0), ("z", lying, 1.0)):
        write_bvh(tmp_path / f"{name}.bvh", motion, scale=scale)
    takes = {take.name: take.motion.positions for take in read_takes(tmp_path, CMU)}
    for name in ("m", "mm", "z"):
        assert np.abs(takes[name] - takes["cm"]).max() < 2e-3, name
    told: list[str] = []
    read_takes(tmp_path, CMU, How(unit="cm"), say=told.append)
    assert len(told) == 3 and all(
        "m across, as no person is; give the files' unit with --unit" in line for line in told
    )
    with pytest.raises(EngineError, match="unit 'furlong': give metres"):
        read_takes(tmp_path, CMU, How(unit="furlong"))


def turned_up(motion: Motion) -> Motion:
    """The same dance with Z up, world and rest pose alike."""
    turn = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float32)
    body = replace(motion.skeleton, rest=tuple((x, -z, y) for x, y, z in motion.skeleton.rest))
    return Motion(body, motion.rate, motion.positions @ turn.T, turn @ motion.rotations @ turn.T)


def test_damaged_frames_of_a_file_are_not_sound(tmp_path: Path) -> None:
    path = write_bvh(tmp_path / "one.bvh", dancer(1, 241, rate=120.0), rest=False)
    lines = path.read_text().splitlines()
    lines[-101] = lines[-101].replace(lines[-101].split()[3], "nan", 1)  # number 140 of 0 to 240
    path.write_text("\n".join(lines) + "\n")
    (take,) = read_takes(tmp_path)
    assert len(take.motion) == 61 and np.isfinite(take.motion.positions).all()
    assert np.flatnonzero(~take.sound).tolist() == [35]  # 140 of 120 a second
    path.write_text("\n".join(lines).replace("Frame Time: 0.0083333", "Frame Time: 0.0250000") + "\n")
    (take,) = read_takes(tmp_path)  # 140 of 40 a second is our 105, alone
    assert np.flatnonzero(~take.sound).tolist() == [105]
    lines[-99] = lines[-99].replace(lines[-99].split()[3], "nan", 1)
    path.write_text("\n".join(lines).replace("Frame Time: 0.0083333", "Frame Time: 0.0250000") + "\n")
    (take,) = read_takes(tmp_path)  # 142 lies between our 106, which is 141.33, and our 107
    assert np.flatnonzero(~take.sound).tolist() == [105, 106, 107]


def test_takes_of_an_unknown_skeleton_bring_their_own(tmp_path: Path) -> None:
    other = replace(CMU, joints=tuple(joint.replace("Hand", "Wrist") for joint in CMU.joints))
    for number in range(3):
        write_bvh(tmp_path / f"own{number}.bvh", dancer(1, 60, seed=number, body=other))
    write_bvh(tmp_path / "cmu.bvh", dancer(1, 60))
    takes = read_takes(tmp_path, say=lambda reason: None)
    assert [take.name for take in takes] == ["own0", "own1", "own2"]
    body = takes[0].motion.skeleton
    assert "lWrist" in body.joints and body.across == CMU.across and set(CMU.feet) <= set(body.feet)
    assert [take.name for take in read_takes(tmp_path, CMU, say=lambda reason: None)] == ["cmu"]


@pytest.mark.parametrize(
    ("pairs", "fault"),
    [
        ({"pairs": [["a.bvh", "z.bvh"]]}, "names z.bvh, which is not there"),
        ({"pairs": [["a.bvh", "b.bvh"], ["a.bvh", "c.bvh"]]}, "a.bvh in two pairs"),
        ({"pairs": [["a.bvh", "a.bvh"]]}, "a.bvh in two pairs"),
        ({"pairs": [["a.bvh"]]}, "does not read as pairs; write"),
        ({"pairs": [[1, 2]]}, "does not read as pairs; write"),
        ([], "does not read as pairs; write"),
        ("{", "does not read as JSON at line 1, column 2"),
    ],
)
def test_bad_pairs_are_refused(tmp_path: Path, pairs: object, fault: str) -> None:
    for name in "abc":
        write_bvh(tmp_path / f"{name}.bvh", dancer(1, 60))
    (tmp_path / "pairs.json").write_text(pairs if isinstance(pairs, str) else json.dumps(pairs))
    with pytest.raises(EngineError, match=rf"pairs\.json: .*{fault}"):
        read_takes(tmp_path)


def test_partners_of_unequal_length_are_left_out(tmp_path: Path) -> None:
    for name, frames in (("a", 60), ("b", 60), ("c", 69)):
        write_bvh(tmp_path / f"{name}.bvh", dancer(1, frames))
    (tmp_path / "pairs.json").write_text(json.dumps({"pairs": [["a.bvh", "c.bvh"]]}))
    told: list[str] = []
    assert [take.name for take in read_takes(tmp_path, say=told.append)] == ["b"]
    assert "a.bvh: has 61 frames" in told[0] and "its partner c 70" in told[0] and "its partner a 61" in told[1]


def test_a_dancer_whose_partner_cannot_be_used_dances_alone(tmp_path: Path) -> None:
    folder_of_pairs(tmp_path)
    (tmp_path / "duet" / "b1.bvh").write_text("no take")
    takes = {take.name: take for take in read_takes(tmp_path, say=lambda reason: None)}
    assert takes["a1"].partner is None and takes["a1"].group == "a1" and takes["a2"].partner == "b2"


def test_of_a_file_nothing_else_is_read(tmp_path: Path) -> None:
    folder_of_pairs(tmp_path)
    duet = tmp_path / "duet"
    known = {take.name: take for take in read_takes(tmp_path)}
    for name in ("a2", "b2", "a3", "b0", "s1"):  # what lies beside neither tells nor stops anything
        (next(tmp_path.rglob(f"{name}.bvh"))).write_text("no take")
    told: list[str] = []
    (take,) = load_takes(duet / "a1.bvh", say=told.append)
    assert not told and (take.name, take.style, take.partner) == ("a1", "duet", None)
    assert np.array_equal(take.motion.positions, known["a1"].motion.positions)
    (alone,) = load_takes(duet / "a0.bvh", say=told.append)
    assert not told and np.array_equal(alone.motion.positions, known["a0"].motion.positions)
    with pytest.raises(TakeError, match=r"a2\.bvh: does not read as BVH"):
        load_takes(duet / "a2.bvh")
    (duet / "notes.txt").write_text("x")
    with pytest.raises(TakeError, match=r"notes\.txt: is no take"):
        load_takes(duet / "notes.txt")


def test_a_take_starts_where_its_partner_lets_it_start(tmp_path: Path) -> None:
    """A file that is read alone drops the frames that training drops, though only its partner begins at rest."""
    write_bvh(tmp_path / "a.bvh", dancer(1, 61), rest=False)
    write_bvh(tmp_path / "b.bvh", dancer(2, 60), rest=True)
    (tmp_path / "pairs.json").write_text(json.dumps({"pairs": [["a.bvh", "b.bvh"]]}))
    both = {take.name: take for take in read_takes(tmp_path)}
    (alone,) = load_takes(tmp_path / "a.bvh")
    assert len(alone.motion) == len(both["a"].motion) == 60
    assert np.array_equal(alone.motion.positions, both["a"].motion.positions)


def test_a_file_of_another_rate_is_resampled(tmp_path: Path) -> None:
    write_bvh(tmp_path / "fast.bvh", dancer(1, 241, rate=120.0))
    (take,) = read_takes(tmp_path)
    slow = dancer(1, 61)
    assert take.motion.rate == 30.0 and len(take.motion) == 61
    apart = take.motion.positions - take.motion.positions[:, :1] - (slow.positions - slow.positions[:, :1])
    assert np.abs(apart).max() < 5e-4


def test_frames_where_the_body_is_thrown_about_are_not_sound(tmp_path: Path) -> None:
    danced = dancer(2, 100)
    rotations = danced.rotations.copy()
    rotations[50:53, 0] = np.diag([-1.0, 1.0, -1.0]) @ rotations[50:53, 0]
    thrown = replace(danced, rotations=rotations, positions=forward_kinematics(CMU, danced.positions[:, 0], rotations))
    write_bvh(tmp_path / "one.bvh", thrown)
    (take,) = read_takes(tmp_path)
    assert not take.sound[48:55].any() and take.sound[:46].all() and take.sound[57:].all()


@pytest.mark.skipif(not REAL.is_dir(), reason="needs body_cmu_bvh30 in ENGINE_DATA")
def test_the_real_takes() -> None:
    told: list[str] = []
    takes = read_takes(REAL, say=told.append)
    assert len(takes) == 40 and any("94_01" in reason for reason in told)
    held = {take.name for take in takes if take.split == "val"}
    assert {name for name in held if "salsa" not in name} == {"indian_04", "martial_06"}
    assert {take.motion.skeleton.name for take in takes} == {"cmu"}
    assert sum(take.partner is not None for take in takes) == 24
    for take in takes:
        assert abs(np.quantile(feet(take.motion), 0.05)) < 1e-3
        steps = np.linalg.norm(np.diff(take.motion.positions, axis=0), axis=-1).mean(1)
        assert steps[0] < 0.05, take.name
    for style in ("indian", "martial", "salsa_pairs"):
        assert {take.split for take in takes if take.style == style} == {"train", "val", "test"}


def feet(motion: Motion) -> np.ndarray:
    return motion.positions[:, [CMU.index(joint) for joint in CMU.feet], 1].min(1)
