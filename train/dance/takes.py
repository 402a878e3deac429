"""Takes: recordings of dancers read from a folder, cleaned to one rate, one skeleton and one floor, and split.

Three layouts are read: sub-folders of BVH files (a sub-folder is a style), BVH files lying flat, both with an optional
``pairs.json`` that says who dances with whom; and PirouNet's marker arrays (`train/dance/pirounet.py`).

Cleaning: frames at the start that a converter put there (a rest pose, then a jump) are dropped, from both dancers of a
pair alike; the motion is resampled; the lowest place of the feet becomes height 0. Frames at which the whole body is
thrown about faster than a body can be (marker swaps, where a partner hid the markers) are marked as not sound.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.body.bvh import CENTIMETRE, read_bvh, skeleton_of
from engine.body.motion import Motion, rest_frames
from engine.body.skeleton import Skeleton, known, skeleton
from engine.errors import EngineError
from train.dance.augment import own_skeleton, resampled
from train.dance.pirounet import read_arrays
from train.dance.sides import with_sides
from train.dance.splits import read_splits, split_groups

FRAMES = 40
"""Frames of a window, 1.33 s at 30 fps, as in PirouNet (Papillon et al. 2022); shorter takes are refused."""
RATE = 30.0
WILD = 60.0
"""Mean acceleration of the joints in m/s^2 that no dancer reaches: sound takes of the CMU set stay under 53."""
BONES = 0.2
"""Largest share by which a take's bones may differ from the skeleton's."""
SIZES = (0.6, 3.0)
"""Metres across a body, corner to corner, in the median frame; others mean a wrong unit."""


class TakeError(EngineError):
    """A take cannot be used; the message names the file, what is wrong and the remedy."""


@dataclass(frozen=True)
class Take:
    """A dancer's recording. ``group`` is shared by the dancers of a pair, who are never split; ``partner`` is the name
    of the other dancer's take, as long as this one; ``sound`` (T,) is False where the recording is damaged."""

    name: str
    group: str
    style: str
    motion: Motion
    partner: str | None
    split: str
    sound: NDArray[np.bool_]


def read_takes(
    folder: Path,
    skeleton: Skeleton | None = None,
    rate: float = RATE,
    scale: float = CENTIMETRE,
    seed: int = 0,
    splits: Path | None = None,
    strict: bool = True,
    say: Callable[[str], None] = print,
) -> list[Take]:
    """The takes of a folder, sorted by name, positions in metres with the floor at 0, ``rate`` frames a second.

    Without ``skeleton`` the one that fits most files, a shipped one before others. ``scale`` is a unit of the files in
    metres. ``splits`` is a csv (:func:`train.dance.splits.read_splits`), otherwise groups are drawn by ``seed``. A
    file that cannot be used raises :class:`TakeError`, or with ``strict=False`` is left out and told to ``say``.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise TakeError(f"{folder}: no such folder; give a folder of takes")
    files = sorted(folder.rglob("*.bvh"))
    if not files and any(folder.glob("*.npy")):
        return _arrays(folder, rate, seed, splits)
    if not files:
        raise TakeError(f"{folder}: holds no .bvh files and no .npy arrays; give a folder of takes")
    names = _names(folder, files)
    partners = {names[a]: names[b] for a, b in _pairs(folder, files)}
    partners |= {b: a for a, b in partners.items()}
    wanted = skeleton or common_skeleton(files, scale)
    motions: dict[str, Motion] = {}
    refused: list[str] = []
    for path in files:
        try:
            motions[names[path]] = _motion(path, wanted, scale)
        except EngineError as error:
            if strict:
                raise TakeError(f"{error}; or leave such files out with strict=False") from error
            refused.append(str(error))
    takes = []
    style = {name: path.parent.name for path, name in names.items()}
    for name in sorted(motions):
        partner = partners.get(name)
        partner = partner if partner in motions else None
        try:
            takes.append(_take(name, style[name], motions, partner, rate, folder))
        except EngineError as error:
            if strict:
                raise
            refused.append(str(error))
    there = {take.name for take in takes}
    takes = [take if take.partner in there else replace(take, partner=None) for take in takes]
    for reason in refused:
        say(f"left out: {reason}")
    if not takes:
        raise TakeError(f"{folder}: none of {len(files)} files can be used; the first: {refused[0]}")
    return _split(takes, seed, splits)


def common_skeleton(files: Iterable[Path], scale: float = CENTIMETRE) -> Skeleton:
    """The skeleton that most of the BVH files have: a shipped one if its joints are in as many as any other's, else
    the files' own (of the first file that has it). Raises :class:`TakeError` if no file reads."""
    fits: Counter[frozenset[str]] = Counter()
    own: dict[frozenset[str], Skeleton] = {}
    for path in files:
        try:
            found = skeleton_of(path, scale)
        except EngineError:
            continue
        joints = frozenset(found.joints)
        own.setdefault(joints, found)
        fits[joints] += 1
    if not own:
        raise TakeError("none of the files reads as BVH; export them again")
    joints, most = max(fits.items(), key=lambda item: (item[1], len(item[0]), sorted(item[0])))
    for name in known():
        shipped = skeleton(name)
        if shipped.is_tree and sum(n for there, n in fits.items() if there.issuperset(shipped.joints)) >= most:
            return shipped
    return with_sides(own[joints])


