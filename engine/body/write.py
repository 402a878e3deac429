"""Motion as a BVH file, in centimetres and Y up, with the names and channels that a program expects.

A skeleton becomes a hierarchy with rotations: those of the motion, where there are any, otherwise rotations solved from
the positions. Its bones are as long as they are in the motion, so the dancer keeps their proportions. A joint named
after its parent with ``.end`` becomes an end site. Markers, which hang on nothing, become a flat hierarchy in which
every marker has position channels; that is the BVH of tracking data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.body.decode import BvhError
from engine.body.humanoid import LIMB_BONES, NECK_BONES, SPINE_BONES, trunk_bones
from engine.body.motion import Array, Motion, forward_kinematics
from engine.body.parse import END
from engine.body.rigs import recognise
from engine.body.skeleton import Skeleton
from engine.body.solve import solve_rotations

CENTIMETRE = 0.01
TIP = 0.3
"""Length of the end site of a joint without children, as a share of the joint's own offset: a bone has to end
somewhere to be drawn."""
_PLACES = "Xposition Yposition Zposition"
_TURNS = "Zrotation Yrotation Xrotation"


@dataclass(frozen=True)
class Program:
    """How a program expects a body. ``names``: of the parts of a limb without their side ({} without: the skeleton's
    own); ``spine``, ``neck``: of the joints above the hips and below the head, as many as there are; ``every``: whether
    all joints have position channels."""

    names: dict[str, str]
    spine: tuple[str, ...] = ()
    neck: tuple[str, ...] = ("Neck", "Neck1", "Neck2")
    prefix: str = ""
    every: bool = False


_HIK = {
    "collar": "Shoulder",
    "shoulder": "Arm",
    "elbow": "ForeArm",
    "wrist": "Hand",
    "middle": "HandMiddle1",
    "socket": "HipJoint",
    "thigh": "UpLeg",
    "shin": "Leg",
    "foot": "Foot",
    "toe": "ToeBase",
    "eye": "Eye",
}
_SPINES = ("Spine", *(f"Spine{number}" for number in range(1, 10)))
PROGRAMS = {
    "blender": Program({}),
    "motionbuilder": Program(_HIK, _SPINES, every=True),
    "mixamo": Program(_HIK, _SPINES, prefix="mixamorig:"),
    "unity": Program(_HIK | LIMB_BONES, SPINE_BONES, NECK_BONES),
}
"""Programs by name: Blender's import takes any names; MotionBuilder's characters go by HIK's, with six channels on
every joint; Mixamo's have a prefix; Unity maps its Humanoid by its own."""


