"""What a row of HumanML3D's 263 features and of KIT's 251 holds, and the bodies they describe. Plain data, no torch.

Both come from Guo et al., "Generating Diverse and Natural 3D Human Motions from Text" (CVPR 2022); joints, chains, rest
directions and thresholds are those of its public code (EricGuo5513/HumanML3D). A row of a body of J joints holds

    yaw            1       half of the angle turned, rad; the heading in the quaternion's sense, so a turn to the left
                           (from +Z towards +X) is negative
    velocity       2       step of the root along x and z, in the heading frame
    height         1       of the root above the floor
    ric            3(J-1)  joints in the heading frame under the root: x and z from the root, y from the floor
    rot6d          6(J-1)  rotations along the chains, as the first two columns of their matrices
    local_velocity 3J      step of every joint, turned into the heading frame
    contacts       4       1 where a foot's joint hardly moves: left ankle, left foot, right ankle, right foot

KIT's numbers are millimetres (``scale`` metres each). Steps are per frame and not per second.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import EngineError

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Layout:
    """A feature layout and its body. ``chains`` list joints from the root or a branch outwards; ``raw_offsets`` are the
    directions of bones at rest, by joint. ``rate`` is frames a second, ``scale`` metres a unit."""

    name: str
    joints: tuple[str, ...]
    chains: tuple[tuple[int, ...], ...]
    raw_offsets: tuple[Triple, ...]
    face: tuple[int, int, int, int]  #: right hip, left hip, right shoulder, left shoulder: they say where it faces
    feet: tuple[int, int, int, int]  #: left ankle, left foot, right ankle, right foot
    threshold: float  #: a foot stands where its squared step is below
    rate: float
    scale: float
    frames: tuple[int, int]  #: the original drops clips shorter than the first, and of the second and longer

    @functools.cached_property
    def parents(self) -> tuple[int, ...]:
        """The joint on which each hangs, -1 for the root."""
        parents = [-1] * len(self.joints)
        for chain in self.chains:
            for parent, joint in itertools.pairwise(chain):
                parents[joint] = parent
        return tuple(parents)

    @functools.cached_property
    def turned_by(self) -> tuple[int, ...]:
        """The joint against whose rotation each joint's own is counted, -1 for the root. As in the original a chain
        begins anew at the root's rotation, also where it branches off elsewhere."""
        before = [-1] * len(self.joints)
        for chain in self.chains:
            for above, joint in zip((0, *chain[1:]), chain[1:], strict=False):
                before[joint] = above
        return tuple(before)

    @functools.cached_property
    def slices(self) -> Mapping[str, slice]:
        """Where each group of features stands in a row."""
        count = len(self.joints)
        sizes = {
            "yaw": 1,
            "velocity": 2,
            "height": 1,
            "ric": 3 * (count - 1),
            "rot6d": 6 * (count - 1),
            "local_velocity": 3 * count,
            "contacts": len(self.feet),
        }
        ends = itertools.accumulate(sizes.values())
        return {name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends, strict=True)}

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return 12 * len(self.joints) - 5 + len(self.feet)


_LEFT, _RIGHT, _UP, _DOWN, _AHEAD, _NONE = (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, 0)

HUMANML3D = Layout(
    name="humanml3d",
    joints=(
        *("pelvis", "l_hip", "r_hip", "spine1", "l_knee", "r_knee", "spine2", "l_ankle", "r_ankle", "spine3"),
        *("l_foot", "r_foot", "neck", "l_collar", "r_collar", "head", "l_shoulder", "r_shoulder"),
        *("l_elbow", "r_elbow", "l_wrist", "r_wrist"),
    ),
    chains=((0, 2, 5, 8, 11), (0, 1, 4, 7, 10), (0, 3, 6, 9, 12, 15), (9, 14, 17, 19, 21), (9, 13, 16, 18, 20)),
    raw_offsets=(
        *(_NONE, _LEFT, _RIGHT, _UP, _DOWN, _DOWN, _UP, _DOWN, _DOWN, _UP, _AHEAD, _AHEAD, _UP, _LEFT, _RIGHT, _AHEAD),
        *(_DOWN,) * 6,
    ),
    face=(2, 1, 17, 16),
    feet=(7, 10, 8, 11),
    threshold=0.002,
    rate=20.0,
    scale=1.0,
    frames=(40, 200),
)

KIT = Layout(
    name="kit",
    # Sides are as the original's code names them where it finds out where a body faces. Its rest directions have those
    # hips and shoulders on the other side, and others who read the set (TEMOS) call 5 to 7 and 11 to 15 the left ones.
    # A bone that stands against its rest direction makes nearly a half turn, whose axis numbers hardly determine.
    joints=(
        *("pelvis", "spine1", "spine2", "neck", "head", "r_shoulder", "r_elbow", "r_wrist"),
        *("l_shoulder", "l_elbow", "l_wrist", "r_hip", "r_knee", "r_ankle", "r_foot", "r_toe"),
        *("l_hip", "l_knee", "l_ankle", "l_foot", "l_toe"),
    ),
    chains=((0, 11, 12, 13, 14, 15), (0, 16, 17, 18, 19, 20), (0, 1, 2, 3, 4), (3, 5, 6, 7), (3, 8, 9, 10)),
    raw_offsets=(
        *(_NONE, _UP, _UP, _UP, _UP, _LEFT, _DOWN, _DOWN, _RIGHT, _DOWN, _DOWN),
        *(_LEFT, _DOWN, _DOWN, _AHEAD, _AHEAD, _RIGHT, _DOWN, _DOWN, _AHEAD, _AHEAD),
    ),
    face=(11, 16, 5, 8),
    feet=(19, 20, 14, 15),
    threshold=0.05,
    rate=12.5,
    scale=0.001,
    frames=(24, 200),
)

LAYOUTS = {layout.name: layout for layout in (HUMANML3D, KIT)}


def of_width(width: int, where: str) -> Layout:
    """The layout whose rows have ``width`` numbers. Raises :class:`EngineError` naming ``where`` they were found."""
    for layout in LAYOUTS.values():
        if layout.width == width:
            return layout
    raise EngineError(f"{where}: rows of {width} numbers; {_choices('width')}")


def of_joints(count: int, where: str) -> Layout:
    """The layout of a body of ``count`` joints. Raises :class:`EngineError` naming ``where`` it was found."""
    for layout in LAYOUTS.values():
        if len(layout.joints) == count:
            return layout
    raise EngineError(f"{where}: {count} joints; {_choices('joints')}")


def _choices(what: str) -> str:
    return "; ".join(
        f"{layout.name} has {layout.width if what == 'width' else len(layout.joints)}" for layout in LAYOUTS.values()
    )
