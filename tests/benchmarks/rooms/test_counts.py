"""Counts of listeners made by hand, the bands around another room, and the lines and words that tell of them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.rooms import counts, table
from benchmarks.rooms.counts import Counts, Marks, count, judge
from benchmarks.rooms.faces import Face, moments
from engine.channels import FACE

FRAMES, RATE = 1500, 25.0
QUIET = Counts(4.0, 40, 0, 0.0, 2.0, 30, 3, (0, 0, 0), 20)


def face(nods: int = 0, smiles: tuple[float, ...] = (), lean: float = 0.0) -> Face:
    """A minute: ``nods`` dips of 4 degrees, smiles of 0.4 for a second at some seconds, a lean in metres at the end."""
    out = np.zeros((FRAMES, 58), np.float32)
    for index in range(nods):
        out[100 + 60 * index : 108 + 60 * index, FACE["headPitch"]] = np.radians(4.0)
    for time in smiles:
        start = round(time * RATE)
        out[start : start + 25, [FACE["mouthSmileLeft"], FACE["mouthSmileRight"]]] = 0.4
    out[-100:, FACE["headZ"]] = lean * 0.6
    out[-100:, FACE["headX"]] = lean * 0.8
    return out


def test_nods_smiles_and_leans_of_all_listeners_are_counted() -> None:
    found = count([face(3, (5.0, 20.0), 0.05), face(4, (), 0.03)], RATE)
    assert (found.minutes, found.nods, found.smiles) == (2.0, 7, 2)
    assert found.smiling == pytest.approx(2 / 120)
    assert found.lean_cm == pytest.approx(4.0)


def test_looks_away_and_the_short_ones_of_them() -> None:
    looking = face()
    for start, length in ((200, 5), (400, 7), (600, 50)):
        looking[start : start + length, FACE["headYaw"]] = np.radians(15.0)
    found = count([looking], RATE)
    assert (found.looks, found.short_looks) == (3, 2)


def test_answers_come_within_a_second_and_a_half() -> None:
    asked = moments(FRAMES)
    of_half = [time for time, size in asked if size == 0.5]
    of_most = [time for time, size in asked if size == 0.8]
    found = count([face(smiles=(*(time + 0.5 for time in of_half), *(time + 2.0 for time in of_most)))], RATE)
    assert found.asked == 3 == len(of_half) == len(of_most)
    assert found.answered == (0, 3, 0)
    assert counts.answers(face(smiles=(10.0,)), RATE, [10.2, 8.4, 9.0]) == 1, "nothing answers what comes later"


@pytest.mark.parametrize(
    ("here", "spoken", "marks"),
    [
        (QUIET, True, Marks()),
        (QUIET._replace(nods=29), True, Marks()),
        (QUIET._replace(nods=27), True, Marks(nods="?")),
        (QUIET._replace(nods=5), True, Marks(nods="!")),
        (QUIET._replace(nods=55), True, Marks()),
        (QUIET._replace(nods=80), True, Marks(nods="!")),
        (QUIET._replace(minutes=8.0, nods=80), True, Marks()),
        (QUIET._replace(minutes=8.0, nods=40), True, Marks(nods="!")),
        (QUIET._replace(nods=0), False, Marks()),
        (QUIET._replace(smiles=1), True, Marks(smiles="?")),
        (QUIET._replace(smiles=4), True, Marks(smiles="!")),
        (QUIET._replace(smiling=0.04), True, Marks()),
        (QUIET._replace(smiling=0.06), True, Marks(smiling="!")),
        (QUIET._replace(lean_cm=5.9), True, Marks()),
        (QUIET._replace(lean_cm=6.1), True, Marks(lean="!")),
    ],
)
def test_what_is_outside_its_band(here: Counts, spoken: bool, marks: Marks) -> None:
    assert judge(here, QUIET, spoken) == marks


def test_where_nobody_speaks_nobody_nods() -> None:
    silence = QUIET._replace(nods=0)
    assert judge(silence._replace(nods=2), silence, spoken=False).nods == ""
    assert judge(silence._replace(nods=12), silence, spoken=False).nods == "!"


def test_smiles_are_wanted_where_somebody_smiles() -> None:
    smiled = QUIET._replace(smiles=30, smiling=0.5, answered=(2, 15, 16))
    assert judge(smiled, QUIET, True, smiled_at=True) == Marks(answered=("", "!", "")), "a faint one may be missed"
    assert judge(smiled, QUIET, True).smiles == "!"


def test_lines_mark_what_fails_and_words_tell_it() -> None:
    bad = QUIET._replace(nods=5, smiles=8, lean_cm=9.0)
    unsure = QUIET._replace(nods=27)
    open_cell = {"one": (unsure, judge(unsure, QUIET, True))}
    assert "6.8?" in table.line("a room", open_cell)
    assert table.failures("a room", open_cell, {"one": QUIET}, "quiet") == [], "what may be chance is no failure"
    cells = {"one": (QUIET, judge(QUIET, QUIET, True)), "other": (bad, judge(bad, QUIET, True))}
    line = table.line("a loud room", cells)
    heads = table.heading(["one", "other"]).splitlines()
    assert len(heads[0].rstrip()) <= len(heads[1]) and len(line.rstrip()) <= len(heads[1]) + 1
    _, one, other = line.split("|")
    assert one.split() == ["10.0", "0.00", "0.0", "2.0", "10"] and "!" not in one
    assert other.split() == ["1.2!", "2.00!", "0.0", "9.0!", "10"]
    there = {"one": QUIET, "other": QUIET}
    assert table.failures("a loud room", cells, there, "quiet") == [
        "other, a loud room: nods 1.2 a minute, 10.0 in quiet",
        "other, a loud room: smiles 2.00 a minute, 0.00 in quiet",
        "other, a loud room: leans by 9.0 cm, 2.0 in quiet",
    ]
    assert table.figures(*cells["one"]) == QUIET._asdict()
    assert table.figures(*cells["other"])["marks"] == {"nods": "!", "smiles": "!", "lean": "!"}


def test_lines_of_smiles_tell_the_share_of_each_size() -> None:
    here = QUIET._replace(answered=(5, 10, 20))
    cells = {"one": (here, judge(here, QUIET, True, smiled_at=True))}
    assert table.line("smiles", cells, True).split("|")[1].split() == ["10.0", "0.25", "0.50!", "1.00", "2.0"]
    assert table.failures("smiles", cells, {"one": QUIET}, "quiet") == ["one, smiles: answers 50% of the smiles of 0.5"]
