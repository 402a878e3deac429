"""What ``python -m train check text_motion`` looks at: every clip of a set in the layout of HumanML3D or KIT-ML.

A clip is read as training reads it: features and joints that belong together, numbers that are finite, captions, and
the lists it stands in. What the original leaves out without a word is said in a note.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import EngineError
from models.text_motion.features import decode
from models.text_motion.layout import Layout
from models.text_motion.posecodes.table import GROUPS
from train.check import Checked
from train.files import LISTED
from train.text_motion.data import CODE_FILES, KEYWORDS, LISTS, MotionSet
from train.text_motion.texts import Captions, read_captions
from train.text_motion.write import JOINED, JOINTS, SPLITS, TEXTS

AGREE = 1e-3
"""Metres between joints and those that come back of features, within which they are of one motion."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("data", type=Path, metavar="PATH", help="folder of the set: new_joint_vecs, new_joints, texts")


def check(args: argparse.Namespace) -> Iterator[Checked]:
    """The set's own files, then each clip. Raises :class:`EngineError` for what is no set."""
    data = MotionSet(args.data)
    layout = data.layout
    yield _texts(data)
    for name in ("Mean.npy", "Std.npy"):
        yield _statistic(data, name)
    lists: dict[str, list[str]] = {}
    for name in LISTS:
        found, names = _list(data, name, lists)
        lists[name] = names
        yield found
    stands: dict[str, list[str]] = {}
    for split in SPLITS:
        for name in lists[split]:
            stands.setdefault(name, []).append(split)
    for name in data.files:
        yield _clip(data, layout, name, stands)


def _texts(data: MotionSet) -> Checked:
    folder = data.folder / TEXTS
    if not folder.is_dir():
        return Checked(
            TEXTS, problem=f"there is no folder {TEXTS}, so nothing says what a clip shows; copy the set again"
        )
    strays = sorted({path.stem for path in folder.glob("*.txt")} - set(data.files))
    return Checked(TEXTS, notes=[f"texts without features: {_some(strays)}"] if strays else [])


def _statistic(data: MotionSet, file: str) -> Checked:
    try:
        values = data.mean if file == "Mean.npy" else data.std
    except EngineError as error:
        return Checked(file, problem=str(error))
    return Checked(file, {"holds": f"{len(values)} features"})


def _list(data: MotionSet, split: str, before: dict[str, list[str]]) -> tuple[Checked, list[str]]:
    """A list of clips and its names; ``before`` holds the lists that were read already."""
    file = f"{split}.txt"
    if split not in data.splits:
        if split == "train":
            return Checked(file, problem=f"there is no {file}, so nothing can be trained on; copy the set again"), []
        return Checked(file, notes=["is not there"]), []
    try:
        names = data.names(split)
    except EngineError as error:
        return Checked(file, problem=str(error)), []
    read = {"holds": f"{len(names)} clips"}
    absent = sorted(set(names) - set(data.files))
    problem = f"names without features: {_some(absent)}; copy those clips again or take them out" if absent else ""
    notes = []
    if split in JOINED:
        parts = {name for part in JOINED[split] for name in before[part]}
        if parts != set(names):
            notes.append(f"is not {' and '.join(JOINED[split])} together: {_some(sorted(parts ^ set(names)))}")
    return Checked(file, read, notes, problem), names


def _clip(data: MotionSet, layout: Layout, name: str, stands: dict[str, list[str]]) -> Checked:
    splits = stands.get(name, [])
    read, notes, problems = {"split": "+".join(splits)}, [], []
    if not splits:
        notes.append("is in no split: it is not used")
    if len(splits) > 1:
        problems.append(
            f"is in splits {' and '.join(splits)}, so it is tested on what it was trained on; take it out of one"
        )
    other = name[1:]
    if name.startswith("M") and other in stands and splits and splits != stands[other]:
        problems.append(f"is {other} mirrored, which is in split {'+'.join(stands[other])}; put both into one")
    captions = Captions((), ())
    try:
        captions = read_captions(data.folder / TEXTS / f"{name}.txt")
    except EngineError as error:
        problems.append(str(error))
    frames = 0
    try:
        rows = data.features(name)
        frames = len(rows)
        read |= {"frames": str(frames), "seconds": f"{frames / layout.rate:.1f}", "holds": layout.name}
        problem = _motion(data, layout, name, rows)
    except EngineError as error:
        problem = str(error)
    problems += [problem] if problem else []
    read["captions"] = str(len(captions.captions))
    shortest, longest = layout.frames
    if frames and not shortest <= frames < longest:
        notes.append(f"{frames} frames: the original leaves out what has less than {shortest}, or {longest} and more")
    notes += [*captions.notes, *_spans(captions, frames, layout.rate)]
    for part in (KEYWORDS, CODE_FILES):
        try:
            notes += _beside(data, name, part, frames)
        except EngineError as error:
            problems.append(str(error))
    return Checked(name, read, notes, "; ".join(problems))


def _motion(data: MotionSet, layout: Layout, name: str, rows: NDArray[np.floating]) -> str:
    """What is wrong with the motion of a clip, or nothing."""
    bad = ~np.isfinite(rows).all(1)
    if bad.any():
        return f"features: {bad.sum()} frames are not finite, the first is {int(bad.argmax())}; leave it out or mend it"
    joints = data.joints(name)
    bad = ~np.isfinite(joints).all((1, 2))
    if bad.any():
        return f"{JOINTS}: {bad.sum()} frames are not finite, the first is {int(bad.argmax())}; leave it out or mend it"
    if len(joints) - len(rows) not in (0, 1):
        return (
            f"{len(rows)} frames of features, {len(joints)} of joints; as many are needed, or one less, since the last "
            "has no step: make both of one motion"
        )
    back = decode(torch.from_numpy(np.array(rows, np.float32)), layout).numpy()
    apart = layout.scale * np.linalg.norm(back - joints[: len(rows)], axis=-1).max(1)
    if apart.max() > AGREE:
        first = int((apart > AGREE).argmax())
        return (
            f"features and {JOINTS} are up to {apart.max():.3g} m apart, from frame {first} on; make both of one motion"
        )
    return ""


def _spans(captions: Captions, frames: int, rate: float) -> list[str]:
    """Notes on captions that speak of more than there is."""
    notes = []
    for caption in captions.captions:
        span = caption.frames(frames, rate)
        if frames and not caption.whole and span.start >= span.stop:
            notes.append(
                f"{caption.text[:40]!r} speaks of {caption.start:g} to {caption.end:g} s, no frame of the clip"
            )
        elif frames and caption.end > (frames + 1) / rate + 0.1:
            notes.append(f"{caption.text[:40]!r} ends at {caption.end:g} s, the clip at {frames / rate:.1f} s")
    return notes


def _beside(data: MotionSet, name: str, part: str, frames: int) -> list[str]:
    """Notes on a clip's keywords or codes. Raises :class:`EngineError` where they do not read."""
    if part == KEYWORDS:
        data.fields(name)
        return []
    codes = data.codes(name)
    if codes is None:
        return []
    found = []
    if frames and len(codes) - frames not in (0, 1):
        found.append(f"{CODE_FILES}: {len(codes)} frames for {frames} of features")
    wrong = int((codes.sum(1) != len(GROUPS)).sum())
    if wrong:
        found.append(f"{CODE_FILES}: {wrong} frames have not one code on in each of {len(GROUPS)} groups")
    return found


def _some(names: list[str]) -> str:
    """The first of many names, and how many more there are."""
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")
