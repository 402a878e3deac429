"""What the hold servo knows of the body: which bones its joints turn, and what each group's measure hangs on.

All constant tensors, built once from the skeleton and the table of pose codes. A body is 21 bones, each a vector from
parent to joint; every point of the table is the pelvis and a sum of bones, for a hand lies at a constant length along
the forearm. Joints that may turn are :data:`FREE` about any axis (the trunk bends along its whole length, from the
pelvis up, and leaves the legs where they are) and :data:`HINGES` about one.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.body.skeleton import skeleton
from models.text_motion.posecodes.codes import MIDDLE
from models.text_motion.posecodes.table import GROUPS, POINTS, SIZES, Kind, of_kind

BODY = skeleton("humanml3d")
BONES = BODY.joints[1:]
"""Each named by the joint at its end."""
FREE = ("trunk", "l_hip", "r_hip", "l_shoulder", "r_shoulder")
HINGES = ("l_knee", "r_knee", "l_elbow", "r_elbow")
"""In the order of the groups of angles."""
WEIGHTS = {"trunk": 0.1, "hip": 0.6, "shoulder": 1.0, "knee": 0.6, "elbow": 1.0}
"""How readily each gives way."""
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
FAR = 1e4
"""Where a bin without an end ends."""
LEAN = 0.06
"""Metres by which a limb counts as bent the natural way: a straight one could not begin to bend otherwise."""


class Levers(NamedTuple):
    """Constants; G groups of 70, K bones of 21, P points of 27, J = 9 joints, the free ones first."""

    points: Tensor  #: (P, K): each point from the pelvis, of bones
    lines: Tensor  #: (G, K): the line that a group measures, of bones; none for angles
    turns: Tensor  #: (K, J): how far a bone turns with a joint
    levers: Tensor  #: (G * J, K): the part of a group's line that a joint turns, of bones
    leans: Tensor  #: (G, J, 3): the natural bend of free joints, added to it
    folds: Tensor  #: (G, hinges): 1 or -1 where the line lies behind a hinge
    low_levers: Tensor  #: (P * J, K): the same for heights of points
    low_leans: Tensor  #: (P, J, 3)
    low_folds: Tensor  #: (P, hinges)
    own: Tensor  #: (ground, P): far up for points that a foot or knee is not compared with, for they rise with it
    tilts: Tensor  #: (relV, 3): where a line leans naturally that is exactly vertical
    weights: Tensor  #: (5 * 3 + 4,): of each way to turn
    low: Tensor  #: (392,): the inner part of each code's bin begins here
    high: Tensor  #: (392,): and ends here
    moves: Tensor  #: (G, K): 1 where a bone moves the group's measure


def build() -> Levers:
    """The constants."""
    points = _points()
    turns = _turns()
    lines = torch.zeros(len(GROUPS), len(BONES))
    for number, group in enumerate(GROUPS):
        if group.kind == "ground":
            lines[number] = points[POINTS.index(group.joints[0])]
        elif group.kind != "angle":
            lines[number] = points[POINTS.index(group.joints[0])] - points[POINTS.index(group.joints[1])]
    leans = torch.stack([_lean(joint) for joint in (*FREE, *HINGES)])
    signs, low_signs = _signs(lines, turns), _signs(points, turns)
    weights = [WEIGHTS[joint.split("_")[-1]] for joint in FREE for _ in range(3)]
    weights += [WEIGHTS[joint.split("_")[-1]] for joint in HINGES]
    low, high = _inner()
    bends = torch.zeros(len(GROUPS), len(HINGES))
    bends[of_kind("angle")] = torch.eye(len(HINGES))
    hinged = torch.cat([torch.zeros(len(GROUPS), len(FREE)), bends], -1)
    moves = ((lines[:, None] * turns.T).abs().sum(-1) + hinged) @ (turns.T > 0).float()
    for number in of_kind("ground"):  # the other leg holds the body up
        moves[number] = (points[[POINTS.index(f"{side}_foot") for side in "lr"]].abs().sum(0) > 0).float()
    return Levers(
        points=points,
        lines=lines,
        turns=turns,
        levers=(lines[:, None] * turns.T).flatten(0, 1),
        leans=signs[..., None] * leans,
        folds=signs[:, len(FREE) :],
        low_levers=(points[:, None] * turns.T).flatten(0, 1),
        low_leans=low_signs[..., None] * leans,
        low_folds=low_signs[:, len(FREE) :],
        own=_own(),
        tilts=torch.stack([_tilt(GROUPS[number].joints) for number in of_kind("relV")]),
        weights=torch.tensor(weights),
        low=low,
        high=high,
        moves=(moves > 0).float(),
    )


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


def _signs(lines: Tensor, turns: Tensor) -> Tensor:
    """(lines, joints): which way along a line a joint's part of it runs, 0 where it has none."""
    return (lines @ turns).sign()


def _lean(joint: str) -> Tensor:
    """Where a limb goes first that hangs straight down and is asked to rise: legs forward, arms forward and out."""
    side, _, part = joint.partition("_")
    out = 0.5 if side == "l" else -0.5
    return LEAN * torch.tensor({"hip": [0.0, 0.0, 1.0], "shoulder": [out, 0.0, 0.7]}.get(part, [0.0, 0.0, 0.0]))


def _tilt(joints: tuple[str, ...]) -> Tensor:
    """A little of the way that a line between two joints, from the second to the first, leans and points by nature."""
    first, second = (joint.split("_")[-1] for joint in joints)
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


def _inner() -> tuple[Tensor, Tensor]:
    low, high = torch.full((sum(SIZES),), -FAR), torch.full((sum(SIZES),), FAR)
    code = 0
    for group in GROUPS:
        for bin_ in range(group.size):
            if bin_ > 0:
                low[code] = group.thresholds[bin_ - 1] + MARGINS[group.kind]
            if bin_ < group.size - 1:
                high[code] = group.thresholds[bin_] - MARGINS[group.kind]
            code += 1
    return low, high
