"""The rulers find what was put there: nods, blinks, looks away, jumps, freezes, and where in frequency motion lies."""

from __future__ import annotations

import numpy as np
import pytest

from engine.channels import FACE
from train.report import events

FPS = 25.0


def still(seconds: float) -> np.ndarray:
    face = np.zeros((round(seconds * FPS), 58), np.float32)
    face[:, FACE["headX"]] = 2e-4 * np.arange(len(face))  # never frozen
    return face


def test_nods_are_counted_and_slow_looks_down_are_not() -> None:
    face, time = still(60.0), np.arange(1500) / FPS
    for start in (5.0, 20.0, 40.0):
        phase = np.clip((time - start) * 2.0, 0.0, 2.0)  # two cycles at 2 Hz
        face[:, FACE["headPitch"]] += np.radians(5.0) * 0.5 * (1.0 - np.cos(2 * np.pi * phase))
    face[:, FACE["headPitch"]] += np.radians(6.0) * np.sin(2 * np.pi * 0.05 * time)
    assert events.nods(face, FPS) == pytest.approx([5.0, 20.0, 40.0], abs=0.2)


def test_blinks_need_both_lids_to_close_far_enough() -> None:
    face = still(10.0)
    for start, depth in ((50, 1.0), (100, 0.3), (150, 0.8)):
        face[start : start + 5, [FACE["eyeBlinkLeft"], FACE["eyeBlinkRight"]]] = depth
    assert events.blinks(face, FPS) == [2.0, 6.0]


def test_gaze_counts_eyes_and_head_together() -> None:
    face = still(10.0)
    face[50:100, FACE["headYaw"]] = np.radians(14.0)
    face[50:100, [FACE["eyeLookInLeft"], FACE["eyeLookOutRight"]]] = 14.0 / 35.0  # eyes stay where they looked
    assert events.away_share(face) == 0.0
    face[50:100, [FACE["eyeLookInLeft"], FACE["eyeLookOutRight"]]] = 0.0
    assert events.away_share(face) == pytest.approx(0.2)


def test_steps_and_freezes() -> None:
    face = still(10.0)
    assert events.longest_freeze(face, FPS) < 0.2
    face[100:151] = face[100]
    assert events.longest_freeze(face, FPS) == pytest.approx(2.0, abs=0.1)
    face[200:, FACE["jawOpen"]] = 0.5
    face[200:, FACE["eyeBlinkLeft"]] = 1.0  # lids may jump
    assert events.largest_step(face) == pytest.approx(0.5)


def test_band_shares_and_speed() -> None:
    time = np.arange(1000) / FPS
    signal = np.stack([np.sin(2 * np.pi * 0.5 * time), np.sin(2 * np.pi * 3.0 * time)], 1)
    low, middle, high = events.band_shares(signal, FPS, (0.0, 1.0, 5.0, 12.5))
    assert low == pytest.approx(0.5, abs=0.01) and middle == pytest.approx(0.5, abs=0.01) and high < 1e-3
    face = still(4.0)
    face[:, FACE["headYaw"]] = np.radians(10.0) * np.arange(100) / FPS
    assert events.head_speed(face, FPS) == pytest.approx(np.full(99, 10.0), abs=1e-3)
    assert events.jerk(np.arange(100.0)[:, None] ** 3, 1.0) == pytest.approx(6.0)
