"""Talks and their gesturers to look at: strips of bodies over the sound, its words and stresses, and films with sound.

Under the bodies time runs in pixels: the sound with a mark at each stress, tall where it is strong, the words, and a
lane for either hand and the head. A preparation, a hold and a retraction are thin there, a stroke is thick and ends
where it should meet a stress.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from clients.opencv.body import StageBody, draw_scene
from clients.opencv.camera import Camera
from clients.opencv.panel import AVATAR_INK, CARD, DIM, INK, PAPER, PARTNER_INK, put, text
from clients.opencv.video import write_picture, write_video
from engine.body.motion import forward_kinematics
from engine.body.solve import rotations_of
from engine.errors import EngineError
from train.simulate.gestures.arms import BODY
from train.simulate.gestures.compose import RATE, Motion
from train.simulate.gestures.plan import Performance
from train.speech.talk import RATE as SAMPLE_RATE
from train.speech.talk import Talk

Image = NDArray[np.uint8]
EVERY, ROW_S = 3, 4.0
"""Frames from one body to the next, and seconds of a row."""
TILE = (92, 132)
FILM = (960, 540)
WINDOW_S, SEEN_S = 4.0, 3.0
"""Seconds of the lanes under a film, and how many of them are over."""
WAVE, WORD, LANE = 56, 20, 12
CAMERA = Camera((0.0, 1.30, 0.1), 2.35, 0.25, 0.06)
HAND_INK = {"right": (72, 142, 246), "left": (238, 164, 84)}
NOD_INK = (150, 220, 160)


def strip(talk: Talk, performance: Performance, motion: Motion, start: float, end: float) -> Image:
    """The talk from ``start`` to ``end`` (s) as rows (H, W, 3) uint8 BGR of :data:`ROW_S`, each of bodies over lanes.

    Raises :class:`EngineError` for a stretch that the motion does not have.
    """
    if not 0.0 <= start < end or start >= len(motion.root) / RATE:
        raise EngineError(f"a strip from {start:g} to {end:g} s: the motion has {len(motion.root) / RATE:.1f} s")
    at = positions(motion)
    rows = [_row(talk, performance, at, first) for first in np.arange(start, min(end, len(at) / RATE), ROW_S)]
    return np.concatenate(rows)


def save_strip(path: Path, talk: Talk, performance: Performance, motion: Motion, start: float, end: float) -> None:
    """Write :func:`strip` as a picture of the kind that the name says."""
    write_picture(path, strip(talk, performance, motion, start, end))


def film(path: Path, talk: Talk, performance: Performance, motion: Motion) -> int:
    """Write a film with the talk's sound; returns its frames."""
    return write_video(path, _frames(talk, performance, positions(motion)), RATE, talk.pcm, SAMPLE_RATE)


def positions(motion: Motion) -> NDArray[np.float32]:
    """Joints (T, 27, 3) in metres of a motion."""
    return forward_kinematics(BODY, motion.root, rotations_of(motion.rotations))


def lanes(talk: Talk, performance: Performance, start: float, seconds: float, wide: int) -> Image:
    """Sound, stresses, words, hands and head from ``start`` on, ``wide`` pixels for ``seconds``."""
    scale = wide / seconds
    tall = WAVE + WORD + 3 * LANE
    image = np.empty((tall, wide, 3), np.uint8)
    image[:] = CARD

    def x(time: float) -> int:
        return round((time - start) * scale)

    _wave(image, talk, start, seconds)
    for stress in talk.stresses:
        if start <= stress.time < start + seconds:
            top = round(WAVE * (1.0 - 0.25 - 0.75 * stress.strength))
            cv2.line(image, (x(stress.time), top), (x(stress.time), tall), PARTNER_INK, 1)
            cv2.circle(image, (x(stress.time), max(top, 3)), 3, PARTNER_INK, -1, cv2.LINE_AA)
    for word in talk.words:
        if word.end > start and word.start < start + seconds:
            cv2.line(image, (x(word.start), WAVE), (x(word.start), WAVE + WORD - 4), DIM, 1)
            text(image, word.text, x(word.start) + 2, WAVE + 13, 0.36, INK)
    for gesture in performance.gestures:
        for number, side in enumerate(("right", "left")):
            if gesture.hands in (side, "both"):
                middle = WAVE + WORD + number * LANE + LANE // 2
                ink = HAND_INK[side]
                cv2.line(image, (x(gesture.prep), middle), (x(gesture.rest), middle), ink, 1)
                cv2.line(image, (x(gesture.apex), middle), (x(gesture.retract), middle), ink, 3)
                corners = (x(gesture.stroke), middle - 4), (x(gesture.apex), middle + 4)
                cv2.rectangle(image, *corners, ink, -1)
    middle = WAVE + WORD + 2 * LANE + LANE // 2
    for nod in performance.nods:
        corner = np.array([(x(nod.start), middle - 4), (x(nod.apex), middle + 4), (x(nod.end), middle - 4)], np.int32)
        cv2.polylines(image, [corner], False, NOD_INK, 1, cv2.LINE_AA)
    return image


def _wave(image: Image, talk: Talk, start: float, seconds: float) -> None:
    """The sound's outline, a column a pixel."""
    wide = image.shape[1]
    edges = np.round((start + np.arange(wide + 1) * seconds / wide) * SAMPLE_RATE).astype(int)
    for column in range(wide):
        piece = talk.pcm[max(edges[column], 0) : max(edges[column + 1], 0)]
        if piece.size:
            high = round(float(np.clip(2.5 * np.abs(piece).max(), 0.0, 1.0)) * (WAVE / 2 - 2))
            image[WAVE // 2 - high : WAVE // 2 + high + 1, column] = AVATAR_INK


def _row(talk: Talk, performance: Performance, at: NDArray[np.float32], start: float) -> Image:
    wide = round(ROW_S * RATE / EVERY) * TILE[0]
    ground = lanes(talk, performance, start, ROW_S, wide)
    image = np.empty((TILE[1] + len(ground) + 6, wide, 3), np.uint8)
    image[:] = PAPER
    first = round(start * RATE)
    for number, frame in enumerate(range(first, min(first + round(ROW_S * RATE), len(at)), EVERY)):
        # what is seen is in the middle of the frame, and stands over that moment
        put(image, (number * TILE[0], 0, *TILE), _scene(at[frame], TILE))
        text(image, f"{frame / RATE:.1f}", number * TILE[0] + 3, 12, 0.32, DIM)
    image[TILE[1] : TILE[1] + len(ground)] = ground
    return image


def _frames(talk: Talk, performance: Performance, at: NDArray[np.float32]) -> Iterator[Image]:
    wide, tall = FILM
    ink = tuple(int(value) for value in INK)
    for frame in range(len(at)):
        now = (frame + 0.5) / RATE
        ground = lanes(talk, performance, now - SEEN_S, WINDOW_S, wide)
        cursor = round(SEEN_S / WINDOW_S * wide)
        cv2.line(ground, (cursor, 0), (cursor, len(ground)), ink, 1)
        body = _scene(at[frame], (wide, tall - len(ground)))
        text(body, f"{performance.persona.name}   {talk.name}   {now:.1f} s", 12, 22, 0.45, DIM)
        yield np.concatenate([body, ground])


def _scene(at: NDArray[np.float32], size: tuple[int, int]) -> Image:
    return draw_scene([StageBody(at, BODY.to_dict())], CAMERA, size)
