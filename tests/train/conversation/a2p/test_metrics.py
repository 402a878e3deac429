"""The published measures on arrays that can be done by hand, and files that are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.conversation.a2p.sets import run
from train.conversation.a2p.command import score
from train.conversation.a2p.metrics import lips, scores, spread
from train.conversation.a2p.results import read_results
from train.files import FileError


def test_motions_like_the_truth_have_no_distance() -> None:
    truth = np.random.default_rng(0).normal(size=(4, 3, 50))
    found = scores(truth, truth, 2)
    assert found.fd_g == pytest.approx(0.0, abs=1e-6) and found.fd_k == pytest.approx(0.0, abs=1e-6)
    assert found.div_sample == pytest.approx(truth.reshape(2, 2, 3, 50).var(0).mean())
    assert found.div_k == pytest.approx(truth.var(2).mean())


def test_distances_are_those_of_gaussians() -> None:
    truth = np.array([[[0.0, 2.0, 0.0, 2.0]]])  # mean 1, variance 1; differences 2, -2, 2
    made = np.array([[[3.0, 7.0, 3.0, 7.0]]])  # mean 5, variance 4; differences 4, -4, 4
    found = scores(made, truth, 1)
    assert found.fd_g == pytest.approx(16 + (2 - 1) ** 2)
    mean, deviation = 4 / 3 - 2 / 3, np.sqrt(np.var([4, -4, 4])) - np.sqrt(np.var([2, -2, 2]))
    assert found.fd_k == pytest.approx(mean**2 + deviation**2)
    assert found.div_k == pytest.approx(4.0) and np.isnan(found.div_sample)


def test_frames_behind_the_end_do_not_count() -> None:
    rng = np.random.default_rng(0)
    made, truth = rng.normal(size=(4, 3, 1, 20)), rng.normal(size=(4, 3, 1, 20))
    lengths = np.array([20, 12, 20, 12])
    plain = scores(made, truth, 2, lengths)
    made[[1, 3], :, :, 12:] = 99.0
    truth[1, :, :, 12:] = -99.0
    assert scores(made, truth, 2, lengths) == plain
    assert scores(made, truth, 2).fd_g > 100


def test_the_spread_is_of_pairs_without_replacement() -> None:
    same = np.ones((50, 4))
    assert spread(same, 0) == 0
    both = np.repeat([[0.0, 0.0], [3.0, 4.0]], 20_000, 0)
    assert spread(both, 0) == pytest.approx(2.5, abs=0.1)
    few = np.array([[0.0], [1.0], [2.0]])
    rng = np.random.default_rng(4)
    one, other = (rng.choice(3, 3, replace=False) for _ in range(2))
    assert spread(few, 4) == pytest.approx(np.abs(one - other).mean())


def test_repetitions_are_over_the_same_sound() -> None:
    samples = np.array([[[0.0, 0.0]], [[10.0, 10.0]]])
    made = np.concatenate([samples, samples + 2.0])  # sample s of repetition r at r * B + s
    assert scores(made, np.concatenate([samples] * 2), 2).div_sample == pytest.approx(1.0)


def test_shapes_that_do_not_fit_are_refused() -> None:
    for repetitions, shape in ((3, (4, 2, 5)), (1, (4, 2, 6)), (0, (4, 2, 5))):
        with pytest.raises(EngineError, match="repetitions; give both"):
            scores(np.zeros((4, 2, 5)), np.zeros(shape), repetitions)


def test_lips_alone_have_a_lip_error() -> None:
    truth = np.zeros((1, 1014, 3))
    made = truth + 1.0
    assert lips(made, truth, np.array([3])) == pytest.approx(0.0, abs=1e-6)
    made[0, 3] += 338.0  # x of vertex 1, of which the mean takes 1
    assert lips(made, truth, np.array([2])) == pytest.approx(337.0, rel=1e-5)
    assert lips(truth[:, :256], truth[:, :256], np.array([3])) is None


def write(path: Path, **values: Any) -> Path:
    np.save(path, np.array(values, object), allow_pickle=True)
    return path


def test_both_names_of_motions_and_the_number_of_repetitions_are_read(tmp_path: Path) -> None:
    truth = np.random.default_rng(0).normal(size=(3, 4, 1, 9)).astype(np.float32)
    both = np.concatenate([truth, truth])
    for name in ("motions", "motion"):
        found = read_results(write(tmp_path / "results.npy", **{name: both + 1, "gt": both}))
        assert found.repetitions == 2 and found.motions.shape == (6, 4, 9) and found.lengths.tolist() == [9] * 6
    assert read_results(tmp_path / "results.npy", 3).repetitions == 3
    stated = write(tmp_path / "stated.npy", motions=both, gt=both, num_repetitions=1)
    assert read_results(stated).repetitions == 1
    assert read_results(write(tmp_path / "one.npy", motions=truth, gt=truth)).repetitions == 1


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"gt": np.zeros((2, 3, 1, 4))}, "lacks motions"),
        ({"motions": np.zeros((2, 3, 1, 4))}, "lacks gt"),
        ({"motions": np.zeros((2, 3, 1, 4)), "gt": np.zeros((2, 3, 1, 5))}, "motions has shape"),
        ({"motions": np.full((2, 3, 1, 4), np.nan), "gt": np.zeros((2, 3, 1, 4))}, "motions is no array"),
        ({"motions": "x", "gt": np.zeros((2, 3, 1, 4))}, "motions is no array"),
        ({"motions": np.zeros((2, 3, 1, 4)), "gt": np.zeros((2, 3, 1, 4)), "lengths": np.array([4, 5])}, "lengths are"),
        ({"motions": np.zeros((2, 3, 1, 4)), "gt": np.zeros((2, 3, 1, 4)), "num_repetitions": 4}, "no 4 repetitions"),
    ],
)
def test_files_that_lack_something_are_refused(tmp_path: Path, values: dict[str, Any], told: str) -> None:
    with pytest.raises(FileError, match=told):
        read_results(write(tmp_path / "results.npy", **values))


def test_the_command_prints_the_measures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = np.random.default_rng(0).normal(size=(2, 4, 1, 30))
    path = write(tmp_path / "results.npy", motions=truth + 1, gt=truth, num_repetitions=1)
    assert run("score", path) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads(score(path, None, 0))
    assert told["fd_g"] == pytest.approx(4.0) and told["fd_k"] == pytest.approx(0.0, abs=1e-6)
    assert told["div_sample"] is None and told["truth_div_g"] == pytest.approx(told["div_g"])
    assert json.loads(score(path, 2, 0))["div_sample"] > 0
