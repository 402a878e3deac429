"""A recorded body as a BVH file, in centimetres, as Blender and its kin expect it.

A skeleton becomes a hierarchy with rotations: those recorded beside the positions, where there are any, otherwise
rotations solved from the positions. Its bones are as long as they are in the recording, so the dancer keeps their
proportions. A joint named after its parent with ``.end`` becomes an end site. Markers, which hang on nothing, become a
flat hierarchy in which every marker has position channels; that is the BVH of tracking data, which pybvh does not
write, so it is written here.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.body.bvh import CENTIMETRE, END, BvhError, pybvh
from engine.body.motion import Array, Motion, forward_kinematics
from engine.body.skeleton import Skeleton
from engine.body.solve import rotations_of, solve_rotations
from engine.record.container import MAGIC
from engine.spec_check import FASTEST

TIP = 0.3
"""Length of the end site of a joint without children, as a share of the joint's own offset: a bone has to end
somewhere to be drawn."""
MATCH = 0.01
"""Metres within which recorded rotations must put the joints to be taken for those of this body and of no other."""
ORDER = "ZYX"
LONGEST_GAPS_S = 3600.0
"""Seconds of skipped frames, all together, that are filled with the pose before them."""
_Stored = tuple[dict[str, NDArray[Any]], dict[str, Skeleton], float]


def export(recording: Path, out: Path, stream: str | None = None) -> str:
    """Write the ``stream`` of joint positions (by default the first) of a recording (``engine serve --record``, or the
    array file of ``--save``) to the BVH file ``out``; what was written, in words. Raises :class:`BvhError` naming what
    cannot be used, or what :func:`read_recording` raises."""
    motion = read_recording(recording, stream)
    solved = motion.rotations is None
    error = write_bvh(motion, out)
    how = "markers" if not motion.skeleton.is_tree else "rotations solved" if solved else "rotations as recorded"
    return (
        f"{out}: {len(motion)} frames at {motion.rate:g} frames/s of {motion.skeleton.name}, {how}; "
        f"joints within {1000 * error:.2f} mm of the recording"
    )


def read_recording(path: Path, stream: str | None = None) -> Motion:
    """The body in a recording; frames that the engine skipped repeat the pose before. Raises :class:`BvhError`, or
    :class:`~engine.record.layout.RecordingError` of a recording that does not read."""
    held, skeletons, rate = _recorded(path) if _is_mcap(path) else _saved(path)
    seq = held["seq"]
    named = {name: str(held.get(f"{name}_skeleton", "")) for name in held}
    moved = {name: skeletons[named[name]] for name in held if named[name] in skeletons and held[name].ndim == 2}
    bodies = {name: body for name, body in moved.items() if held[name].shape[1] == 3 * len(body.joints)}
    if not bodies:
        raise BvhError(f"{path}: holds no stream of joint positions; record a bundle that moves a body")
    chosen = next(iter(bodies)) if stream is None else stream
    if chosen not in bodies:
        raise BvhError(f"{path}: no stream {chosen!r} of joint positions; there is {', '.join(bodies)}")
    body = bodies[chosen]
    if not len(seq) or len(held[chosen]) != len(seq):
        raise BvhError(f"{path}: holds {len(held[chosen])} poses for {len(seq)} frames; record for longer")
    if not 0.0 < rate <= FASTEST or np.any(np.diff(seq) < 1) or seq[-1] - seq[0] > len(seq) + LONGEST_GAPS_S * rate:
        raise BvhError(
            f"{path}: {len(seq)} frames numbered {seq[0]} to {seq[-1]} at {rate:g} a second: out of order, or more "
            f"than {LONGEST_GAPS_S:g} s are missing between them; record again"
        )
    rows = np.searchsorted(seq, np.arange(seq[0], seq[-1] + 1), "right") - 1
    positions = held[chosen].reshape(len(seq), -1, 3)[rows]
    motion = Motion(body, rate, positions)
    for name, of in moved.items():
        if of == body and body.is_tree and held[name].shape[1] == 4 * len(body.joints):
            turned = replace(motion, rotations=rotations_of(held[name].reshape(len(seq), -1, 4)[rows]))
            if _distance(_as_recorded(turned), turned) < MATCH:
                return turned
    return motion


def _is_mcap(path: Path) -> bool:
    """Whether a file begins as a recording of ``--record`` does; False also where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return False


def _recorded(path: Path) -> _Stored:
    """What moves a skeleton in a recording (MCAP), by stream: as :func:`_saved` finds it in an array file."""
    from engine.record.reading import Recording

    recording = Recording(path)
    streams = [(place, item) for place, item in enumerate(recording.about.streams) if item.skeleton]
    values: dict[str, list[NDArray[np.float32]]] = {item.name: [] for _, item in streams}
    seq = []
    for step in recording.steps():
        seq.append(step.seq)
        for place, item in streams:
            values[item.name].append(step.frames[place].values.copy())
    held: dict[str, NDArray[Any]] = {"seq": np.array(seq, np.int64)}
    for _, item in streams:
        held[item.name] = np.array(values[item.name], np.float32).reshape(len(seq), len(item.names))
        held[f"{item.name}_skeleton"] = np.array(item.skeleton)
    return held, {item.name: item for item in recording.about.skeletons}, recording.about.rate


