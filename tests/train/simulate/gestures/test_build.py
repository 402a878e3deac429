"""The set: what is written can be read, is the same again, and holds two bodies that agree with their events."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.train.simulate.gestures.talks import spoken
from train.__main__ import main
from train.gesture.pats import pose
from train.gesture.pats.layout import JOINTS
from train.gesture.pats.reader import Interval, PatsSet
from train.simulate.gestures import build as building
from train.simulate.gestures.build import AT_A_TALK, gesture, gesturers_of, image
from train.simulate.gestures.command import Strips
from train.simulate.gestures.library import load_library
from train.simulate.gestures.persona import PERSONAS
from train.speech.talk import SPLITS, Talk

torch.set_num_threads(1)
PEOPLE = 2


@pytest.fixture(scope="module")
def talks() -> list[Talk]:
    return [replace(spoken(2, 1.0, name=f"{split}-talk"), split=split, credit=f"who {split}") for split in SPLITS]


@pytest.fixture(scope="module")
def command(talks: list[Talk], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two folders that the same command wrote."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ENGINE_DATA", raising=False)
        patch.setattr(building, "build_talks", lambda *_, **__: iter(talks))
        folders = [tmp_path_factory.mktemp("sets") / name for name in ("one", "two")]
        for folder in folders:
            assert main(["simulate", "gestures", str(folder), "--gesturers", str(PEOPLE)]) == 0
    return folders


@pytest.fixture(scope="module")
def intervals(command: list[Path]) -> list[Interval]:
    return PatsSet(command[0]).intervals()


def test_the_same_command_writes_the_same_bytes(command: list[Path]) -> None:
    files = [sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file()) for folder in command]
    assert files[0] == files[1] and len(files[0]) > 10
    for name in files[0]:
        assert (command[0] / name).read_bytes() == (command[1] / name).read_bytes(), name


def test_every_talk_has_its_gesturers_and_every_interval_what_training_needs(
    talks: list[Talk], intervals: list[Interval]
) -> None:
    assert {(one.video, one.speaker, one.split) for one in intervals} == {
        (talk.name, persona.name, talk.split) for talk in talks for persona in PERSONAS[:PEOPLE]
    }
    for one in intervals:
        frames = int(talks[0].seconds * 15)
        for key in ("pose/data", "pose/normalize", "body/rotations", "live/rotations", "pose/confidence"):
            assert len(one.read(key)) == frames, key
        assert one.read("audio/log_mel_400").shape[1] == 64 and one.read("audio/log_mel_512").shape[1] == 128
        assert one.pcm_rate == 16000 and np.abs(one.pcm() - talks[0].pcm).max() < 1e-4
        assert one.words() == talks[0].words
        silent = one.read("audio/silence")
        assert silent[: int(0.7 * 15)].all() and not silent[15:30].any()
        stresses = [(stress.time, stress.strength, stress.word) for stress in talks[0].stresses]
        assert one.read("events/stresses") == pytest.approx(np.array(stresses), abs=1e-5)


def test_points_are_scaled_by_the_shoulder_and_the_neck_keeps_its_place(intervals: list[Interval]) -> None:
    for one in intervals:
        data, scaled = one.read("pose/data"), one.read("pose/normalize")
        assert np.hypot(scaled[:, 1], scaled[:, JOINTS + 1]) == pytest.approx(167.0, abs=0.01)
        assert scaled == pytest.approx(pose.normalised(data), abs=0.01)
        assert (scaled[:, [0, JOINTS]] == data[:, [0, JOINTS]]).all()
        assert np.abs(data[:, [0, JOINTS]] - building.IMAGE).max() < 60
        points = pose.points(data)
        assert (points[:, 1, 0] < 0).all() and (points[:, 4, 0] > 0).all()  # its right is at the image's left


def test_bodies_move_when_their_events_say(intervals: list[Interval]) -> None:
    """The wrists of who gestures are faster in strokes than at rest, in the planned and in the live body."""
    for where in ("events", "live"):
        fast, still = [], []
        for one in intervals:
            rows = one.read(f"{where}/gestures")
            body = "body" if where == "events" else "live"
            turns = one.read(f"{body}/rotations")
            speed = np.linalg.norm(np.diff(turns, axis=0), axis=-1).sum(1)
            times = (np.arange(len(speed)) + 1) / 15
            stroke, up = np.zeros(len(speed), bool), np.zeros(len(speed), bool)
            for _, _, prep, start, apex, _, rest, _ in rows:
                stroke |= (times >= start) & (times < apex)
                up |= (times >= prep - 0.3) & (times < rest + 0.3)
            fast.append(speed[stroke])
            still.append(speed[~up])
        assert np.concatenate(fast).mean() > 4 * np.concatenate(still).mean(), where


def test_live_events_are_those_planned_but_no_earlier(intervals: list[Interval]) -> None:
    total = 0
    for one in intervals:
        planned, live = one.read("events/gestures"), one.read("live/gestures")
        total += len(live)
        assert len(live) <= len(planned)
        for row in live:
            same = planned[(planned[:, 1] == row[1]) & np.isclose(planned[:, 7], row[7])]
            assert len(same) and (row[3] >= same[:, 3] - 1e-4).any()
    assert total > 5


def test_the_record_says_how_and_of_whom(command: list[Path], talks: list[Talk]) -> None:
    made = json.loads((command[0] / "made.json").read_text("utf-8"))
    assert made["command"] == "python -m train simulate gestures OUT --minutes 80 --seed 0 --gesturers 2"
    assert [each["name"] for each in made["gesturers"]] == [persona.name for persona in PERSONAS[:PEOPLE]]
    assert [each["name"] for each in made["strokes"]] == [entry.name for entry in load_library(None).entries]
    assert made["talks"] == {talk.name: talk.voice for talk in talks}
    readme = (command[0] / "README.txt").read_text("utf-8")
    assert "AMI Meeting Corpus" in readme and "mocap.cs.cmu.edu" in readme and "who test" in readme


def test_strips_are_drawn_of_the_first_intervals_of_each_split(tmp_path: Path) -> None:
    built, draw = gesture(spoken(1, 0.1), PERSONAS[0], load_library(None), 0), Strips(tmp_path, 1)
    for _ in range(3):
        draw(built)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["train.made.ada.live.png", "train.made.ada.png"]


def test_everybody_has_about_as_many_talks() -> None:
    for split in AT_A_TALK:
        met = [persona.name for number in range(24) for persona in gesturers_of(PERSONAS[:6], split, number)]
        counts = [met.count(persona.name) for persona in PERSONAS[:6]]
        assert max(counts) - min(counts) <= 1, split
        for number in range(24):
            who = gesturers_of(PERSONAS[:6], split, number)
            assert len(set(who)) == len(who) == AT_A_TALK[split][number % len(AT_A_TALK[split])]
    assert len(gesturers_of(PERSONAS[:1], "test", 3)) == 1


def test_another_seed_is_another_performance_in_the_same_place() -> None:
    talk, library = spoken(2), load_library(None)
    one, same, other = (gesture(talk, PERSONAS[0], library, seed) for seed in (1, 1, 2))
    assert one.planned == same.planned != other.planned
    assert (one.body.rotations == same.body.rotations).all()
    still = image(one.body, PERSONAS[0])[0], image(one.live, PERSONAS[0])[0]
    assert still[0] == pytest.approx(still[1], abs=8.0)  # the same idle movement


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--gesturers", "9"], "9 gesturers: from 1 to 8"),
        (["--seed", "-1"], "--seed -1: 0 or more"),
        (["--minutes", "0"], "0.0 minutes of talks cannot be made"),
    ],
)
def test_what_cannot_be_built_is_told(
    options: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    assert main(["simulate", "gestures", str(tmp_path / "out"), *options]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["simulate", "gestures", str(tmp_path)]) == 2
    assert "give a folder that is new or empty" in capsys.readouterr().err


def test_listeners_are_simulated_by_the_shorter_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(tmp_path / "out"), "--talks", "1"]) == 2
    assert "--talks 1: at least 3" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["simulate", "gestures"])
    assert "simulate gestures: error: the following arguments are required: OUT" in capsys.readouterr().err
