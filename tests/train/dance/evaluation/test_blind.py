"""Recognition by a person: both forms of csv, what was left out, and what does not read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from train.dance.evaluation import blind
from train.dance.labels import LEVELS
from train.report.intervals import DRAWS, interval

HEAD = "take,start,space,time,by\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_labels_of_the_page_meet_what_was_asked(tmp_path: Path) -> None:
    lines = [f"d{i},{start},4,{1 + i % 3},m\n" for i in range(9) for start in (0, 40)]
    asked = written(tmp_path / "asked.csv", HEAD + "".join(lines))
    lines = [f"d{i},0,2,{1 + (i % 3 if i < 6 else 1)},a\n" for i in range(9)]
    labels = written(tmp_path / "labels.csv", HEAD + "".join(lines) + "d0,40,1,4,a\n")
    found = blind.read(labels, asked, "time", 0)
    assert found.confusion.tolist() == [[2, 1, 0], [0, 3, 0], [0, 1, 2]]
    (person,) = found.results
    assert person.value("accuracy") == pytest.approx(7 / 9) and found.left_out == 1
    assert [person.value(f"recall_{level}") for level in LEVELS] == pytest.approx([2 / 3, 1.0, 2 / 3])
    low, high = interval(person.metrics["accuracy"])
    assert 0.4 < low < 7 / 9 < high <= 1.0
    assert person.groups == 9 and "[" in found.text()[-1] and "surely more" not in found.sentences()[0]
    with pytest.raises(EngineError, match="no dance has both a label and something that was asked for"):
        blind.read(labels, asked, "space", 0)
    with pytest.raises(EngineError, match=r"labels d0 at 0, which .* does not say was asked for"):
        blind.read(labels, written(tmp_path / "other.csv", HEAD + "x,0,4,1,m\n"), "time", 0)


def test_pirounets_files_count_from_0_or_from_1(tmp_path: Path) -> None:
    np.save(tmp_path / "asked.npy", np.array([0, 1, 2, 2]))
    for name, text in (
        ("two", "0,0\n1,1\n2,2\n3,4\n"),
        ("three", "0,1,0\n1,1,1\n2,1,2\n3,1,4\n"),
        ("ones", "0,1,1\n1,1,2\n2,1,3\n3,1,4\n"),
    ):
        found = blind.read(written(tmp_path / f"{name}.csv", text), tmp_path / "asked.npy", "time", 0)
        assert found.confusion.tolist() == np.eye(3).tolist() and found.left_out == 1
    with pytest.raises(EngineError, match="levels 0 and 3"):
        blind.read(written(tmp_path / "x.csv", "0,0\n1,3\n"), tmp_path / "asked.npy", "time", 0)
    with pytest.raises(EngineError, match=r"x.csv:2: level 7"):
        blind.read(written(tmp_path / "x.csv", "0,0\n1,7\n"), tmp_path / "asked.npy", "time", 0)
    with pytest.raises(EngineError, match=r"x.csv:1: '0,' holds what is no number"):
        blind.read(written(tmp_path / "x.csv", "0,\n"), tmp_path / "asked.npy", "time", 0)
    with pytest.raises(EngineError, match=r"index at 9, which"):
        blind.read(written(tmp_path / "x.csv", "9,1\n"), tmp_path / "asked.npy", "time", 0)
    with pytest.raises(EngineError, match="does not read"):
        blind.read(tmp_path / "nowhere.csv", tmp_path / "asked.npy", "time", 0)


@pytest.mark.skipif("ENGINE_DATA" not in os.environ, reason="needs the recordings in $ENGINE_DATA")
def test_pirounets_own_labels_read() -> None:
    path = Path(os.environ["ENGINE_DATA"]) / "body_pirounet_labels" / "labels_shuffled_neighb.csv"
    found = blind.read(path, path, "time", 0)
    assert found.confusion.diagonal().tolist() == [99, 76, 41] and found.results[0].value("accuracy") == 1.0


def test_labels_of_one_dance_are_drawn_together(tmp_path: Path) -> None:
    lines = [f"d{i // 4},{40 * (i % 4)},4,{1 + i // 4 % 2},m\n" for i in range(16)]
    asked = written(tmp_path / "asked.csv", HEAD + "".join(lines))
    labels = written(tmp_path / "labels.csv", HEAD + "".join(line.replace(",2,m", ",1,m") for line in lines))
    (person,) = blind.read(labels, asked, "time", 0).results
    drawn = person.metrics["accuracy"]
    assert person.groups == 4 and drawn.shape == (1 + DRAWS,)
    assert set(np.round(4 * drawn[1:], 6)) <= {0.0, 1.0, 2.0, 3.0, 4.0}  # whole dances, not single labels
