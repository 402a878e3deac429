"""Dialogues: who speaks when, what fills the turns, and the parts an avatar's face and body are put together of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from engine.channels import FACE
from models.conversation.config import BODY, MOUTH, MOUTH_NAMES, NECK_SHARE
from train.simulate.dialogues.avatar import Avatar, _body, at_rate, mouths, turns_of
from train.simulate.dialogues.build import whole_face
from train.simulate.dialogues.turns import LENGTH_S, Said, _of_meeting, placed
from train.simulate.dialogues.voices import CapturedPhrase, CaptureFile, Utterance, fill, solved_channels
from train.simulate.talk import SimulatedListener, Span
from train.simulate.voices import Phrase, Voice
from train.speech.ami import Person, Word
from train.speech.turns import Phrase as Turn


def words(speaker: str, spans: list[tuple[float, float]]) -> list[Word]:
    """Words of 0.4 s without a gap over each span."""
    person = Person("M", speaker)
    return [
        Word(person, start + 0.4 * k, start + 0.4 * (k + 1), "word", "remote")
        for start, end in spans
        for k in range(int((end - start) / 0.4))
    ]


def test_phrases_keep_the_times_of_the_meeting() -> None:
    said = placed(words("A", [(10.0, 14.0), (20.0, 22.0)]))
    assert [round(item.start, 3) for item in said] == [10.0, 20.0]
    assert [round(item.phrase.seconds, 1) for item in said] == [4.0, 2.0]


def test_a_dialogue_is_a_stretch_that_two_people_hold() -> None:
    turns = {"A": [(5.0, 25.0), (45.0, 55.0), (130.0, 131.0)], "B": [(26.0, 44.0)], "C": [(56.0, 58.0)]}
    people = {Person("M", name): words(name, spans) for name, spans in turns.items()}
    found = list(_of_meeting(people))
    assert found and [person.speaker for person in found[0].people] == ["A", "B"]
    assert all(0.3 <= item.start < LENGTH_S for side in found[0].sides for item in side)
    loud = {**people, Person("M", "C"): words("C", [(5.0, 55.0)])}
    assert not any({"A", "B"} == {person.speaker for person in item.people} for item in _of_meeting(loud))


def test_turns_are_filled_with_phrases_of_about_their_length_and_short_ones_hummed() -> None:
    rng = np.random.default_rng(0)
    phrases = [Phrase((0.1 * rng.standard_normal(int(16_000 * s))).astype(np.float32)) for s in (1.0, 2.0, 4.0)]
    known = [CapturedPhrase(item, np.full((int(len(item.pcm) / 16_000 * 30), 27), 0.5, np.float32)) for item in phrases]
    voice = Voice("v", "s", "train", "", "", tuple(phrases))
    side = [Said(1.0, Turn("a", ("a",), 4.0, 1.0)), Said(7.0, Turn("mhm", ("mhm",), 0.3, 1.0))]
    said = fill(side, voice, known, rng)
    assert len(said[0].phrase.pcm) == 64_000 and said[0].start == 1.0
    assert said[-1].start == 7.0 and said[-1].mouth is not None and said[-1].mouth.max() == 0
    assert all(item.mouth is None for item in fill(side, voice, (), rng))


def test_mouths_lie_where_they_are_said_and_are_unknown_where_nobody_captured_them() -> None:
    second = Phrase(np.zeros(16_000, np.float32))
    said = [Utterance(1.0, second, (), np.ones((30, 27), np.float32)), Utterance(4.0, second, (), None)]
    mouth, known = mouths(said, 180)
    assert (mouth[35:55] == 1).all() and mouth[:30].max() == 0 and mouth[60:].max() == 0
    assert 0 < mouth[30, 0] < 1  # it comes in over some frames
    assert known[:115].all() and not known[120:150].any() and known[155:].all()


def test_a_channel_that_stays_nought_in_one_take_alone_was_not_solved_there(tmp_path: Path) -> None:
    names = ["jawOpen", "mouthPucker", "mouthLeft"]
    files = []
    takes = (("one", [0.5, 0.4, 0.0]), ("two", [0.5, 0.0, 0.0]), ("clip", [0.5, 0.0, 0.0]))
    for take, moved in takes:
        path, shown = tmp_path / take, np.zeros((30, 3), np.float32)
        shown[10:20] = moved
        np.savez(path.with_suffix(".npz"), arkit52=shown, names=names, fps=30.0, valid=np.ones(3, bool))
        files.append(
            CaptureFile(path, *(("bob", "train", "tracked") if take == "clip" else ("ann", "train", "captured")))
        )
    one, two, tracked = solved_channels(files)
    pucker, left = MOUTH_NAMES.index("mouthPucker"), MOUTH_NAMES.index("mouthLeft")
    assert one[pucker] and not two[pucker] and two[left] and two.sum() == len(MOUTH) - 1
    assert tracked.all()  # a tracker tells every channel


def test_pauses_join_turns_and_rates_change_in_the_middle_of_frames() -> None:
    assert turns_of([Span(3.0, 4.0), Span(0.0, 1.0), Span(1.5, 2.0)]) == (Span(0.0, 2.0), Span(3.0, 4.0))
    ramp = ((np.arange(50) + 0.5) / 25.0)[:, None].astype(np.float32)
    assert np.allclose(at_rate(ramp, 25.0, 30.0, 60)[2:-2, 0], ((np.arange(60) + 0.5) / 30.0)[2:-2], atol=1e-5)


def test_face_and_body_are_put_together() -> None:
    face = np.zeros((60, 58), np.float32)
    face[:, FACE["headYaw"]], face[:, FACE["jawOpen"]] = 0.5, 0.5
    still = np.zeros((30, 27, 4), np.float32)
    still[..., 3] = 1.0
    body = _body(still, face, 60)
    neck, head = (Rotation.from_quat(body[30, BODY.index(name)]).as_euler("YXZ") for name in ("neck", "head"))
    assert np.isclose(neck[0], NECK_SHARE * 0.5) and np.isclose(neck[0] + head[0], 0.5)
    assert body.shape == (60, 27, 4) and np.allclose(np.linalg.norm(body, axis=-1), 1.0)
    listener = SimulatedListener(face, {})
    whole = whole_face(Avatar(face, np.full((60, 27), 0.5, np.float32), np.ones(60, bool), body, listener))
    assert np.allclose(whole[:, FACE["jawOpen"]], 0.75) and np.allclose(whole[:, FACE["mouthClose"]], 0.5)
    assert FACE["jawOpen"] in MOUTH
