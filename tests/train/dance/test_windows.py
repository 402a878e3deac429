"""Windows: none crosses takes or holds damage, labels keep their origin, fractions keep blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.dance.bodies import take, toy_takes
from train.dance.efforts import computed_table, fit_thresholds
from train.dance.labels import Label, label_table
from train.dance.windows import COMPUTED, HUMAN, NOBODY, cut_windows, fraction_label


def test_windows_lie_in_one_take_of_their_split() -> None:
    takes = toy_takes()
    for split in ("train", "val", "test"):
        windows = cut_windows(takes, split)
        assert windows.names == tuple(each.name for each in takes if each.split == split)
        assert windows.take.tolist() == np.repeat(range(3), 111).tolist()
        assert windows.start.tolist() == [*range(111)] * 3  # the last of 150 frames are in the last window
        assert (windows.label == -1).all() and (windows.by == NOBODY).all() and len(windows) == 333


def test_damaged_frames_are_in_no_window() -> None:
    sound = np.ones(150, bool)
    sound[[50, 100]] = False
    windows = cut_windows([replace(take(), sound=sound)], "train")
    assert windows.start.tolist() == [*range(11), *range(51, 61), *range(101, 111)]


def test_a_persons_label_counts_before_a_computed_one() -> None:
    takes = toy_takes()
    computed = computed_table(takes, fit_thresholds(takes), "time")
    given = label_table(takes, [Label("train_0", 10, 4, 3, "Ana")], "time", around=0)
    windows = cut_windows(takes, "train", human=given, computed=computed)
    (index,) = np.flatnonzero(windows.by == HUMAN)
    assert (windows.names[windows.take[index]], windows.start[index], windows.label[index]) == ("train_0", 10, 2)
    assert (np.delete(windows.by, index) == COMPUTED).all()
    assert (np.delete(windows.label, index) >= 0).all()
    only = cut_windows(takes, "train", human=given)
    assert (only.label >= 0).sum() == 1 and (only.by == NOBODY).sum() == len(only) - 1


def test_a_fraction_of_labels_is_kept_in_blocks() -> None:
    takes = toy_takes(frames=839)
    windows = cut_windows(takes, "train", computed=computed_table(takes, fit_thresholds(takes), "time"))
    some, more = (fraction_label(windows, fraction, seed=4) for fraction in (0.25, 0.5))
    assert (some.label >= 0).mean() == pytest.approx(0.25) and (more.label >= 0).mean() == pytest.approx(0.5)
    kept = some.label >= 0
    assert (more.label[kept] >= 0).all() and np.array_equal(some.label[kept], windows.label[kept])
    assert (some.by[~kept] == NOBODY).all() and len(some) == len(windows)
    for block in kept.reshape(-1, 40):  # each take has 800 windows
        assert block.all() or not block.any()
    assert not np.array_equal(kept, fraction_label(windows, 0.25, seed=5).label >= 0)
    assert (fraction_label(windows, 0.0).label == -1).all()
    assert np.array_equal(fraction_label(windows, 1.0).label, windows.label)


def test_what_cannot_be_cut_is_refused() -> None:
    takes = [take()]
    for fault, call in (
        ("no split 'dev'", lambda: cut_windows(takes, "dev")),
        ("no take is in the test split", lambda: cut_windows(takes, "test")),
        ("fraction 1.5", lambda: fraction_label(cut_windows(takes, "train"), 1.5)),
    ):
        with pytest.raises(EngineError, match=fault):
            call()
