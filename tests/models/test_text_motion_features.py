"""Features of HumanML3D and KIT: beside a slow computation of their definition, there and back, what is seen when."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from engine.errors import EngineError
from models.text_motion.features import canonical, decode, decode_rotations, encode, headings
from models.text_motion.layout import HUMANML3D, KIT, Layout, of_joints, of_width
from models.text_motion.rotations import swing
from tests.models.walkers import LAYOUTS, lengths, walker

Array = NDArray[np.float64]
layouts = st.sampled_from(LAYOUTS)
forms = st.booleans()
frames = st.integers(2, 70)
seeds = st.integers(0, 10_000)
spins = st.sampled_from((0.0, 0.05, -0.3, 0.7))
BOTH = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
FORMS = pytest.mark.parametrize("backward", (False, True), ids=("forward", "backward"))


# The definition once more, in numpy with quaternions (w, x, y, z), joint by joint and frame by frame.


def product(a: Array, b: Array) -> Array:
    vector = a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:])
    return np.array([a[0] * b[0] - a[1:] @ b[1:], *vector])


def inverse(a: Array) -> Array:
    return a * (1, -1, -1, -1)


def rotated(a: Array, vector: Array) -> Array:
    return product(product(a, np.array([0.0, *vector])), inverse(a))[1:]


def shortest(one: Array, other: Array) -> Array:
    found = np.array([np.linalg.norm(one) * np.linalg.norm(other) + one @ other, *np.cross(one, other)])
    return found / np.linalg.norm(found)


def columns(a: Array) -> Array:
    return np.concatenate([rotated(a, np.array([1.0, 0, 0])), rotated(a, np.array([0, 1.0, 0]))])


def published(joints: Array, layout: Layout) -> Array:
    """Rows (T - 1, width) as EricGuo5513/HumanML3D's process_file computes them of joints on the uniform body."""
    ahead, up = np.array([0.0, 0, 1]), np.array([0.0, 1, 0])
    right_hip, left_hip, right_shoulder, left_shoulder = layout.face
    at = joints.copy()
    at[..., 1] -= at[..., 1].min()
    at -= at[0, 0] * (1, 0, 1)
    across = at[0, right_hip] - at[0, left_hip] + at[0, right_shoulder] - at[0, left_shoulder]
    first = np.cross(up, across / np.linalg.norm(across))
    turn = shortest(first / np.linalg.norm(first), ahead)
    at = np.array([[rotated(turn, joint) for joint in frame] for frame in at])
    # Hips are the other way round here than above, as they are there.
    across = at[:, left_hip] - at[:, right_hip] + at[:, right_shoulder] - at[:, left_shoulder]
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    facing = gaussian_filter1d(np.cross(up, across), 20, axis=0, mode="nearest")
    facing /= np.linalg.norm(facing, axis=1, keepdims=True)
    root = [shortest(line, ahead) for line in facing]
    rows = []
    for t in range(len(at) - 1):
        velocity = rotated(root[t + 1], at[t + 1, 0] - at[t, 0])
        spin = np.arcsin(product(root[t + 1], inverse(root[t]))[2])
        ric = [rotated(root[t], joint - at[t, 0] * (1, 0, 1)) for joint in at[t]]
        local = [rotated(root[t], joint) for joint in at[t + 1] - at[t]]
        turns = np.zeros((len(layout.joints), 6))
        for chain in layout.chains:
            above = root[t]
            for parent, joint in itertools.pairwise(chain):
                bone = at[t, joint] - at[t, parent]
                to = shortest(np.array(layout.raw_offsets[joint], float), bone / np.linalg.norm(bone))
                own = product(inverse(above), to)
                turns[joint] = columns(own)
                above = product(above, own)
        stands = [float(((at[t + 1, foot] - at[t, foot]) ** 2).sum() < layout.threshold) for foot in layout.feet]
        rows.append(
            [
                spin,
                velocity[0],
                velocity[2],
                at[t, 0, 1],
                *np.ravel(ric[1:]),
                *turns[1:].ravel(),
                *np.ravel(local),
                *stands,
            ]
        )
    return np.array(rows)


