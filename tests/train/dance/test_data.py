"""What training is given: takes that can train and be checked on, and labels that say something; else words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import EngineError
from tests.train.dance.bodies import dancer, write_bvh
from train.dance.data import read_data
from train.dance.settings import Settings

SETTINGS = Settings(segment=60, fraction_label=1.0)
HEAD = "take,start,space,time,by\n"


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A folder with a single take of 400 frames."""
    write_bvh(tmp_path / "takes" / "one.bvh", dancer(1, 400))
    return tmp_path / "takes"


def test_one_take_trains_and_is_checked_on(one: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = read_data(one, None, None, SETTINGS)
    assert [(take.name, take.split) for take in data.takes] == [("one", "train"), ("one@280", "val")]
    assert data.record["train"]["by"]["computed"] == 201 and data.record["val"]["by"]["computed"] == 81
    assert set(data.levels) == {"one", "one@280"} and len(data.levels["one@280"]) == 120
    assert caplog.text.count("kept to check on") == 1


def test_labels_of_a_take_that_is_cut_reach_both_parts(one: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(HEAD + "one,40,1,3,ann\none,280,4,1,ann\n")
    data = read_data(one, path, None, SETTINGS)
    assert data.levels["one"][40] == 2 and data.levels["one@280"][0] == 0
    assert data.record["people"] == {"ann": 2} and data.judge is None


@pytest.mark.parametrize(
    ("rows", "settings", "fault"),
    [
        ("", SETTINGS, "holds no level of time effort for a take that trains; label some"),
        ("one,40,1,4,ann\n", SETTINGS, "holds no level of time effort"),
        ("one,280,1,1,ann\n", SETTINGS, "holds no level of time effort"),
        ("one,40,4,1,ann\n", replace(SETTINGS, effort="space"), "holds no level of space effort"),
        ("two,40,1,1,ann\n", SETTINGS, "no take 'two'; there is one"),
        ("one,361,1,1,ann\n", SETTINGS, "the last start is 360"),
    ],
)
def test_labels_that_say_nothing_are_refused(
    one: Path, tmp_path: Path, rows: str, settings: Settings, fault: str
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(HEAD + rows)
    with pytest.raises(EngineError, match=fault) as caught:
        read_data(one, path, None, settings)
    assert str(path) in str(caught.value)


def test_what_cannot_train_or_be_checked_on_is_refused(tmp_path: Path) -> None:
    takes = tmp_path / "takes"
    for number in range(2):
        write_bvh(takes / f"t{number}.bvh", dancer(1, 200, seed=number))
    with pytest.raises(EngineError, match="no take to check on is left; give three takes of a style or more"):
        read_data(takes, None, None, SETTINGS)
    (tmp_path / "splits.csv").write_text("take,split\nt0,val\nt1,test\n")
    with pytest.raises(EngineError, match=r"no take to train on is left; give .* a --splits that puts"):
        read_data(takes, None, tmp_path / "splits.csv", SETTINGS)
    (tmp_path / "splits.csv").write_text("take,split\nt0,train\nt1,val\n")
    assert len(read_data(takes, None, tmp_path / "splits.csv", SETTINGS).takes) == 2
    with pytest.raises(EngineError, match=r"no take to train on has 201 undamaged frames in a row \(the longest 200\)"):
        read_data(takes, None, tmp_path / "splits.csv", replace(SETTINGS, segment=201))
    path = takes / "t1.bvh"
    lines = path.read_text().splitlines()
    lines[-100] = lines[-100].replace(lines[-100].split()[3], "nan", 1)
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(EngineError, match=r"no take to check on has 101 .*\(the longest 100\)"):
        read_data(takes, None, tmp_path / "splits.csv", replace(SETTINGS, segment=101))
