"""What ``python -m train check gesture`` looks at: every interval of a set in PATS' layout, read as training reads it.

Everything that an interval holds must be finite, of its shape and as long as the rest. An interval that lacks a
modality is told and can be used for what it has; one that the list of missing ones names is not read.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.errors import EngineError
from train.check import Checked
from train.files import read_json
from train.gesture.pats import layout
from train.gesture.pats.h5 import Array
from train.gesture.pats.layout import KEYS, META, MODALITIES, PATS_KEYS, RATE, TIMES
from train.gesture.pats.reader import Interval, PatsSet, unfit

SLACK_S = 1.0
"""Seconds by which what the list says may differ from the poses before it is told."""
OFF_PX = 1.0
"""Pixels by which ``pose/normalize`` may miss the length of the shoulder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("data", type=Path, metavar="PATH", help=f"folder of the set: {layout.INTERVALS}, processed")


def check(args: argparse.Namespace) -> Iterator[Checked]:
    """The set's lists, then each interval. Raises :class:`EngineError` for what is no set."""
    data = PatsSet(args.data)
    listed = data.listed
    yield _lists(data)
    if (data.folder / layout.MISSING).is_file():
        yield _missing(data)
    else:
        yield Checked(layout.MISSING, notes=["is not there: no interval is left out by it"])
    if (data.folder / layout.MADE).is_file():
        yield _made(data)
    for interval in sorted(listed, key=lambda each: each.interval_id):
        yield _interval(data, interval)


def _lists(data: PatsSet) -> Checked:
    splits = [interval.split for interval in data.listed]
    read = {"holds": f"{len(splits)} intervals", "speaker": f"{len(data.speakers)} of them"}
    read["split"] = " ".join(f"{split} {splits.count(split)}" for split in layout.SPLITS)
    notes, problem = [], ""
    if not (data.folder / layout.TRANSFORMS).is_file():
        notes.append(f"{layout.TRANSFORMS} is not there, without which the seed's own loader stops")
    talks: dict[str, set[str]] = {}
    for interval in data.listed:
        if interval.video:
            talks.setdefault(interval.video, set()).add(interval.split)
    both = sorted(video for video, found in talks.items() if "test" in found and len(found) > 1)
    if both:
        told = f"{', '.join(both[:5])}{' and more' if both[5:] else ''}"
        notes.append(f"{len(both)} videos have intervals in test and in another split: {told}")
    files = set((data.folder / layout.PROCESSED).glob("*/*.h5"))
    strays = sorted(path.name for path in files - {interval.path for interval in data.listed})
    if strays:
        notes.append(f"{len(strays)} files that no list names: {', '.join(strays[:5])}")
    if "train" not in splits:
        problem = "no interval is in split train, so nothing can be trained on"
    return Checked(layout.INTERVALS, read, notes, problem)


def _missing(data: PatsSet) -> Checked:
    try:
        return Checked(layout.MISSING, {"holds": f"{len(data.missing)} intervals"})
    except EngineError as error:
        return Checked(layout.MISSING, problem=str(error))


def _made(data: PatsSet) -> Checked:
    try:
        read_json(data.folder / layout.MADE)
    except EngineError as error:
        return Checked(layout.MADE, problem=str(error))
    return Checked(layout.MADE, notes=["a simulated set: says how it was made"])


def _interval(data: PatsSet, interval: Interval) -> Checked:
    read = {"split": interval.split, "speaker": interval.speaker}
    if interval.interval_id.split("|")[0] in data.missing:
        return Checked(interval.interval_id, read, [f"{layout.MISSING} lists it: it is not used"])
    notes, problems, lengths = [], [], {}
    try:
        held = interval.keys()
    except EngineError as error:
        return Checked(interval.interval_id, read, (), str(error))
    for key in held:
        if key not in KEYS:
            continue
        try:
            values = interval.read(key)
        except EngineError as error:
            problems.append(str(error))
            continue
        lengths[key] = len(values)
        notes += _about(key, values)
    frames = {key: length for key, length in lengths.items() if KEYS[key].counts == "frames"}
    try:
        problems += [unfit(interval, lengths)] if not problems else []
    except EngineError as error:
        problems.append(str(error))
    if not frames:
        problems.append(f"{interval.path}: has nothing that counts in frames; leave the interval out")
    lacking = [key for key in (*PATS_KEYS, META) if key not in held]
    if lacking:
        notes.append(f"lacks {', '.join(lacking)}")
    seconds = float("inf")
    if frames:
        seconds = max(frames.values()) / RATE
        read |= {"frames": str(max(frames.values())), "seconds": f"{seconds:.1f}"}
        if not abs(interval.seconds - seconds) <= SLACK_S:
            notes.append(f"the list says {interval.seconds:.1f} s, the poses are {seconds:.1f} s")
    if META in held or TIMES in held:
        try:
            words = interval.words()
            if META in held:
                interval.meta()
        except EngineError as error:
            problems.append(str(error))
        else:
            read["words"] = str(len(words))
            late = sum(word.start > seconds for word in words)
            notes += [f"{late} words begin after the poses end"] if late else []
    read["holds"] = "all of the seed's" if all(key in held for key in MODALITIES) else f"{len(held)} keys"
    return Checked(interval.interval_id, read, notes, "; ".join(filter(None, problems)))


def _about(key: str, values: Array) -> list[str]:
    """What is odd in numbers that can be read."""
    if key == "pose/confidence" and len(values):
        none = int((values[:, list(layout.KEPT)] <= 0).all(1).sum())
        return [f"{key}: {none} of {len(values)} frames have confidence 0 in every joint"] if none else []
    if key == "pose/normalize" and len(values):
        reach = np.hypot(values[:, layout.RIGHT_SHOULDER], values[:, layout.JOINTS + layout.RIGHT_SHOULDER])
        off = int((np.abs(reach - layout.SHOULDER_PX) > OFF_PX).sum())
        return [f"{key}: in {off} frames the right shoulder is not {layout.SHOULDER_PX:g} px off"] if off else []
    if not len(values) and KEYS[key].counts not in ("events", "words"):
        return [f"{key} is empty"]
    return []
