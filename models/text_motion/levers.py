"""What the hold servo knows of the body: which bones its joints turn, and what each group's measure hangs on.

All constant tensors, built once from the skeleton and the table of pose codes. A body is 21 bones, each a vector from
parent to joint; every point of the table is the pelvis and a sum of bones, for a hand lies at a constant length along
the forearm. Joints that may turn are :data:`FREE` about any axis (the trunk bends along its whole length, from the
pelvis up, and leaves the legs where they are) and :data:`HINGES` about one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.body.skeleton import skeleton
from models.text_motion.posecodes.codes import DEGREES, MIDDLE
from models.text_motion.posecodes.table import GROUPS, POINTS, SIZES, STARTS, Group, Kind, of_kind

BODY = skeleton("humanml3d")
BONES = BODY.joints[1:]
"""Each named by the joint at its end."""
FREE = ("trunk", "l_hip", "r_hip", "l_shoulder", "r_shoulder")
HINGES = ("l_knee", "r_knee", "l_elbow", "r_elbow")
"""In the order of the groups of angles."""
WEIGHTS = {
    "trunk": (0.1, 0.1, 0.1),
    "hip": (0.6, 0.3, 0.2),
    "shoulder": (1.0, 1.0, 1.0),
    "knee": (0.6,),
    "elbow": (1.0,),
}
"""How readily each gives way, about the body's x (left), y (up) and z (front) or about its hinge: a leg rather forward
than sideways."""
TRUNK = {"spine1": 0.4, "spine2": 0.6, "spine3": 0.8}
"""Share of the trunk's bend that has been reached at its bones; all of it from the chest up."""

MARGINS: dict[Kind, float] = {
    "angle": 2.5,
    "distance": 0.025,
    "relX": 0.03,
    "relY": 0.03,
    "relZ": 0.03,
    "relV": 2.5,
    "ground": 0.03,
}
"""How far inside the bin a hold aims, in degrees or metres."""
_LIMBS = ("l_knee", "r_knee", "l_elbow", "r_elbow", "l_ankle", "r_ankle", "l_wrist", "r_wrist")
_BENDS = ((0.0, -0.3, -1.0), (0.0, -0.3, -1.0), (-0.2, 0.3, 1.0), (0.2, 0.3, 1.0))
"""Where shins and forearms go when a straight limb bends: back, and forward, up and in."""
NATURAL = 0.05
"""Sine of the bend below which a hinge's axis is the natural one rather than the one that the limb shows."""
SUPPORT = 0.5
"""Share in which the lowest point of the body is raised, instead of lowering the knee or foot that is to touch down."""
_AXES: dict[Kind, tuple[float, float, float]] = {
    "relX": (1.0, 0.0, 0.0),
    "relY": (0.0, 1.0, 0.0),
    "relZ": (0.0, 0.0, 1.0),
    "ground": (0.0, 1.0, 0.0),
}
FAR = 1e4
"""Where a bin without an end ends."""
LEAN = 0.06
"""Metres by which a limb counts as bent the natural way: a straight one could not begin to bend otherwise."""


