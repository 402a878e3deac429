"""Takes: layouts, cleaning, splits that do not leak, augmentation, and files that are refused by name."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.body.motion import Motion, forward_kinematics, limb_variation
from engine.errors import EngineError
from tests.train.dance.bodies import CMU, dancer, write_bvh
from train.dance.augment import mirrored, resampled, respeeded, turned
from train.dance.sides import other_side, with_sides
from train.dance.splits import read_splits, split_groups
from train.dance.takes import TakeError, read_takes

REAL = Path(os.environ.get("ENGINE_DATA", "")) / "body_cmu_bvh30"


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


def test_splits_are_by_group_and_keep_every_style() -> None:
    styles = {f"{style}{number}": style for style, count in (("x", 20), ("y", 3), ("z", 2)) for number in range(count)}
    splits = split_groups(styles, seed=1)
    assert splits == split_groups(dict(reversed(styles.items())), seed=1) != split_groups(styles, seed=2)
    counts = {
        style: [sum(splits[g] == s for g in styles if styles[g] == style) for s in ("train", "val", "test")]
        for style in "xyz"
    }
    assert counts == {"x": [14, 3, 3], "y": [1, 1, 1], "z": [2, 0, 0]}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name,split\n", "first line must be 'take,split'"),
        ("take,split\na,train\nq,val\n", "3: no take 'q'"),
        ("take,split\na,dev\n", "'dev' of a is none of"),
        ("take,split\na,train\nb,test\n", "share a split"),
        ("take,split\na,train\n", "no split for c"),
    ],
)
def test_bad_split_files_are_refused(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "splits.csv"
    path.write_text(text)
    with pytest.raises(EngineError, match=fault):
        read_splits(path, {"a": "a+b", "b": "a+b", "c": "c"})


def test_a_split_file_is_obeyed(tmp_path: Path) -> None:
    for name in "abc":
        write_bvh(tmp_path / "in" / f"{name}.bvh", dancer(1, 60))
    (tmp_path / "splits.csv").write_text("take,split\na,test\nb,train\nc,val\n")
    takes = read_takes(tmp_path / "in", splits=tmp_path / "splits.csv")
    assert [take.split for take in takes] == ["test", "train", "val"]


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    write_bvh(tmp_path / "good1.bvh", dancer(1, 60))
    write_bvh(tmp_path / "good2.bvh", dancer(1, 60))
    write_bvh(tmp_path / "short.bvh", dancer(1, 39))
    other = replace(CMU, joints=tuple(joint.replace("Hand", "Wrist") for joint in CMU.joints))
    write_bvh(tmp_path / "other.bvh", dancer(1, 60, body=other))
    tall = replace(CMU, rest=tuple((x, y * 1.4, z) for x, y, z in CMU.rest))
    write_bvh(tmp_path / "tall.bvh", dancer(1, 60, body=tall))
    (tmp_path / "torn.bvh").write_text((tmp_path / "good1.bvh").read_text()[:500])
    with pytest.raises(TakeError, match=r"other\.bvh: has no joint rHand, lHand"):
        read_takes(tmp_path)
    told: list[str] = []
    takes = read_takes(tmp_path, strict=False, say=told.append)
    assert [take.name for take in takes] == ["good1", "good2"]
    for name, fault in (("short", "39 frames"), ("other", "no joint"), ("tall", "bone to"), ("torn", "BVH")):
        assert any(name in reason and fault in reason for reason in told), (name, told)
    with pytest.raises(TakeError, match=r"m across; give the files' unit"):
        read_takes(tmp_path, scale=1.0)
    with pytest.raises(TakeError, match="no such folder"):
        read_takes(tmp_path / "nowhere")
    with pytest.raises(TakeError, match=r"no \.bvh files"):
        (tmp_path / "empty").mkdir()
        read_takes(tmp_path / "empty")


def test_takes_of_an_unknown_skeleton_bring_their_own(tmp_path: Path) -> None:
    other = replace(CMU, joints=tuple(joint.replace("Hand", "Wrist") for joint in CMU.joints))
    for number in range(3):
        write_bvh(tmp_path / f"own{number}.bvh", dancer(1, 60, seed=number, body=other))
    write_bvh(tmp_path / "cmu.bvh", dancer(1, 60))
    takes = read_takes(tmp_path, strict=False, say=lambda reason: None)
    assert [take.name for take in takes] == ["own0", "own1", "own2"]
    body = takes[0].motion.skeleton
    assert "lWrist" in body.joints and body.across == CMU.across and set(CMU.feet) <= set(body.feet)
    assert read_takes(tmp_path, CMU, strict=False, say=lambda reason: None)[0].name == "cmu"


@pytest.mark.parametrize(
    ("pairs", "fault"),
    [
        ({"pairs": [["a.bvh", "z.bvh"]]}, "names z.bvh, which is not there"),
        ({"pairs": [["a.bvh", "b.bvh"], ["a.bvh", "c.bvh"]]}, "a.bvh in two pairs"),
        ({"pairs": [["a.bvh"]]}, "does not read as pairs"),
        ({"pairs": [["a.bvh", "c.bvh"]]}, "its partner c 70"),
    ],
)
def test_bad_pairs_are_refused(tmp_path: Path, pairs: dict[str, list[list[str]]], fault: str) -> None:
    for name, frames in (("a", 60), ("b", 60), ("c", 69)):
        write_bvh(tmp_path / f"{name}.bvh", dancer(1, frames))
    (tmp_path / "pairs.json").write_text(json.dumps(pairs))
    with pytest.raises(TakeError, match=fault):
        read_takes(tmp_path)


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


def test_turning_keeps_the_body_and_mirroring_twice_is_nothing() -> None:
    motion = dancer(2, 30)
    quarter = turned(motion, np.pi / 2)
    assert np.allclose(quarter.positions[..., 0], motion.positions[..., 2], atol=1e-6)  # from +Z towards +X
    rebuilt = forward_kinematics(CMU, quarter.positions[:, 0], quarter.rotations)
    assert np.allclose(rebuilt, quarter.positions, atol=1e-5)
    back = mirrored(mirrored(motion))
    assert np.array_equal(back.positions, motion.positions) and np.allclose(back.rotations, motion.rotations)


def test_mirrored_rotations_make_mirrored_positions() -> None:
    motion = dancer(2, 30)
    seen = mirrored(motion)
    assert np.allclose(seen.positions[:, CMU.index("lHand"), 0], -motion.positions[:, CMU.index("rHand"), 0])
    rebuilt = forward_kinematics(CMU, seen.positions[:, 0], seen.rotations)
    apart = np.linalg.norm(rebuilt - seen.positions, axis=-1).max(0)
    uneven = [CMU.index(joint) for joint in ("head", "leftEye", "rightEye")]  # not symmetric at rest
    assert apart.max() < 0.011 and np.delete(apart, uneven).max() < 1e-5
    assert np.allclose(np.linalg.det(seen.rotations), 1.0, atol=1e-5)


def test_speed_and_rate() -> None:
    motion = dancer(1, 61)
    fast = respeeded(motion, 2.0)
    assert len(fast) == 31 and np.allclose(fast.positions, motion.positions[::2], atol=1e-4)
    slow = respeeded(motion, 0.7)
    assert limb_variation(CMU, slow.positions).max() < 1e-4
    there = resampled(resampled(motion, 60.0), 30.0)
    assert len(there) == 61 and np.allclose(there.positions, motion.positions, atol=1e-4)
    with pytest.raises(EngineError, match=r"0\.1 to 10"):
        respeeded(motion, 0.0)


def test_sides_are_read_from_names() -> None:
    swap = other_side(CMU)
    assert swap[CMU.index("lFoot.end")] == CMU.index("rFoot.end") and swap[CMU.index("leftEye")] == CMU.index(
        "rightEye"
    )
    assert swap[CMU.index("head")] == CMU.index("head")
    bare = with_sides(replace(CMU, across=(), feet=()))
    assert bare.across == CMU.across and bare.feet == CMU.feet
    nameless = replace(CMU, joints=tuple(f"j{n}" for n in range(27)), across=(), feet=())
    with pytest.raises(EngineError, match="names no left and right"):
        with_sides(nameless)


@pytest.mark.skipif(not REAL.is_dir(), reason="needs body_cmu_bvh30 in ENGINE_DATA")
def test_the_real_takes() -> None:
    told: list[str] = []
    takes = read_takes(REAL, strict=False, say=told.append)
    assert len(takes) == 40 and any("94_01" in reason for reason in told)
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
