"""A pose as one vector of numbers, what a decoder emits per frame, and back to joints.

The body is told from where it stands and faces, so nothing depends on the stage: ``travel`` (how far it moved along its
own x and z, and the sine of how far it turned), ``body`` (height of the root and 6-D rotations, or joint positions),
``contacts`` of the feet, and ``place`` (where it stands and faces as its partner sees it).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.bodies.heading import anchor, between, heading, in_frame, turned_back, unit
from models.bodies.kinematics import Kinematics, about_y, from_six, to_six
from models.dance.config import DanceConfig

GROUND_SPEED = 0.01
"""Metres a frame (0.3 m/s at 30 frames a second) below which a low foot counts as standing."""
GROUND_HEIGHT = 0.05
"""Metres above a foot's own lowest height within which it may stand."""


class PoseVectors(nn.Module):
    """Vectors (..., width) of a configuration, cut into parts by name (``slices``).

    ``mean`` and ``scale`` (width,) standardise them; ``low`` (feet,) is the height of each foot when it stands. All are
    fitted on the training takes."""

    mean: Tensor
    scale: Tensor
    low: Tensor

    def __init__(self, config: DanceConfig) -> None:
        super().__init__()
        self.config, body = config, config.skeleton
        feet = len(config.feet)
        sizes = {
            "travel": 3 if config.travel else 0,
            "body": 1 + 6 * len(config.moving) if config.moving else 3 * len(body.joints),
            "contacts": feet,
            "place": 4 if config.partner and config.travel else 0,
        }
        self.slices: dict[str, slice] = {}
        self.width = 0
        for name, size in sizes.items():
            self.slices[name] = slice(self.width, self.width + size)
            self.width += size
        self.register_buffer("mean", torch.zeros(self.width))
        self.register_buffer("scale", torch.ones(self.width))
        self.register_buffer("low", torch.zeros(feet))
        self.kinematics = Kinematics(body, config.moving) if config.moving else None
        self.footing = Kinematics(body, config.moving, config.feet) if config.moving and feet else None

    def part(self, vectors: Tensor, name: str) -> Tensor:
        """One part of ``vectors`` (..., width)."""
        return vectors[..., self.slices[name]]

    def joints(self, body: Tensor) -> Tensor:
        """Joint positions (..., J, 3) in the body's own frame from the ``body`` part of a vector."""
        return self._joints(body, self.kinematics)

    def feet(self, body: Tensor) -> Tensor:
        """Positions (..., feet, 3) of the feet alone, likewise."""
        if self.config.moving:
            return self._joints(body, self.footing)
        return self._joints(body, None)[..., list(self.config.feet), :]

    def _joints(self, body: Tensor, kinematics: Kinematics | None) -> Tensor:
        if kinematics is None:
            joints: Tensor = body.unflatten(-1, (-1, 3))
        else:
            root = torch.nn.functional.pad(body[..., :1], (1, 1))
            joints = kinematics(root, from_six(body[..., 1:].unflatten(-1, (-1, 6))))
        return joints

    def rotations(self, body: Tensor, facing: Tensor) -> Tensor:
        """Local rotations (..., moving, 3, 3) of the moving joints, the root's on the stage; ``facing`` (..., 2)."""
        local = from_six(body[..., 1:].unflatten(-1, (-1, 6)))
        root = about_y(facing) @ local[..., 0, :, :]
        return torch.cat([root[..., None, :, :], local[..., 1:, :, :]], -3)

    def encode(self, positions: Tensor, rotations: Tensor | None, partner: Tensor | None) -> Tensor:
        """Vectors (..., T, width) of takes: ``positions`` (..., T, J, 3) on the stage, ``rotations`` (..., T, J, 3, 3)
        of a body told by them, ``partner`` (..., T, J, 3) or None (its place is then where it is)."""
        body, config = self.config.skeleton, self.config
        at, facing = anchor(positions, body), heading(positions, body)
        if not config.travel:
            at, facing = positions[..., ::2].mean(-2), torch.zeros_like(facing) + facing.new_tensor([1.0, 0.0])
        parts = []
        if config.travel:
            moved = turned_back(at.diff(dim=-2, prepend=at[..., :1, :]), facing)
            before = torch.cat([facing[..., :1, :], facing[..., :-1, :]], -2)
            parts.append(torch.cat([moved, between(before, facing)[..., 1:]], -1))
        if config.moving:
            if rotations is None:
                raise ValueError("a body told by rotations needs them")
            local = rotations[..., list(config.moving), :, :]
            root = about_y(facing).transpose(-1, -2) @ local[..., 0, :, :]
            six = to_six(torch.cat([root[..., None, :, :], local[..., 1:, :, :]], -3))
            parts += [positions[..., 0, 1:2], six.flatten(-2)]
        else:
            parts.append(in_frame(positions, at, facing).flatten(-2))
        if config.feet:
            parts.append(self.standing(positions))
        if "place" in self.slices and self.slices["place"].start < self.width:
            parts.append(self._place(at, facing, partner))
        return torch.cat(parts, -1)

    def standing(self, positions: Tensor) -> Tensor:
        """Which feet (..., T, feet) stand on the ground, 1 or 0: low and slow."""
        feet = positions[..., list(self.config.feet), :]
        moved = feet.diff(dim=-3)
        speed = torch.cat([moved[..., :1, :, :], moved], -3)[..., ::2].square().sum(-1).sqrt()
        return ((speed < GROUND_SPEED) & (feet[..., 1] < self.low + GROUND_HEIGHT)).to(positions.dtype)

    def _place(self, at: Tensor, facing: Tensor, partner: Tensor | None) -> Tensor:
        if partner is None:
            return torch.zeros(*at.shape[:-1], 4, dtype=at.dtype, device=at.device)
        there, theirs = anchor(partner, self.config.skeleton), heading(partner, self.config.skeleton)
        return torch.cat([turned_back(at - there, theirs), between(theirs, facing)], -1)

    def standardised(self, vectors: Tensor) -> Tensor:
        """Vectors with mean 0 and scale 1 in every number."""
        return (vectors - self.mean) / self.scale

    def restored(self, standardised: Tensor) -> Tensor:
        """The inverse of :meth:`standardised`."""
        return standardised * self.scale + self.mean


def turn(sine: Tensor) -> Tensor:
    """The heading (..., 2) of a turn told by the sine of its angle (...,), at most a quarter turn."""
    sine = sine.clamp(-1.0, 1.0)
    return unit(torch.stack([(1.0 - sine.square()).clamp_min(0.0).sqrt(), sine], -1))