class Levers(nn.Module):
    """Constants for G = 70 groups, K = 21 bones, P = 27 points and J = 9 joints, the free ones first.

    What is linear in the bones stands in one matrix, ``everything``: the line that each group measures, all points, the
    part of each group's line that each joint turns, and the same of points.
    """

    parents: Tensor  #: (K,): joints at which bones begin
    heading: Tensor  #: (2, 9): from a heading to the matrix into the body's frame, less what is
    upright: Tensor  #: (9,): the same in all
    joints: Tensor  #: (K, 22): each joint from the pelvis, of bones
    everything: Tensor  #: (K, G + P + J * G + J * P)
    turns: Tensor  #: (J, K): how far a bone turns with a joint
    moves: Tensor  #: (G, K): 1 where a bone moves the group's measure
    limbs: Tensor  #: (8,): the bones before hinges and behind them
    natural: Tensor  #: (3, 4): the natural bend of hinges, added to the direction of the bone behind
    leans: Tensor  #: (3, J, G): the natural bend of free joints, added to the levers
    folds: Tensor  #: (4, G): the natural bend of hinges, likewise
    low_leans: Tensor  #: (3, J, P): the same of points
    low_folds: Tensor  #: (4, P)
    supports: Tensor  #: (4, G): how far groups of the ground move the lowest point instead
    own: Tensor  #: (4, P): far up for points that a foot or knee is not compared with, for they rise with it
    ground: Tensor  #: (4,): the points that groups of the ground compare
    tilts: Tensor  #: (3, G): where lines lean naturally that are exactly vertical
    up: Tensor  #: (3, 1)
    constant: Tensor  #: (3, G): slopes of groups that have the same in every pose
    distant: Tensor  #: (G,): 1 for distances
    inclined: Tensor  #: (G,): minus degrees a radian for inclinations
    angles: Tensor  #: (4, G): minus degrees a radian where a group is the angle of a hinge
    weights: Tensor  #: (3 * 5 + 4,): the square root of how readily each way to turn gives way
    starts: Tensor  #: (G,): the first code of each group
    last: Tensor  #: (G,): its last bin
    inner: Tensor  #: (392, 2): where the inner part of each code's bin begins and ends

    def __init__(self) -> None:
        super().__init__()
        points, turns = _points(), _turns()
        lines = _lines(points)
        leans = torch.stack([_lean(joint) for joint in (*FREE, *HINGES)], 1)[..., None]
        signs, low_signs = (lines @ turns).sign().T, (points @ turns).sign().T
        joints = len(FREE) + len(HINGES)
        bends = torch.zeros(joints, len(GROUPS))
        bends[len(FREE) :, of_kind("angle")] = torch.eye(len(HINGES))
        moved = bends + torch.stack([(lines * turns[:, joint]).abs().sum(-1) for joint in range(joints)])
        moves = (moved.T @ (turns.T > 0).float() > 0).float()
        ground = of_kind("ground")
        # The other leg holds the body up, so both move all four.
        moves[ground] = points[[POINTS.index(f"{side}_foot") for side in "lr"]].sum(0)
        supports = torch.zeros(len(ground), len(GROUPS))
        supports[:, ground] = -SUPPORT * torch.eye(len(ground))
        free, hinges = ([WEIGHTS[joint.split("_")[-1]] for joint in kind] for kind in (FREE, HINGES))
        constants = {
            "parents": torch.tensor(BODY.parents[1:]),
            "heading": torch.tensor([[1.0, 0, 0, 0, 0, 0, 0, 0, 1], [0, 0, -1, 0, 0, 0, 1, 0, 0]]),
            "upright": torch.tensor([0.0, 0, 0, 0, 1, 0, 0, 0, 0]),
            "joints": points[: len(BODY.joints)].T,
            "everything": torch.cat([lines.T, points.T, _levers(lines, turns), _levers(points, turns)], 1),
            "turns": turns.T,
            "moves": moves,
            "limbs": torch.tensor([BONES.index(name) for name in _LIMBS]),
            "natural": NATURAL * torch.tensor(_BENDS).T,
            "leans": leans * signs,
            "folds": LEAN * signs[len(FREE) :],
            "low_leans": leans * low_signs,
            "low_folds": LEAN * low_signs[len(FREE) :],
            "supports": supports,
            "own": _own(),
            "ground": torch.tensor([POINTS.index(GROUPS[number].joints[0]) for number in ground]),
            "tilts": torch.stack([_tilt(group) for group in GROUPS], 1),
            "up": torch.tensor(_AXES["ground"])[:, None],
            "constant": torch.tensor([_AXES.get(group.kind, (0.0, 0.0, 0.0)) for group in GROUPS]).T,
            "distant": torch.tensor([float(group.kind == "distance") for group in GROUPS]),
            "inclined": torch.tensor([-DEGREES * (group.kind == "relV") for group in GROUPS]),
            "angles": -DEGREES * bends[len(FREE) :],
            "weights": torch.cat([torch.tensor(free).T.flatten(), torch.tensor(hinges).flatten()]).sqrt(),
            "starts": torch.tensor(STARTS),
            "last": torch.tensor(SIZES) - 1,
            "inner": _inner(),
        }
        for name, value in constants.items():
            self.register_buffer(name, value.contiguous(), persistent=False)
        self.widths = [len(GROUPS), len(POINTS), joints * len(GROUPS), joints * len(POINTS)]


