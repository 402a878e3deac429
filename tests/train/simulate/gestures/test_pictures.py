"""Strips and films: bodies stand over their moment, stresses and strokes are drawn where they are."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from clients.opencv.panel import PARTNER_INK
from engine.errors import EngineError
from tests.train.simulate.gestures.talks import spoken
from train.simulate.gestures.compose import RATE, compose
from train.simulate.gestures.library import load_library
from train.simulate.gestures.persona import PERSONAS
from train.simulate.gestures.pictures import EVERY, HAND_INK, ROW_S, TILE, WAVE, WORD, film, lanes, strip
from train.simulate.gestures.plan import Gesture, Performance

TALK = spoken(phrases=1)
LIBRARY = load_library(None)
MADE = Gesture("left", "open.left", 1.0, 1.6, 2.0, 2.5, 3.0, 1.0, 0)
PERFORMANCE = Performance((MADE,), (), PERSONAS[0])


def of(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.asarray((image == np.array(colour, np.uint8)).all(-1))


def test_stresses_and_strokes_stand_at_their_times() -> None:
    image = lanes(TALK, PERFORMANCE, 0.0, 4.0, 800)
    marks = np.flatnonzero(of(image, PARTNER_INK)[-2])
    wanted = [round(stress.time * 200) for stress in TALK.stresses if stress.time < 4.0]
    assert marks.tolist() == sorted(set(wanted))
    thick = of(image, HAND_INK["left"])[WAVE + WORD :].sum(0) >= 8
    columns = np.flatnonzero(thick)
    assert abs(columns[0] - 320) <= 1 and abs(columns[-1] - 400) <= 1
    assert not of(image, HAND_INK["right"]).any()


def test_a_strip_has_a_body_for_every_third_frame() -> None:
    motion = compose(PERFORMANCE, LIBRARY, 4.4, np.random.default_rng(0))
    image = strip(TALK, PERFORMANCE, motion, 0.0, 4.4)
    columns = round(ROW_S * RATE / EVERY)
    assert image.shape[1] == columns * TILE[0] and image.shape[0] % 2 == 0
    row = image[: TILE[1]]
    still, struck = (row[:, k * TILE[0] + 4 : (k + 1) * TILE[0]] for k in (2, 11))
    assert np.abs(still[20:].astype(int) - struck[20:]).mean() > 1.0
    with pytest.raises(EngineError, match=r"4\.4 s"):
        strip(TALK, PERFORMANCE, motion, 9.0, 12.0)


def test_a_film_has_its_frames_and_its_sound(tmp_path: Path) -> None:
    motion = compose(PERFORMANCE, LIBRARY, 1.0, np.random.default_rng(0))
    path = tmp_path / "talk.mp4"
    assert film(path, TALK, PERFORMANCE, motion) == RATE
    with av.open(str(path)) as file:
        assert len(list(file.decode(file.streams.video[0]))) == RATE
    with av.open(str(path)) as file:
        heard = sum(frame.samples for frame in file.decode(file.streams.audio[0]))
    assert abs(heard / 16_000 - 1.0) < 0.15
