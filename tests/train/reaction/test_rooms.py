"""Rooms drawn for training: the voice stays what it is, what is around it is what the room's name says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.contract import initial_state
from models.layers import Pitch
from train.reaction.rooms import ROOMS, SNR_DB, hear_in_room
from train.simulate.talk import HOP, RATE
from train.speech.rooms import dbfs


def voice(seconds: float = 4.0, seed: int = 0) -> np.ndarray:
    """A buzz in syllables, (n,)."""
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * (110 + 20 * seed) * time + 2 * np.sin(2 * np.pi * 0.7 * time)
    buzz = sum(np.sin(k * phase) / k for k in range(1, 15))
    return (0.05 * buzz * (0.5 + 0.5 * np.sin(2 * np.pi * 4 * time))).astype(np.float32)


def voiced_share(sound: np.ndarray) -> float:
    layer = Pitch(RATE, HOP, 4)
    hops = torch.from_numpy(sound[: len(sound) // HOP * HOP]).reshape(1, -1, HOP)
    with torch.inference_mode():
        track, _ = layer(hops, initial_state(layer.state_specs(), 1))
    return float((track.periodicity > 0.7).float().mean())


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_keeps_the_length_and_changes_the_sound_and_the_same_draw_is_the_same_room(name: str) -> None:
    others = [voice(3.0, 1), voice(5.0, 2)]
    first, again, other = (ROOMS[name](voice(), np.random.default_rng(seed), others) for seed in (1, 1, 2))
    assert first.shape == voice().shape and first.dtype == np.float32 and np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - voice()).max() > 1e-4 and (np.abs(first - other).max() > 1e-6 or name == "calling")


@pytest.mark.parametrize(("name", "kind"), [("noisy", "noise"), ("crowded", "people"), ("playing", "music")])
def test_what_is_added_is_below_the_voice(name: str, kind: str) -> None:
    low, high = SNR_DB[kind]
    below = []
    for seed in range(8):
        added = ROOMS[name](voice(), np.random.default_rng(seed), [voice(3.0, 1)]) - voice()
        below.append(dbfs(voice()) - dbfs(added))
    assert low - 0.1 <= min(below) < max(below) - 3.0 <= high - 2.9


def test_where_nobody_else_is_there_is_no_crowd() -> None:
    for seed in range(20):
        assert np.isfinite(hear_in_room(voice(1.0), np.random.default_rng(seed), [])).all()


def test_a_whisper_has_no_voice_and_its_syllables() -> None:
    whisper = ROOMS["whispered"](voice(), np.random.default_rng(0), [])
    assert voiced_share(voice()) > 0.6 and voiced_share(whisper) < 0.1
    spoken, said = (np.square(sound[: 4 * RATE]).reshape(-1, 400).mean(1) for sound in (voice(), whisper))
    assert np.corrcoef(np.log(spoken + 1e-9), np.log(said + 1e-9))[0, 1] > 0.7


def test_a_drawn_room_is_as_loud_as_the_voice_was() -> None:
    for seed in range(8):
        sound = hear_in_room(voice(), np.random.default_rng(seed), [voice(3.0, 1)])
        assert np.abs(sound).max() <= 1.0 and sound.dtype == np.float32
        assert 10 * np.log10(np.mean(sound**2) / np.mean(voice() ** 2)) == pytest.approx(0.0, abs=1.0)
