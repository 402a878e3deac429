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

from engine.spec import StateSpec
from models.contract import Tensors, finite
from models.layers.base import Layer
from models.text_motion.levers import BODY, BONES, FREE, HINGES, LEAN, build
from models.text_motion.posecodes.codes import DEGREES, LEAST, NEAR_ONE, direction
from models.text_motion.posecodes.table import GROUPS, KINDS, POINTS, STARTS, of_kind

ROUNDS = 3
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
NATURAL = 0.05
"""Sine of the bend below which a hinge's axis is the natural one rather than the one that the limb shows."""
DAMPING = 0.02
"""Metres (or degrees) a radian: groups that hardly answer to any joint are not chased further than that."""
SUPPORT = 0.5
"""Share in which the lowest point of the body is raised, instead of lowering the knee or foot that is to touch down."""
SOFT = 0.02
"""Metres within which points share being the lowest."""

_COUNTS = [len(of_kind(kind)) for kind in KINDS]
_UPPER, _FORE = (
    torch.tensor([BONES.index(f"{side}_{part}") for part in parts for side in "lr"])
    for parts in (("knee", "elbow"), ("ankle", "wrist"))
)
_PARENTS = torch.tensor(BODY.parents[1:])
_GROUND = torch.tensor([POINTS.index(GROUPS[number].joints[0]) for number in of_kind("ground")])
_AXES = torch.eye(3)
_AFTER, _BEFORE = torch.tensor([1, 2, 0]), torch.tensor([2, 0, 1])
_BENDS = torch.tensor([[0.0, -0.3, -1.0]] * 2 + [[-0.2, 0.3, 1.0], [0.2, 0.3, 1.0]])
"""Where shins and forearms go when a straight limb bends: back, and forward, up and in."""


class _Reading(NamedTuple):
    """What bones (B, K, 3) measure and how that answers to their joints."""

    values: Tensor  #: (B, 70): degrees and metres
    slopes: Tensor  #: (B, 70, 19): a radian of each way to turn
    hinges: Tensor  #: (B, 4, 3): axes of knees and elbows
    bends: Tensor  #: (B, 4): radians


