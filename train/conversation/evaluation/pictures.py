"""A film of dialogues in which both sides are avatars of one bundle: each its own voice, the other's its partner.

Side by side two heads, under them trunk and hands, and a bar that tells who speaks. The sound is stereo: the left
avatar's voice on the left. Nothing is chosen: dialogues are shown from their beginnings, in order of their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from clients.opencv import light
from clients.opencv.body import AVATAR, PARTNER, StageBody, draw_scene
from clients.opencv.camera import Camera
from clients.opencv.head import draw_head
from clients.opencv.panel import AVATAR_INK, CARD, PARTNER_INK
from clients.opencv.video import write_picture, write_video
from engine.channels import FACE_NAMES
from engine.errors import EngineError
from models.conversation.config import BODY
from train.conversation.evaluation.cases import Case, Shown, resampled
from train.conversation.evaluation.served import Served
from train.conversation.talks.layout import FPS
from train.gesture.evaluation.cases import body_of

Image = NDArray[np.uint8]
SOUND_RATE = 24_000
HEAD, TRUNK, BAR = (264, 236), (264, 164), 16
STYLES, TINTS, INKS = (light.AVATAR, light.PARTNER), (AVATAR, PARTNER), (AVATAR_INK, PARTNER_INK)
CAMERA = Camera((0.0, 1.15, 0.1), 1.7, 0.0, 0.06)
STRIP_EVERY, STRIP_COLUMNS, STRIP_ROWS = 25, 6, 4
"""Frames from one picture of a strip to the next, pictures in a row, and rows."""


class Pair(NamedTuple):
    """A dialogue from both sides."""

    left: Case
    right: Case


def pairs(cases: Sequence[Case]) -> list[Pair]:
    """The dialogues of which both sides are there: talks named ``NAME-a`` and ``NAME-b``."""
    by_name = {case.name: case for case in cases}
    return [
        Pair(case, by_name[f"{name[:-2]}-b"])
        for name, case in sorted(by_name.items())
        if name.endswith("-a") and f"{name[:-2]}-b" in by_name
    ]


def check(row: Served, names: Sequence[str]) -> None:
    """Raises :class:`EngineError` where a bundle shows no body, or no dialogue among talks has both sides."""
    if not row.embodied:
        raise EngineError(f"--film: bundle {row.name} shows no body of skeleton {BODY.name} at {FPS:g} frames a second")
    if not any(name.endswith("-a") and f"{name[:-2]}-b" in names for name in names):
        raise EngineError("--film: the set has no dialogue of which both sides are talks (NAME-a and NAME-b)")


def save(path: Path, row: Served, cases: Sequence[Case], seconds: float) -> int:
    """Write a film of ``seconds`` at most, and a strip of its beginning beside it (``.png``); returns its frames.
    Raises :class:`EngineError` as :func:`check` does."""
    check(row, [case.name for case in cases])
    chosen: list[Pair] = []
    for pair in pairs(cases):
        if sum(each.left.seconds for each in chosen) < seconds:
            chosen.append(pair)
    shown = row.play([case for pair in chosen for case in pair])
    count = int(seconds * FPS)
    sound = np.concatenate([_sound(pair) for pair in chosen], 1)[:, : int(count / FPS * SOUND_RATE)]
    kept: list[Image] = []

    def frames() -> Iterator[Image]:
        for number, image in enumerate(image for pair in chosen for image in _pictures(pair, shown)):
            if number == count:
                return
            if number % STRIP_EVERY == 0 and len(kept) < STRIP_COLUMNS * STRIP_ROWS:
                kept.append(cv2.resize(image, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA).astype(np.uint8))
            yield image

    made = write_video(path, frames(), FPS, sound, SOUND_RATE)
    write_picture(path.with_suffix(".png"), _strip(kept))
    return made


def _sound(pair: Pair) -> NDArray[np.float32]:
    """Both voices (2, n) of a dialogue, as long as its frames."""
    length = round(min(case.frames for case in pair) / FPS * SOUND_RATE)
    voices = [resampled(case.sound.own, case.sound.rate, SOUND_RATE)[:length] for case in pair]
    return np.stack([np.pad(voice, (0, length - len(voice))) for voice in voices])


def _pictures(pair: Pair, shown: dict[str, Shown]) -> Iterator[Image]:
    """The frames of a dialogue."""
    sides = []
    for case, style, tint, ink in zip(pair, STYLES, TINTS, INKS, strict=True):
        made = shown[case.name]
        assert made.body is not None
        sides.append((made.face, body_of(made.body).joints, case.speaking, style, tint, ink))
    skeleton = BODY.to_dict()
    for frame in range(min(case.frames for case in pair)):
        halves = []
        for face, joints, speaking, style, tint, ink in sides:
            head = draw_head(face[frame], FACE_NAMES, HEAD, style)
            assert joints is not None
            trunk = draw_scene([StageBody(joints[frame], skeleton, tint)], CAMERA, TRUNK)
            bar = np.empty((BAR, HEAD[0], 3), np.uint8)
            bar[:] = ink if speaking[frame] else CARD
            halves.append(np.concatenate([head, trunk, bar]))
        yield np.concatenate(halves, 1)


def _strip(images: Sequence[Image]) -> Image:
    """Pictures in rows, the last row filled up with its last picture."""
    missing = -len(images) % STRIP_COLUMNS
    whole = [*images, *[images[-1]] * missing]
    rows = [np.concatenate(whole[first : first + STRIP_COLUMNS], 1) for first in range(0, len(whole), STRIP_COLUMNS)]
    return np.concatenate(rows)
