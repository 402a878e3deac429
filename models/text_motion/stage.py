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
from models.bodies.heading import added, on_stage, turned, unit
from models.bodies.standing import drawn, standing
from models.contract import Tensors, finite
from models.layers.base import Layer
from models.text_motion.layout import HUMANML3D
from models.text_motion.steering import STEERING, bounded, known, steered

BODY = skeleton("humanml3d")
RATE = HUMANML3D.rate
LEAST = 1e-6

FASTEST = 6.0 / RATE
"""Metres a frame that a body moves at most: a sprint, and more than any take shows."""
SPIN = 10.0 / RATE
"""Radians a frame that it turns by itself at most: a pirouette."""
HIGHEST = 3.0
"""Metres from the body's own origin within which a joint is believed to be."""

LOW, RAISED = 0.08, 0.16
"""Metres: a foot's joint that is lower stands if it does not move, one that is higher does not."""
STILL, SLIPPING = 0.01, 0.035
"""Metres a frame. A foot that slips by less than the one is held, by more than the other not. The contacts of the
features say too little here: they count a foot as standing up to 0.9 m/s, so it would hold back a body that steps."""
GRIP = 0.6
"""Share of the way to where it was planted that a frame takes a foot. At 1 nothing slips but every unrest of the foot
goes into the body: on takes jerk rises by 28 %, at 0.6 by 7 %, and the feet slide less than they did."""

SOLE = 0.02
"""Metres from the floor to the lowest joint of a foot that stands: the median of takes."""
SINK, SINKING = 0.15, 0.012
"""Share of the gap under a standing foot that a frame closes, and metres at most: a jump has gone by before that."""
SETTLE = 0.01
"""Share of what the floor has raised or lowered a body by that a frame takes back while no foot stands."""


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

    Bones point as in ``ric``. Forward kinematics of the features' rotations adds up errors along a limb: of CMU takes
    less what 128 of 4208 principal components of 16 frames leave out, joints are 27 mm off this way and 34 mm that way
    (feet 42 and 67), and jerk is 1.22 and 1.42 times the takes'; as they come 27 mm (43) and 1.23. One product with a
    matrix of zeros and ones adds up the bones."""

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
        """``at`` and ``facing``; where the ``feet`` were and where each was ``planted``; what the floor raises the body
        by (``lift``); what the steering knows."""
        feet = (len(self.feet), 2)
        shapes = {"at": (2,), "facing": (2,), "feet": feet, "planted": feet, "lift": (1,), **STEERING}
        return {name: StateSpec(shape) for name, shape in shapes.items()}

    def forward(self, joints: Tensor, state: Tensors, way: Travel) -> tuple[Tensor, Tensors]:
        """Frame by frame, as each stands where the last one stood."""
        joints = finite(joints)
        feet, lowest = joints[..., self.feet, :], joints[..., 1].amin(-1)
        spin = (-2.0 * finite(way.yaw)).clamp(-SPIN, SPIN)
        velocity, stands = slower(finite(way.velocity), FASTEST), standing(finite(way.contacts))
        own = {name: state[name] for name in self.state_specs()}
        places = []
        for frame in range(joints.shape[1]):
            first = state[AGE] + frame == 0
            moves = _Moves(feet[:, frame], lowest[:, frame], spin[:, frame], velocity[:, frame], stands[:, frame])
            own = moved(own, moves, first)
            places.append(torch.cat([own["at"], own["facing"], own["lift"]], -1))
        where = torch.stack(places, 1)
        body = on_stage(joints, where[..., :2], where[..., 2:4])
        body = body + torch.nn.functional.pad(where[..., 4:], (1, 1))[..., None, :]
        return body, {name: finite(value) for name, value in own.items()}


class _Moves(NamedTuple):
    """What one frame asks for: the ``feet`` (B, feet, 3) and the height of the ``lowest`` (B,) joint in the body's own
    frame, radians and metres a frame, how wholly each foot stands."""

    feet: Tensor
    lowest: Tensor
    spin: Tensor
    velocity: Tensor
    stands: Tensor


def moved(own: Tensors, asked: _Moves, first: Tensor) -> Tensors:
    """The state of the stage a frame later; ``first`` (B,): there is none before."""
    lift = grounded(own["lift"], asked, first)
    low = ((RAISED - asked.feet[..., 1] - lift) / (RAISED - LOW)).clamp(0.0, 1.0) * ~first[:, None]
    bend = steered(own)
    angle = asked.spin[:, None] + bend
    facing = unit(added(own["facing"], torch.cat([angle.cos(), angle.sin()], -1)))
    under = turned(asked.feet[..., ::2], facing[:, None]) + own["at"][:, None]
    step = turned(asked.velocity, facing)
    stepped = under + step[:, None]
    slip = (own["feet"] - stepped).square().sum(-1).sqrt()
    hold = asked.stands * low * ((SLIPPING - slip) / (SLIPPING - STILL)).clamp(0.0, 1.0)
    step = slower(drawn(step, hold, step[:, None] + GRIP * (own["planted"] - stepped)), FASTEST)
    path = known(own, step, asked.spin, facing)
    step = bounded(own["at"], step)
    feet = under + step[:, None]
    planted = torch.lerp(feet, own["planted"], hold[..., None])
    here = {"at": own["at"] + step, "facing": facing, "feet": feet, "planted": planted, "lift": lift, "bend": bend}
    return here | path


def slower(step: Tensor, most: float) -> Tensor:
    """A ``step`` (..., 2), at most so long."""
    length = step.square().sum(-1, keepdim=True).sqrt()
    return step * (most / length.clamp_min(most))


def grounded(lift: Tensor, asked: _Moves, first: Tensor) -> Tensor:
    """What the floor raises bodies by, (B, 1), a frame later. Nothing is ever below the floor; a gap under a foot that
    stands closes step by step, before the ``first`` (B,) frame at once."""
    foot, lowest = asked.feet[..., 1].amin(-1, keepdim=True), asked.lowest[:, None]
    on_feet = (1.0 - (foot - lowest) / SOLE).clamp(0.0, 1.0) * asked.stands.amax(-1, keepdim=True)
    gap = (foot + lift - SOLE).clamp_min(0.0)
    closed = torch.where(first[:, None], gap, (SINK * gap).clamp_max(SINKING))
    return torch.maximum(torch.lerp(lift * (1.0 - SETTLE), lift - closed, on_feet), -lowest)
