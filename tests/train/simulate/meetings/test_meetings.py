"""Meetings become talks: what is annotated is in the faces at its time, what nobody saw is in no talk, and no group of
people is on two sides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.channels import FACE
from tests.train.simulate.meetings.made import head, talked, write_meetings
from tests.train.speech.corpus import write_corpus
from train.__main__ import main
from train.reaction.react import ReactData, RecordedTalk
from train.report import events
from train.simulate.meetings.command import chosen
from train.simulate.meetings.people import meetings
from train.simulate.meetings.stretches import side_of, stretches
from train.simulate.talk import FPS
from train.speech import ami


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The set that the command makes of the made meetings."""
    folder = tmp_path_factory.mktemp("meetings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENGINE_DATA", str(write_meetings(folder / "data")))
        assert main(["simulate", "meetings", str(folder / "set"), "--synthetic", "1", "--seed", "3"]) == 0
    yield folder / "set"


def the_talk(made: Path, split: str = "train") -> RecordedTalk:
    (talk,) = ReactData(made).talks(split)
    return talk


def shift(talk: RecordedTalk) -> float:
    """Where in its meeting the talk begins (s)."""
    return float(talk.data.layout["talks"][talk.name]["start_s"])


def test_a_talk_has_all_its_real_listeners_and_says_who_they_are(made: Path) -> None:
    data = ReactData(made)
    assert data.splits == ("train", "val", "test")
    talk = the_talk(made)
    facts = data.layout["talks"][talk.name]
    assert facts["group"] == "ES2003" and facts["speaker"] == "A" and facts["listeners"] == ["B", "C"]
    assert talk.listeners == ("L0", "L1") and talk.frames == 2 * 750
    found = data.neighbours("val")
    assert found is not None and found.matrix.sum(1).tolist() == [2] * 4


def test_nods_are_in_the_face_at_their_times_and_nowhere_else(made: Path) -> None:
    talk = the_talk(made)
    told = [event.time_s for event in talk.events("L0") if event.kind == "nod"]
    assert np.allclose(np.array(told) + shift(talk), [12.0, 21.0, 30.0], atol=0.01)
    found = np.array(events.nods(talk.listener("L0"), FPS)) + shift(talk)
    assert len(found) == 3 and np.all((found - [12.0, 21.0, 30.0] > 0.0) & (found - [12.0, 21.0, 30.0] < 0.4))
    assert not events.nods(talk.listener("L1"), FPS)  # who nods with own emphasis only
    pitch = np.degrees(talk.listener("L0")[:, FACE["headPitch"]])

    def moves(start: float, end: float) -> float:
        first, last = (round((time - shift(talk)) * FPS) for time in (start, end))
        return float(np.abs(np.diff(pitch[first:last])).sum())

    assert moves(31.5, 33.5) > 4 * moves(14.0, 16.0)  # the nod of 4 s goes on


def test_a_shake_is_in_the_face_at_its_time(made: Path) -> None:
    talk = the_talk(made)
    (told,) = [event.time_s for event in talk.events("L1") if event.kind == "shake"]
    assert told + shift(talk) == pytest.approx(15.0, abs=0.01)
    speed = np.abs(np.diff(np.degrees(talk.listener("L1")[:, FACE["headYaw"]]))) * FPS
    first = round(told * FPS)
    during, after = speed[first : first + FPS], speed[first + 2 * FPS : first + 5 * FPS]
    assert during.max() > 15.0 and np.median(during) > 4 * np.median(after)


def test_own_words_are_own_turns_of_the_listener_alone(made: Path) -> None:
    talk = the_talk(made)
    at = 25.0 - shift(talk)
    own = talk.controls("L0")["self_speaking"] > 0.5
    assert own[round((at + 0.1) * FPS) : round((at + 0.4) * FPS)].all() and 10 <= own.sum() <= 14
    assert not talk.controls("L1")["self_speaking"].any() and not talk.spans("own_turns")


def test_looks_go_where_they_were_annotated(made: Path) -> None:
    talk = the_talk(made)
    yaw = events.gaze_degrees(talk.listener("L0"))[:, 0]
    away = yaw[round((13 - shift(talk)) * FPS) : round((19 - shift(talk)) * FPS)]
    back = yaw[round((22 - shift(talk)) * FPS) : round((29 - shift(talk)) * FPS)]
    assert np.median(away) < np.median(back) - 12.0
    told = json.loads((made / "train/Events/SIM" / talk.name / "L0/1.json").read_text("utf-8"))
    assert [look["target"] for look in told["looks"]] == ["speaker", "slide-screen", "speaker"]
    drawn = json.loads((made / "train/Events/SIM" / talk.name / "L1/1.json").read_text("utf-8"))
    assert drawn["looks"] == [] and len(told["nods"]) == 2 and told["laughs"] == []


