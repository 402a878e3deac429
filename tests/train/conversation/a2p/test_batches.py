"""Crops and windows: which frames, their sound and masks, the same for the same seed and step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from train.conversation.a2p.batches import A2PBatches, Crop, Source, Take, Validation, takes_of, windows
from train.conversation.a2p.config import Config
from train.conversation.a2p.layout import HOP, PersonFolder
from train.conversation.a2p.models import build
from train.conversation.a2p.recipes import keys_of
from train.conversation.a2p.settings import Settings
from train.run.settings import settings_of


@pytest.fixture(scope="module")
def takes(person: Path) -> list[Take]:
    folder = PersonFolder(person)
    return takes_of(folder, "train", None, folder.stats)


def test_crops_follow_from_seed_and_step(takes: list[Take], person: Path) -> None:
    folder = PersonFolder(person)
    settings = settings_of(Settings, {"config": "tiny", "stage": "pose", "segment": 60, "shortest": 30, "steps": 9})
    source = Source("pose", folder.stats, None)
    batches = A2PBatches(takes, source, settings)
    one, again, other = batches.batch(3), batches.batch(3), batches.batch(4)
    assert torch.equal(one["target"], again["target"]) and one["seed"] == again["seed"]
    assert not torch.equal(one["target"], other["target"])
    lengths = torch.cat([batches.batch(step)["lengths"] for step in range(20)])
    assert 30 <= int(lengths.min()) < 36 and 54 < int(lengths.max()) <= 60
    for row, length, mask in zip(one["target"], one["lengths"], one["mask"], strict=True):
        assert mask.sum() == length and not row[length:].any()
    poses = np.concatenate([take.scene.poses() for take in takes])
    scaled = (poses - folder.stats.pose_mean) / folder.stats.pose_std
    assert np.abs(scaled[:, None] - one["target"][0, 0].numpy()).sum(-1).min() < 1e-4


def test_windows_cover_the_scenes(takes: list[Take]) -> None:
    found = windows(takes, 60)
    assert [(crop.first, crop.last) for crop in found] == [(0, 60), (60, 90), (0, 60), (60, 91)]


def test_validation_is_the_same_each_time(takes: list[Take], person: Path) -> None:
    settings = settings_of(Settings, {"config": "tiny", "stage": "pose", "segment": 60, "shortest": 30, "checked": 3})
    found = Validation(takes, Source("pose", PersonFolder(person).stats, None), settings)
    assert len(found) == 1 and [int(value) for value in next(iter(found))["lengths"]] == [60, 60, 31]


def test_sound_of_a_crop_is_that_of_its_frames(person: Path) -> None:
    folder, model = PersonFolder(person), build(Config("pose", "tiny", segment=60))
    assert model.ears is not None
    take = takes_of(folder, "train", model.ears, folder.stats)[0]
    assert take.rows is not None
    sound = Crop(take, 10, 40, 60).sound(model.ears)
    assert torch.equal(sound[:60], take.rows[20:80])
    assert torch.equal(sound[60:], torch.full_like(sound[60:], model.ears.silence))
    quiet = model.ears.rows(np.zeros((4 * HOP, 2), np.float32))
    assert torch.allclose(quiet, torch.full_like(quiet, model.ears.silence))


def test_guide_poses_are_those_of_every_second() -> None:
    frames, mask = torch.arange(100.0)[None, :, None], (torch.arange(100) < 65)[None]
    keys = keys_of(frames, mask)
    assert keys.poses.flatten().tolist() == [0, 30, 60, 90] and keys.known.tolist() == [[True, True, True, False]]
