"""Joints to the features of HumanML3D (263) and KIT (251) and back, in two forms.

*Forward*, as published: row t tells the step from frame t to frame t + 1, so T frames make T - 1 rows and a row needs
one frame of the future: 50 ms at 20 frames a second. Its heading needs more: the original smooths the direction faced
over time with a Gaussian of 20 frames, so that 80 frames to either side reach it. That is no form to make live.

*Backward*, for live use: row t tells the step from frame t - 1 to frame t, in the heading frame of frame t. T frames
make T rows, and row 0 has steps of 0. A row needs nothing but its frame and the one before. Its heading is that of hips
and shoulders as they stand, and rotations are those of the body seen in its heading frame, so a row does not depend on
where the clip began.

In both, joints come back from ``ric`` and the steps; local velocities, rotations and contacts say the same again.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad

from models.bodies.heading import between, in_frame, on_stage, turned, turned_back, unit
from models.bodies.kinematics import about_y
from models.text_motion.layout import Layout
from models.text_motion.rotations import to_joints, to_rotations

SIGMA = 20.0
REACH = 80
"""Frames of the Gaussian over headings in the forward form, and how far it reaches (four times as far)."""


def encode(joints: Tensor, layout: Layout, backward: bool = False, literal: bool = False) -> Tensor:
    """Features of ``joints`` (..., T, J, 3) in the layout's unit, y up from the floor: (..., T - 1, width) forward,
    (..., T, width) backward. Where the clip stands and faces makes no difference.

    In the forward form the original has the wrong sign of a turn in the frame in which a body comes round to -Z (seen
    from its first frame), and all later frames come back turned. That is mended, unless ``literal``.
    """
    if not backward:
        joints = _facing_ahead(joints, layout)
    facing = headings(joints, layout) if backward else smooth_headings(joints, layout)
    root = joints[..., 0, :]
    ric = in_frame(joints, root[..., ::2], facing)
    if backward:
        rotations = to_rotations(ric, about_y(_north(facing)), layout)
    else:
        rotations = to_rotations(joints, about_y(facing).transpose(-1, -2), layout)
    step = joints.diff(dim=-3)
    turn = _turn(facing, literal)
    velocity = turned_back(step[..., 0, ::2], facing[..., 1:, :])
    seen_from = facing[..., 1:, :] if backward else facing[..., :-1, :]
    local = in_frame(step, torch.zeros_like(seen_from), seen_from)
    stands = (step[..., list(layout.feet), :].square().sum(-1) < layout.threshold).to(joints.dtype)
    still = [root[..., 1:2], ric[..., 1:, :].flatten(-2), rotations]
    steps = [turn, velocity, local.flatten(-2), stands]
    if backward:
        at_rest = (0.0, 0.0, 0.0, 1.0)
        steps = [pad(part, (0, 0, 1, 0), value=value) for part, value in zip(steps, at_rest, strict=True)]
    else:
        still = [part[..., :-1, :] for part in still]
    return torch.cat([*steps[:2], *still, *steps[2:]], -1)


def decode(rows: Tensor, layout: Layout, backward: bool = False) -> Tensor:
    """Joints (..., T, J, 3) of rows (..., T, width), from ``ric`` and the steps. The body begins at x = z = 0, facing
    +Z; what the first row of the backward form says of the step before it is not used."""
    at, facing = _path(rows, layout, backward)
    ric = rows[..., layout.slices["ric"]].unflatten(-1, (-1, 3))
    root = torch.stack([at[..., 0], rows[..., layout.slices["height"].start], at[..., 1]], -1)
    return torch.cat([root[..., None, :], on_stage(ric, at, facing)], -2)


def decode_rotations(rows: Tensor, lengths: Tensor, layout: Layout, backward: bool = False) -> Tensor:
    """Joints (..., T, J, 3) of rows, from their rotations and bones ``lengths`` (J,) long.

    The forward form counts rotations in a frame that the hips and shoulders of the first frame give, while steps are
    counted from the smoothed heading: the difference is read off the first frame's ``ric``, so that both agree (in the
    original they do not).
    """
    at, facing = _path(rows, layout, backward)
    six = rows[..., layout.slices["rot6d"]]
    if backward:
        about = to_joints(six, about_y(_north(facing)), lengths, layout)
        about = on_stage(about, torch.zeros_like(at), facing)
    else:
        first = headings(decode(rows[..., :1, :], layout), layout)
        root = about_y(between(first, facing)).transpose(-1, -2)
        about = on_stage(to_joints(six, root, lengths, layout), torch.zeros_like(at), first)
    height = rows[..., layout.slices["height"].start]
    return about + torch.stack([at[..., 0], height, at[..., 1]], -1)[..., None, :]


def canonical(joints: Tensor, layout: Layout, backward: bool = False) -> Tensor:
    """``joints`` (..., T, J, 3) with the floor at the clip's lowest joint, standing at x = z = 0 and facing +Z in the
    first frame: what :func:`decode` gives back of :func:`encode` (the forward form less the last frame)."""
    facing = headings(joints[..., :1, :, :], layout) if backward else smooth_headings(joints, layout)[..., :1, :]
    moved = in_frame(joints, joints[..., :1, 0, ::2], facing)
    floor = joints[..., 1].amin((-2, -1))[..., None, None]
    return torch.stack([moved[..., 0], moved[..., 1] - floor, moved[..., 2]], -1)


def headings(joints: Tensor, layout: Layout) -> Tensor:
    """Where a body faces by its hips and shoulders, (..., 2) as cos and sin, of ``joints`` (..., J, 3)."""
    right_hip, left_hip, right_shoulder, left_shoulder = (joints[..., joint, :] for joint in layout.face)
    return _ahead(left_hip - right_hip + left_shoulder - right_shoulder)


def smooth_headings(joints: Tensor, layout: Layout) -> Tensor:
    """The heading of the forward form, (..., T, 2), of ``joints`` (..., T, J, 3).

    As in the original the line across the body is that of the shoulders *less* that of the hips (two names are swapped
    there), so it turns twice as far as a trunk that twists; smoothing hides most of it.
    """
    right_hip, left_hip, right_shoulder, left_shoulder = (joints[..., joint, :] for joint in layout.face)
    across = left_shoulder - right_shoulder - (left_hip - right_hip)
    across = across / across.square().sum(-1, keepdim=True).sqrt().clamp_min(1e-8)
    reach = torch.arange(-REACH, REACH + 1, dtype=joints.dtype, device=joints.device)
    weights = torch.exp(-0.5 * (reach / SIGMA).square())
    lines = across[..., ::2].transpose(-1, -2)
    padded = pad(lines.reshape(-1, 1, lines.shape[-1]), (REACH, REACH), mode="replicate")
    smooth = conv1d(padded, (weights / weights.sum())[None, None]).reshape(lines.shape).transpose(-1, -2)
    return unit(torch.stack([smooth[..., 0], -smooth[..., 1]], -1))


def _ahead(across: Tensor) -> Tensor:
    """The heading at right angles to a line (..., 3) from right to left."""
    return unit(torch.stack([across[..., 0], -across[..., 2]], -1))


def _facing_ahead(joints: Tensor, layout: Layout) -> Tensor:
    """The clip turned so that hips and shoulders of its first frame face +Z, in which frame the original finds
    rotations."""
    first = headings(joints[..., :1, :, :], layout)
    return in_frame(joints, torch.zeros_like(first), first)


def _north(facing: Tensor) -> Tensor:
    """The heading of +Z, as many times as ``facing`` (..., 2)."""
    return torch.zeros_like(facing) + facing.new_tensor((1.0, 0.0))


def _turn(facing: Tensor, literal: bool) -> Tensor:
    """Half of the angle, with the quaternion's sign, turned between frames: (..., T - 1, 1) of (..., T, 2)."""
    if literal:
        half = torch.atan2(facing[..., 1], facing[..., 0]) / -2
        return torch.asin(torch.sin(half.diff(dim=-1)))[..., None]
    by = between(facing[..., :-1, :], facing[..., 1:, :])
    return torch.atan2(by[..., 1], by[..., 0])[..., None] / -2


def _path(rows: Tensor, layout: Layout, backward: bool) -> tuple[Tensor, Tensor]:
    """Where the root is, (..., T, 2), and the heading, (..., T, 2). Sums are made in double precision, since an error
    of them never goes away."""
    yaw = rows[..., layout.slices["yaw"].start].double()
    step = rows[..., layout.slices["velocity"]].double()
    between_frames = slice(1, None) if backward else slice(None, -1)
    angle = -2 * pad(yaw[..., between_frames], (1, 0)).cumsum(-1)
    facing = torch.stack([angle.cos(), angle.sin()], -1)
    at = turned(pad(step[..., between_frames, :], (0, 0, 1, 0)), facing).cumsum(-2)
    return at.to(rows.dtype), facing.to(rows.dtype)
