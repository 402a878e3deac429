"""What is measured is what was put into a small corpus: rates, words, phases; held-out people and unseen time left
out."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from train.__main__ import main
from train.simulate.gestures.measure import measure, places
from train.simulate.gestures.timing import PLACES, TimingTable

LATE, SPREAD, MINUTES = 0.07, 0.05, 8
HEAD = "meeting,speaker,start,end"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight minutes of ES2002a: A says function and content words in turn and nods on every fourth content word, 0.07 s
    after its middle; the last two minutes nobody sees A. B is silent. In ES2009a, which is held out, somebody nods
    always."""
    data = tmp_path_factory.mktemp("data")
    folder = data / "ami_annotations_ccby"
    folder.mkdir()
    rng = np.random.default_rng(0)
    words, nods = [], []
    at, number = 1.0, 0
    while at < 60 * MINUTES - 1:
        for text in ("the", "mountain", "of", "stone"):
            length = float(rng.uniform(0.2, 0.5))
            words.append(f"ES2002a,A,{at:.3f},{at + length:.3f},word,{text}")
            if text in ("mountain", "stone"):
                number += 1
                middle = at + length / 2 + LATE + SPREAD * float(rng.standard_normal())
                if number % 4 == 0:
                    nods.append((middle - 0.1, middle + 0.1))
            at += length
        at += float(rng.choice([0.0, 0.5, 3.0]))
    rows, last, seen = [], 0.0, 60 * (MINUTES - 2)
    for start, end in nods:
        if last < start and end < seen:
            rows += [f"ES2002a,A,{last},{start},no_comm_head,,", f"ES2002a,A,{start},{end},emphasis_signal,nod,"]
            last = end
    rows += [f"ES2002a,A,{last},{seen},no_comm_head,,", f"ES2002a,A,{seen},{60 * MINUTES},off_camera,,"]
    rows += ["ES2009a,A,0,600,emphasis_signal,nod,"]
    hands = [f"ES2002a,A,{start},{end},other_comm_hand_LH," for start, end in nods]
    hands += [f"ES2002a,A,0,{60 * MINUTES},no_comm_hand,", "ES2009a,A,0,100,other_comm_hand_RH,"]
    words.append("ES2009a,A,1.0,2.0,word,mountain")
    with gzip.open(folder / "words.csv.gz", "wt") as file:
        file.write("\n".join([f"{HEAD},kind,text", *words]) + "\n")
    (folder / "headGesture.csv").write_text("\n".join([f"{HEAD},type,form,comment", *rows]) + "\n")
    (folder / "handGesture.csv").write_text("\n".join([f"{HEAD},type,comment", *hands]) + "\n")
    return data


@pytest.fixture(scope="module")
def table(corpus: Path) -> TimingTable:
    return measure(corpus)


def test_the_phase_that_was_put_in_is_found(table: TimingTable) -> None:
    phase = table.nod.phase["middle"]
    assert phase.mean == pytest.approx(LATE, abs=0.02)
    assert phase.spread == pytest.approx(SPREAD, abs=0.02)
    assert phase.share > 0.8
    assert table.nod.phase["start"].mean == pytest.approx(LATE - 0.1, abs=0.02)
    assert table.nod.phase["end"].mean == pytest.approx(LATE + 0.1, abs=0.02)


def test_nods_fall_on_content_words(table: TimingTable) -> None:
    assert table.nod.lift["content"] > 1.5 and table.nod.lift["function"] < 0.5


def test_rates_leave_out_what_nobody_saw_and_who_is_held_out(table: TimingTable) -> None:
    nod = table.nod
    assert nod.people == 1 and nod.count < 0.9 * table.hand.count
    assert table.hand.hands == {"right": 0, "left": 1, "both": 0}
    assert sum(nod.minutes.values()) == pytest.approx(MINUTES - 2, abs=0.05)
    assert sum(table.hand.minutes.values()) == pytest.approx(MINUTES, abs=0.05)
    found = sum(nod.rate[state] * nod.minutes[state] for state in nod.rate)
    assert found == pytest.approx(nod.count)
    assert nod.minutes["others"] == 0 and nod.minutes["pause"] > 0.3 and nod.minutes["silence"] > 1
    assert nod.rate["silence"] < 0.1 * nod.rate["speech"]
    assert nod.seconds == pytest.approx((0.2,) * 5)


def test_places_of_words() -> None:
    texts = ["the", "mountain", "is", "big", "a", "stone", "of"]
    times = np.array([[0, 1], [1, 2], [2, 3], [3, 4], [5, 6], [6, 7], [7, 8]], float)
    found = {
        place: [texts[i] for i in np.flatnonzero(row)]
        for place, row in zip(PLACES, places(times, texts).T, strict=True)
    }
    assert found == {
        "content": ["mountain", "big", "stone"],
        "function": ["the", "is", "a", "of"],
        "after_pause": ["the", "a"],
        "last_content": ["big", "stone"],
        "long": ["mountain"],
    }


def test_the_command_writes_a_table(
    corpus: Path,
    table: TimingTable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ENGINE_DATA", str(corpus))
    assert main(["simulate", "timing", str(tmp_path / "t.json")]) == 0
    assert TimingTable.read(tmp_path / "t.json").nod.count == table.nod.count
    assert f"{table.nod.count} nods of emphasis of 1 people" in capsys.readouterr().out
    assert main(["simulate", "timing", str(tmp_path / "none" / "t.json")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_too_few_gestures_are_not_measured(corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ami_annotations_ccby"
    shutil.copytree(corpus / "ami_annotations_ccby", folder)
    (folder / "handGesture.csv").write_text(f"{HEAD},type,comment\nES2002a,A,30,31,other_comm_hand_LH,\n")
    with pytest.raises(EngineError, match="gestures of one kind lie near words: at least 20 can be measured"):
        measure(tmp_path)


def test_without_the_corpus_there_is_nothing_to_measure(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="holds no ami_annotations_ccby"):
        measure(tmp_path)