def torched(joints: Array, kind: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.from_numpy(joints).to(kind)


@BOTH
@pytest.mark.parametrize("spin", (0.0, 0.4))
def test_forward_features_are_the_published_ones(layout: Layout, spin: float) -> None:
    joints = walker(layout, 90, seed=3, spin=spin)
    rows = published(joints, layout)
    floored = torched(joints, torch.float64)
    floored[..., 1] -= floored[..., 1].min()
    for kind, near in ((torch.float64, 1e-9), (torch.float32, 5e-5 / layout.scale)):
        ours = encode(floored.to(kind), layout, literal=True)
        assert ours.dtype == kind and ours.shape == (89, layout.width)
        if kind == torch.float32:  # a squared step as near to the threshold as this may fall on either side
            ours[:, layout.slices["contacts"]] = torch.from_numpy(rows[:, layout.slices["contacts"]]).float()
        np.testing.assert_allclose(ours.numpy(), rows, atol=near * max(1.0, np.abs(rows).max() / 1e3))
    assert 0 < rows[:, layout.slices["contacts"]].mean() < 1 or layout is KIT


@settings(max_examples=40, deadline=None)
@given(layout=layouts, backward=forms, frames=frames, seed=seeds, spin=spins)
def test_joints_come_back_of_features(layout: Layout, backward: bool, frames: int, seed: int, spin: float) -> None:
    joints = canonical(torched(walker(layout, frames, seed, spin)), layout, backward)
    rows = encode(joints, layout, backward)
    back = decode(rows, layout, backward)
    expected = joints if backward else joints[:-1]
    assert rows.shape == (len(expected), layout.width)
    assert layout.scale * (back - expected).abs().max() < 1e-5
    assert back[0, 0, ::2].abs().max() == 0 and joints[..., 1].min() == 0


@settings(max_examples=25, deadline=None)
@given(layout=layouts, backward=forms, frames=frames, seed=seeds, spin=spins)
def test_joints_come_back_of_rotations(layout: Layout, backward: bool, frames: int, seed: int, spin: float) -> None:
    joints = canonical(torched(walker(layout, frames, seed, spin), torch.float64), layout, backward)
    rows = encode(joints, layout, backward)
    back = decode_rotations(rows, torch.from_numpy(lengths(layout)), layout, backward)
    torch.testing.assert_close(back, joints if backward else joints[:-1], atol=1e-5 / layout.scale, rtol=0)
    longer = decode_rotations(rows, torch.from_numpy(lengths(layout)) * 1.1, layout, backward)
    assert layout.scale * (longer - back).norm(dim=-1).max() > 0.05


@settings(max_examples=20, deadline=None)
@given(layout=layouts, backward=forms, seed=seeds, angle=st.floats(-3.0, 3.0), x=st.floats(-9.0, 9.0))
def test_where_a_clip_stands_makes_no_difference(
    layout: Layout, backward: bool, seed: int, angle: float, x: float
) -> None:
    joints = torched(walker(layout, 30, seed, 0.1), torch.float64)
    c, s = np.cos(angle), np.sin(angle)
    turn = torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]], dtype=torch.float64)
    moved = joints @ turn.T + torch.tensor([x, 0.0, -2 * x], dtype=torch.float64) / layout.scale
    torch.testing.assert_close(encode(moved, layout, backward), encode(joints, layout, backward), atol=1e-6, rtol=1e-6)


@BOTH
def test_a_forward_row_sees_the_next_frame_and_a_backward_row_does_not(layout: Layout) -> None:
    joints = torched(walker(layout, 200, seed=1), torch.float64)
    t, wrist = 100, layout.joints.index("l_wrist")
    changed = joints.clone()
    changed[t + 1 :, wrist] += 0.1 / layout.scale
    forward = (encode(changed, layout) != encode(joints, layout)).any(1)
    backward = (encode(changed, layout, True) != encode(joints, layout, True)).any(1)
    assert not forward[:t].any() and forward[t] and forward[t + 1]
    assert not backward[: t + 1].any() and backward[t + 1]
    # What says where the body faces reaches further in the forward form: a Gaussian of 80 frames to either side.
    changed = joints.clone()
    changed[t + 1 :, layout.face[3]] += 0.1 / layout.scale
    forward = (encode(changed, layout) != encode(joints, layout)).any(1)
    backward = (encode(changed, layout, True) != encode(joints, layout, True)).any(1)
    assert forward.nonzero()[0, 0] == t - 80  # the row before frame t + 1 - 80
    assert backward.nonzero()[0, 0] == t + 1


