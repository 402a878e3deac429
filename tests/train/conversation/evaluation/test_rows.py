"""Rows that need no model, the loudness rule, phones, and cases as they are read."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.errors import EngineError
from engine.speech.align import Aligner
from tests.train.conversation.evaluation.toys import case, face_of, mouth, moving, opening, small_set, swaying
from train.conversation.evaluation import loudness, phones, rows
from train.conversation.evaluation.cases import Shown, read_cases, read_spoken, there, within
from train.conversation.evaluation.loudness import Setting
from train.conversation.talks.closings import closings
from train.conversation.talks.layout import FPS, MOUTH, SaidWord, Told
from train.simulate.talk import RATE, Span
from train.simulate.voices import decode

SPEECH = Path(engine.__file__).parent / "data" / "partner" / "speech.flac"
TEXT = "something really funny happened to me this morning"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_set(tmp_path_factory.mktemp("talks"))


def test_captures_and_dialogues_are_told_apart(folder: Path) -> None:
    (capture,) = read_cases(folder, "test", True)
    assert capture.alone and capture.kind == "captured" and capture.voice == "mona"
    dialogues = read_cases(folder, "test", False)
    assert [one.name for one in dialogues] == ["d-a", "d-b"] and dialogues[0].truth.body is not None
    assert [one.name for one in read_cases(folder, "test", False, 1)] == ["d-a"]
    assert [one.name for one in read_spoken(folder, "train", "captured")] == ["capture-train"]
    assert read_spoken(folder, "train", "tracked") == [] and there(folder, "dev") and not there(folder / "x", "dev")
    first = dialogues[0]
    assert first.speaking.sum() == 8.5 * FPS and first.listening.sum() == 7.0 * FPS
    assert not (first.speaking & first.listening).any()
    told = dataclasses.replace(first, told=Told())
    assert told.turns[0].start_s == pytest.approx(0.5, abs=0.06) and len(told.partner_turns) == 2


def test_a_capture_whose_mouth_is_not_known_is_left_out(folder: Path, tmp_path: Path) -> None:
    root = small_set(tmp_path)
    with np.load(root / "test" / "capture-test.npz") as stored:
        arrays = dict(stored)
    known = np.ones(len(arrays["face"]), bool)
    known[:30] = False
    np.savez(root / "test" / "capture-test.npz", **arrays, captured=known)
    told: list[str] = []
    assert read_cases(root, "test", True, say=told.append) == []
    assert "capture-test is left out: its mouth was captured in 88 %" in told[0]


def test_a_face_is_shown_at_other_rates() -> None:
    face = swaying(300, 0)
    shown = Shown(face)
    assert shown.face_at(30.0, 300) is not None and np.array_equal(shown.face_at(30.0, 299), face[:299])
    slow = shown.face_at(25.0, 250)
    assert slow.shape == (250, 58)
    assert np.abs(Shown(slow, rate=25.0).face_at(30.0, 300) - face)[2:-2, 52:].max() < 0.01


def test_frames_lie_in_spans_by_their_middle() -> None:
    assert within([Span(0.1, 0.2)], 10).tolist() == [False] * 3 + [True] * 3 + [False] * 4


def test_simple_rows_show_what_they_say(folder: Path) -> None:
    dialogues, (capture,) = read_cases(folder, "test", False), read_cases(folder, "test", True)
    spare = read_cases(folder, "dev", True)
    training = read_cases(folder, "train", False)
    mean = rows.average(training, {"captured": read_spoken(folder, "train", "captured")})
    made = {row.name: row for row in rows.simple([capture, *dialogues], spare, mean, {})}
    assert list(made) == [rows.TRUTH, rows.OTHER, rows.MEAN, rows.HOLD]
    one = dialogues[0]
    shown = {name: row.play([one])[one.name] for name, row in made.items()}
    assert np.array_equal(shown[rows.TRUTH].face, one.truth.face)
    assert np.array_equal(shown[rows.OTHER].face, dialogues[1].truth.face)
    assert np.allclose(shown[rows.MEAN].face, training[0].truth.face.mean(0), atol=1e-6)
    assert np.allclose(np.linalg.norm(shown[rows.MEAN].body, axis=-1), 1.0, atol=1e-5)
    assert np.array_equal(shown[rows.HOLD].face[-1], one.truth.face[0]) and shown[rows.HOLD].body is not None
    alone = made[rows.OTHER].play([capture])[capture.name]
    assert len(alone.face) == capture.frames and np.array_equal(alone.face, spare[0].truth.face)
    spoken = read_spoken(folder, "train", "captured")[0]
    average = made[rows.MEAN].play([capture])[capture.name].face
    assert np.allclose(average[:, MOUTH], spoken.mouth.mean(0), atol=1e-6)


def test_another_talk_is_another_voices_and_goes_to_and_fro() -> None:
    ours = case(swaying(100, 0), [(0.5, 2.0)], name="a", told=Told(voice="x", partner="y"))
    same = case(swaying(40, 1), [(0.2, 1.0)], name="b", told=Told(voice="y"))
    other = case(swaying(40, 2), [(0.2, 1.0)], name="c", told=Told(voice="z"))
    shown = rows.other(ours, [ours, same, other], []).face
    assert np.array_equal(shown[:40], other.truth.face) and np.array_equal(shown[40], other.truth.face[38])
    assert np.array_equal(shown[78], other.truth.face[0]) and len(shown) == 100
    assert np.array_equal(rows.other(ours, [ours, same], []).face[:40], same.truth.face)
    assert np.array_equal(rows.other(ours, [ours], []).face[5], ours.truth.face[0])


def test_bodies_are_averaged_whatever_the_sign_of_their_quaternions() -> None:
    body = moving(60, 0.5)
    flipped = body.copy()
    flipped[30:] *= -1.0
    talks = [case(swaying(60, 0), [], body=one) for one in (body, flipped)]
    (one,) = [rows.average([talk], {}).body for talk in talks[:1]]
    (two,) = [rows.average([talk], {}).body for talk in talks[1:]]
    assert one is not None and two is not None and np.allclose(one, two, atol=1e-5)


def test_levels_are_told_below_the_voices_own_peak() -> None:
    spans = [(1.0, 2.0), (3.0, 4.0)]
    talk = case(swaying(150, 0), spans)
    level = loudness.levels(talk)
    assert level.shape == (150,) and level.max() == 0.0 and level[70] < -40.0
    quiet = dataclasses.replace(talk, sound=talk.sound._replace(own=0.3 * talk.sound.own))
    assert np.abs(loudness.levels(quiet)[35:] - level[35:])[level[35:] > -40.0].max() < 0.1
    cut = dataclasses.replace(talk, sound=talk.sound._replace(own=talk.sound.own * (np.arange(80_000) < 40_000)))
    assert np.array_equal(loudness.levels(cut)[:74], level[:74])  # causal


def test_a_level_is_followed_late_and_smoothly() -> None:
    level = np.array([-90.0, 0.0, 0.0, -10.0, -90.0])
    assert loudness.followed(level, Setting(-20.0, 0.0, 0)) == pytest.approx([0.0, 1.0, 1.0, 0.5, 0.0])
    assert loudness.followed(level, Setting(-20.0, 0.0, 2)) == pytest.approx([0.0, 0.0, 0.0, 1.0, 1.0])
    assert loudness.followed(level, Setting(-20.0, 0.5, 0)) == pytest.approx([0.0, 0.5, 0.75, 0.625, 0.3125])


def test_the_rule_finds_the_setting_by_which_a_mouth_was_made() -> None:
    spans = [[(0.5, 2.0), (3.0, 5.5)], [(1.0, 3.0), (4.0, 5.0)]]
    setting = Setting(-30.0, 0.5, 1)
    talks = []
    for number, own in enumerate(spans):
        blank = case(np.zeros((180, 58), np.float32), own, name=f"t{number}")
        jaw = 0.1 + 0.6 * loudness.followed(loudness.levels(blank), setting)
        talks.append(case(face_of(mouth(jaw)), own, name=f"t{number}"))
    rule = loudness.fit(talks[:1], talks[1:], lambda line: None)
    assert rule.setting == setting
    assert np.abs(rule.mouth(talks[1]) - talks[1].mouth)[:, 3].max() < 1e-3
    shown = rows.speaking(rule.mouth(talks[1]))
    assert np.array_equal(shown.face[:, MOUTH], rule.mouth(talks[1])) and shown.body is None
    with pytest.raises(EngineError, match="no captured mouth in the training part"):
        loudness.fit([], talks, lambda line: None)


def test_onsets_of_closing_phones_are_found_where_they_are_said() -> None:
    pytest.importorskip("pocketsphinx")
    first, last = 2.2, 5.4
    pcm = decode(SPEECH)[round(first * RATE) : round(last * RATE)]
    found = closings(Aligner(), pcm, ["so", *TEXT.split()])
    onsets = [first + start for start, _ in found]
    # m of "something", p of "happened", m of "me" and of "morning"; words are said at 2.82, 3.87, 4.35 and 4.73 s.
    assert len(onsets) == 4 and onsets[2:] == pytest.approx([4.35, 4.73], abs=0.06)
    assert 2.9 < onsets[0] < 3.2 and 3.93 < onsets[1] < 4.2
    assert all(0.02 < end - start < 0.2 for start, end in found)
    assert len(closings(Aligner(), pcm, ["so", *TEXT.replace("funny", "blummy").split()])) == 6


def test_without_an_alignment_letters_at_the_beginning_of_words_count() -> None:
    face = face_of(mouth(opening([(0.5, 2.0)], 3.0)))
    words = (SaidWord("Bim", 0.5, 0.8), SaidWord("and", 0.8, 1.0), SaidWord("pam", 1.0, 1.3), SaidWord("...", 1.4, 1.5))
    talk = case(face, [(0.5, 2.0)], told=Told(words=words * 12))
    assert len(phones.bilabials(dataclasses.replace(talk, told=Told()))) == 0
    silent = dataclasses.replace(talk, sound=talk.sound._replace(own=np.zeros(1600, np.float32)))
    assert phones.bilabials(silent).tolist() == [0.5, 1.0] * 12
    known = dataclasses.replace(talk.told, closings=((0.7, 0.8), (1.2, 1.25)))
    assert phones.bilabials(dataclasses.replace(silent, told=known)).tolist() == [0.7, 1.2]
    known = dataclasses.replace(talk.told, closings=())
    assert len(phones.bilabials(dataclasses.replace(silent, told=known))) == 0
