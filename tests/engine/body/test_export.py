"""A recorded body as BVH: read back it is where it was, and a real Blender puts its bones there too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.body.bvh import BvhError, read_body
from engine.body.export import export, read_recording
from engine.body.motion import Motion, forward_kinematics
from engine.body.skeleton import Skeleton, SkeletonError, skeleton
from engine.body.solve import rotations_of, solve_rotations
from engine.body.write import write_bvh
from tests.engine.dancer import STICK, walk

MARKERS = Skeleton("marks", ("a", "b", "c"), (-1, -1, -1), ((0.0, 1.0, 0.0), (0.0, 0.5, 0.0), (0.2, 0.0, 0.0)))
BLENDER = """
import bpy, json, sys
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_anim.bvh(filepath=sys.argv[1], global_scale=0.01, update_scene_fps=True)
figure, heads = bpy.context.object, []
for frame in json.loads(sys.argv[2]):
    bpy.context.scene.frame_set(frame + 1)
    heads.append({bone.name: list(figure.matrix_world @ bone.head) for bone in figure.pose.bones})
json.dump({"heads": heads, "fps": bpy.context.scene.render.fps}, open(sys.argv[3], "w"))
"""


def turning(frames: int, body: Skeleton, seed: int = 0) -> Motion:
    """A body whose joints turn slowly, all of them and about every axis."""
    random = np.random.default_rng(seed)
    speed, phase = random.uniform(0.02, 0.1, (2, 1, len(body.joints), 4))
    quaternions = np.sin(np.arange(frames)[:, None, None] * speed + phase * 60).astype(np.float32)
    quaternions[..., 3] += 2.0
    root = random.normal(0, 0.01, (frames, 3)).cumsum(0).astype(np.float32)
    rotations = rotations_of(quaternions)
    return Motion(body, 30.0, forward_kinematics(body, root, rotations), rotations)


def recording(path: Path, motion: Motion, quaternions: np.ndarray | None = None, seq: np.ndarray | None = None) -> Path:
    """What ``engine serve --save`` writes of a body."""
    frames = len(motion)
    arrays = {"body": motion.positions.reshape(frames, -1), "body_skeleton": np.array(motion.skeleton.name)}
    if quaternions is not None:
        arrays |= {"turns": quaternions.reshape(frames, -1), "turns_skeleton": np.array(motion.skeleton.name)}
    skeletons = json.dumps({motion.skeleton.name: motion.skeleton.to_dict()})
    seq = np.arange(frames) if seq is None else seq
    np.savez(path, rate=motion.rate, skeletons=np.array(skeletons), seq=seq, **arrays)
    return path


@pytest.mark.parametrize("body", [STICK, skeleton("cmu")], ids=["stick", "cmu"])
@pytest.mark.parametrize("solved", [False, True])
def test_what_is_written_reads_back_where_it_was(tmp_path: Path, body: Skeleton, solved: bool) -> None:
    motion = turning(50, body)
    if solved:
        motion = replace(motion, rotations=None)
    assert write_bvh(motion, tmp_path / "new" / "a.bvh") < 1e-4
    back = read_body(tmp_path / "new" / "a.bvh", body).motion
    assert np.abs(back.positions - motion.positions).max() < 1e-4
    assert back.rate == 30.0


def test_a_dancer_keeps_their_proportions(tmp_path: Path) -> None:
    tall = replace(STICK, rest=tuple((1.2 * x, 1.2 * y, 1.2 * z) for x, y, z in STICK.rest))
    motion = replace(turning(30, tall), skeleton=STICK)
    assert write_bvh(replace(motion, rotations=None), tmp_path / "a.bvh") < 1e-4
    assert np.abs(read_body(tmp_path / "a.bvh", STICK).motion.positions - motion.positions).max() < 1e-4


def test_limbs_that_stretch_are_off_by_as_much_as_is_said(tmp_path: Path) -> None:
    motion = walk(40)
    stretched = motion.positions.copy()
    stretched[:20, 3] += 0.1 * (stretched[:20, 3] - stretched[:20, 1])
    said = write_bvh(Motion(STICK, 30.0, stretched), tmp_path / "a.bvh")
    off = np.linalg.norm(read_body(tmp_path / "a.bvh", STICK).motion.positions - stretched, axis=-1).max()
    assert off == pytest.approx(said, abs=1e-4)
    assert 0.005 < said < 0.061


def test_solved_rotations_twist_no_more_than_they_have_to() -> None:
    chain = Skeleton("chain", ("a", "b", "c"), (-1, 0, 1), ((0, 0, 0), (0.0, 0.4, 0.0), (0.0, 0.3, 0.0)))
    bent = np.array([[[0, 0, 0], [0.4, 0, 0], [0.4, 0.3, 0]]], np.float32)
    solved = solve_rotations(chain, bent)
    assert np.allclose(solved[0, 0], [[0, 1, 0], [-1, 0, 0], [0, 0, 1]], atol=1e-4)  # a quarter about z, no twist
    assert np.allclose(solved[0, 1], [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-4)
    assert np.allclose(solved[0, 2], np.eye(3), atol=1e-6)
    assert np.allclose(np.linalg.det(solve_rotations(STICK, turning(20, STICK).positions)), 1.0, atol=1e-5)
    with pytest.raises(SkeletonError, match="no tree"):
        solve_rotations(MARKERS, np.zeros((1, 3, 3), np.float32))


def test_quaternions_of_any_length_but_none() -> None:
    quarter = np.array([0.0, 0.0, 3.0, 3.0], np.float32)  # about z
    assert np.allclose(rotations_of(quarter) @ [1, 0, 0], [0, 1, 0], atol=1e-6)
    for wrong in (0.0, np.nan):
        with pytest.raises(SkeletonError, match="length 0"):
            rotations_of(np.full((2, 4), wrong, np.float32))


def test_recorded_rotations_are_used_where_they_are_those_of_the_body(tmp_path: Path) -> None:
    motion = walk(30)
    half = 0.25 * np.sin(np.arange(30) / 5)
    quaternions = np.zeros((30, 5, 4), np.float32)
    quaternions[..., 3] = 1.0
    quaternions[:, 1, 2], quaternions[:, 1, 3] = np.sin(half), np.cos(half)
    right = read_recording(recording(tmp_path / "a.npz", motion, quaternions))
    assert right.rotations is not None and motion.rotations is not None
    assert np.allclose(right.rotations, motion.rotations, atol=1e-5)
    assert "rotations as recorded" in export(tmp_path / "a.npz", tmp_path / "a.bvh")
    quaternions[:, 1] = [1.0, 0.0, 0.0, 0.0]
    assert read_recording(recording(tmp_path / "b.npz", motion, quaternions)).rotations is None
    assert "rotations solved" in export(tmp_path / "b.npz", tmp_path / "b.bvh")


def test_frames_that_were_skipped_repeat_the_one_before(tmp_path: Path) -> None:
    seq = np.array([5, 6, 9, 10])
    motion = read_recording(recording(tmp_path / "a.npz", walk(4), seq=seq))
    assert len(motion) == 6
    assert np.array_equal(motion.positions, walk(4).positions[[0, 1, 1, 1, 2, 3]])


def numbers(path: Path) -> np.ndarray:
    """The motion part of a BVH file (frames, channels)."""
    lines = path.read_text().splitlines()
    start = lines.index("MOTION")
    assert lines[start + 1].startswith("Frames:") and lines[start + 2].startswith("Frame Time:")
    return np.array([[float(value) for value in line.split()] for line in lines[start + 3 :]])


def test_markers_have_position_channels(tmp_path: Path) -> None:
    positions = np.random.default_rng(1).normal(size=(7, 3, 3)).astype(np.float32)
    recording(tmp_path / "a.npz", Motion(MARKERS, 25.0, positions))
    assert "markers" in export(tmp_path / "a.npz", tmp_path / "a.bvh")
    text = (tmp_path / "a.bvh").read_text()
    assert [line.split()[1] for line in text.splitlines() if "JOINT" in line] == ["a", "b", "c"]
    assert text.count("CHANNELS 3 Xposition Yposition Zposition") == 3
    assert "Frame Time: 0.04" in text
    assert np.allclose(numbers(tmp_path / "a.bvh")[:, 6:].reshape(7, 3, 3), positions * 100, atol=1e-4)


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    good, out = recording(tmp_path / "good.npz", walk(3)), tmp_path / "a.bvh"
    np.savez(tmp_path / "face.npz", face=np.zeros((3, 58)), seq=np.arange(3), rate=25.0, skeletons=np.array("{}"))
    (tmp_path / "text.npz").write_text("no archive")
    for name, said in (
        ("nothing.npz", "No such file"),
        ("text.npz", r"is no recording of a body \(it does not read as the arrays of --save\)"),
        ("face.npz", "no stream of joint"),
    ):
        with pytest.raises(BvhError, match=said):
            export(tmp_path / name, out)
    with pytest.raises(BvhError, match="no stream 'face' of joint positions; there is body"):
        export(good, out, "face")
    with pytest.raises(BvhError, match=r"ends in \.bvh"):
        export(good, tmp_path / "a.txt")
    with pytest.raises(BvhError, match="cannot write"):
        export(good, good / "a.bvh")
    bad = walk(3)
    bad.positions[1, 1, 1] = np.nan
    with pytest.raises(BvhError, match="not finite"):
        write_bvh(replace(bad, rotations=None), out)
    blank = replace(STICK, joints=("hip", "the chest", "head", "lHand", "rHand"))
    with pytest.raises(BvhError, match="'the chest'"):
        write_bvh(replace(walk(3), skeleton=blank), out)
    assert not out.exists()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["recorded", "solved", "markers"])
def test_blender_puts_the_bones_where_they_were(tmp_path: Path, kind: str) -> None:
    """With a Python that has the ``bpy`` wheel; ``BLENDER_PYTHON`` names it where it is not this one."""
    python = os.environ.get("BLENDER_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import bpy"], capture_output=True).returncode:
        pytest.skip(f"{python} has no bpy; set BLENDER_PYTHON to the Python of an environment with `pip install bpy`")
    motion = turning(60, skeleton("cmu"))
    if kind == "solved":
        motion = replace(motion, rotations=None)
    if kind == "markers":
        body = motion.skeleton
        marks = replace(body, name="marks", parents=(-1,) * len(body.joints))
        motion = Motion(marks, 30.0, motion.positions)
    write_bvh(motion, tmp_path / "a.bvh")
    frames = [0, 17, 59]
    command = [python, "-c", BLENDER, str(tmp_path / "a.bvh"), json.dumps(frames), str(tmp_path / "seen.json")]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["fps"] == 30
    ends = 0 if kind == "markers" else sum(joint.endswith(".end") for joint in motion.skeleton.joints)
    for frame, heads in zip(frames, seen["heads"], strict=True):
        own = {name: place for name, place in heads.items() if name in motion.skeleton.joints}
        assert len(own) == len(motion.skeleton.joints) - ends
        for name, (x, y, z) in own.items():  # Blender is Z up and looks along -Y
            assert np.allclose([x, z, -y], motion.positions[frame, motion.skeleton.index(name)], atol=1e-4), name
