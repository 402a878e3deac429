"""The hold servo: a pose is bent, as little as it takes, until the groups of pose codes that a person holds show what
they ask for. No parameters, inside the graph.

Every measure of a group is an angle at a hinge or a function of one line between two points, and a point is a sum of
bones, so how a measure answers to a turn of a joint is a cross product of the part of the line that the joint turns
and the measure's slope: no autograd. A frame begins with the turns of the frame before, which fade where nothing is
held, and takes a few damped Gauss-Newton steps, all held groups at once, each divided by how much the others push the
same way, so that holds which contradict each other settle between. Bones keep their lengths, knees and elbows turn
about their hinge only and the natural way, and the lowest point of the body stays as high as it was.

When a hold begins its error shrinks along an S-curve within :data:`EASE` frames; when it ends the turns fade likewise.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding

from engine.spec import StateSpec
from models.bodies.heading import heading
from models.contract import Tensors, finite
from models.layers.base import Layer
from models.text_motion.levers import BODY, BONES, FREE, HINGES, Levers
from models.text_motion.posecodes.codes import DEGREES, LEAST, NEAR_ONE
from models.text_motion.posecodes.table import GROUPS, of_kind

ROUNDS = 2
"""Steps a frame."""
EASE = 6
"""Frames within which a hold takes effect: 0.3 s."""
SLACK = 4
"""Frames in which the turns of a hold that ended begin to fade."""
FADE, STAY = 0.6, 0.98
"""Share of the turns that a frame keeps where nothing is held, and where something is: a pose that comes to show what
is asked for by itself is let go slowly."""
QUICKEST = 0.3
"""Radians that a joint turns in one step at most."""
STRAIGHT, FOLDED = math.radians(2.0), math.radians(175.0)
"""How little and how far knees and elbows bend at least and at most by a hold."""
DAMPING = 0.02
"""Metres (or degrees) a radian: groups that hardly answer to any joint are not chased further than that."""
SOFT = 0.02
"""Metres within which points share being the lowest."""

_JOINTS = len(FREE) + len(HINGES)
_RELATIVE = slice(len(of_kind("angle")) + len(of_kind("distance")), -len(of_kind("relV")) - len(of_kind("ground")))
_INCLINED = slice(_RELATIVE.stop, -len(of_kind("ground")))


class _Reading(NamedTuple):
    """What bones measure and how that answers to their joints."""

    values: Tensor  #: (B, 1, 70): degrees and metres
    slopes: Tensor  #: (B, 19, 70): a radian of each way to turn
    hinges: Tensor  #: (B, 3, 4): axes of knees and elbows
    bends: Tensor  #: (B, 1, 4): radians


class PostureHold(Layer):
    """Poses (B, T, 22, 3), metres and Y up, wherever they stand and face, and ``hold`` (B, T, 70), the bin asked for of
    each group (past its last: the last) or -1, to poses that show it. Carries the turn of every bone, and of every
    group how far its hold has eased in, how lately it was held and what it asked for. Inside, vectors stand in axis 1,
    in the frame in which the hips face +Z.
    """

    memory = None

    def __init__(self) -> None:
        super().__init__()
        self.body = Levers()

    def state_specs(self) -> dict[str, StateSpec]:
        """Small states; all zero but what was asked for."""
        count = len(GROUPS)
        return {
            "turn": StateSpec((3, len(BONES))),
            "eased": StateSpec((1, count)),
            "level": StateSpec((1, count)),
            "asked": StateSpec((1, count), initial=-1.0),
        }

    def forward(self, pose: Tensor, state: Tensors, hold: Tensor) -> tuple[Tensor, Tensors]:
        """The poses held, and what is carried on."""
        carried = (state["turn"], state["eased"], state["level"], state["asked"])
        frames = []
        for frame in range(pose.shape[1]):
            held, carried = self._frame(pose[:, frame], hold[:, frame : frame + 1], *carried)
            frames.append(held)
        return torch.stack(frames, 1), dict(zip(self.state_specs(), carried, strict=True))

    def _frame(
        self, pose: Tensor, hold: Tensor, turn: Tensor, eased: Tensor, level: Tensor, asked: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor, Tensor]]:
        wanted = hold.to(pose.dtype)
        held = (wanted >= 0.0).to(pose.dtype)
        eased = eased * (wanted == asked)
        left = _remaining(eased)
        eased = (eased + 1.0 / EASE).clamp_max(1.0) * held
        rest = _remaining(eased) / (left + LEAST)
        level = torch.maximum(held, level - 1.0 / SLACK)
        keep = FADE + (STAY - FADE) * (level @ self.body.moves).clamp_max(1.0)

        facing = (heading(pose, BODY) @ self.body.heading + self.body.upright).unflatten(-1, (3, 3))
        bones = facing @ (pose[:, 1:] - pose.index_select(1, self.body.parents)).mT
        long = _length(bones)
        bent = _turned(bones, turn * keep)
        bin_ = torch.minimum(hold.clamp_min(0), self.body.last)
        inner = embedding(self.body.starts + bin_, self.body.inner)
        reading = self._read(bent)
        allowed = rest * _beyond(reading.values, inner)
        for step in range(ROUNDS):
            if step:
                reading = self._read(bent)
            error = _beyond(reading.values, inner) - allowed
            bent = bent + _cross(self._step(reading, error, held), bent)
            bent = bent * (long / _length(bent))
        placed = pose + ((bent - bones) @ self.body.joints).mT @ facing
        sunk = pose[..., 1:2].amin(1, keepdim=True) - placed[..., 1:2].amin(1, keepdim=True)
        placed = placed + sunk * self.body.up.mT
        return placed, (finite(_turn(bones, bent)), eased, level, wanted)

    def _step(self, reading: _Reading, error: Tensor, held: Tensor) -> Tensor:
        """How far each bone turns (B, 3, K), from errors (B, 1, 70) of the groups that are ``held``."""
        root = self.body.weights[:, None]
        slopes = reading.slopes * (root * held)
        size = (slopes.square().sum(1, keepdim=True) + DAMPING**2).sqrt()
        slopes = slopes / size
        shared = (slopes.mT @ slopes).abs().sum(1, keepdim=True).clamp_min(1.0)
        push = (error / (size * shared)) @ slopes.mT * -root.mT
        free, hinged = push.clamp(-QUICKEST, QUICKEST).split([3 * len(FREE), len(HINGES)], 2)
        least = reading.bends.clamp_max(STRAIGHT) - reading.bends
        most = reading.bends.clamp_min(FOLDED) - reading.bends
        hinged = torch.minimum(torch.maximum(hinged, least), most)
        return torch.cat([free.reshape(-1, 3, len(FREE)), hinged * reading.hinges], 2) @ self.body.turns

    def _read(self, bones: Tensor) -> _Reading:
        """Values and slopes by the definitions of :mod:`.posecodes.codes`."""
        body = self.body
        limbs = bones.index_select(2, body.limbs)
        upper, fore = (limbs / _length(limbs)).split(len(HINGES), 2)
        hinges = _cross(upper, fore + body.natural)
        hinges = hinges / _length(hinges)

        lines, points, levers, lows = (bones @ body.everything).split(body.widths, 2)
        leaning = lines + body.tilts
        reach = _length(leaning)
        unit = leaning / reach
        rise = unit[:, 1:2]
        steep = body.inclined * rise.sign() / (reach * (1.0 - rise.square()).clamp_min(LEAST).sqrt())
        slope = body.constant + unit * (body.distant - steep * rise) + steep * body.up

        inclined = lines[..., _INCLINED]
        cosines = torch.cat([-(upper * fore).sum(1, keepdim=True), inclined[:, 1:2].abs() / _length(inclined)], 2)
        angles = cosines.clamp(-NEAR_ONE, NEAR_ONE).acos()
        bent, tilted = (angles * DEGREES).split([len(HINGES), len(of_kind("relV"))], 2)
        relative = (lines * body.constant).sum(1, keepdim=True)[..., _RELATIVE]
        heights = points[:, 1:2]
        others = heights + body.own
        ground = heights.index_select(2, body.ground) - others.amin(-1)[:, None]
        apart = reach[..., len(HINGES) : _RELATIVE.start]

        lowest = (others / -SOFT).softmax(-1).mT
        shape = (3, _JOINTS, len(GROUPS))
        lows = (lows.unflatten(2, (_JOINTS, -1)) + body.low_leans).flatten(1, 2)
        levers = levers.unflatten(2, shape[1:]) + body.leans + (lows @ lowest @ body.supports).unflatten(1, shape[:2])
        folds = body.folds + body.low_folds @ lowest @ body.supports
        free, hinged = _cross(levers, slope[:, :, None]).split([len(FREE), len(HINGES)], 2)
        turning = (hinged * hinges[..., None]).sum(1) - folds * (fore.mT @ slope) + body.angles
        values = torch.cat([bent, apart, relative, tilted, ground], 2)
        bends = torch.pi - angles[..., : len(HINGES)]
        return _Reading(values, torch.cat([free.flatten(1, 2), turning], 1), hinges, bends)


def _beyond(values: Tensor, inner: Tensor) -> Tensor:
    """How far values lie above (positive) or below (negative) the inner part (..., 2) of a bin."""
    return values - torch.minimum(torch.maximum(values, inner[..., 0]), inner[..., 1])


def _remaining(eased: Tensor) -> Tensor:
    """What is left of an error along the S-curve of a hold."""
    return 1.0 - eased.square() * (3.0 - 2.0 * eased)


def _length(lines: Tensor) -> Tensor:
    """Lengths (B, 1, ...) of lines (B, 3, ...), never 0."""
    length: Tensor = torch.linalg.vector_norm(lines, dim=1, keepdim=True)
    return length.clamp_min(LEAST)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    after, before = (torch.tensor(order, device=a.device) for order in ((1, 2, 0), (2, 0, 1)))
    return a.index_select(1, after) * b.index_select(1, before) - a.index_select(1, before) * b.index_select(1, after)


def _turned(bones: Tensor, turn: Tensor) -> Tensor:
    """Bones turned about axes, by the lengths of those in radians (Rodrigues)."""
    angle = _length(turn)
    once = _cross(turn, bones)
    return bones + once * (angle.sin() / angle) + _cross(turn, once) * ((1.0 - angle.cos()) / angle.square())


def _turn(bones: Tensor, bent: Tensor) -> Tensor:
    """The shortest turns that lead from the one to the other."""
    axis = _cross(bones, bent)
    sine = _length(axis)
    both = bones.square().sum(1, keepdim=True) + (bones * bent).sum(1, keepdim=True)
    return axis * (2.0 * (sine / both.clamp_min(LEAST)).atan() / sine)