def unsound(motion: Motion) -> NDArray[np.bool_]:
    """Frames (T,) at which the joints' mean acceleration is beyond :data:`WILD`, and two beside them."""
    found = np.zeros(len(motion), bool)
    if len(motion) < 3:
        return found
    acceleration = np.linalg.norm(np.diff(motion.positions, n=2, axis=0), axis=-1).mean(1) * motion.rate**2
    for frame in np.flatnonzero(acceleration > WILD) + 1:
        found[max(0, frame - 2) : frame + 3] = True
    return found


def _motion(path: Path, wanted: Skeleton, scale: float) -> Motion:
    motion = read_bvh(path, wanted, scale)
    size = float(np.median(np.linalg.norm(np.ptp(motion.positions, axis=1), axis=-1)))
    if not SIZES[0] <= size <= SIZES[1]:
        raise TakeError(
            f"{path}: the body is {size:.3g} m across; give the files' unit in metres (scale={scale:g} now)"
        )
    own = own_skeleton(motion)
    _, children = np.array(wanted.bones).T
    bones, model = (np.linalg.norm(np.array(body.rest)[children], axis=-1) for body in (own, wanted))
    off = np.abs(bones - model) / np.maximum(model, 0.05)  # a bone of a centimetre may differ by one
    worst = int(off.argmax())
    if off[worst] > BONES:
        raise TakeError(
            f"{path}: the bone to {wanted.joints[children[worst]]} is {bones[worst]:.3f} m long, in skeleton "
            f"{wanted.name!r} {model[worst]:.3f} m; give takes within {BONES:.0%}, or train with the takes' own"
        )
    return motion


def _take(name: str, style: str, motions: dict[str, Motion], partner: str | None, rate: float, folder: Path) -> Take:
    motion, other = motions[name], motions[partner] if partner else None
    if other is not None and (len(other) != len(motion) or other.rate != motion.rate):
        raise TakeError(
            f"{folder}: {name} has {len(motion)} frames at {motion.rate} fps, its partner {partner} {len(other)} at "
            f"{other.rate}; give partners of one recording, or take them out of pairs.json"
        )
    dropped = max(rest_frames(body) for body in (motion, other) if body is not None)
    clean = on_floor(resampled(motion.cut(dropped, len(motion)), rate))
    if len(clean) < FRAMES:
        raise TakeError(f"{folder}: {name} has {len(clean)} frames at {rate:g} fps, a window needs {FRAMES}")
    group = "+".join(sorted((name, partner))) if partner else name
    return Take(name, group, style, clean, partner, "", ~unsound(clean))


def on_floor(motion: Motion) -> Motion:
    """The motion lifted or lowered so that its lowest foot is at height 0 (5 % quantile over the frames)."""
    feet = [motion.skeleton.index(joint) for joint in motion.skeleton.feet] or list(range(motion.positions.shape[1]))
    low = np.quantile(motion.positions[:, feet, 1].min(1), 0.05)
    return replace(motion, positions=motion.positions - np.array([0.0, low, 0.0], np.float32))


def _arrays(folder: Path, rate: float, seed: int, splits: Path | None) -> list[Take]:
    takes = []
    for name, motion in read_arrays(folder).items():
        clean = on_floor(resampled(motion, rate))
        if len(clean) < FRAMES:
            raise TakeError(f"{folder / name}.npy: {len(clean)} frames at {rate:g} fps, a window needs {FRAMES}")
        takes.append(Take(name, name, folder.name, clean, None, "", ~unsound(clean)))
    return _split(takes, seed, splits)


def _split(takes: list[Take], seed: int, splits: Path | None) -> list[Take]:
    if splits is None:
        chosen = split_groups({take.group: take.style for take in takes}, seed)
    else:
        chosen = read_splits(Path(splits), {take.name: take.group for take in takes})
    return [replace(take, split=chosen[take.group]) for take in takes]


def _names(folder: Path, files: list[Path]) -> dict[Path, str]:
    """The files' names without ``.bvh``; with their folders where two files share one."""
    stems = Counter(path.stem for path in files)
    return {
        path: path.stem if stems[path.stem] == 1 else path.relative_to(folder).with_suffix("").as_posix()
        for path in files
    }


def _pairs(folder: Path, files: list[Path]) -> list[tuple[Path, Path]]:
    """Pairs of files from every ``pairs.json``: its one list of pairs of file names."""
    pairs: list[tuple[Path, Path]] = []
    for path in sorted(folder.rglob("pairs.json")):
        try:
            content = json.loads(path.read_text("utf-8"))
            (listed,) = [content[key] for key in content if key.startswith("pairs")]
            found = [(path.parent / str(a), path.parent / str(b)) for a, b in listed]
        except (OSError, ValueError, TypeError) as error:
            raise TakeError(
                f'{path}: does not read as pairs ({error}); write {{"pairs": [["a.bvh", "b.bvh"], ...]}}'
            ) from error
        for file in (file for pair in found for file in pair):
            if file not in files:
                raise TakeError(f"{path}: names {file.name}, which is not there; take it out or add the file")
        pairs += found
    twice = [file.name for file, times in Counter(file for pair in pairs for file in pair).items() if times > 1]
    if twice:
        raise TakeError(f"{folder}: pairs.json names {', '.join(sorted(twice))} in two pairs; a take has one partner")
    return pairs
