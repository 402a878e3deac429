"""What ``python -m train check conversation`` looks at: a set in the layout ``talks``, or a person's folder of
audio2photoreal, told apart by what lies in it; every talk and scene read as training reads it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.check import Checked
from train.conversation.talks.layout import FPS, SPLITS, TalkFile, Voices
from train.files import FileError

SILENT_DB, CLIPPED_SHARE = -60.0, 1e-4
OFF_S = 0.1
"""Seconds by which voices and face may differ in length."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("data", type=Path, metavar="PATH", help="a set in the layout talks, or a person's of A2P's")


def check(args: argparse.Namespace) -> Iterator[Checked]:
    """Every talk, or every scene. Raises :class:`EngineError` for what is neither."""
    root: Path = args.data
    if list(root.glob("scene*")):
        from train.conversation.a2p.check import checks

        yield from checks(root)
        return
    found = [
        TalkFile(path.with_suffix(""), split)
        for split in SPLITS
        for path in sorted({path.with_suffix(".npz") for path in (root / split).glob("*.*")})
    ]
    if not found:
        raise EngineError(
            f"{root} has neither talks (train/NAME.npz) nor scenes (scene01_audio.wav); give a set's folder"
        )
    voices: dict[str, set[str]] = {}
    for item in found:
        checked, voice = _talk(item)
        if voice:
            voices.setdefault(voice, set()).add(item.split)
        yield checked
    both = sorted(voice for voice, splits in voices.items() if "test" in splits and len(splits) > 1)
    if both:
        yield Checked("voices", notes=[f"{', '.join(both)}: tested with and trained on; measures of them flatter"])


def _talk(item: TalkFile) -> tuple[Checked, str]:
    name = f"{item.split}/{item.name}"
    try:
        arrays, sound, told = item.arrays(), item.sound(), item.told()
    except FileError as error:
        return Checked(name, problem=str(error)), ""
    frames = len(arrays["face"])
    read = {"seconds": f"{frames / FPS:.1f}", "rate": f"{sound.rate}", "voice": told.voice or "?"}
    read["holds"] = " ".join(key for key in ("mouth", "body", "partner_face") if key in arrays)
    notes = [*_heard(sound), *_seen(arrays)]
    problem = ""
    if abs(sound.seconds - frames / FPS) > OFF_S:
        problem = f"the voices last {sound.seconds:.2f} s, the face {frames / FPS:.2f} s; cut them alike"
    return Checked(name, read, notes, problem), told.voice


def _heard(sound: Voices) -> Iterator[str]:
    for whose, voice in (("own voice", sound.own), ("partner's voice", sound.partner)):
        power = float(np.mean(np.square(voice, dtype=np.float64)))
        if power < 10 ** (SILENT_DB / 10):
            yield f"the {whose} is silent"
        if float(np.mean(np.abs(voice) > 0.999)) > CLIPPED_SHARE:
            yield f"the {whose} is clipped: record it softer"
    if len(sound.own) and np.array_equal(sound.own, sound.partner) and np.any(sound.own):
        yield "both channels are the same: the partner is the avatar's own echo"


def _seen(arrays: dict[str, NDArray[np.float32]]) -> Iterator[str]:
    face = arrays["face"]
    outside = float(np.mean((face[:, :52] < -0.001) | (face[:, :52] > 1.001)))
    if outside:
        yield f"{100 * outside:.2g} % of the face's weights are not within 0 and 1"
    if not np.any(np.ptp(face, axis=0) > 1e-4):
        yield "the face does not move"
    known = float(np.mean(arrays["captured"])) if "captured" in arrays else 1.0
    if known < 1.0:
        yield f"the mouth of speech is not known in {100 * (1.0 - known):.0f} % of the frames"
