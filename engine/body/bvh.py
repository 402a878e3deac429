"""BVH files in and out, through the pybvh library: to the joints of a skeleton, and from a recorded body.

A file's units are guessed by nobody: ``scale`` turns them into metres (CMU conversions are centimetres, 0.01). Where a
skeleton is given, the file's joints are found by name and brought into its order; joints it does not have are refused,
joints it has beyond the skeleton's (fingers, say) are left out where nothing that is kept hangs on them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.body.motion import Array, Motion
from engine.body.skeleton import Skeleton
from engine.errors import EngineError

CENTIMETRE = 0.01
END = ".end"
"""What is added to a joint's name for its BVH end site."""


class BvhError(EngineError):
    """A BVH file cannot be used; the message names the file, what is wrong and the remedy."""


def read_bvh(path: str | Path, skeleton: Skeleton | None = None, scale: float = CENTIMETRE) -> Motion:
    """The motion in a BVH file, in metres, at the file's own rate.

    With ``skeleton`` its joints in its order, otherwise a skeleton made from the file (:func:`skeleton_of`). Offsets of
    the file's own bones make the positions, so a dancer keeps their proportions. Raises :class:`BvhError`.
    """
    bvh = _read(Path(path))
    own = _skeleton(bvh, Path(path).stem, scale)
    nodes = list(bvh.nodes)
    turned = bvh.to_rotmat()[1].astype(np.float32)
    positions = (bvh.node_positions() * scale).astype(np.float32)
    rotations = np.broadcast_to(np.eye(3, dtype=np.float32), (*positions.shape, 3)).copy()
    joints = [index for index, node in enumerate(nodes) if not node.is_end_site()]
    rotations[:, joints] = turned
    if not np.isfinite(positions).all():
        raise BvhError(f"{path}: holds numbers that are not finite; export the take again")
    motion = Motion(own, round(1.0 / bvh.frame_time, 3), positions, rotations)
    return motion if skeleton is None else _onto(motion, skeleton, Path(path))


def skeleton_of(path: str | Path, scale: float = CENTIMETRE, name: str | None = None) -> Skeleton:
    """The skeleton of a BVH file, end sites included as joints named after their parent."""
    return _skeleton(_read(Path(path)), name or Path(path).stem, scale)


def pybvh() -> Any:
    """The library. Raises :class:`BvhError` where it is not installed."""
    try:
        import pybvh as library
    except ImportError as error:
        raise BvhError("BVH files need the pybvh package: pip install 'reaction-engine[body]'") from error
    return library


def reader() -> str:
    """The library that reads and writes BVH, with its version. Raises :class:`BvhError` where it is not installed."""
    return f"pybvh {pybvh().__version__}"


def _read(path: Path) -> Any:
    library = pybvh()
    if not path.is_file():
        raise BvhError(f"{path}: no such file; give a .bvh file")
    try:
        bvh = library.read_bvh_file(str(path))
    except Exception as error:  # the library raises many kinds; all mean the same to the user
        raise BvhError(
            f"{path}: does not read as BVH ({' '.join(str(error).split())[:200]}); export it again"
        ) from error
    if bvh.frame_count < 1 or not 0.0 < bvh.frame_time < 10.0:
        raise BvhError(f"{path}: {bvh.frame_count} frames of {bvh.frame_time} s; a take needs frames and a frame time")
    return bvh


def _skeleton(bvh: Any, name: str, scale: float) -> Skeleton:
    nodes = list(bvh.nodes)
    index = {id(node): number for number, node in enumerate(nodes)}
    names = [f"{node.parent.name}{END}" if node.is_end_site() else node.name for node in nodes]
    return Skeleton(
        name=name,
        joints=tuple(names),
        parents=tuple(-1 if node.parent is None else index[id(node.parent)] for node in nodes),
        rest=tuple(
            (float(x) * scale, float(y) * scale, float(z) * scale) for x, y, z in (node.offset for node in nodes)
        ),
    )


def _onto(motion: Motion, skeleton: Skeleton, path: Path) -> Motion:
    """The motion's joints by the names and order of ``skeleton``."""
    own = motion.skeleton
    absent = [joint for joint in skeleton.joints if joint not in own.joints]
    if absent:
        more = f" and {len(absent) - 6} more" if len(absent) > 6 else ""
        raise BvhError(
            f"{path}: has no joint {', '.join(absent[:6])}{more}, which skeleton {skeleton.name!r} needs; its own are "
            f"{', '.join(own.joints[:6])} ...; give a take of that skeleton, or train with the take's own"
        )
    chosen = [own.index(joint) for joint in skeleton.joints]
    for number, joint in enumerate(chosen):
        wanted, parent = skeleton.parents[number], own.parents[joint]
        while parent >= 0 and parent not in chosen:
            parent = own.parents[parent]
        if wanted >= 0 and (parent < 0 or chosen.index(parent) != wanted):
            there = own.joints[parent] if parent >= 0 else "nothing"
            raise BvhError(
                f"{path}: {skeleton.joints[number]} hangs on {there}, in skeleton {skeleton.name!r} on "
                f"{skeleton.joints[wanted]}; give a take of that skeleton"
            )
    turned = None
    if motion.rotations is not None and skeleton.is_tree:
        turned = _local(own, motion.rotations, chosen, skeleton)
    return Motion(skeleton, motion.rate, motion.positions[:, chosen], turned)


def _local(own: Skeleton, rotations: Array, chosen: list[int], skeleton: Skeleton) -> Array:
    """Rotations (T, J, 3, 3) of the chosen joints against their parents in ``skeleton``, what lies between joined."""
    world = np.empty_like(rotations)
    for joint, parent in enumerate(own.parents):
        world[:, joint] = rotations[:, joint] if parent < 0 else world[:, parent] @ rotations[:, joint]
    kept = world[:, chosen]
    local = kept.copy()
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            local[:, joint] = np.swapaxes(kept[:, parent], -1, -2) @ kept[:, joint]
    return local
