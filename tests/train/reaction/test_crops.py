"""What rows read: every crop once a lap, the same after a restart, with the faults that were asked for."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from engine.errors import EngineError
from models.reaction import CONFIGS, Reaction
from tests.train.reaction.toy import settings, toy
from train.reaction.crops import Crops, Itinerary, Validation
from train.reaction.faults import NEVER_S, draw
from train.reaction.streams import HOP, encode, hear
from train.reaction.tokens import statistics

FRAMES = np.array([130, 75, 260, 99])


def test_each_lap_of_a_row_reads_every_crop_once_and_in_order() -> None:
    way = Itinerary(FRAMES, rows=5, crop=25, seed=3)
    for row in range(5):
        first = next(step for step in range(1, 50) if way.at(row, step).crop == 0)
        skipped = int(way.crops[way.at(row, 0).stream]) - first
        start = way.total - skipped  # the first lap is shorter by what the row left out of its first stream
        lap = [way.at(row, start + step) for step in range(way.total)]
        assert sorted((place.stream, place.crop) for place in lap) == [
            (stream, crop) for stream, count in enumerate(way.crops) for crop in range(count)
        ]
        assert all(b.crop == a.crop + 1 if b.visit == a.visit else b.crop == 0 for a, b in pairwise(lap))


def test_rows_go_their_own_ways() -> None:
    way = Itinerary(np.full(6, 1000), rows=8, crop=25, seed=0)
    begins = [{step for step in range(1, 200) if way.at(row, step).crop == 0} for row in range(8)]
    assert all(begins) and len({min(steps) for steps in begins}) == 8
    assert len({tuple(way.at(row, step).stream for step in range(240)) for row in range(8)}) == 8


def test_a_place_follows_from_seed_and_step_alone() -> None:
    forward, anew = Itinerary(FRAMES, 3, 20, seed=1), Itinerary(FRAMES, 3, 20, seed=1)
    places = [[forward.at(row, step) for row in range(3)] for step in range(120)]
    assert [anew.at(row, 119) for row in range(3)] == places[-1]
    assert [anew.at(row, 7) for row in range(3)] == places[7]
    other = Itinerary(FRAMES, 3, 20, seed=2)
    assert [[other.at(row, step) for row in range(3)] for step in range(120)] != places


def test_a_crop_longer_than_a_stream_is_refused() -> None:
    with pytest.raises(EngineError, match="75 frames"):
        Itinerary(FRAMES, 2, 100, 0)


def test_batches_go_on_where_they_were_set_back() -> None:
    streams = toy()
    crops = Crops(streams, settings(steps=9), codes=5)
    batches = list(crops)
    again = Crops(streams, settings(steps=9), codes=5)
    again.load_state_dict({"step": 6})
    for one, other in zip(batches[6:], again, strict=True):
        assert one["seed"] == other["seed"]
        for name in ("ids", "previous", "own", "new"):
            assert torch.equal(one[name], other[name])
        assert all(torch.equal(one["streams"][name], other["streams"][name]) for name in one["streams"])
    assert len({batch["seed"] for batch in batches}) == 9


def test_each_row_is_told_how_often_its_people_nod() -> None:
    crops = Crops(toy(), settings(), codes=5)
    batch = crops.batch(0)
    streams = [crops.itinerary.at(row, 0).stream for row in range(3)]
    told = batch["streams"]["nod_rate"]
    assert told.shape == (3, 25)
    torch.testing.assert_close(told, (1.0 + torch.tensor(streams) / 10)[:, None].expand(3, 25))


def test_previous_ids_are_those_of_the_frame_before() -> None:
    batches = list(Crops(toy(), settings(steps=30), codes=7))
    assert batches[0]["new"].all() and sum(int(batch["new"].sum()) for batch in batches[1:]) > 4
    for before, batch in pairwise(batches):
        assert torch.equal(batch["previous"][:, 1:], batch["ids"][:, :-1])
        new = batch["new"]
        assert (batch["previous"][new, 0] == 7).all()
        assert torch.equal(batch["previous"][~new, 0], before["ids"][~new, -1])


def test_validation_walks_whole_streams_without_faults() -> None:
    streams = toy()
    batches = list(Validation(streams, settings(face_off=0.9, audio_off=0.9), codes=7))
    rows = torch.cat([batch["ids"] for batch in batches], 1)
    for row, start in zip(rows, streams.start, strict=True):
        assert torch.equal(row, streams.ids[start : start + len(row)].long())
    for batch in batches:
        seen = batch["streams"]
        assert seen["partner_face_valid"].all() and seen["partner_audio_valid"].all() and batch["own"].all()
    assert [bool(batch["new"].any()) for batch in batches] == [True] + [False] * (len(batches) - 1)


def test_faults_take_the_share_that_was_asked_for() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw(rng, 2000, face_off=0.3, audio_off=0.1) for _ in range(400)]
    assert np.mean([1 - faults.face.mean() for faults in drawn]) == pytest.approx(0.3, abs=0.05)
    assert np.mean([1 - faults.audio.mean() for faults in drawn]) == pytest.approx(0.1, abs=0.03)
    whole = [faults for faults in drawn if not faults.face.any()]
    assert whole and all((faults.age == NEVER_S).all() for faults in whole)
    for faults in drawn[:50]:
        held = np.arange(2000) - faults.shown
        seen = faults.face > 0
        assert set(held) <= {0, 1}
        assert (faults.age[seen] < 0.1).all() and (faults.age[seen] >= held[seen] * 0.04).all()
        gone = np.flatnonzero(~seen[1:] & ~seen[:-1]) + 1
        assert (np.diff(faults.age)[gone - 1] >= 0).all()
    perfect = draw(rng, 500, 0.0, 0.0)
    assert perfect.face.all() and perfect.audio.all()


def test_a_lost_face_is_zero_and_a_slow_camera_shows_the_one_before() -> None:
    streams = toy()
    crops = Crops(streams, settings(steps=40, face_off=0.4, trackers=0.0), codes=7)
    held = 0
    for step, batch in enumerate(crops):
        seen, face = batch["streams"]["partner_face_valid"] > 0, batch["streams"]["partner_face"]
        assert (face[~seen] == 0).all()
        for row in range(len(face)):
            place = crops.itinerary.at(row, step)
            frame = streams.talk_start[place.stream] + place.crop * 25 + np.arange(25)
            now, before = streams.face[frame], streams.face[np.maximum(frame - 1, 0)]
            same = (face[row] == now).all(-1)
            assert (same | (face[row] == before).all(-1) | ~seen[row]).all()
            held += int((~same & seen[row]).sum())
    assert held > 0


def test_talks_side_by_side_are_heard_and_coded_as_if_alone() -> None:
    torch.manual_seed(0)
    model, rng = Reaction(CONFIGS["tiny"]), np.random.default_rng(0)
    sounds = [(0.1 * rng.standard_normal(count * HOP)).astype(np.float32) for count in (20, 9)]
    together = hear(model, sounds)
    for sound, heard in zip(sounds, together, strict=True):
        assert heard.shape == (len(sound) // HOP, model.hearing.width)
        torch.testing.assert_close(hear(model, [sound])[0], heard, rtol=1e-4, atol=1e-5)
    model.tokenizer.analysis.normal_()
    faces = [rng.random((count, 58)).astype(np.float32) for count in (11, 30)]
    for face, ids in zip(faces, encode(model, faces), strict=True):
        assert torch.equal(encode(model, [face])[0], ids)
        assert len(ids) == len(face)


def test_tables_know_what_ids_are_like() -> None:
    streams = toy(streams=4, frames=3000)
    found = statistics(streams, streams, (2, 8))
    # The first id changes with a chance of 1 / 20; the second stays with one of 0.9, else it is one of 4 of 8 codes.
    assert found["unigram"][0] == pytest.approx(math.log(2), abs=0.01)
    assert found["markov"][0] == pytest.approx(0.2, abs=0.02)
    stays, moves = 0.9 + 0.1 / 4, 0.1 / 4
    assert found["markov"][1] == pytest.approx(-stays * math.log(stays) - 3 * moves * math.log(moves), abs=0.05)
    assert found["unigram"][1] == pytest.approx(math.log(4), abs=0.05)
    assert found["usage"] == [1.0, 0.5] and found["perplexity"][1] == pytest.approx(4, abs=0.2)
