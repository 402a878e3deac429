"""Plausible bodies of 22 joints for tests: standing or crouching people, drawn at random."""

from __future__ import annotations

import torch

from engine.body.skeleton import skeleton
from models.bodies.heading import anchor, heading, in_frame
from models.bodies.kinematics import Kinematics

BODY = skeleton("humanml3d")


def people(seed: int, count: int) -> torch.Tensor:
    """Plausible bodies (count, 22, 3) in their own frame: standing or half crouching, arms anywhere below or above."""
    draw = torch.Generator().manual_seed(seed)

    def between(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(count, generator=draw)

    turns = torch.zeros(count, len(BODY.joints), 3)
    for joint in BODY.joints:
        turns[:, BODY.index(joint)] = 0.1 * torch.randn(count, 3, generator=draw)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        knee = between(0.05, 1.4)
        turns[:, BODY.index(f"{side}_hip"), 0] -= knee / 2 + between(-0.3, 0.5)
        turns[:, BODY.index(f"{side}_hip"), 2] += sign * between(-0.1, 0.4)
        turns[:, BODY.index(f"{side}_knee"), 0] = knee
        turns[:, BODY.index(f"{side}_shoulder"), 2] -= sign * between(-0.5, 1.4)
        turns[:, BODY.index(f"{side}_shoulder"), 1] -= sign * between(-0.2, 1.2)
        turns[:, BODY.index(f"{side}_elbow"), 1] = -sign * between(0.05, 2.2)
    for joint in ("spine1", "spine2", "spine3"):
        turns[:, BODY.index(joint), 0] += between(-0.1, 0.3)
    skew = torch.zeros(*turns.shape[:-1], 3, 3)
    skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0] = turns.unbind(-1)
    matrices = torch.linalg.matrix_exp(skew - skew.mT)
    standing = torch.tensor([0.0, 0.93, 0.0]).expand(count, 3)
    placed = Kinematics(BODY, list(range(len(BODY.joints))))(standing, matrices)
    return in_frame(placed, anchor(placed, BODY), heading(placed, BODY))


def hanging() -> torch.Tensor:
    """A body (22, 3) whose arms hang, knees and elbows exactly straight."""
    straight = torch.tensor(BODY.rest_positions())
    for side, out in (("l", 1.0), ("r", -1.0)):
        shoulder = straight[BODY.index(f"{side}_shoulder")]
        straight[BODY.index(f"{side}_elbow")] = shoulder + torch.tensor([0.02 * out, -0.278, 0.0])
        straight[BODY.index(f"{side}_wrist")] = shoulder + torch.tensor([0.034 * out, -0.467, 0.0])
    return straight


def drifting(seed: int, count: int, frames: int) -> torch.Tensor:
    """Plausible bodies that move slowly from one pose to another, bones at their lengths."""
    first, second = people(seed, count), people(seed + 1, count)
    share = torch.linspace(0, 0.5, frames)[:, None, None]
    mixed = first[:, None] + share * (second - first)[:, None]
    placed = [mixed[..., 0, :]]
    for joint, parent in enumerate(BODY.parents[1:], 1):
        bone = mixed[..., joint, :] - mixed[..., parent, :]
        length = (first[0, joint] - first[0, parent]).norm()
        placed.append(placed[parent] + bone * (length / bone.norm(dim=-1, keepdim=True)))
    return torch.stack(placed, -2)
