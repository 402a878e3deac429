"""A toy bundle that shows what it is given: voices, faces and controls as live, frames where they belong."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.bundle import Bundle
from engine.channels import FACE
from engine.errors import EngineError
from models import checkpoint
from tests.train.conversation.evaluation.toys import SHOWN, SPEC, case, echo, face_of, mouth, opening, swaying, voice
from train.conversation.evaluation import windowed
from train.conversation.evaluation.cases import Case
from train.conversation.evaluation.rows import EVERY, LIPS, LISTENING
from train.conversation.evaluation.served import Served, of_speech
from train.conversation.talks.layout import FPS, MOUTH, MOUTH_NAMES, Told
from train.conversation.windowed import FAMILY, WindowedConfig, WindowedLips

OWN, PARTNER = [(1.0, 2.0)], [(3.0, 4.0)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return echo(tmp_path_factory.mktemp("echo") / "echo")


@pytest.fixture
def talks() -> list[Case]:
    seen = swaying(150, 1)
    dialogue = case(np.zeros((150, 58), np.float32), OWN, PARTNER, partner_face=seen)
    told = Told(voice="grid", capture="tracked")
    shown = face_of(mouth(opening(OWN, 4.0)))
    return [dialogue, case(shown, OWN, name="capture-x", told=told)]


def column(row: Served, talks: list[Case], name: str, channel: str) -> np.ndarray:
    return np.asarray(row.play(talks)[name].face[:, FACE[channel]])


def test_a_bundle_is_given_voices_face_and_controls(talks: list[Case], bundle: Bundle) -> None:
    row = Served("echo", bundle)
    assert row.parts == EVERY and row.kind == "model" and "echo 0.1.0" in row.about
    made = row.play(talks)
    face = made["talk"].face
    assert face.shape == (150, 58) and made["capture-x"].face.shape == (120, 58) and made["talk"].body is None
    loud = face[:, FACE["jawOpen"]]
    assert loud[32:58].min() > 0.05 and loud[:29].max() < 0.01 and loud[61:].max() < 0.01
    heard = face[:, FACE["browInnerUp"]]
    assert heard[92:118].min() > 0.05 and heard[:89].max() < 0.01
    assert (face[:, FACE["cheekPuff"]] == 1.0).all() and (made["capture-x"].face[:, FACE["cheekPuff"]] == 0.0).all()
    # The numbers of the capture that is told, and nobody there in a capture.
    assert (made["capture-x"].face[:, FACE["noseSneerLeft"]] == 1.0).all() and (
        face[:, FACE["noseSneerLeft"]] == 0
    ).all()
    assert (made["capture-x"].face[:, FACE["noseSneerRight"]] == 0.0).all()
    assert (face[:, FACE["noseSneerRight"]] == 1.0).all()
    assert (face[:, FACE["jawForward"]] == 0.0).all() and made["capture-x"].face[0, FACE["jawForward"]] == 1000.0
    assert set(SHOWN) >= {"jawOpen", "browInnerUp"}


def test_a_body_has_the_manner_of_who_is_told(talks: list[Case], bundle: Bundle) -> None:
    who = dataclasses.replace(talks[0], told=dataclasses.replace(talks[0].told, persona="cyd"))
    assert (column(Served("echo", bundle), [who, talks[1]], "talk", "mouthLeft") == 2.0).all()
    assert (column(Served("echo", bundle), talks, "talk", "mouthLeft") == 0.0).all()
    asked = Served("echo", bundle, controls={"style": "ben"})
    assert (column(asked, [who, talks[1]], "talk", "mouthLeft") == 1.0).all()


def test_the_mouth_of_speech_is_told_apart_from_a_smile() -> None:
    talk = case(face_of(mouth(opening(OWN, 3.0))), OWN, name="capture-x", told=Told(voice="v", capture="captured"))
    dialogue = case(np.zeros((90, 58), np.float32), OWN, PARTNER)
    made = Served("conversation", Bundle.load("conversation"), controls={"mood": "cheerful"}).play([talk, dialogue])
    shown, apart = made["capture-x"].face[:, MOUTH], made["capture-x"].mouth
    assert apart is not None and made["talk"].mouth is None and apart.shape == (90, 27)
    smile, jaw = MOUTH_NAMES.index("mouthSmileLeft"), MOUTH_NAMES.index("jawOpen")
    assert shown[:, smile].mean() > apart[:, smile].mean() + 0.01  # the smile is the expression's
    assert np.corrcoef(shown[:, jaw], apart[:, jaw])[0, 1] > 0.9
    grave = Served("conversation", Bundle.load("conversation"), controls={"mood": "reserved", "lip_strength": 0.5})
    other = grave.play([talk])["capture-x"].mouth  # the same noise: another mood has the same mouth
    assert other is not None and np.allclose(other, 0.5 * apart, atol=1e-4) and apart.max() > 0.05
    under = np.full((4, 58), 0.2, np.float32)
    spoken = np.full((4, 27), 0.5, np.float32)
    whole = under.copy()
    whole[:, MOUTH] = under[:, MOUTH] + spoken - under[:, MOUTH] * spoken
    assert np.allclose(of_speech(whole, under), spoken, atol=1e-6)


def test_frames_that_come_late_are_put_where_they_belong(talks: list[Case], bundle: Bundle, tmp_path: Path) -> None:
    now = Served("now", bundle).play(talks)["talk"].face[:, FACE["jawOpen"]]
    late = Served("late", echo(tmp_path / "echo", dataclasses.replace(SPEC, lookahead=2))).play(talks)["talk"].face
    # The toy shows at once what it hears: told to look two frames ahead, it is two frames early.
    assert np.array_equal(late[:-2, FACE["jawOpen"]], now[2:]) and len(late) == len(now)


def test_takes_differ_in_noise_alone_and_controls_are_set(talks: list[Case], bundle: Bundle) -> None:
    row = Served("echo", bundle)
    first, again, other = (row.play(talks, take)["talk"].face for take in (0, 0, 1))
    noise = FACE["tongueOut"]
    assert np.array_equal(first, again) and np.abs(first[:, noise] - other[:, noise]).mean() > 0.1
    assert np.array_equal(np.delete(first, noise, 1), np.delete(other, noise, 1))
    half = column(Served("echo", bundle, controls={"size": 0.5}), talks, "talk", "jawOpen")
    assert np.allclose(half, 0.5 * first[:, FACE["jawOpen"]])
    with pytest.raises(EngineError, match="speed"):
        Served("echo", bundle, controls={"speed": 0.5})


def test_a_bundle_that_only_listens_is_told_when_it_speaks(talks: list[Case]) -> None:
    row = Served("rules", Bundle.load("rules"), controls={"temperature": 0.5})  # a control of others is not its own
    assert row.parts == (LISTENING,)
    shown = row.play(talks[:1])["talk"]
    assert shown.rate == 25.0 and len(shown.face) == 125 and len(shown.face_at(FPS, 150)) == 150
    assert np.isfinite(shown.face).all() and np.abs(np.diff(shown.face, axis=0)).max() > 0.0
    with pytest.raises(EngineError, match="outputs joints"):
        Served("dance", Bundle.load("dance"))


def test_the_offline_model_hears_the_own_voice(talks: list[Case], tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = WindowedConfig(heard=27, segment=96, width=16, diffusion_steps=100)
    lips = WindowedLips(config)
    lips.codec.scale.fill_(0.2)
    lips.codec.mean.fill_(0.3)
    path = tmp_path / "lips.safetensors"
    checkpoint.save(path, checkpoint.Checkpoint(FAMILY, config.to_dict(), lips.state_dict()))
    row = windowed.row(path)
    assert row.kind == "offline" and row.parts == (LIPS,) and "lips.safetensors" in row.about
    capture = talks[1]
    made = row.play([capture])[capture.name]
    assert made.face.shape == (120, 58) and made.face[:, FACE["jawOpen"]].std() > 0.0
    assert np.array_equal(row.play([capture])[capture.name].face, made.face)
    louder = dataclasses.replace(capture, sound=capture.sound._replace(own=voice([(0.2, 3.8)], 4.0)))
    assert np.abs(row.play([louder])[capture.name].face - made.face).max() > 1e-4
    seen = dataclasses.replace(capture, told=dataclasses.replace(capture.told, capture="captured"))
    assert np.abs(row.play([seen])[capture.name].face - made.face).max() > 1e-5
    narrow = WindowedConfig(heard=5, segment=96, width=16, diffusion_steps=100)
    checkpoint.save(path, checkpoint.Checkpoint(FAMILY, narrow.to_dict(), WindowedLips(narrow).state_dict()))
    with pytest.raises(EngineError, match="it hears 5 numbers a frame"):
        windowed.windowed(path)
