"""Whole intervals without seams, and metrics of what is made."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.train.gesture.aisle.sets import SPEAKERS, made_set
from train.gesture.aisle.data import Split, chosen, read_split
from train.gesture.aisle.model import Aisle
from train.gesture.aisle.sampling import confusion, faded, generate, in_pixels, metrics, scored, write_sample
from train.gesture.aisle.settings import Settings
from train.gesture.aisle.words import Source
from train.gesture.pats import pose
from train.gesture.pats.reader import PatsSet

torch.set_num_threads(1)


@given(st.integers(1, 5), st.integers(9, 31))
def test_windows_of_one_movement_are_that_movement(count: int, hop: int) -> None:
    whole = torch.sin(torch.arange(hop * (count - 1) + 32.0) / 3)[:, None]
    windows = torch.stack([whole[hop * number : hop * number + 32] for number in range(count)])
    if hop >= 16:  # no more than two overlap
        torch.testing.assert_close(faded(windows, hop), whole)


def test_two_windows_fade_into_each_other() -> None:
    made = faded(torch.stack([torch.zeros(8, 1), torch.ones(8, 1)]), 5)[:, 0]
    np.testing.assert_allclose(made, [0, 0, 0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 1])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Aisle, Split]:
    intervals = chosen(PatsSet(made_set(tmp_path_factory.mktemp("set") / "set", 120)), "train", ())
    model = Aisle(Settings(size="tiny"), SPEAKERS, Source("table"))
    model.measured.fit(intervals, 0)
    return model, read_split(intervals, model.measured, Source("table"), "time", 64, 5, False)


def test_windows_lie_in_their_intervals(made: tuple[Aisle, Split]) -> None:
    _, split = made
    assert split.mel.mean(0).abs().max() < 0.1 and bool(((split.mel.std(0) - 1).abs() < 0.1).all())
    found = []
    for span in split.spans:
        found += [(first, span.speaker) for first in range(span.first, span.first + span.frames - 63, 5)]
    assert list(zip(split.starts.tolist(), split.styles.tolist(), strict=True)) == found
    batch = split.batch(torch.tensor([len(found) - 1]))
    first = found[-1][0]
    assert torch.equal(batch.pose[0], split.pose[first : first + 64]) and batch.heard.style.tolist() == [1]
    said = batch.heard.text.tokens[0][batch.heard.text.at[0]]
    assert torch.equal(said, split.table[split.token[first : first + 64]])
    counts = torch.bincount(split.cluster[first : first + 64], minlength=8)
    assert counts[split.leading()[-1]] == counts.max()


@pytest.mark.parametrize("join", ["fade", "whole"])
def test_every_frame_is_made(made: tuple[Aisle, Split], join: str) -> None:
    model, split = made
    found = generate(model, split, 1, join)  # type: ignore[arg-type]
    assert found.shape == (split.spans[1].frames, 96) and bool(found.isfinite().all())
    first = model.G(split.heard(split.spans[1], torch.zeros(1, dtype=torch.long))).pose[0, :40]
    assert torch.allclose(found[:40], first, atol=1e-5) == (join == "fade")


def test_the_truth_is_perfect(made: tuple[Aisle, Split]) -> None:
    model, split = made
    items = []
    for span in split.spans:
        truth = split.pose[span.first : span.first + span.frames]
        items.append(scored(truth, truth, model.measured, span.interval.speaker))
        rows = in_pixels(truth, model.measured, span.interval.speaker)
        np.testing.assert_allclose(pose.features(rows), pose.features(span.interval.read(pose.POSE)), atol=0.01)
        labels = split.cluster[span.first : span.first + span.frames]
        np.testing.assert_array_equal(confusion(items[-1]).diagonal(), np.bincount(labels, minlength=8))
    found = metrics(items, "train")
    assert found["train_L1"] == pytest.approx(0, abs=1e-6) and found["train_FID"] == pytest.approx(0, abs=1e-6)
    assert found["train_pck"] == 1 and found["train_F1"] == pytest.approx(1)
    still = [scored(torch.zeros_like(split.pose[:100]), split.pose[:100], model.measured, SPEAKERS[0])]
    assert metrics(still, "train")["train_spatialNorm"] == pytest.approx(1, abs=0.01)


def test_a_sample_is_written_as_the_seed_writes_it(tmp_path: Path) -> None:
    rows = np.arange(3 * 104, dtype=np.float64).reshape(3, 104)
    path = write_sample(tmp_path, "test", "ann", "ann4", rows)
    assert path == tmp_path / "test" / "ann" / "ann4.h5"
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["pose/normalize"][1, 1], rows[1, 52:])
