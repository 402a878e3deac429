"""The rule listener answers smiles of a tracked mouth, and not its articulation."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.channels import FACE
from models.listener_rules.mirror import Mirror
from train.report import events
from train.simulate.voices import captured_face

FPS = 25.0
SMILE = [FACE["mouthSmileLeft"], FACE["mouthSmileRight"]]
FRAMES, EVERY, FIRST, LASTS = 1500, 200, 100, 50
"""Frames of a face, from smile to smile, before the first and of each."""


def talking(frames: int) -> np.ndarray:
    """A face that talks: the jaw opens four times a second, the corners go up for 0.4 s every 2 s, lips round."""
    time, face = np.arange(frames) / FPS, np.zeros((frames, 58), np.float32)
    face[:, FACE["jawOpen"]] = 0.2 + 0.15 * np.sin(2 * np.pi * 4.0 * time)
    face[:, FACE["mouthPucker"]] = 0.5 * (time % 1.5 < 0.2)
    face[:, SMILE] = 0.45 * (time % 2.0 < 0.4)[:, None]
    return face


def smiling(face: np.ndarray, size: float) -> tuple[np.ndarray, list[float]]:
    """``face`` with smiles of ``size`` that last two seconds and give way to rounding lips, and their times (s)."""
    face, starts = face.copy(), range(FIRST, len(face) - LASTS, EVERY)
    for start in starts:
        span = slice(start, start + LASTS)
        kept = 1.0 - face[span, FACE["mouthPucker"], None]
        face[span, SMILE] = np.maximum(face[span, SMILE], size * kept)
    return face, [start / FPS for start in starts]


def answers(face: np.ndarray) -> list[float]:
    """Times (s) at which the listener begins to smile."""
    mirror, one, none = Mirror(), torch.ones(1), torch.zeros(1)
    state, shown = torch.zeros(1, len(mirror.fields)), np.zeros((len(face), 58), np.float32)
    for t, row in enumerate(torch.from_numpy(face)):
        level, state = mirror(row[None], one, one, one, none, torch.full((1, mirror.draws), 0.5), state)
        shown[t, SMILE] = float(level["smile"])
    return events.smiles(shown, FPS)


@pytest.mark.parametrize("size", [0.35, 0.8])
@pytest.mark.parametrize("talks", [False, True])
def test_a_smile_is_answered_in_silence_and_while_talking(talks: bool, size: float) -> None:
    face, smiles = smiling(talking(FRAMES) if talks else np.zeros((FRAMES, 58), np.float32), size)
    begun = answers(face)
    latest = 1.5 if talks else 0.9
    assert all(any(0.2 <= begin - smile <= latest for begin in begun) for smile in smiles)
    assert len(begun) == len(smiles)


def test_articulation_is_not_answered_and_the_same_corners_of_a_still_mouth_are() -> None:
    face = talking(FRAMES)
    assert not answers(face)
    still = face.copy()
    still[:, [FACE["jawOpen"], FACE["mouthPucker"]]] = 0.0
    assert len(answers(still)) > 10


def test_a_face_that_goes_away_is_no_smile() -> None:
    face = np.zeros((FRAMES, 58), np.float32)
    face[FIRST:, SMILE] = 0.7
    mirror, one, none = Mirror(), torch.ones(1), torch.zeros(1)
    state, half = torch.zeros(1, len(mirror.fields)), torch.full((1, mirror.draws), 0.5)
    for t, row in enumerate(torch.from_numpy(face)):
        level, state = mirror(row[None], torch.tensor([float(t < FIRST)]), one, one, none, half, state)
    assert float(level["smile"]) < 0.1


def test_people_who_read_aloud_are_hardly_smiled_at() -> None:
    folder = Path(os.environ.get("ENGINE_DATA", "")) / "face_grid_av" / "arkit_audio"
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        pytest.skip("needs the GRID clips of $ENGINE_DATA")
    clips = [captured_face(path, 75).face for path in paths[:60]]
    assert len(answers(np.concatenate(clips))) <= 1.0 * len(clips) * 75 / FPS / 60.0
