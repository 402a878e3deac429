"""Faces as trackers give them: what one lacks stays away, what it has keeps its movement, a rest is a rest."""

from __future__ import annotations

import numpy as np

from engine.channels import EXPRESSION_NAMES, FACE
from train.reaction import trackers
from train.reaction.crops import Crops
from train.reaction.trackers import Tracker, draw

from .toy import settings, toy


def many(count: int = 400) -> list[Tracker]:
    return [draw(np.random.default_rng(seed)) for seed in range(count)]


def test_no_channel_of_a_smile_can_be_relied_on_but_most_trackers_have_its_corners() -> None:
    drawn = many()
    squint = np.array([one.gain[FACE["cheekSquintLeft"]] for one in drawn])
    corner = np.array([one.gain[FACE["mouthSmileLeft"]] for one in drawn])
    assert 0.4 < (squint == 0.0).mean() < 0.65
    assert 0.0 < (corner == 0.0).mean() < 0.08
    assert 0.2 < np.log(corner[corner > 0.0]).std() < 0.4
    assert ((squint == 0.0) & (corner > 0.0)).mean() > 0.4


def test_both_sides_of_a_face_are_there_or_not() -> None:
    for one in many(60):
        for name in EXPRESSION_NAMES:
            if name.endswith("Left") and name not in ("jawLeft", "mouthLeft"):
                assert one.gain[FACE[name]] == one.gain[FACE[name.removesuffix("Left") + "Right"]]


def test_a_tracker_shows_gain_and_rest_and_noise_on_what_it_has() -> None:
    gain, rest = np.ones(52, np.float32), np.zeros(52, np.float32)
    gain[0], rest[1], gain[2] = 0.5, 0.4, 0.0
    still = Tracker(gain, rest, 0.0)
    weights = np.tile(np.array([0.0, 0.6, 1.0], np.float32)[:, None], (1, 52))
    shown = still.show(weights, np.random.default_rng(0))
    np.testing.assert_allclose(shown[:, 0], [0.0, 0.3, 0.5], atol=1e-6)
    np.testing.assert_allclose(shown[:, 1], [0.4, 0.76, 1.0], atol=1e-6)
    assert not shown[:, 2].any()
    np.testing.assert_allclose(shown[:, 5], weights[:, 5])
    noisy = Tracker(gain, rest, 0.01).show(np.full((2000, 52), 0.5, np.float32), np.random.default_rng(0))
    assert 0.009 < noisy[:, 5].std() < 0.011 and not noisy[:, 2].any()


def test_the_kinds_come_as_often_as_they_should() -> None:
    rests = np.array([one.rest[FACE["eyeSquintLeft"]] for one in many()])
    assert abs((rests > 0.15).mean() - trackers.SHARES["mediapipe"]) < 0.08
    assert max(one.rest.max() for one in many()) <= 0.8


def test_a_visit_has_one_tracker_and_one_room() -> None:
    streams = toy(frames=400)
    rooms = np.concatenate([streams.heard.numpy(), streams.heard.numpy() + 10.0])
    import dataclasses

    import torch

    streams = dataclasses.replace(streams, heard=torch.from_numpy(rooms))
    asked = settings(steps=60, rows=4, trackers=1.0, face_off=0.0, audio_off=0.0)
    crops, seen, heard = Crops(streams, asked, codes=7), {}, {}
    for step, batch in enumerate(crops):
        for row in range(4):
            place = crops.itinerary.at(row, step)
            far = batch["streams"]["heard"][row].mean() > 5.0
            assert heard.setdefault((row, place.visit), far) == far
            lacks = tuple(np.flatnonzero((batch["streams"]["partner_face"][row, :, :52] == 0).all(0).numpy()))
            assert seen.setdefault((row, place.visit), lacks) == lacks
    assert set(heard.values()) == {True, False} or {bool(value) for value in heard.values()} == {True, False}
    assert len(set(seen.values())) > 3