@BOTH
def test_backward_rows_tell_the_step_that_was_made(layout: Layout) -> None:
    joints = torched(walker(layout, 12, seed=5, spin=0.2), torch.float64)
    rows = encode(joints, layout, backward=True)
    facing = headings(joints, layout)
    angle = torch.atan2(facing[:, 1], facing[:, 0])
    moving = [rows[:, layout.slices[name]] for name in ("yaw", "velocity", "local_velocity")]
    assert all((part[0] == 0).all() and (part[1:] != 0).all(1).all() for part in moving)
    assert (rows[0, layout.slices["contacts"]] == 1).all()
    for t in range(1, 12):
        c, s = angle[t].cos(), angle[t].sin()
        step = joints[t] - joints[t - 1]
        local = torch.stack([c * step[:, 0] - s * step[:, 2], step[:, 1], s * step[:, 0] + c * step[:, 2]], 1)
        torch.testing.assert_close(moving[2][t].unflatten(0, (-1, 3)), local)
        torch.testing.assert_close(moving[1][t], local[0, ::2])
        by = torch.remainder(angle[t] - angle[t - 1] + np.pi, 2 * np.pi) - np.pi
        torch.testing.assert_close(-2 * moving[0][t, 0], by)
        torch.testing.assert_close(rows[t], encode(joints[t - 1 : t + 1], layout, backward=True)[1])


def test_a_window_of_backward_rows_begins_where_it_is_cut() -> None:
    joints = canonical(torched(walker(HUMANML3D, 40, seed=2, spin=0.2), torch.float64), HUMANML3D, backward=True)
    window = decode(encode(joints, HUMANML3D, backward=True)[15:], HUMANML3D, backward=True)
    expected = canonical(joints[15:], HUMANML3D, backward=True)
    expected[..., 1] = joints[15:, :, 1]
    torch.testing.assert_close(window, expected)


@FORMS
def test_a_walk_ahead_and_a_turn_to_the_left(backward: bool) -> None:
    layout, still = HUMANML3D, walker(HUMANML3D, 1, seed=0)[0]
    still -= still[0] * (1, 0, 1)
    ahead = headings(torched(still, torch.float64), layout)
    unturn = torch.tensor([[ahead[0], 0, -ahead[1]], [0, 1, 0], [ahead[1], 0, ahead[0]]], dtype=torch.float64)
    still = (unturn @ torched(still, torch.float64).T).T
    walk = still + torch.arange(20, dtype=torch.float64)[:, None, None] * torch.tensor([0.0, 0.0, 0.07])
    rows = encode(walk, layout, backward)[1:]
    if backward:  # the published heading differs for a body that is twisted
        torch.testing.assert_close(rows[:, 2], torch.full_like(rows[:, 2], 0.07), atol=1e-6, rtol=0)
    assert (rows[:, 2] > 0.03).all() and (rows[:, layout.slices["contacts"]] == 0).all()
    angles = 0.1 * torch.arange(20, dtype=torch.float64)
    zero, one, c, s = torch.zeros_like(angles), torch.ones_like(angles), angles.cos(), angles.sin()
    turns = torch.stack([c, zero, s, zero, one, zero, -s, zero, c], 1).unflatten(1, (3, 3))
    yaw = encode(still @ turns.transpose(1, 2), layout, backward)[1:, 0]
    assert (yaw < 0).all() and (not backward or torch.allclose(yaw, torch.full_like(yaw, -0.05)))


def test_each_foot_has_its_contact() -> None:
    layout = HUMANML3D
    joints = torched(np.repeat(walker(layout, 1, seed=0), 8, axis=0), torch.float64)
    joints[4:, layout.joints.index("r_ankle"), 1] += 0.05
    for backward, row in ((False, 3), (True, 4)):
        contacts = encode(joints, layout, backward)[:, layout.slices["contacts"]]
        expected = torch.ones_like(contacts)
        expected[row, 2] = 0
        assert (contacts == expected).all()
    joints[5:, layout.joints.index("l_foot"), 0] += 0.04  # 0.0016 square metres, which still counts as standing
    assert (encode(joints, layout, True)[5, layout.slices["contacts"]] == 1).all()