def _levers(lines: Tensor, turns: Tensor) -> Tensor:
    """(K, J * lines): the part of each line that each joint turns."""
    return (lines.T[:, None] * turns[..., None]).flatten(1)


def _lines(points: Tensor) -> Tensor:
    """(G, K): what each group measures, of bones: from the second point to the first; nothing for angles."""
    found = torch.zeros(len(GROUPS), len(BONES))
    for number, group in enumerate(GROUPS):
        if group.kind != "angle":
            found[number] = points[POINTS.index(group.joints[0])]
        if group.kind not in ("angle", "ground"):
            found[number] -= points[POINTS.index(group.joints[1])]
    return found


def _points() -> Tensor:
    """Every point of the table, as the bones that lead to it from the pelvis."""
    found = torch.zeros(len(POINTS), len(BONES))
    for joint, parent in enumerate(BODY.parents[1:], 1):
        found[joint] = found[parent]
        found[joint, joint - 1] = 1.0
    for side in ("l", "r"):
        wrist = BODY.index(f"{side}_wrist")
        length = sum(value**2 for value in BODY.rest[wrist]) ** 0.5
        for point, along in ((f"{side}_middle", MIDDLE), (f"{side}_hand", MIDDLE / 2)):
            found[POINTS.index(point)] = found[wrist]
            found[POINTS.index(point), wrist - 1] = 1.0 + along / length
    found[POINTS.index("torso")] = found[[POINTS.index(joint) for joint in ("pelvis", "neck", "spine3")]].mean(0)
    return found


def _turns() -> Tensor:
    behind = _points()[: len(BODY.joints)]  # bones that lead to a joint: those of its ancestors
    found = torch.zeros(len(BONES), len(FREE) + len(HINGES))
    for number, joint in enumerate((*FREE, *HINGES)):
        for bone, name in enumerate(BONES):
            if joint == "trunk":
                above = behind[BODY.index(name), BODY.index("spine1") - 1]
                found[bone, number] = above * TRUNK.get(name, 1.0)
            elif name != joint:
                found[bone, number] = behind[BODY.index(name), BODY.index(joint) - 1]
    return found


def _lean(joint: str) -> Tensor:
    """Where a limb goes first that hangs straight down and is asked to rise: legs forward, arms forward and out."""
    side, _, part = joint.partition("_")
    out = 0.5 if side == "l" else -0.5
    return LEAN * torch.tensor({"hip": [0.0, 0.0, 2.0], "shoulder": [out, 0.0, 0.7]}.get(part, [0.0, 0.0, 0.0]))


def _tilt(group: Group) -> Tensor:
    """A little of the way that a line between two joints, from the second to the first, leans and points by nature."""
    if group.kind != "relV":
        return torch.zeros(3)
    first, second = (joint.split("_")[-1] for joint in group.joints)
    natural = {
        ("hip", "knee"): [0.0, 0.5, -1.0],
        ("knee", "ankle"): [0.0, 0.5, 1.0],
        ("shoulder", "elbow"): [0.0, 0.5, -1.0],
        ("elbow", "wrist"): [0.0, 0.5, -1.0],
        ("hand", "hand"): [1.0, 0.0, 0.0],
        ("foot", "foot"): [1.0, 0.0, 0.0],
    }.get((first, second), [0.0, -0.5, -1.0])
    return 0.5 * LEAN * torch.tensor(natural)


def _own() -> Tensor:
    found = torch.zeros(len(of_kind("ground")), len(POINTS))
    for row, number in enumerate(of_kind("ground")):
        side, part = GROUPS[number].joints[0].split("_")
        for rises in ("foot", "ankle") if part == "foot" else ("knee",):
            found[row, POINTS.index(f"{side}_{rises}")] = FAR
    return found


def _inner() -> Tensor:
    found = []
    for group in GROUPS:
        margin = MARGINS[group.kind]
        edges = (-FAR, *group.thresholds, FAR)
        found += [(edges[bin_] + margin, edges[bin_ + 1] - margin) for bin_ in range(group.size)]
    return torch.tensor(found)
