"""Bodies of other rigs: joints found whatever they are called, other proportions retargeted, what cannot be refused."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.body.bvh import BvhError, read_body
from engine.body.motion import Motion, forward_kinematics
from engine.body.rigs import feet, recognise, thighs
from engine.body.skeleton import Skeleton, SkeletonError
from engine.body.solve import rotations_of, solve_rotations
from engine.body.write import write_bvh
from tests.engine.body.made import CMU, RIGS, dance, renamed, text_of

LIMBS = ("Shldr", "ForeArm", "Hand"), ("Thigh", "Shin", "Foot")


@pytest.mark.parametrize("rig", RIGS)
def test_joints_are_found_by_the_names_of_a_rig(tmp_path: Path, rig: str) -> None:
    motion = dance()
    path = tmp_path / "a.bvh"
    path.write_text(renamed(text_of(tmp_path, motion), RIGS[rig]), "utf-8")
    for written in (path.read_text("utf-8"), path.read_text("utf-8").upper()):
        path.write_text(written)
        read = read_body(path, CMU)
        assert np.abs(read.motion.positions - motion.positions).max() < 1e-4
        assert read.motion.rotations is not None and motion.rotations is not None
        assert np.abs(read.motion.rotations - motion.rotations).max() < 1e-4
        assert [note.split(":")[0][:16] for note in read.notes] == ["joints found by "]


def other(motion: Motion, arms: float, scale: float, names: dict[str, str]) -> Motion:
    """The same dance by a body with its arms ``arms`` radians lower at rest, and all but its trunk ``scale`` as long;
    its feet are on the same floor."""
    rest = [np.array(offset) for offset in CMU.rest]
    cos, sin = np.cos(arms), np.sin(arms)
    for joint, name in enumerate(CMU.joints):
        if name[1:] in ("ForeArm", "Hand", "Mid1"):
            side = 1 if name[0] == "l" else -1  # clockwise on the left
            x, y, z = rest[joint]
            rest[joint] = np.array([cos * x + side * sin * y, cos * y - side * sin * x, z])
        if name[1:] in ("ForeArm", "Hand", "Mid1", "Shin", "Foot"):
            rest[joint] *= scale
    joints = tuple(names.get(name, name) for name in CMU.joints)
    body = Skeleton("other", joints, CMU.parents, tuple((float(x), float(y), float(z)) for x, y, z in rest))
    positions = motion.positions.copy()
    for joint, parent in enumerate(CMU.parents):
        if parent >= 0:
            bone = motion.positions[:, joint] - motion.positions[:, parent]
            long = np.linalg.norm(rest[joint]) / np.linalg.norm(CMU.rest[joint])
            positions[:, joint] = positions[:, parent] + long * bone
    on_feet = [CMU.index(joint) for joint in CMU.feet]
    positions[..., 1] += motion.positions[:, on_feet, 1].min() - positions[:, on_feet, 1].min()
    return Motion(body, motion.rate, positions, None)


def ends(names: dict[str, str]) -> dict[str, str]:
    """Names of end sites go by their parents'."""
    return names | {f"{own}.end": f"{name}.end" for own, name in names.items()}


def along(motion: Motion) -> np.ndarray:
    """Directions (T, 8, 3) of the limbs."""
    found = []
    for side in "lr":
        for limb in LIMBS:
            for above, below in pairwise(limb):
                bone = motion.positions[:, CMU.index(side + below)] - motion.positions[:, CMU.index(side + above)]
                found.append(bone / np.linalg.norm(bone, axis=-1, keepdims=True))
    return np.stack(found, 1)