def _saved(path: Path) -> _Stored:
    """Arrays, skeletons by name and rate of the array file of ``--save``."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            held: dict[str, NDArray[Any]] = dict(stored)
        skeletons = {name: Skeleton.from_dict(item) for name, item in json.loads(str(held["skeletons"])).items()}
        rate, _ = float(held["rate"]), held["seq"]
    except (KeyError, ValueError, OSError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BvhError(f"{path}: is no recording of a body ({reason}); make one with engine serve --record") from error
    return held, skeletons, rate


def write_bvh(motion: Motion, path: Path) -> float:
    """Write a motion as BVH; the largest distance (metres) of a joint from where the motion has it. Rotations are
    solved where the motion has none. Raises :class:`BvhError` where ``path`` cannot be written or the motion is not
    finite."""
    if path.suffix != ".bvh":
        raise BvhError(f"{path}: give a file name that ends in .bvh")
    if not np.isfinite(motion.positions).all():
        raise BvhError(f"{path}: the motion holds numbers that are not finite; record it again")
    blank = [joint for joint in motion.skeleton.joints if len(joint.split()) != 1]
    if blank:
        raise BvhError(
            f"{path}: BVH has no names with blanks, as {blank[0]!r} is; name the skeleton's joints in one word"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _write_tree(motion, path) if motion.skeleton.is_tree else _write_markers(motion, path)
    except OSError as error:
        raise BvhError(f"cannot write {path}: {error.strerror}; give a place that can be written") from error


def _write_tree(motion: Motion, path: Path) -> float:
    body = _as_recorded(motion)
    turned = solve_rotations(body, motion.positions) if motion.rotations is None else motion.rotations
    roots = motion.positions[:, 0]
    library = pybvh()
    nodes: list[Any] = []
    joints = _add(0, body, library.bvhnode, None, nodes)
    take = library.Bvh(nodes, np.zeros((1, 3)), np.zeros((1, len(joints), 3)), 1.0 / motion.rate, world_up="+y")
    library.write_bvh_file(take.from_rotmat(roots / CENTIMETRE, turned[:, joints]), path)
    return _distance(body, replace(motion, rotations=turned))


def _add(joint: int, body: Skeleton, node: Any, parent: Any, nodes: list[Any]) -> list[int]:
    """Append a joint and all below it to ``nodes``, depth first as the file lists them; those of them that turn."""
    name, offset = body.joints[joint], np.array(body.rest[joint]) / CENTIMETRE
    children = [child for child, of in enumerate(body.parents) if of == joint]
    if parent is not None and not children and name == f"{parent.name}{END}":
        made = node.BvhEndSite(name, offset, parent)
    elif parent is None:
        made = node.BvhRoot(name, np.zeros(3), list("XYZ"), list(ORDER))
    else:
        made = node.BvhJoint(name, offset, list(ORDER), parent=parent)
    nodes.append(made)
    if parent is not None:
        parent.children.append(made)
    if made.is_end_site():
        return []
    turning = [joint]
    for child in children:
        turning += _add(child, body, node, made, nodes)
    if not children:
        tip = node.BvhEndSite(f"{name}{END}", TIP * offset, made)
        made.children.append(tip)
        nodes.append(tip)
    return turning


def _distance(body: Skeleton, motion: Motion) -> float:
    """Largest distance (metres) between the joints of a motion and where its rotations put those of ``body``."""
    if motion.rotations is None:
        return 0.0
    made = forward_kinematics(body, motion.positions[:, 0], motion.rotations)
    return float(np.linalg.norm(made - motion.positions, axis=-1).max())


def _as_recorded(motion: Motion) -> Skeleton:
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


def _write_markers(motion: Motion, path: Path) -> float:
    channels = "Xposition Yposition Zposition"
    lines = [
        "HIERARCHY",
        "ROOT markers",
        "{",
        "  OFFSET 0 0 0",
        f"  CHANNELS 6 {channels} Zrotation Yrotation Xrotation",
    ]
    for joint in motion.skeleton.joints:
        lines += [f"  JOINT {joint}", "  {", "    OFFSET 0 0 0", f"    CHANNELS 3 {channels}"]
        lines += ["    End Site", "    {", "      OFFSET 0 2 0", "    }", "  }"]
    lines += ["}", "MOTION", f"Frames: {len(motion)}", f"Frame Time: {1.0 / motion.rate:.10g}"]
    values = (motion.positions / CENTIMETRE).reshape(len(motion), -1)
    rows = np.concatenate([np.zeros((len(motion), 6)), values], 1)
    with path.open("w") as file:
        file.write("\n".join(lines) + "\n")
        np.savetxt(file, rows, fmt="%.6f")
    written: Array = np.round(values, 6).astype(np.float32) * np.float32(CENTIMETRE)
    return float(np.abs(written.reshape(motion.positions.shape) - motion.positions).max())
