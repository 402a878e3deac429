"""AMI's annotations are read as they are written, people of a series stay on one side, and damaged files are refused by
name."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import EngineError
from train.speech import ami

Corpus = Callable[..., Path]


def test_words_come_with_person_times_and_kind(corpus: Corpus) -> None:
    data = corpus(words=["ES2002a,A,1.5,1.9,word,Hello", "ES2002a,A,1.9,1.9,punc,.", 'ES2002a,B,2.0,2.4,punc,","'])
    first, stop, comma = ami.words(data)
    assert first == ami.Word(ami.Person("ES2002a", "A"), 1.5, 1.9, "word", "Hello")
    assert (stop.kind, stop.start, stop.end) == ("punc", 1.9, 1.9)
    assert comma.text == "," and comma.person.speaker == "B"


def test_rows_without_times_or_backward_are_left_out(corpus: Corpus) -> None:
    data = corpus(words=["ES2002a,A,,,gap,", "ES2002a,A,5.0,4.0,word,back", "ES2002a,A,6.0,6.5,word,kept"])
    assert [word.text for word in ami.words(data)] == ["kept"]


def test_only_the_meetings_asked_for_are_read(corpus: Corpus) -> None:
    data = corpus(words=["ES2002a,A,1,2,word,one", "ES2002b,A,nonsense,2,word,two", "ES2003a,A,1,2,word,three"])
    assert [word.text for word in ami.words(data, {"ES2002a", "ES2003a"})] == ["one", "three"]


def test_layers_tell_gestures_hands_forms_and_targets(corpus: Corpus) -> None:
    data = corpus(
        handGesture=["ES2002a,A,0,3,off_camera,", "ES2002a,A,3,4,point_a_slide_LH,", "ES2002a,A,4,9,no_comm_hand,"],
        headGesture=["ES2002a,A,0,1,emphasis_signal,nod,"],
        focus=["ES2002a,A,0,1,person,,PM,B,", "ES2002a,A,1,2,place,table,,,"],
        movement=["ES2002a,A,0,1,sit,"],
        dialogue_acts=['ES2002a,A,0,1,bck,,"Mm-hmm , yes ."'],
    )
    away, point, rest = ami.hand_gestures(data)
    assert away.off_camera and not away.communicative
    assert point.communicative and point.hands == "left" and rest.hands == "" and not rest.communicative
    assert next(ami.head_gestures(data)).form == "nod"
    assert [mark.target for mark in ami.focus(data)] == ["B", "table"]
    assert next(ami.movements(data)).type == "sit"
    assert next(ami.dialogue_acts(data)).text == "Mm-hmm , yes ."


def test_off_camera_spans_of_both_layers_are_merged(corpus: Corpus) -> None:
    data = corpus(
        handGesture=["ES2002a,A,0,3,off_camera,", "ES2002a,A,20,30,off_camera,"],
        headGesture=["ES2002a,A,2,5,off_camera,,", "ES2002a,B,1,2,off_camera,,"],
    )
    found = ami.off_camera(data)
    assert found[ami.Person("ES2002a", "A")] == [(0.0, 5.0), (20.0, 30.0)]
    assert found[ami.Person("ES2002a", "B")] == [(1.0, 2.0)]


def test_splits_go_by_series() -> None:
    assert ami.series("ES2009c") == "ES2009" and ami.series("IB4005") == "IB4005"
    assert all(ami.held_out(f"ES2009{letter}") for letter in "abcd") and not ami.held_out("ES2002a")
    assert not ami.HELD_OUT & ami.DEV
    assert [ami.split_of(name) for name in ("IS1003b", "ES2013a", "EN2001a")] == ["test", "dev", "train"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("ES2002a,A,soon,2,word,x", "start 'soon'"),
        ("ES2002a,A,-3,2,word,x", "seconds from 0"),
        ("ES2002a,A,nan,2,word,x", "seconds from 0"),
        ("ES2002a,A,1,1e9,word,x", "seconds from 0"),
        ("ES2002a,A,1,2,word," + "x" * 30_000, "field"),
    ],
)
def test_a_damaged_row_is_named(corpus: Corpus, row: str, told: str) -> None:
    data = corpus(words=["ES2002a,A,1,2,word,fine", row])
    with pytest.raises(EngineError, match=f"row 3.*{told}"):
        list(ami.words(data))


def test_damaged_files_are_refused_by_name(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    data = corpus()
    folder = data / ami.FOLDER
    (folder / "focus.csv").unlink()
    with pytest.raises(EngineError, match=r"focus\.csv is missing"):
        list(ami.focus(data))
    (folder / "movement.csv").write_text("meeting,speaker,start,end\n")
    with pytest.raises(EngineError, match="no column 'type'"):
        list(ami.movements(data))
    (folder / "handGesture.csv").write_bytes(b"meeting,speaker,start,end,type\nES2002a,A,0,1,\xff\xfe\n")
    with pytest.raises(EngineError, match="cannot be read"):
        list(ami.hand_gestures(data))
    (folder / "words.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(EngineError, match="cannot be read"):
        list(ami.words(data))
    monkeypatch.setattr(ami, "MOST_BYTES", 100_000)
    line = b"ES2002a,A,1,2,word,again\n"
    (folder / "words.csv.gz").write_bytes(gzip.compress(b"meeting,speaker,start,end,kind,text\n" + line * 50_000))
    with pytest.raises(EngineError, match="unpacks to more than"):
        list(ami.words(data))
    monkeypatch.setattr(ami, "MOST_ROWS", 10)
    with pytest.raises(EngineError, match="more than 10 rows"):
        list(ami.words(data))


def test_the_real_corpus_has_the_gestures_its_source_tells_of(real_data: Path) -> None:
    hands = [mark for mark in ami.hand_gestures(real_data) if mark.communicative]
    assert Counter(ami.split_of(mark.person.meeting) for mark in hands) == {"train": 362, "test": 149}
    nods = [mark for mark in ami.head_gestures(real_data) if mark.type == "emphasis_signal"]
    assert Counter(ami.split_of(mark.person.meeting) for mark in nods) == {"train": 3832, "test": 1304}
    told = [word.text for word in ami.words(real_data, {"EN2001a"})]
    assert told[:2] == ["Okay", "."] and len(told) > 10_000
