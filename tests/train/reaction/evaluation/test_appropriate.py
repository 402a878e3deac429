"""Sets of one listener a clip, as the challenge ships them: who is right comes from the neighbours, and what cannot be
measured is left out and said."""

from __future__ import annotations

import logging
from argparse import Namespace
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.reaction.challenge import (
    AUGSBURG,
    PAIRS,
    PARIS,
    RECOLA,
    RIGHT,
    copy,
    matrix,
    write_challenge,
    write_list,
)
from train.__main__ import main
from train.check import Checked
from train.reaction import check
from train.reaction.evaluation import challenge, command, report, rows
from train.reaction.evaluation.appropriate import EASE_FRAMES, appropriate, choose_clips, eased
from train.reaction.evaluation.run import Listening, evaluate
from train.reaction.evaluation.scene import Scene, deal
from train.reaction.neighbours import Pair
from train.reaction.react import ReactData
from train.report import events
from train.simulate.talk import FPS

BOTH = (*PAIRS, *(pair.mirrored for pair in PAIRS))
FILE = "neighbour_emotion_val.npy"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_challenge(tmp_path_factory.mktemp("challenge"))


@pytest.fixture
def copied(root: Path, tmp_path: Path) -> Path:
    """The set, to be changed."""
    return copy(root, tmp_path / "copy")


def scenes_of(root: Path, minutes: float | None = None) -> list[Scene]:
    data = ReactData(root)
    return deal(data.talks("val", both_ways=data.both_ways("val")), minutes, data.neighbours("val"))


@pytest.fixture(scope="module")
def scenes(root: Path) -> list[Scene]:
    return scenes_of(root)


@pytest.fixture(scope="module")
def measured(scenes: list[Scene]) -> Listening:
    return evaluate(scenes, [*rows.recorded(scenes, 2, 0), *rows.tricks()], samples=2, seed=0)


def place(scene: Scene, clip: int = 0) -> int:
    """Where the pair of a scene's clip stands in the matrix."""
    return BOTH.index(scene.talk.pair(scene.references[0], clip))


def test_files_are_found_under_the_challenges_names(root: Path) -> None:
    data = ReactData(root)
    assert data.file("val", "Emotion", PAIRS[0].listener).path == root / f"val/Emotion/{PARIS}/P2/1.csv"
    assert data.file("val", "Emotion", PAIRS[4].speaker).path == root / f"val/Emotion/{RECOLA}/P1/3.csv"
    assert data.file("val", "Audio_files", PAIRS[4].speaker).path == root / f"val/Audio_files/{RECOLA}/P41/3.wav"
    talks = data.talks("val", both_ways=True)
    assert [talk.name for talk in talks[:2]] == [f"{PARIS[5:]}/Expert_video@1", f"{PARIS[5:]}/Expert_video@4"]
    assert {talk.voice for talk in talks} == {PARIS, AUGSBURG, RECOLA}
    there, back = talks[0], talks[4]
    np.testing.assert_array_equal(there.listener("Novice_video"), back.face())
    np.testing.assert_array_equal(there.emotion("speaker"), back.emotion("Expert_video"))
    assert back.audio().shape == (960_000,) and there.pair("Novice_video", 1) == PAIRS[1]
    assert len(data.talks("val")) == 4


def test_a_face_that_is_there_as_full_alone_is_read(copied: Path) -> None:
    face = copied / "val" / "3D_FV_files" / f"{PAIRS[3].listener}.npy"
    before = ReactData(copied).face("val", PAIRS[3].listener)
    face.rename(face.with_name("7_full.npy"))
    np.testing.assert_array_equal(ReactData(copied).face("val", PAIRS[3].listener), before)


def test_talks_are_cut_where_nobody_else_is_right(root: Path, copied: Path) -> None:
    scenes = scenes_of(root)
    assert [(scene.talk.clips, scene.redraws) for scene in scenes[:4]] == [
        ((1, 2), True), ((4,), False), ((7,), True), ((3,), True)
    ]  # fmt: skip
    alone = matrix()
    alone[1] = np.eye(10)[1]
    (copied / FILE).unlink()
    np.save(copied / FILE, alone)
    cut = scenes_of(copied)
    assert [(scene.talk.clips, scene.redraws) for scene in cut[:3]] == [((1,), True), ((2,), False), ((4,), False)]
    assert len({(scene.voice, scene.talk.name) for scene in cut}) == len(cut) == 9
    assert [scene.frames for scene in scenes_of(root, 1.9)] == [750] * 3  # whole clips, one of each chat
    with pytest.raises(EngineError, match=r"a whole clip of each of 3 chats is 1.5"):
        scenes_of(root, 1.4)