def test_the_listeners_own_laugh_opens_its_mouth(made: Path) -> None:
    talk = the_talk(made)
    jaw, first = talk.listener("L0")[:, FACE["jawOpen"]], round((33.0 - shift(talk)) * FPS)
    assert jaw[first : first + 2 * FPS].max() > jaw[first - 5 * FPS : first].max() + 0.02


def test_the_voice_speaks_in_the_real_phrases_and_its_words_are_told(made: Path) -> None:
    talk = the_talk(made)
    ends = np.array([span.end_s for span in talk.spans("phrases")]) + shift(talk)
    assert len(ends) >= 13 and np.abs((ends[:-1] - 2.0) % 4.0 - 2.8).max() < 0.06  # the last is cut with the talk
    sound = talk.audio().reshape(-1, 640)
    level = np.sqrt(np.square(sound.astype(float)).mean(1))
    loud = np.median([level[round((end - shift(talk) - 1.5) * FPS)] for end in ends])
    quiet = np.median([level[round((end - shift(talk) + 0.6) * FPS)] for end in ends[:-1]])
    assert loud > 4 * quiet
    told = json.loads((made / "train/Events/SIM" / talk.name / "speaker/1.json").read_text("utf-8"))
    assert [word["text"] for word in told["words"]][:3] == ["so", "the", "remote"]


def test_who_is_off_camera_is_in_no_talk(tmp_path: Path) -> None:
    (meeting,) = meetings(write_meetings(tmp_path, ["ES2003a"]))
    for stretch in stretches(meeting):
        for who in stretch.listeners:
            first = round(stretch.start_s * 10)
            assert who.seen[first : first + round(stretch.seconds * 10)].all()
    rows = [row for who in "BC" for row in head("ES2003a", who, [(30.0, 70.0, "off_camera", "")])]
    data = write_corpus(tmp_path / "dark", words=talked("ES2003a", "A", 2.0, 66.0), headGesture=rows)
    assert [(found.start_s, found.seconds) for found in stretches(meetings(data)[0])] == [(0.0, 30.0)]


def test_a_stretch_needs_one_who_talks(tmp_path: Path) -> None:
    rows = [row for who in "ABC" for row in head("ES2003a", who, [])]
    both = talked("ES2003a", "A", 2.0, 66.0) + talked("ES2003a", "B", 4.0, 66.0)
    assert not stretches(meetings(write_corpus(tmp_path, words=both, headGesture=rows))[0])
    alone = talked("ES2003a", "A", 2.0, 66.0)
    found = stretches(meetings(write_corpus(tmp_path, words=alone, headGesture=rows))[0])
    assert [(stretch.speaker.person.speaker, stretch.seconds) for stretch in found] == [("A", 60.0)]


def test_groups_are_never_split(tmp_path: Path) -> None:
    names = ["ES2003a", "ES2003b", "IS1001a", "IS1001c", "ES2009a", "ES2009d", "IS1005b"]
    found = [stretch for meeting in meetings(write_meetings(tmp_path, names)) for stretch in stretches(meeting)]
    sides = {
        series: {stretch.split for stretch in found if stretch.series == series} for series in map(ami.series, names)
    }
    assert {len(side) for side in sides.values()} == {1} and set().union(*sides.values()) == {"train", "val", "test"}
    assert side_of("IS1003d") == "test" and side_of("IS1009a") == "val" and side_of("IS1008a") == "train"
    few = chosen(found, 3, None, 0)
    assert [stretch.split for stretch in few] == ["train", "val", "test"] and few == chosen(found, 3, None, 0)
    assert sum(stretch.seconds for stretch in chosen(found, None, 4.5, 0)) <= 270.0
    assert len(chosen(found, None, None, 0)) == len(found)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--talks", "2"], "--talks 2: at least 3"),
        (["--minutes", "0"], "--minutes 0: more than 0"),
        (["--synthetic", "2"], "a share from 0 to 1"),
        (["--seed", "-1"], "--seed -1: 0 or more"),
    ],
)
def test_wrong_options_are_refused(
    options: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "meetings", str(tmp_path / "set"), *options]) == 2
    assert told in capsys.readouterr().err


def test_without_the_annotations_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    assert main(["simulate", "meetings", str(tmp_path / "set"), "--synthetic", "1"]) == 2
    assert "ENGINE_DATA is not set" in capsys.readouterr().err
    monkeypatch.setenv("ENGINE_DATA", str(tmp_path))
    assert main(["simulate", "meetings", str(tmp_path / "set"), "--synthetic", "1"]) == 2
    assert ami.FOLDER in capsys.readouterr().err
    write_meetings(tmp_path, ["ES2003a"])
    assert main(["simulate", "meetings", str(tmp_path / "set"), "--synthetic", "1"]) == 2
    assert "no stretch of split val" in capsys.readouterr().err
