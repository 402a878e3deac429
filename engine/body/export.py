"""A recorded body (``engine serve --record``, or the arrays of ``--save``) as motion, and on as a BVH file."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.body.decode import BvhError
from engine.body.motion import Motion
from engine.body.skeleton import Skeleton
from engine.body.solve import rotations_of
from engine.body.write import as_seen, distance, write_bvh
from engine.record.container import MAGIC
from engine.spec_check import FASTEST

MATCH = 0.01
"""Metres within which recorded rotations must put the joints to be taken for those of this body and of no other."""
LONGEST_GAPS_S = 3600.0
"""Seconds of skipped frames, all together, that are filled with the pose before them."""
_Stored = tuple[dict[str, NDArray[Any]], dict[str, Skeleton], float]


def export(recording: Path, out: Path, stream: str | None = None, program: str = "blender") -> str:
    """Write the ``stream`` of joint positions (by default the first) of a recording to the BVH file ``out``, as
    ``program`` (:data:`engine.body.write.PROGRAMS`) expects it; what was written, in words. Raises :class:`BvhError`
    naming what cannot be used, or what :func:`read_recording` raises."""
    motion = read_recording(recording, stream)
    solved = motion.rotations is None
    error = write_bvh(motion, out, program)
    how = "markers" if not motion.skeleton.is_tree else "rotations solved" if solved else "rotations as recorded"
    return (
        f"{out}: {len(motion)} frames at {motion.rate:g} frames/s of {motion.skeleton.name} for {program}, {how}; "
        f"centimetres, Y up; joints within {1000 * error:.2f} mm of the recording"
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
            if distance(as_seen(turned), turned) < MATCH:
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
        reason = getattr(error, "strerror", None) or "it does not read as the arrays of --save"
        raise BvhError(f"{path}: is no recording of a body ({reason}); make one with engine serve --record") from error
    return held, skeletons, rate
