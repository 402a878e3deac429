"""Windows: nothing leaks between splits, nothing crosses takes, labels keep their origin, fractions keep blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.body.motion import Motion
from engine.errors import EngineError
from tests.train.dance.bodies import CMU, take, toy_takes
from train.dance.efforts import computed_table, fit_thresholds
from train.dance.labels import Label, label_table
from train.dance.takes import Take
from train.dance.windows import COMPUTED, HUMAN, NOBODY, cut_windows, fraction_label


def numbered(takes: list[Take]) -> list[Take]:
    """The takes with every frame's joints moved to a place that no other frame of any take has."""
    marked, number = [], 0
    for each in takes:
        frames = np.arange(number, number + len(each.motion), dtype=np.float32)
        number += len(each.motion)
        positions = np.broadcast_to(frames[:, None, None], each.motion.positions.shape).copy()
        marked.append(replace(each, motion=Motion(CMU, 30.0, positions, each.motion.rotations)))
    return marked


def test_no_frame_of_a_test_take_trains() -> None:
    takes = numbered(toy_takes())
    seen = {
        split: set(cut_windows(takes, split).positions(slice(None)).ravel().tolist())
        for split in ("train", "val", "test")
    }
    assert len(seen["train"] | seen["val"] | seen["test"]) == sum(len(each.motion) for each in takes)
    assert not seen["train"] & seen["test"] and not seen["train"] & seen["val"] and not seen["val"] & seen["test"]


def test_windows_lie_in_one_take_frame_by_frame() -> None:
    takes = numbered(toy_takes())
    windows = cut_windows(takes, "val")
    positions = windows.positions(slice(None))
    assert len(windows) == 3 * 111 and positions.shape == (333, 40, 27, 3)
    assert (np.diff(positions, axis=1) == 1).all()
    by_name = {each.name: each.motion for each in takes}
    for index in (0, 110, 111, 332):
        start, name = windows.start[index], windows.names[windows.take[index]]
        assert np.array_equal(positions[index], by_name[name].positions[start : start + 40])
        turns = windows.rotations(np.array([index]))[0]
        assert np.array_equal(turns, by_name[name].rotations[start : start + 40])
    assert cut_windows(takes, "val", stride=40).start.tolist() == [0, 40, 80] * 3


def test_damaged_frames_are_in_no_window() -> None:
    sound = np.ones(150, bool)
    sound[[50, 100]] = False
    windows = cut_windows([replace(take(), sound=sound)], "train")
    assert windows.start.tolist() == [*range(11), *range(51, 61), *range(101, 111)]


def test_a_partner_is_seen_at_the_same_frames() -> None:
    one, two, alone = take("a", 1, partner="b"), take("b", 2, partner="a"), take("c", 0)
    two = replace(two, sound=np.arange(150) != 149)
    windows = cut_windows([one, two, alone], "train")
    seen = windows.partners(slice(None))
    of = {name: windows.take == number for number, name in enumerate(windows.names)}
    assert np.array_equal(seen[of["a"]][5], two.motion.positions[5:45])
    assert np.array_equal(seen[of["b"]][5], one.motion.positions[5:45])
    assert np.isnan(seen[of["c"]]).all() and np.isnan(seen[of["a"]][-1, -1]).all()


def test_a_persons_label_counts_before_a_computed_one() -> None:
    takes = toy_takes()
    computed = computed_table(takes, fit_thresholds(takes), "time")
    given = label_table(takes, [Label("train_0", 10, 4, 3, "Ana")], "time", around=0)
    windows = cut_windows(takes, "train", human=given, computed=computed)
    (index,) = np.flatnonzero(windows.by == HUMAN)
    assert (windows.names[windows.take[index]], windows.start[index], windows.label[index]) == ("train_0", 10, 2)
    assert (np.delete(windows.by, index) == COMPUTED).all()
    assert windows.counts()["human"] == {"low": 0, "medium": 0, "high": 1}
    assert sum(windows.counts()["computed"].values()) == len(windows) - 1
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
        ("stride 0", lambda: cut_windows(takes, "train", stride=0)),
        ("fraction 1.5", lambda: fraction_label(cut_windows(takes, "train"), 1.5)),
    ):
        with pytest.raises(EngineError, match=fault):
            call()
    bare = replace(takes[0], motion=replace(takes[0].motion, rotations=None))
    with pytest.raises(EngineError, match="no rotations"):
        cut_windows([bare], "train").rotations(slice(None))