@pytest.mark.parametrize("arms", [0.0, 0.7])
@pytest.mark.parametrize("scale", [0.6, 1.4])
@pytest.mark.parametrize("rig", ["mixamo", "cmu of others", "rigify"])
def test_a_body_of_other_proportions_moves_the_skeleton_as_it_moved(
    tmp_path: Path, rig: str, scale: float, arms: float
) -> None:
    motion = dance()
    source = other(motion, arms, scale, ends(RIGS[rig]))
    write_bvh(source, tmp_path / "a.bvh")
    read = read_body(tmp_path / "a.bvh", CMU)
    assert read.notes[-1].startswith("retargeted onto skeleton 'cmu'")
    cosine = np.einsum("tli,tli->tl", along(read.motion), along(motion))
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 0.1
    bones = np.array(CMU.bones).T
    length = np.linalg.norm(read.motion.positions[:, bones[1]] - read.motion.positions[:, bones[0]], axis=-1)
    assert np.abs(length - np.linalg.norm(np.array(CMU.rest)[bones[1]], axis=-1)).max() < 1e-5
    moved, dance_at = (at - at[:, :1] for at in (read.motion.positions, motion.positions))
    assert np.abs(moved - dance_at).max() < 0.03  # trunk, head and feet too
    assert read.motion.rotations is not None
    made = forward_kinematics(CMU, read.motion.positions[:, 0], read.motion.rotations)
    assert np.abs(made - read.motion.positions).max() < 1e-4
    on_feet = [CMU.index(joint) for joint in CMU.feet]
    low, was = (np.quantile(at[:, on_feet, 1].min(1), 0.05) for at in (read.motion.positions, source.positions))
    assert low == pytest.approx(was / scale, abs=1e-3)  # the soles as high as theirs, in the skeleton's own size
    travel = np.ptp(read.motion.positions[:, 0, 2]) / np.ptp(motion.positions[:, 0, 2])
    assert travel == pytest.approx(1 / scale, rel=0.1)


def test_a_body_that_rests_turned_away_faces_as_it_danced(tmp_path: Path) -> None:
    motion = other(dance(), 0.0, 0.6, ends(RIGS["mixamo"]))
    write_bvh(motion, tmp_path / "a.bvh")
    straight = read_body(tmp_path / "a.bvh", CMU).motion
    back = np.float32([-1, 1, -1])
    rest = tuple((-x, y, -z) for x, y, z in motion.skeleton.rest)
    write_bvh(replace(motion, skeleton=replace(motion.skeleton, rest=rest)), tmp_path / "b.bvh")
    turned = read_body(tmp_path / "b.bvh", CMU).motion
    assert np.abs(turned.positions - straight.positions).max() < 1e-3
    write_bvh(replace(motion, positions=motion.positions * back), tmp_path / "c.bvh")
    away = read_body(tmp_path / "c.bvh", CMU).motion
    assert np.abs(away.positions - straight.positions * back).max() < 1e-3


def test_a_rest_pose_that_is_no_figure_still_tells_how_the_body_danced(tmp_path: Path) -> None:
    motion = other(dance(), 0.0, 0.6, ends(RIGS["rokoko"]))
    write_bvh(motion, tmp_path / "a.bvh")
    body = motion.skeleton
    random = np.random.default_rng(3)
    own = rotations_of(random.normal(size=(len(body.joints), 4)).astype(np.float32))  # how each joint's axes lie
    above = [own[parent] if parent >= 0 else np.eye(3, dtype=np.float32) for parent in body.parents]
    rest = [turn.T @ np.float32(offset) for turn, offset in zip(above, body.rest, strict=True)]
    solved = solve_rotations(body, motion.positions)
    turned = np.stack(above).swapaxes(-1, -2) @ solved @ own
    heap = replace(body, rest=tuple((float(x), float(y), float(z)) for x, y, z in rest))
    assert write_bvh(replace(motion, skeleton=heap, rotations=turned), tmp_path / "b.bvh") < 1e-3
    plain, found = (read_body(tmp_path / name, CMU).motion.positions for name in ("a.bvh", "b.bvh"))
    assert np.abs(plain - found).max() < 0.02