def write_bvh(motion: Motion, path: Path, program: str = "blender") -> float:
    """Write a motion as BVH for a program; the largest distance (metres) of a joint from where the motion has it.
    Rotations are solved where the motion has none. Raises :class:`BvhError` where ``path`` cannot be written, the
    motion is not finite, or the program has no name for a joint."""
    if program not in PROGRAMS:
        raise BvhError(f"no program {program!r}; give one of {', '.join(PROGRAMS)}")
    if path.suffix != ".bvh":
        raise BvhError(f"{path}: give a file name that ends in .bvh")
    if not np.isfinite(motion.positions).all():
        raise BvhError(f"{path}: the motion holds numbers that are not finite; record it again")
    names = program_names(motion.skeleton, PROGRAMS[program], program)
    blank = [name for name in names if len(name.split()) != 1]
    if blank:
        raise BvhError(
            f"{path}: BVH has no names with blanks, as {blank[0]!r} is; name the skeleton's joints in one word"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if motion.skeleton.is_tree:
            return _write_tree(motion, names, PROGRAMS[program].every, path)
        return _write_markers(motion, path)
    except OSError as error:
        raise BvhError(f"cannot write {path}: {error.strerror}; give a place that can be written") from error


def program_names(skeleton: Skeleton, program: Program, called: str) -> list[str]:
    """What a program calls a skeleton's joints. Raises :class:`BvhError` naming joints that it has no name for."""
    if not program.names:
        return list(skeleton.joints)
    rig = recognise(skeleton.joints, skeleton.parents) if skeleton.is_tree else None
    known: dict[int, str] = {}
    if rig is not None:
        for part, joint in rig.parts.items():
            if part[:2] in ("l.", "r."):
                known[joint] = ("Left" if part[0] == "l" else "Right") + program.names[part[2:]]
        known |= trunk_bones(rig, program.spine, program.neck)
    strange = [name for joint, name in enumerate(skeleton.joints) if joint not in known and not _ends(skeleton, joint)]
    if strange:
        more = f" and {len(strange) - 6} more" if len(strange) > 6 else ""
        raise BvhError(
            f"skeleton {skeleton.name!r}: {called} has no name for {', '.join(strange[:6])}{more}; write it for "
            "blender, which takes any names"
        )
    return [
        program.prefix + known[joint] if joint in known else program.prefix + known[skeleton.parents[joint]] + END
        for joint in range(len(skeleton.joints))
    ]


def _ends(skeleton: Skeleton, joint: int) -> bool:
    """Whether a joint is the end site of its parent."""
    parent = skeleton.parents[joint]
    return parent >= 0 and joint not in skeleton.parents and skeleton.joints[joint] == f"{skeleton.joints[parent]}{END}"


def as_seen(motion: Motion) -> Skeleton:
    """The skeleton with its bones as long as in the motion (median over the frames), the root at the origin."""
    body = motion.skeleton
    rest = []
    for joint, (parent, offset) in enumerate(zip(body.parents, body.rest, strict=True)):
        length = float(np.linalg.norm(offset))
        if parent < 0 or not length:
            rest.append((0.0, 0.0, 0.0))
            continue
        seen = np.median(np.linalg.norm(motion.positions[:, joint] - motion.positions[:, parent], axis=-1))
        x, y, z = (float(value * seen / length) for value in offset)
        rest.append((x, y, z))
    return replace(body, rest=tuple(rest))


def distance(body: Skeleton, motion: Motion) -> float:
    """How far (metres) the rotations of a motion put the joints of ``body`` from its positions, at most."""
    assert motion.rotations is not None
    made = forward_kinematics(body, motion.positions[:, 0], motion.rotations)
    return float(np.linalg.norm(made - motion.positions, axis=-1).max())


def _write_tree(motion: Motion, names: list[str], every: bool, path: Path) -> float:
    body = as_seen(motion)
    turned = solve_rotations(body, motion.positions) if motion.rotations is None else motion.rotations
    angles, places = euler(turned), np.array(body.rest) / CENTIMETRE
    lines, columns = ["HIERARCHY"], list[NDArray[np.float64]]()

    def add(joint: int, indent: str) -> None:
        """A joint and all below it, depth first, as the file lists them."""
        offset = " ".join(f"{value:.6f}" for value in places[joint])
        if _ends(body, joint):
            lines.extend((f"{indent}End Site", f"{indent}{{", f"{indent}  OFFSET {offset}", f"{indent}}}"))
            return
        root = body.parents[joint] < 0
        channels = f"6 {_PLACES} {_TURNS}" if root or every else f"3 {_TURNS}"
        lines.extend((f"{indent}{'ROOT' if root else 'JOINT'} {names[joint]}", f"{indent}{{"))
        lines.extend((f"{indent}  OFFSET {offset}", f"{indent}  CHANNELS {channels}"))
        if root:
            columns.append(motion.positions[:, joint].astype(np.float64) / CENTIMETRE)
        elif every:
            columns.append(np.broadcast_to(places[joint], (len(motion), 3)))
        columns.append(angles[:, joint])
        below = [child for child, parent in enumerate(body.parents) if parent == joint]
        for child in below:
            add(child, indent + "  ")
        if not below:
            tip = " ".join(f"{TIP * value:.6f}" for value in places[joint])
            lines.extend((f"{indent}  End Site", f"{indent}  {{", f"{indent}    OFFSET {tip}", f"{indent}  }}"))
        lines.append(f"{indent}}}")

    add(0, "")
    _write(path, lines, np.concatenate(columns, 1), motion.rate)
    return distance(body, replace(motion, rotations=turned))


def euler(rotations: Array) -> NDArray[np.float64]:
    """Angles (T, J, 3) in degrees about Z, Y and X, the first applied last, without jumps over time."""
    turned = rotations.astype(np.float64)
    across = np.hypot(turned[..., 0, 0], turned[..., 1, 0])
    y = np.arctan2(-turned[..., 2, 0], across)
    locked = across < 1e-5  # there z and x turn about one axis: all is given to z
    z = np.where(
        locked, np.arctan2(-turned[..., 0, 1], turned[..., 1, 1]), np.arctan2(turned[..., 1, 0], turned[..., 0, 0])
    )
    x = np.where(locked, 0.0, np.arctan2(turned[..., 2, 1], turned[..., 2, 2]))
    return np.degrees(np.unwrap(np.stack([z, y, x], -1), axis=0))


def _write_markers(motion: Motion, path: Path) -> float:
    lines = ["HIERARCHY", "ROOT markers", "{", "  OFFSET 0 0 0", f"  CHANNELS 6 {_PLACES} {_TURNS}"]
    for joint in motion.skeleton.joints:
        lines += [f"  JOINT {joint}", "  {", "    OFFSET 0 0 0", f"    CHANNELS 3 {_PLACES}"]
        lines += ["    End Site", "    {", "      OFFSET 0 2 0", "    }", "  }"]
    values = (motion.positions / CENTIMETRE).reshape(len(motion), -1)
    _write(path, [*lines, "}"], np.concatenate([np.zeros((len(motion), 6)), values], 1), motion.rate)
    written: Array = np.round(values, 6).astype(np.float32) * np.float32(CENTIMETRE)
    return float(np.abs(written.reshape(motion.positions.shape) - motion.positions).max())


def _write(path: Path, lines: list[str], rows: NDArray[np.float64], rate: float) -> None:
    head = [*lines, "MOTION", f"Frames: {len(rows)}", f"Frame Time: {1.0 / rate:.10g}"]
    with path.open("w", encoding="utf-8") as file:
        file.write("\n".join(head) + "\n")
        np.savetxt(file, rows, fmt="%.6f")
