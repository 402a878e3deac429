"""Splits: by group and style, as a csv says, and in time where takes are too few to hold one out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.dance.bodies import dancer, write_bvh
from train.dance.splits import Cut, cut, read_splits, split_groups
from train.dance.takes import load_takes, read_takes


def test_splits_are_by_group_and_keep_every_style() -> None:
    styles = {f"{style}{number}": style for style, count in (("x", 20), ("y", 3), ("z", 2)) for number in range(count)}
    splits = split_groups(styles, seed=1)
    assert splits == split_groups(dict(reversed(styles.items())), seed=1) != split_groups(styles, seed=2)
    counts = {
        style: [sum(splits[g] == s for g in styles if styles[g] == style) for s in ("train", "val", "test")]
        for style in "xyz"
    }
    assert counts == {"x": [14, 3, 3], "y": [1, 1, 1], "z": [2, 0, 0]}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name,split\n", "first line must be 'take,split'"),
        ("take,split\na,train\nq,val\n", "3: no take 'q'"),
        ("take,split\na,dev\n", "'dev' of a is none of"),
        ("take,split\na,train\nb,test\n", "share a split"),
        ("take,split\na,train\n", "no split for c"),
    ],
)
def test_bad_split_files_are_refused(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "splits.csv"
    path.write_text(text)
    with pytest.raises(EngineError, match=fault):
        read_splits(path, {"a": "a+b", "b": "a+b", "c": "c"})


def test_a_split_file_is_obeyed(tmp_path: Path) -> None:
    for name in "abc":
        write_bvh(tmp_path / "in" / f"{name}.bvh", dancer(1, 60))
    (tmp_path / "splits.csv").write_text("take,split\na,test\nb,train\nc,val\n")
    takes = read_takes(tmp_path / "in", splits=tmp_path / "splits.csv")
    assert [take.split for take in takes] == ["test", "train", "val"]


@pytest.mark.parametrize("count", [1, 2])
def test_few_takes_are_cut_in_time(tmp_path: Path, count: int) -> None:
    for number in range(count):
        write_bvh(tmp_path / "solo" / f"t{number}.bvh", dancer(1, 400, seed=number))
    write_bvh(tmp_path / "solo" / "short.bvh", dancer(1, 100)) if count == 1 else None
    told: list[str] = []
    takes = {take.name: take for take in read_takes(tmp_path, say=told.append)}
    assert len(told) == 1 and f"{4 * count} s at the ends of takes are kept to check on, 1.3 s before" in told[0]
    whole = {take.name: take for take in load_takes(tmp_path)}
    for number in range(count):
        front, back, all_of_it = takes[f"t{number}"], takes[f"t{number}@280"], whole[f"t{number}"]
        assert (front.split, back.split, front.group) == ("train", "val", back.group)
        assert (front.recording, back.recording, front.first, back.first) == (front.name, front.name, 0, 280)
        assert (len(front.motion), len(back.motion), len(all_of_it.motion)) == (240, 120, 400)
        assert np.array_equal(front.motion.positions, all_of_it.motion.positions[:240])
        assert np.array_equal(back.motion.positions, all_of_it.motion.positions[280:])
        assert len(front.sound) == 240 and len(back.sound) == 120
    assert "short" not in takes or takes["short"].split == "train"


def test_a_pair_is_cut_alike(tmp_path: Path) -> None:
    for name, level in (("a", 1), ("b", 2)):
        write_bvh(tmp_path / f"{name}.bvh", dancer(level, 400))
    (tmp_path / "pairs.json").write_text(json.dumps({"pairs": [["a.bvh", "b.bvh"]]}))
    takes = {take.name: take for take in read_takes(tmp_path, say=lambda line: None)}
    assert {name: take.partner for name, take in takes.items()} == {
        "a": "b",
        "b": "a",
        "a@280": "b@280",
        "b@280": "a@280",
    }


def test_how_a_take_is_cut() -> None:
    assert cut(279) is None and cut(280) == Cut(120, 160)
    assert cut(2000) == Cut(1660, 1700)  # 15 % of a long one
