"""Strips of heads: ten seconds around a cue, a row of pictures for every row of the report, to be looked at.

Under each row of heads run its head pitch (down is down) and its smile, with the nods, smiles and blinks that were
counted; above all of them the speaker, the voice's level and the cue.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from clients.opencv.head import draw_head
from clients.opencv.light import AVATAR, PARTNER, Style
from engine.channels import FACE, FACE_NAMES
from train.reaction.evaluation.run import Evaluation, Moment
from train.reaction.evaluation.scene import Scene
from train.report import events
from train.simulate.talk import FPS, HOP

Image = NDArray[np.uint8]

EVERY = 10  # frames between pictures: 2.5 heads a second
HEAD, TRACE, LABEL = 76, 44, 118  # pixels: a head's side, height of the traces, width of the names
DRAWN, CLOSE = 224, slice(28, 196)  # pixels: what is drawn, and the part of it, along both axes, that is shown
INK, NOD, SMILE, BLINK, CUE = (40, 40, 40), (190, 90, 20), (40, 120, 220), (150, 150, 150), (40, 40, 220)
PITCH_DEGREES = 8.0
"""Pitch, from its median, at the edge of the trace."""


def sheet(evaluation: Evaluation, index: int) -> Image:
    """The strips of moment ``index``, (H, W, 3) uint8 BGR."""
    moment = evaluation.moments[index]
    scene = evaluation.scenes[moment.scene]
    speaker = scene.speaker().face[moment.start : moment.start + moment.frames]
    level = _level(scene, moment)
    bands = [_band("speaker", speaker, PARTNER, level)]
    bands += [_band(row.name, row.strips[index], AVATAR, None) for row in evaluation.results]
    whole = np.concatenate(bands)
    x = LABEL + round((moment.cue.time_s * FPS - moment.start) / moment.frames * (whole.shape[1] - LABEL))
    cv2.line(whole, (x, 0), (x, whole.shape[0] - 1), CUE, 1, cv2.LINE_AA)
    return whole


def caption(evaluation: Evaluation, index: int) -> str:
    """What moment ``index`` is."""
    moment = evaluation.moments[index]
    scene = evaluation.scenes[moment.scene]
    return (
        f"{moment.frames / FPS:g} s around a {moment.cue.kind} cue at {moment.cue.time_s:.1f} s of talk "
        f"{scene.talk.name} (voice {scene.voice}); the red line is the cue"
    )


def _band(name: str, face: NDArray[np.float32], style: Style, level: NDArray[np.floating] | None) -> Image:
    """One row: its heads, its traces underneath, its name on the left."""
    count = -(-len(face) // EVERY)
    band = np.full((HEAD + TRACE, LABEL + count * HEAD, 3), 255, np.uint8)
    for column, frame in enumerate(range(0, len(face), EVERY)):
        left = LABEL + column * HEAD
        band[:HEAD, left : left + HEAD] = _head(face[frame].astype(np.float32).tobytes(), style)
    for line, part in enumerate(name.split(", ")):
        cv2.putText(band, part, (4, 20 + 15 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    across = LABEL + (np.arange(len(face)) + 0.5) / len(face) * (count * HEAD)
    if level is not None:
        _trace(band, across, HEAD + TRACE - 2 - level * (TRACE - 6), (170, 170, 170))
    pitch = np.degrees(face[:, FACE["headPitch"]].astype(float))
    middle = HEAD + TRACE / 2
    offset = np.clip((pitch - np.median(pitch)) / PITCH_DEGREES, -1.0, 1.0)
    _trace(band, across, middle + offset * (TRACE / 2 - 3), NOD)
    _trace(band, across, HEAD + TRACE - 3 - np.clip(events.smile_level(face), 0.0, 1.0) * (TRACE - 6), SMILE)
    for times, colour in (
        (events.blinks(face, FPS), BLINK),
        (events.smiles(face, FPS), SMILE),
        (events.nods(face, FPS), NOD),
    ):
        for time in times:
            x = round(float(np.interp(time * FPS, np.arange(len(face)), across)))
            cv2.drawMarker(band, (x, HEAD + 4), colour, cv2.MARKER_TRIANGLE_DOWN, 7, 2)
    return band


@lru_cache(maxsize=256)
def _head(values: bytes, style: Style) -> Image:
    """A small picture of a face; still rows ask for one again and again. Drawn larger, then cut close and reduced."""
    large = draw_head(np.frombuffer(values, np.float32), FACE_NAMES, DRAWN, style)
    return cv2.resize(large[CLOSE, CLOSE], (HEAD, HEAD), interpolation=cv2.INTER_AREA)


def _trace(band: Image, x: NDArray[np.floating], y: NDArray[np.floating], colour: tuple[int, int, int]) -> None:
    points = np.stack([x, y], 1).round().astype(np.int32)
    cv2.polylines(band, [points], False, colour, 1, cv2.LINE_AA)


def _level(scene: Scene, moment: Moment) -> NDArray[np.floating]:
    """Loudness of the speaker's voice per frame, 0 to 1 over 40 dB."""
    pcm = scene.pcm()[moment.start * HOP : (moment.start + moment.frames) * HOP].reshape(-1, HOP)
    decibels = 10.0 * np.log10((pcm.astype(float) ** 2).mean(1) + 1e-10)
    return np.clip((decibels + 55.0) / 40.0, 0.0, 1.0)
