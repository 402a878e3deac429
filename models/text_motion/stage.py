"""From a decoder's features to a body on the stage: bones of one length, feet that stand, a floor, and a way back.

Two steps, so that a pose can be held or edited between them. :class:`LocalPose` turns features into joints in the
body's own frame: the directions of ``ric``'s bones with the lengths of the skeleton, since a decoder's joints are
never quite that far apart. :class:`Stage` sums up heading and place. There a standing foot holds the body, nothing
sinks into the floor, and who walks away from the middle is led around in an arc: the heading turns, so the feet do not
slide, and a text such as "walk" can be lived by for ever. No parameters, inside the graph.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.body.skeleton import Skeleton, skeleton
from engine.spec import AGE, StateSpec
from models.bodies.heading import added, on_stage, turned, turned_back, unit
from models.bodies.standing import drawn, standing
from models.contract import Tensors, finite
from models.layers.base import Layer
from models.text_motion.layout import HUMANML3D

BODY = skeleton("humanml3d")
RATE = HUMANML3D.rate
LEAST = 1e-6

FASTEST = 6.0 / RATE
"""Metres a frame that a body moves at most: a sprint, and more than any take shows."""
SPIN = 10.0 / RATE
"""Radians a frame that it turns by itself at most: a pirouette."""
HIGHEST = 3.0
"""Metres above the floor, either way, beyond which no joint is believed."""

LOW, RAISED = 0.08, 0.16
"""Metres: a foot's joint that is lower stands if it does not move, one that is higher does not."""
STILL, SLIPPING = 0.015, 0.045
"""Metres a frame. A foot that slips by less is held, by more not. The features' contacts know only the latter: they
count a foot as standing up to 0.9 m/s, so a foot that begins to swing would hold the body back."""

SOLE = 0.02
"""Metres from the floor to the lowest joint of a foot that stands."""
SINK, SINKING = 0.15, 0.012
"""Share of the gap under a standing foot that a frame closes, and metres at most: a jump has gone by before that."""
SETTLE = 0.01
"""Share of what the floor has raised or lowered a body by that a frame takes back while no foot stands."""

ROAM = 2.0
"""Metres from the middle within which a body goes where it likes,"""
RIM = 0.5
"""metres more until the steering is whole,"""
ARC = 1.0
"""metres, the radius of the arc that it walks then: a turn that people make without slowing down,"""
SIDEWAYS = 4.0 / RATE**2
"""metres a frame and frame: who runs takes a wider arc, as its acceleration is what a runner's feet can hold."""
AIM = 0.55
"""Sine of the angle between the way it goes and the way to the middle, below which the steering eases off."""
BEHIND = -0.75
"""Cosine of it below which left and right are about equally far: the side begun is kept."""
EASE = 0.15
"""Share of the way that the steering and what is known of the path go a frame: a third of a second."""
SOFT, EDGE = 5.0, 6.5
"""Metres from the middle: from the first on ever less of a step outward counts, at the second nothing."""


class Travel(NamedTuple):
    """How bodies move: ``yaw`` (B, T), the half angle as in the features, ``velocity`` (B, T, 2) along their own x and
    z in metres a frame, ``contacts`` (B, T, 4), how surely each of the skeleton's feet stands."""

    yaw: Tensor
    velocity: Tensor
    contacts: Tensor


def travel(features: Tensor) -> Travel:
    """That part of backward ``features`` (B, T, 263)."""
    cut = HUMANML3D.slices
    return Travel(features[..., cut["yaw"]][..., 0], features[..., cut["velocity"]], features[..., cut["contacts"]])


