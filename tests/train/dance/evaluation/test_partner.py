"""Beside a partner: distances and angles of known poses, lags of known speeds, and rows of a bundle that watches."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from engine.body.motion import facing
from engine.errors import EngineError
from tests.train.dance.bodies import CMU, dancer
from tests.train.dance.evaluation.toys import STANDS_M, people, swinger, takes
from train.dance.evaluation import partner
from train.dance.evaluation.served import Dancer

REST = np.repeat(CMU.rest_positions()[None], 90, 0)
OPPOSITE = REST * np.array([-1.0, 1.0, -1.0], np.float32)


def test_relations_of_known_places() -> None:
    ahead = REST + np.array([0.0, 0.0, 2.0])
    found = partner.relation(REST, ahead, CMU)[0]
    assert found == pytest.approx([2.0, 0.0, 0.0], abs=1e-3)
    left = partner.relation(REST, OPPOSITE + np.array([1.5, 0.0, 0.0]), CMU)[0]
    assert left[0] == pytest.approx(1.5, abs=0.1) and np.degrees(left[1]) == pytest.approx(90.0, abs=8.0)
    assert abs(np.degrees(left[2])) == pytest.approx(180.0, abs=1e-3)
    assert float(facing(CMU, REST)[0]) == pytest.approx(0.0, abs=1e-3)


def test_one_who_follows_has_a_positive_lag() -> None:
    rng = np.random.default_rng(0)
    drive = np.convolve(rng.standard_normal(400), np.ones(9) / 9, "same")
    limb = np.zeros((400, len(CMU.joints), 3), np.float32)
    limb[:, CMU.index("lHand"), 1] = np.cumsum(drive)
    found = partner.correlations(np.roll(limb, 12, 0)[20:], limb[20:])
    assert found.argmax() - 30 == 12 and found.max() > 0.95
    still = np.zeros_like(limb)
    assert (partner.correlations(still, limb) == 0.0).all()


def test_a_bundle_that_watches_stands_where_it_should(tmp_path: Path) -> None:
    bundle = swinger(tmp_path)
    truth, _, _ = people()
    found = partner.measure({"toy": Dancer(bundle, 2, 100, 0)}, truth, takes(), CMU, 20, 0)
    assert {row.groups for row in found.results} == {3} and [row.name for row in found.results] == [
        "truth",
        "toy, seeing",
        "toy, not seeing",
        "toy, wrong partner",
    ]
    seeing, alone = found.result("toy, seeing"), found.result("toy, not seeing")
    assert seeing.value("distance") == pytest.approx(STANDS_M, abs=0.1) and seeing.value("faced") > 0.5 > alone.value(
        "faced"
    )
    assert found.result("truth").value("distance_off") == 0.0 == found.result("truth").value("facing_off")
    told = "\n".join(found.sentences())  # the toys of the truth face one way, the bundle turns to its partner
    assert re.search("facing .* seeing, by .* not seeing: surely worse", told)
    assert re.search("bearing .* seeing, by .* wrong partner: surely better", told)
    assert found.parts() == [found.table] and len(found.text()) == 6
    assert found.as_json()["rows"]["truth"]["metrics"]["facing_off"]["value"] == 0.0
    with pytest.raises(EngineError, match="none of no bundles has a body as input"):
        partner.measure({}, truth, takes(), CMU, 20, 0)
    alone_takes = [take for take in takes() if not take.partner]
    with pytest.raises(EngineError, match="0 held-out pairs"):
        partner.measure({"toy": Dancer(bundle, 2, 100, 0)}, truth, alone_takes, CMU, 20, 0)


def test_damaged_frames_are_left_out() -> None:
    body, other = dancer(1, 90).positions, dancer(1, 90, seed=1).positions
    broken = body.copy()
    broken[50:60] += 9.0
    sound = np.ones(70, bool)
    assert partner.tally(broken, body, other, sound, 20, CMU).sums["off"][0] > 1.0
    sound[30:40] = False
    found = partner.tally(broken, body, other, sound, 20, CMU)
    assert found.sums["off"][0] == 0.0 and found.sums["frames"] == 60