def test_who_is_right_is_what_the_matrix_says(scenes: list[Scene]) -> None:
    clips = choose_clips(scenes, 24)
    people = appropriate(scenes, clips)
    assert len(clips) == len(BOTH) and all(clip.start % 750 == 0 and clip.frames == 750 for clip in clips)
    for clip, right in zip(clips, people.right, strict=True):
        scene = scenes[clip.scene]
        row = place(scene, clip.start // 750)
        wanted = {BOTH[column] for column in (row, *RIGHT.get(row, ()))}
        assert {pair for pair, column in people.column.items() if right[column]} == wanted
        own = people.listeners[people.column[BOTH[row]]]
        np.testing.assert_array_equal(own, scene.listener(clip.reference).emotion[clip.start : clip.start + 750])


def test_a_redraw_is_other_peoples_clips(scenes: list[Scene]) -> None:
    people = next(row for row in rows.recorded(scenes, 3, 0) if row.name == "redraw")
    seen: dict[int, set[Pair]] = {}
    for scene in scenes:
        answers = people.play(scene)
        assert bool(answers) == scene.redraws
        for sample in answers.get(scene.references[0], []):
            assert len(sample.face) == len(sample.emotion) == scene.frames
            for clip, pair in enumerate(sample.drawn):
                row, start = place(scene, clip), 750 * clip
                seen.setdefault(row, set()).add(pair)
                data = scene.talk.data
                np.testing.assert_array_equal(sample.emotion[start : start + 750], data.emotion("val", pair.listener))
                face, begins = data.face("val", pair.listener), EASE_FRAMES if clip else 0
                np.testing.assert_array_equal(sample.face[start + begins : start + 750], face[begins:])
    assert seen == {
        row: {BOTH[column] for column in columns} - ({BOTH[2]} if row == 1 else {BOTH[1]} if row == 6 else set())
        for row, columns in RIGHT.items()
    }  # not the same listener at another time (2 for 1), nor whoever is answered (1's listener speaks in 6)


def test_clips_of_two_people_join_without_a_jump() -> None:
    first, second = np.zeros((750, 58), np.float32), np.ones((750, 58), np.float32)
    joined = eased([first, second])
    assert joined.shape == (1500, 58) and np.abs(np.diff(joined, axis=0)).max() < 0.1
    assert joined[749, 0] == 0.0 and 0 < joined[760, 0] < 1 and joined[750 + EASE_FRAMES, 0] == 1.0


def test_metrics_are_over_the_appropriate_listeners(scenes: list[Scene], measured: Listening) -> None:
    value = measured.value
    assert [row.name for row in measured.results][:4] == ["ground truth", "redraw", "random", "shifted"]
    assert value("ground truth", "frd") == 0.0 and sorted(set(measured.right)) == [1, 2, 3]
    emotions = {pair: ReactData(scenes[0].talk.data.root).emotion("val", pair.listener) for pair in BOTH}
    found = []
    for row, pair in enumerate(BOTH):
        mime = emotions[pair.mirrored]
        found.append(challenge.fit(mime, [emotions[BOTH[column]] for column in (row, *RIGHT.get(row, ()))]))
    frc, frd = np.mean(found, 0)
    assert value("mime", "frc") == pytest.approx(2 * frc) and value("mime", "frd") == pytest.approx(2 * frd)
    assert value("redraw", "frd") > 0.0 and abs(value("redraw", "frc")) < 0.5 < value("ground truth", "frc")
    times = [len(events.nods(scene.listener(scene.references[0]).face, FPS)) for scene in scenes]
    assert value("ground truth", "nods") == pytest.approx(sum(times) / 5.0)
    assert value("hold", "smiles") == 0.0 < value("redraw", "blinks")
    unknown = (
        "nod_f1",
        "nod_skill",
        "smile_gain",
        "nod_matched",
        "hazard_cues",
        "hazard_phrases",
        "nods_cued",
        "nods_silence",
        "smiles_free",
    )
    assert all(np.isnan(value("ground truth", key)) for key in unknown)
    assert np.isnan(value("nobody", "frc"))


def test_the_report_says_what_is_missing(measured: Listening) -> None:
    document = report.document(measured)
    told = document.conclusions["split"]
    assert told[0] == "no redraw in 2 of 8 talks: by the neighbours nobody else would have been right there."
    assert "does not say when phrases end" in told[1] and told[2].startswith("3 chat(s)")
    assert "8 talks of 3 chats, 5.0 min, 8 reference" in document.text() and "silence" not in document.heading
    assert "against 1 to 3 appropriate" in document.text() and "Timing" not in document.text()
    assert [moment.cue.kind for moment in measured.moments] == ["listener's nod", "listener's smile"]
    few = replace(measured, moments=measured.moments[:1], results=measured.results[:2])
    drawn = [part for part in report.filmstrips(few) if "listener's nod at" in getattr(part, "caption", "")]
    assert len(drawn) == 1


def test_without_neighbours_the_rest_is_measured(copied: Path) -> None:
    (copied / FILE).unlink()
    scenes = scenes_of(copied)
    assert [scene.talk.clips for scene in scenes[:2]] == [(1, 2), (4,)] and not any(scene.redraws for scene in scenes)
    measured = evaluate(scenes, [*rows.recorded(scenes, 2, 0), *rows.tricks()], samples=2, seed=0)
    value = measured.value
    assert "redraw" not in [row.name for row in measured.results] and measured.right == [1] * 10
    assert value("ground truth", "frd") == 0.0 and value("ground truth", "frc") > 0.5 and value("mime", "frd") > 0
    assert np.isfinite([value("mime", key) for key in ("frdvs", "frvar", "frsyn", "nods", "blinks", "jerk_face")]).all()
    told = report.document(measured).conclusions["split"]
    assert "no redraw, nor what is held against it" in told[0] and "--neighbours" in told[0]
    # Two directions of one chat are no strangers to each other.
    alone = [scene for scene in scenes if scene.voice == PARIS]
    assert [row.name for row in rows.recorded(alone, 1, 0)] == ["ground truth", "shifted"]
    assert "no random row" in rows.left_out(alone)[1]


def test_sets_with_parts_missing(copied: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Damage leaves out a clip and, from the neighbours, its listener; without listeners' voices there is one way."""
    (copied / "val" / "Emotion" / AUGSBURG / "P2" / "7.csv").unlink()
    data = ReactData(copied)
    found = data.neighbours("val")
    assert found is not None and found.appropriate(PAIRS[0]) == [PAIRS[0], PAIRS[4].mirrored]
    with caplog.at_level(logging.WARNING):
        assert len(data.talks("val", both_ways=True)) == 6 and "7.csv is missing" in caplog.text
    for voice in (copied / "val" / "Audio_files").rglob("*"):
        if voice.parent.name in ("Novice_video", "P42"):
            voice.unlink()
    data = ReactData(copied)
    found = data.neighbours("val")
    assert not data.both_ways("val") and found is not None and found.both_ways
    (copied / "val" / "3D_FV_files").rename(copied / "faces")
    with pytest.raises(EngineError, match="val: has no folder 3D_FV_files; faces are what"):
        ReactData(copied).talks("val")


def test_the_commands_take_such_a_set(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (copied / FILE).unlink()
    options = ["evaluate", "reaction", "--data", str(copied), "--split", "val", "--samples", "1", "--minutes"]
    (copied / "val.csv").unlink()
    write_list(copied, "val", PAIRS[4:])
    assert main([*options, "0.05", "--clips", "3"]) == 0
    printed = capsys.readouterr().out
    assert "1 talks of 1 chats, 0.1 min" in printed and "with --neighbours" in printed and "rules, face only" in printed
    assert "over 1 clips" in printed and "no random row" in printed

    write_list(copied, "val", PAIRS[3:])
    monkeypatch.setattr(command, "models", lambda *_, **__: [])  # they have been measured above, and are slow
    mine = tmp_path / "mine.npy"
    np.save(mine, np.kron(np.ones((2, 2)), np.eye(2)[::-1]) + np.eye(4) > 0)
    assert main([*options, "1", "--neighbours", str(mine)]) == 0
    printed = capsys.readouterr().out
    assert (
        "2 talks of 2 chats, 1.0 min" in printed and "against 3 appropriate" in printed and "no redraw" not in printed
    )
    np.save(copied / FILE, 0.5 * np.eye(4))
    assert main([*options, "1"]) == 2
    assert "row 1, column 1 holds 0.5, not 0 or 1" in capsys.readouterr().err


def test_a_check_says_what_can_be_measured(copied: Path) -> None:
    def first(count: int) -> list[Checked]:
        """The lines of the list and its matrix: sound, which comes behind them, takes its time."""
        return list(islice(check.check(Namespace(data=copied, split="val")), count))

    (listed, neighbours) = first(2)
    (told,) = listed.notes
    assert told.startswith("one listener a clip, both ways: redraws and") and told.endswith(f"by {FILE}")
    assert (neighbours.file, neighbours.read["holds"], neighbours.problem) == (FILE, "10 x 10", "")
    assert list(neighbours.notes) == [
        "with the mirrored pairs; 1 to 3 appropriate listeners a clip, 2 clips without another person"
    ]
    (copied / FILE).unlink()
    (copied / "neighbor_emotion_val.npy").write_bytes(b"")
    assert "does not read as an array" in first(2)[1].problem
    (copied / "neighbor_emotion_val.npy").unlink()
    (listed, sound) = first(2)
    assert listed.notes[0].endswith(f"against that listener alone; for more put {FILE} here")
    assert sound.read["kind"] == "Audio_files"