def test_a_skeleton_with_more_joints_than_the_file_is_moved_too(tmp_path: Path) -> None:
    """A root on the floor and fingers, as game engines have them: what the file lacks goes with what it hangs on."""
    body = replace(
        CMU,
        joints=("root", *CMU.joints, "lMid2"),
        parents=(-1, *(parent + 1 for parent in CMU.parents), CMU.index("lMid1") + 1),
        rest=((0.0, 0.0, 0.0), (0.0, 0.9, 0.0), *CMU.rest[1:], (0.03, 0.0, 0.0)),
    )
    motion = dance()
    write_bvh(motion, tmp_path / "a.bvh")
    write_bvh(other(motion, 0.0, 0.6, ends(RIGS["mixamo"])), tmp_path / "b.bvh")
    for name, far in (("a.bvh", 1e-4), ("b.bvh", 0.03)):
        read = read_body(tmp_path / name, body)
        assert "the file has no root, lMid2: at rest in skeleton 'cmu'" in read.notes
        moved = read.motion.positions[:, 1:-1] - read.motion.positions[:, 1:2]
        assert np.abs(moved - (motion.positions - motion.positions[:, :1])).max() < far
        finger = read.motion.positions[:, -1] - read.motion.positions[:, body.index("lMid1")]
        assert np.allclose(np.linalg.norm(finger, axis=-1), 0.03, atol=1e-4)
        assert np.isfinite(read.motion.positions).all()


def test_a_mirrored_body_is_refused(tmp_path: Path) -> None:
    motion = dance()
    mirrored = motion.positions * np.float32([-1, 1, 1])
    rest = tuple((-x, y, z) for x, y, z in CMU.rest)
    write_bvh(Motion(replace(CMU, rest=rest), 30.0, mirrored), tmp_path / "a.bvh")
    with pytest.raises(BvhError, match="mirrored") as error:
        read_body(tmp_path / "a.bvh", CMU)
    assert str(error.value).startswith(str(tmp_path / "a.bvh"))


def test_joints_that_are_missing_are_named(tmp_path: Path) -> None:
    names = RIGS["mixamo"] | {"lShin": "mixamorig:Peg"}
    (tmp_path / "a.bvh").write_text(renamed(text_of(tmp_path, dance()), names))
    with pytest.raises(BvhError, match=r"has no joint .*lShin.*which skeleton 'cmu' needs; its own are mixamorig:Hips"):
        read_body(tmp_path / "a.bvh", CMU)


def test_thighs_are_never_a_pair_on_one_place() -> None:
    joints = ("Hips", "LHipJoint", "LeftHip", "LeftKnee", "RHipJoint", "RightHip", "RightKnee")
    none, left, right, down = (0.0, 0.0, 0.0), (0.1, 0.0, 0.0), (-0.1, 0.0, 0.0), (0.0, -0.4, 0.0)
    legs = Skeleton("legs", joints, (-1, 0, 1, 2, 0, 4, 5), (none, none, left, down, none, right, down))
    assert thighs(legs) == ("LeftHip", "RightHip")
    assert thighs(CMU) == ("lThigh", "rThigh")
    assert feet(CMU) == CMU.feet
    with pytest.raises(SkeletonError, match="left and right thigh"):
        thighs(Skeleton("heap", joints, legs.parents, (none,) * 7))
    assert recognise(legs.joints, legs.parents) is None


@pytest.mark.parametrize("name", ["rokoko_jesse_dance", "fair1_dab", "cmu1_jumping_jacks"])
def test_public_files_of_other_programs_stand_on_the_floor(name: str) -> None:
    path = Path(os.environ.get("ENGINE_DATA", "")) / "body_animateddrawings_bvh" / f"{name}.bvh"
    if not path.is_file():
        pytest.skip("set ENGINE_DATA to a folder with body_animateddrawings_bvh")
    own, moved = read_body(path).motion, read_body(path, CMU).motion
    on_feet = [CMU.index(joint) for joint in CMU.feet]
    assert -0.02 < np.quantile(moved.positions[:, on_feet, 1].min(1), 0.05) < 0.08
    rig, wanted = recognise(own.skeleton.joints, own.skeleton.parents), recognise(CMU.joints, CMU.parents)
    assert rig is not None and wanted is not None
    for side in "lr":
        for above, below in (("shoulder", "elbow"), ("elbow", "wrist"), ("thigh", "shin"), ("shin", "foot")):
            bones = []
            for body, there in ((own, rig), (moved, wanted)):
                ends = there.parts[f"{side}.{above}"], there.parts[f"{side}.{below}"]
                bone = body.positions[:, ends[1]] - body.positions[:, ends[0]]
                bones.append(bone / np.linalg.norm(bone, axis=-1, keepdims=True))
            assert np.einsum("ti,ti->t", *bones).min() > np.cos(np.radians(1.0))