class LocalPose(nn.Module):
    """Joints in the body's own frame, (..., 22, 3) metres: root above the origin, facing +Z, bones as in the skeleton.

    Measured on CMU takes with a decoder's error, against forward kinematics of the features' rotations: see
    ``forward``. One product with a matrix of zeros and ones adds up the bones to each joint."""

    lengths: Tensor
    above: Tensor
    rest: Tensor

    def __init__(self, body: Skeleton = BODY) -> None:
        super().__init__()
        rest = torch.tensor(body.rest, dtype=torch.float32)[1:]
        above = torch.zeros(len(body.joints), len(body.joints) - 1)
        for joint in range(1, len(body.joints)):
            up = joint
            while up > 0:
                above[joint, up - 1] = 1.0
                up = body.parents[up]
        self.parents = list(body.parents[1:])
        self.register_buffer("lengths", rest.square().sum(-1, keepdim=True).sqrt(), persistent=False)
        self.register_buffer("rest", rest, persistent=False)
        self.register_buffer("above", above, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Of ``features`` (..., 263). A bone without a direction points as it does at rest."""
        cut = HUMANML3D.slices
        height = finite(features[..., cut["height"]]).clamp(-HIGHEST, HIGHEST)
        root = torch.nn.functional.pad(height, (1, 1))
        ric = finite(features[..., cut["ric"]]).clamp(-HIGHEST, HIGHEST).unflatten(-1, (-1, 3))
        return self.walked(torch.cat([root[..., None, :], ric], -2))

    def walked(self, joints: Tensor) -> Tensor:
        """``joints`` (..., 22, 3) with the bones' own lengths, from the root outward."""
        bones = joints[..., 1:, :] - joints[..., self.parents, :]
        seen = bones.square().sum(-1, keepdim=True).sqrt()
        bones = torch.where(seen > LEAST, bones * (self.lengths / seen.clamp_min(LEAST)), self.rest)
        return joints[..., :1, :] + self.above @ bones


class Stage(Layer):
    """Bodies where they stand: ``forward(joints, state, travel)`` of joints (B, T, 22, 3) in their own frame to joints
    (B, T, 22, 3) on the stage, metres, Y up, floor at 0."""

    memory = None

    def __init__(self, body: Skeleton = BODY) -> None:
        super().__init__()
        self.feet = [body.index(joint) for joint in body.feet]

    def state_specs(self) -> dict[str, StateSpec]:
        """``at`` and ``facing``, where the ``feet`` were, ``path``: the way it goes in its own frame, ``bend``: the
        steering, radians a frame, ``lift``: what the floor raises it by."""
        shapes = {"at": (2,), "facing": (2,), "feet": (len(self.feet), 2), "path": (2,), "bend": (1,), "lift": (1,)}
        return {name: StateSpec(shape) for name, shape in shapes.items()}

    def forward(self, joints: Tensor, state: Tensors, way: Travel) -> tuple[Tensor, Tensors]:
        """Frame by frame, as each stands where the last one stood."""
        joints = finite(joints).clamp(-HIGHEST, HIGHEST)
        spin = (-2.0 * finite(way.yaw)).clamp(-SPIN, SPIN)
        velocity = slower(finite(way.velocity), FASTEST)
        feet, lowest = joints[..., self.feet, :], joints[..., 1].amin(-1)
        stands = standing(finite(way.contacts))
        own = {name: state[name] for name in self.state_specs()}
        places = []
        for frame in range(joints.shape[1]):
            first = state[AGE] + frame == 0
            own["lift"] = grounded(own["lift"], feet[:, frame, :, 1], lowest[:, frame], stands[:, frame], first)
            height = feet[:, frame, :, 1] + own["lift"]
            low = ((RAISED - height) / (RAISED - LOW)).clamp(0.0, 1.0) * ~first[:, None]
            bend = steered(own)
            facing = unit(added(own["facing"], _angle(spin[:, frame] + bend)))
            feet_at = _placed(feet[:, frame], own["at"], facing)
            step = turned(velocity[:, frame], facing)
            moved = own["feet"] - feet_at
            slip = (moved - step[:, None]).square().sum(-1).sqrt()
            calm = ((SLIPPING - slip) / (SLIPPING - STILL)).clamp(0.0, 1.0)
            step = bounded(own["at"], slower(drawn(step, stands[:, frame] * low * calm, moved), FASTEST))
            path = torch.lerp(own["path"], turned_back(step, facing), EASE)
            own |= {"at": own["at"] + step, "facing": facing, "feet": feet_at + step[:, None], "path": path}
            own["bend"] = bend[:, None]
            places.append(torch.cat([own["at"], facing, own["lift"]], -1))
        where = torch.stack(places, 1)
        body = on_stage(joints, where[..., :2], where[..., 2:4])
        return body + torch.nn.functional.pad(where[..., 4:], (1, 1))[..., None, :], {
            name: finite(value) for name, value in own.items()
        }


def slower(step: Tensor, most: float) -> Tensor:
    """A ``step`` (..., 2), at most so long."""
    length = step.square().sum(-1, keepdim=True).sqrt()
    return step * (most / length.clamp_min(most))


def grounded(lift: Tensor, heights: Tensor, lowest: Tensor, stands: Tensor, first: Tensor) -> Tensor:
    """What a body is raised by (B, 1) a frame later, from the ``heights`` (B, feet) of its feet and of its ``lowest``
    (B,) joint. Nothing is ever below the floor; a gap under a foot that stands closes step by step, on the ``first``
    (B,) frame at once."""
    foot = heights.amin(-1, keepdim=True)
    on_feet = (1.0 - (foot - lowest[:, None]) / SOLE).clamp(0.0, 1.0) * stands.amax(-1, keepdim=True)
    gap = foot + lift - SOLE
    closed = torch.where(first[:, None], gap, (SINK * gap).clamp(0.0, SINKING)).clamp_min(0.0)
    lowered = torch.lerp(lift * (1.0 - SETTLE), lift - closed, on_feet)
    return torch.maximum(lowered, -lowest[:, None])


def steered(own: Tensors) -> Tensor:
    """How far a body is led around, (B,) radians a frame, positive towards its left.

    The way it goes is turned towards the middle along an arc, so it turns the faster the faster it goes, and does not
    turn at all when it stands. Whether it faces the way it goes does not matter: who walks backward is led backward."""
    at, bend = own["at"], own["bend"][:, 0]
    far = at.square().sum(-1).sqrt()
    path = turned(own["path"], unit(own["facing"]))
    speed = path.square().sum(-1).sqrt()
    scale = (far * speed).clamp_min(LEAST)
    along = -(at * path).sum(-1) / scale
    aside = (path[:, 0] * at[:, 1] - path[:, 1] * at[:, 0]) / scale
    side = torch.where((along < BEHIND) & (bend != 0.0), bend, aside).sign()
    sharp = torch.where(along < 0.0, 1.0, (aside.abs() / AIM).clamp_max(1.0))
    sharp = sharp * ((far - ROAM) / RIM).clamp(0.0, 1.0)
    rate = torch.minimum(speed / ARC, SIDEWAYS / speed.clamp_min(LEAST))
    return torch.lerp(bend, side * sharp * rate, EASE)


def bounded(at: Tensor, step: Tensor) -> Tensor:
    """The ``step`` (B, 2) of a body that stands ``at`` (B, 2), less of it outward the nearer the edge of the stage."""
    far = at.square().sum(-1, keepdim=True).sqrt()
    away = at / far.clamp_min(LEAST)
    outward = (step * away).sum(-1, keepdim=True).clamp_min(0.0)
    taken = ((far - SOFT) / (EDGE - SOFT)).clamp(0.0, 1.0)
    return step - away * (outward * taken + (far - EDGE).clamp_min(0.0))


def _angle(radians: Tensor) -> Tensor:
    return torch.stack([radians.cos(), radians.sin()], -1)


def _placed(feet: Tensor, at: Tensor, facing: Tensor) -> Tensor:
    """Where feet (B, feet, 3) are on the floor, (B, feet, 2)."""
    return turned(feet[..., ::2], facing[:, None]) + at[:, None]
