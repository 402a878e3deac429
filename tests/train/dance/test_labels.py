"""Labels: csv there and back, every fault named with its line, PirouNet's file, and its augmentation of labels."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.dance.bodies import take
from train.dance.labels import (
    Label,
    LabelError,
    label_table,
    parted,
    read_labels,
    read_pirounet_labels,
    recorded,
    write_labels,
)

REAL = Path(os.environ.get("ENGINE_DATA", "")) / "body_pirounet_labels" / "labels_from_app.csv"
HEAD = "take,start,space,time,by\n"


def test_labels_there_and_back(tmp_path: Path) -> None:
    labels = [Label("a, b", 0, 1, 3, "Ana"), Label("c", 40, 4, 2, "computed")]
    path = tmp_path / "labels.csv"
    write_labels(path, labels)
    assert path.read_text().startswith(HEAD) and read_labels(path, {"a, b": 40, "c": 80}) == labels
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]
    assert parted(labels) == (labels[:1], labels[1:])


def test_the_later_line_of_a_window_holds(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(HEAD + "a,0,1,1,Ana\na,40,2,2,Ana\na,0,3,4,Ben\n")
    assert read_labels(path) == [Label("a", 40, 2, 2, "Ana"), Label("a", 0, 3, 4, "Ben")]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "first line must be"),
        ("take,start,time,space,by\n", "first line must be"),
        (HEAD + "a,0,1,1,Ana\n\na,40,,1,Ana\n", ":4: field 3 is empty"),
        (HEAD + "a,0,1,1,\n", ":2: field 5 is empty"),
        (HEAD + "a,0,1,1\n", ":2: has 4 fields"),
        (HEAD + "a,0,5,1,Ana\n", ":2: space is 5; give 1 low"),
        (HEAD + "a,0,1,0,Ana\n", ":2: time is 0"),
        (HEAD + "a,0,1,high,Ana\n", ":2: time is 'high'"),
        (HEAD + "a,1.5,1,1,Ana\n", ":2: start is '1.5'"),
        (HEAD + "a,inf,1,1,Ana\n", ":2: start is 'inf'"),
        (HEAD + "a,-1,1,1,Ana\n", ":2: start is -1"),
        (HEAD + "z,0,1,1,Ana\n", ":2: no take 'z'; there is a"),
        (HEAD + "a,61,1,1,Ana\n", ":2: start 61 of a, which has 100 frames"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(LabelError, match=fault):
        read_labels(path, {"a": 100})


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EngineError, match="is no text in UTF-8"):
        read_labels(path)
    path.write_text(HEAD + 'a,0,1,1,"Ana\n')
    with pytest.raises(EngineError, match=":2: does not read as csv; mend its quotation marks"):
        read_labels(path)
    with pytest.raises(EngineError, match="no such file or directory") as caught:
        read_labels(tmp_path / "none.csv")
    assert "Errno" not in str(caught.value)


def test_pirounets_file_counts_over_all_takes(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("0,1,2\n40,3,4\n80,1,1\n120,2,2\n")
    at_35 = read_pirounet_labels(path, {"a": 100, "b": 100}, rate=35.0)
    assert at_35 == [
        Label("a", 0, 1, 2, "pirounet"),
        Label("a", 40, 3, 4, "pirounet"),
        Label("b", 20, 2, 2, "pirounet"),
    ]
    at_30 = read_pirounet_labels(path, {"a": 100, "b": 100})
    assert [(label.take, label.start) for label in at_30] == [("a", 0), ("a", 34), ("b", 17)]
    with pytest.raises(LabelError, match=r":4: index 120; the takes have 110 frames"):
        read_pirounet_labels(path, {"a": 100, "b": 10})
    path.write_text("0,1,2\n40,,4\n")
    with pytest.raises(LabelError, match=r":2: field 2 is empty"):
        read_pirounet_labels(path, {"a": 100})


def test_labels_spread_to_their_neighbours() -> None:
    one, two = take("one", frames=200), take("two", frames=100)
    labels = [
        Label("one", 20, 1, 3, "Ana"),
        Label("one", 60, 1, 3, "Ana"),  # as the one before: everything between is high too
        Label("one", 100, 1, 1, "Ana"),
        Label("one", 110, 1, 4, "Ana"),  # none: takes windows away from its neighbour
        Label("one", 160, 1, 2, "Ana"),
    ]
    tables = label_table([one, two], labels, "time")
    expected = np.full(200, -1)
    expected[13:68], expected[93:106], expected[153:161] = 2, 0, 1
    assert tables["one"].dtype == np.int8 and np.array_equal(tables["one"], expected)
    assert (tables["two"] == -1).all()
    alone = label_table([one], labels, "time", around=0)["one"]
    assert np.flatnonzero(alone >= 0).tolist() == [*range(20, 61), 100, 160]
    space = label_table([one], labels, "space")["one"]
    assert (space[13:118] == 0).all()
    with pytest.raises(LabelError, match="label of z at 0: no take 'z'"):
        label_table([one], [Label("z", 0, 1, 1, "Ana")], "time")
    with pytest.raises(LabelError, match="no effort 'weight'"):
        label_table([one], labels, "weight")


def test_labels_count_frames_of_the_recording_that_a_take_is_cut_from() -> None:
    """Of a recording of 200 frames that is cut at 100 and 140, each part gets the windows that lie in it."""
    whole = take("one", frames=200)
    front = replace(whole, motion=whole.motion.cut(0, 100), sound=whole.sound[:100])
    back = replace(
        whole, name="one@140", motion=whole.motion.cut(140, 200), sound=whole.sound[140:], cut_from="one", first=140
    )
    labels = [Label("one", 55, 1, 3, "Ana"), Label("one", 110, 1, 2, "Ana"), Label("one", 155, 1, 1, "Ana")]
    assert recorded([front, back]) == {"one": 200}
    tables = label_table([front, back], labels, "time")
    one = label_table([whole], labels, "time")["one"]
    assert np.array_equal(tables["one"][:61], one[:61]) and (tables["one"][61:] == -1).all()
    assert np.array_equal(tables["one@140"][:21], one[140:161]) and (tables["one@140"][21:] == -1).all()
    assert np.flatnonzero(tables["one@140"] == 0).tolist() == [*range(8, 21)]  # 148 to 160: the last window ends at 200
    with pytest.raises(LabelError, match="of one, which has 200 frames"):
        label_table([front, back], [Label("one", 161, 1, 1, "Ana")], "time")


@pytest.mark.skipif(not REAL.is_file(), reason="needs body_pirounet_labels in ENGINE_DATA")
def test_pirounets_own_labels() -> None:
    lengths = dict(zip("abcdef", (9925, 5803, 3866, 5309, 6649, 6757), strict=True))
    labels = read_pirounet_labels(REAL, lengths, rate=35.0)
    crossing = [start for start in range(0, 14040, 40) if start < 9925 < start + 40]
    assert len(labels) == 347 - len(crossing)
    times = np.bincount([label.time for label in labels], minlength=5)[1:]
    assert np.abs(times - [132, 117, 78, 20]).sum() == len(crossing)