def test_coming_round_is_wrong_only_as_published() -> None:
    joints = canonical(torched(walker(HUMANML3D, 120, seed=1, spin=0.05), torch.float64), HUMANML3D)
    rows, literal = encode(joints, HUMANML3D), encode(joints, HUMANML3D, literal=True)
    differ = (rows - literal).abs().max(1).values > 1e-9
    assert differ.sum() == 1
    crossing = int(differ.to(torch.uint8).argmax())
    torch.testing.assert_close(literal[crossing, 0], -rows[crossing, 0])
    wrong = (decode(literal, HUMANML3D) - joints[:-1]).abs().amax((1, 2))
    assert (wrong[: crossing + 1] < 1e-6).all() and (wrong[crossing + 1 :] > 1e-3).all()


@BOTH
@FORMS
def test_a_batch_is_as_its_rows(layout: Layout, backward: bool) -> None:
    each = [canonical(torched(walker(layout, 25, seed), torch.float64), layout, backward) for seed in range(3)]
    batch = torch.stack(each)
    torch.testing.assert_close(canonical(batch, layout, backward), batch)
    rows = encode(batch, layout, backward)
    for number, joints in enumerate(each):
        torch.testing.assert_close(rows[number], encode(joints, layout, backward))
        torch.testing.assert_close(decode(rows, layout, backward)[number], decode(rows[number], layout, backward))


def test_a_swing_is_the_shortest_turn_also_where_it_has_no_axis() -> None:
    rest = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, -1, 0]])
    bones = torch.randn(200, 4, 3, generator=torch.Generator().manual_seed(0))
    bones[0] = -rest * 0.4
    bones[1] = rest
    bones[2] = 0.0
    turns = swing(rest, bones)
    torch.testing.assert_close(turns.transpose(-1, -2) @ turns, torch.eye(3).expand_as(turns), atol=1e-5, rtol=0)
    assert (torch.linalg.det(turns) > 0.99).all()
    turned = (turns @ rest[..., None])[..., 0]
    known = bones.norm(dim=-1) > 0
    torch.testing.assert_close(turned[known], torch.nn.functional.normalize(bones, dim=-1)[known], atol=1e-5, rtol=0)
    torch.testing.assert_close(turns[1:3], torch.eye(3).expand(2, 4, 3, 3))


def test_slices_fill_a_row_and_layouts_are_found() -> None:
    for layout, width in ((HUMANML3D, 263), (KIT, 251)):
        ends = list(layout.slices.values())
        assert [part.start for part in ends] == [0, *(part.stop for part in ends[:-1])]
        assert layout.width == ends[-1].stop == width
        assert of_width(width, "x") is layout and of_joints(len(layout.joints), "x") is layout
        assert len(layout.raw_offsets) == len(layout.joints) == len(set(layout.joints))
        assert layout.parents.count(-1) == 1
    assert HUMANML3D.slices["ric"] == slice(4, 67) and KIT.slices["rot6d"] == slice(64, 184)
    with pytest.raises(EngineError, match="set: rows of 66 numbers; humanml3d has 263; kit has 251"):
        of_width(66, "set")
    with pytest.raises(EngineError, match="set: 24 joints; humanml3d has 22; kit has 21"):
        of_joints(24, "set")


def test_recorded_takes_come_back() -> None:
    path = Path(os.environ.get("ENGINE_DATA", "none")) / "text_motion_cmu20" / "clips.npz"
    if not path.is_file():
        pytest.skip("set ENGINE_DATA to a folder with text_motion_cmu20")
    takes = np.load(path)
    for name in takes.files[::80]:
        joints = takes[name].astype(np.float64)[:60]
        floored = torched(joints, torch.float64)
        floored[..., 1] -= floored[..., 1].min()
        ours = encode(floored, HUMANML3D, literal=True)
        np.testing.assert_allclose(ours.numpy(), published(joints, HUMANML3D), atol=1e-8)
        for backward in (False, True):
            whole = canonical(torch.from_numpy(takes[name]).float(), HUMANML3D, backward)
            back = decode(encode(whole, HUMANML3D, backward), HUMANML3D, backward)
            assert (back - whole[: len(back)]).abs().max() < 1e-5