class PostureHold(Layer):
    """Poses (B, T, 22, 3) in the body's own frame (facing +Z, y up, metres), and ``hold`` (B, T, 70), the bin asked for
    of each group or -1, to poses that show it. Carries the turn of every bone, and of every group how far its hold has
    eased in, how lately it was held and what it asked for."""

    memory = None

    points: Tensor
    lines: Tensor
    turns: Tensor
    levers: Tensor
    leans: Tensor
    folds: Tensor
    low_levers: Tensor
    low_leans: Tensor
    low_folds: Tensor
    own: Tensor
    tilts: Tensor
    weights: Tensor
    low: Tensor
    high: Tensor
    moves: Tensor
    axes: Tensor
    angles: Tensor
    skew: Tensor

    def __init__(self) -> None:
        super().__init__()
        constants = build()._asdict()
        axes = [_AXES[i].expand(_COUNTS[2 + i], 3) for i in range(3)]
        constants["axes"] = torch.cat(axes)
        constants["angles"] = torch.zeros(len(GROUPS), len(HINGES))
        constants["angles"][of_kind("angle")] = -DEGREES * torch.eye(len(HINGES))
        constants["skew"] = torch.stack([torch.linalg.cross(_AXES, axis.expand(3, 3)).flatten() for axis in _AXES])
        for name, value in constants.items():
            self.register_buffer(name, value, persistent=False)

    def state_specs(self) -> dict[str, StateSpec]:
        """Small states; all zero but what was asked for."""
        count = len(GROUPS)
        return {
            "turn": StateSpec((len(BONES), 3)),
            "eased": StateSpec((count,)),
            "level": StateSpec((count,)),
            "asked": StateSpec((count,), initial=-1.0),
        }

    def forward(self, pose: Tensor, state: Tensors, hold: Tensor) -> tuple[Tensor, Tensors]:
        """The poses held, and what is carried on."""
        carried = (state["turn"], state["eased"], state["level"], state["asked"])
        frames = []
        for frame in range(pose.shape[1]):
            held, carried = self._frame(pose[:, frame], hold[:, frame], *carried)
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
        bones = pose[:, 1:] - pose.index_select(1, _PARENTS.to(pose.device))
        long = bones.square().sum(-1, keepdim=True)
        lively = (level[..., None] * self.moves).amax(1)[..., None]
        bent = _turned(bones, turn * (FADE + (STAY - FADE) * lively))
        codes = hold.clamp_min(0) + torch.tensor(STARTS, device=hold.device)
        low, high = (edge[codes] for edge in (self.low, self.high))
        reading = self._read(bent)
        allowed = rest * _beyond(reading.values, low, high)
        for step in range(ROUNDS):
            if step:
                reading = self._read(bent)
            error = (_beyond(reading.values, low, high) - allowed) * held
            bent = bent + _cross(self._step(reading, error, held), bent)
            bent = bent * (long / bent.square().sum(-1, keepdim=True).clamp_min(LEAST**2)).sqrt()
        placed = pose + self.points[: len(BODY.joints)] @ (bent - bones)
        sunk = pose[..., 1].amin(-1, keepdim=True) - placed[..., 1].amin(-1, keepdim=True)
        placed = placed + sunk[..., None] * _AXES[1].to(pose.device)
        return placed, (finite(_turn(bones, bent)), eased, level, wanted)

    def _step(self, reading: _Reading, error: Tensor, held: Tensor) -> Tensor:
        """How far each bone turns (B, K, 3), from errors (B, 70) of the groups that are held."""
        root = self.weights.sqrt()
        slopes = reading.slopes * root * held[..., None]
        size = (slopes.square().sum(-1) + DAMPING**2).sqrt()
        slopes = slopes / size[..., None]
        shared = (slopes @ slopes.mT).abs().sum(-1).clamp_min(1.0)
        push = ((error / (size * shared))[:, None] @ slopes)[:, 0] * -root
        push = push.clamp(-QUICKEST, QUICKEST)
        free, hinged = push.split([3 * len(FREE), len(HINGES)], -1)
        least = reading.bends.clamp_max(STRAIGHT) - reading.bends
        most = reading.bends.clamp_min(FOLDED) - reading.bends
        hinged = torch.minimum(torch.maximum(hinged, least), most)
        return self.turns @ torch.cat([free.unflatten(-1, (len(FREE), 3)), hinged[..., None] * reading.hinges], 1)

    def _read(self, bones: Tensor) -> _Reading:
        """Values and slopes by the definitions of :mod:`.posecodes.codes`."""
        upper, fore = (direction(bones.index_select(1, which.to(bones.device))) for which in (_UPPER, _FORE))
        cosine = (upper * fore).sum(-1).clamp(-NEAR_ONE, NEAR_ONE)
        bends = cosine.acos()
        hinges = direction(_cross(upper, fore + NATURAL * _BENDS.to(bones.device)))

        lines = self.lines @ bones
        _, distance, left, up, ahead, inclined, _ = lines.split(_COUNTS, 1)
        apart = distance.square().sum(-1, keepdim=True).clamp_min(LEAST**2).sqrt()
        tilt = direction(inclined)[..., 1].abs().clamp_max(NEAR_ONE).acos() * DEGREES
        leaning = inclined + self.tilts
        reach = leaning.square().sum(-1, keepdim=True).clamp_min(LEAST**2)
        rise = leaning[..., 1:2]
        flat = direction(_AXES[1].to(bones.device) * reach - leaning * rise)
        steep = flat * (-DEGREES * rise.sign() / reach.sqrt())

        heights = bones[..., 1] @ self.points.T
        others = heights[:, None] + self.own
        ground = heights.index_select(1, _GROUND.to(bones.device)) - others.amin(-1)
        values = [180.0 - bends * DEGREES, apart[..., 0], left[..., 0], up[..., 1], ahead[..., 2], tilt, ground]

        none, floor = torch.zeros_like(lines[:, : _COUNTS[0]]), torch.zeros_like(lines[:, -_COUNTS[-1] :])
        axes = self.axes.expand(bones.shape[0], -1, -1)
        slope = torch.cat([none, distance / apart, axes, steep, floor + _AXES[1].to(bones.device)], 1)
        joints = len(FREE) + len(HINGES)
        levers = (self.levers @ bones).unflatten(1, (-1, joints)) + self.leans
        lows = (self.low_levers @ bones).unflatten(1, (-1, joints)) + self.low_leans
        lowest = (others / -SOFT).softmax(-1) * SUPPORT
        standing = levers[:, -_COUNTS[-1] :] - (lowest @ lows.flatten(2)).unflatten(2, (joints, 3))
        levers = torch.cat([levers[:, : -_COUNTS[-1]], standing], 1)
        folds = torch.cat(
            [
                self.folds[: -_COUNTS[-1]].expand(bones.shape[0], -1, -1),
                self.folds[-_COUNTS[-1] :] - lowest @ self.low_folds,
            ],
            1,
        )
        torques = levers @ (slope @ self.skew).unflatten(-1, (3, 3))
        free, hinged = torques.split([len(FREE), len(HINGES)], 2)
        turning = (hinged * hinges[:, None]).sum(-1) - LEAN * folds * (slope @ fore.mT) + self.angles
        return _Reading(torch.cat(values, 1), torch.cat([free.flatten(2), turning], -1), hinges, bends)


def _beyond(values: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """How far values lie above (positive) or below (negative) a bin."""
    return (values - high).clamp_min(0.0) - (low - values).clamp_min(0.0)


def _remaining(eased: Tensor) -> Tensor:
    """What is left of an error along the S-curve of a hold."""
    return 1.0 - eased.square() * (3.0 - 2.0 * eased)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    after, before = _AFTER.to(a.device), _BEFORE.to(a.device)
    return a.index_select(-1, after) * b.index_select(-1, before) - a.index_select(-1, before) * b.index_select(
        -1, after
    )


def _turned(bones: Tensor, turn: Tensor) -> Tensor:
    """Bones turned about axes, by the lengths of those in radians (Rodrigues)."""
    angle = turn.square().sum(-1, keepdim=True).clamp_min(LEAST**2).sqrt()
    once = _cross(turn, bones)
    return bones + once * (angle.sin() / angle) + _cross(turn, once) * ((1.0 - angle.cos()) / angle.square())


def _turn(bones: Tensor, bent: Tensor) -> Tensor:
    """The shortest turns that lead from the one to the other."""
    axis = _cross(bones, bent)
    sine = axis.square().sum(-1, keepdim=True).clamp_min(LEAST**4).sqrt()
    both = bones.square().sum(-1, keepdim=True) + (bones * bent).sum(-1, keepdim=True)
    return axis * (2.0 * (sine / both.clamp_min(LEAST)).atan() / sine)
