"""``engine.open``: the same frames as a live session made of the same sound and faces, in whatever pieces they come."""

from __future__ import annotations

import logging
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

import engine
from engine.bundle import Bundle
from engine.errors import EngineError
from engine.record.reading import Recording
from tests.engine.record.make import PATH, SEED
from tests.engine.sound.made import RATE, voice
from tests.engine.text.made import WIDTH, mean_of, text_bundle
from tests.engine.text.made import model as made

RANDOM = np.random.default_rng(5)
SOUND = (0.1 * RANDOM.standard_normal(640 * 8)).astype(np.float32)
FACES = RANDOM.uniform(0.0, 0.3, (8, 58)).astype(np.float32)


@pytest.fixture(scope="module")
def opened() -> Iterator[engine.Model]:
    with engine.open("rules") as model:
        yield model


@pytest.fixture
def rules(opened: engine.Model) -> engine.Model:
    opened.reset(seed=3)
    return opened


def test_it_makes_the_frames_of_a_session_that_was_recorded(rules: engine.Model) -> None:
    """Also what nobody gives: noise by the seed, validities, ages, controls at their defaults."""
    rules.reset(seed=SEED)
    for recorded in Recording(PATH).steps():
        given = recorded.inputs
        seen = given["partner_face"] if given["partner_face_valid"] else None
        made = rules.step({"partner_audio": given["partner_audio"], "partner_face": seen})
        np.testing.assert_allclose(made["face"], recorded.frames[0].values, atol=1e-4)
        assert rules._opened is not None
        for name, value in given.items():
            np.testing.assert_allclose(rules._opened.inputs[name][0], value, atol=1e-6, err_msg=name)


def test_frame_by_frame_equals_all_at_once(rules: engine.Model) -> None:
    whole = rules.run({"partner_audio": SOUND, "partner_face": FACES}, nod_rate=2.0)
    rules.reset(seed=3)
    for frame, (hop, face) in enumerate(zip(SOUND.reshape(8, 640), FACES, strict=True)):
        given = {"partner_audio": hop, "partner_face": face.tolist()}
        step = rules.step(given, nod_rate=2.0) if not frame else rules.step(given)  # a control stays
        shapes = {"face": (58,), "emotion": (25,), "acknowledge": (2,), "bad_input": ()}
        assert {name: value.shape for name, value in step.items()} == shapes
        for name, value in step.items():
            assert np.array_equal(value, whole[name][frame])
    rules.reset(seed=3)
    parts = [rules.run({"partner_audio": SOUND[:1920], "partner_face": FACES[:3]}, nod_rate=2.0)]
    parts.append(rules.run({"partner_audio": SOUND[1920:], "partner_face": FACES[3:]}))
    assert np.array_equal(np.concatenate([part["face"] for part in parts]), whole["face"])
    assert whole["face"].dtype == np.float32 and not np.array_equal(whole["face"][0], whole["face"][7])


def test_rows_are_streams_of_their_own(rules: engine.Model) -> None:
    with engine.open(rules.bundle, rows=2, seed=3) as both:
        sound = np.stack([SOUND, SOUND[::-1]]).reshape(2, 8, 640).transpose(1, 0, 2)
        made = both.run({"partner_audio": sound})
        assert made["face"].shape == (8, 2, 58)
        assert both.step({"partner_audio": sound[0]})["emotion"].shape == (2, 25)
    for row, alone in enumerate((SOUND, SOUND[::-1])):
        rules.reset(seed=3 + row)
        np.testing.assert_allclose(rules.run({"partner_audio": alone})["face"], made["face"][:, row], atol=1e-5)


def test_a_seed_gives_the_same_frames_again_and_another_gives_others(rules: engine.Model) -> None:
    with engine.open("dance", seed=1) as dance:
        first = dance.run(frames=5, effort="high")["body"]
        assert first.shape == (5, 27, 3)
        dance.reset(seed=1)
        assert np.array_equal(dance.run(frames=5, effort=2)["body"], first)
        dance.reset(seed=2)
        assert not np.array_equal(dance.run(frames=5, effort="high")["body"], first)


def test_what_is_not_given_is_absent_and_ages(rules: engine.Model) -> None:
    assert rules._opened is not None
    inputs: Any = rules._opened.inputs
    for face, valid, age in ((None, 0.0, 1000.0), (FACES[0], 1.0, 0.0), (None, 0.0, 0.04), (None, 0.0, 0.08)):
        rules.step({"partner_face": face})
        found = [float(inputs[name][0]) for name in ("partner_face_valid", "partner_face_age", "partner_audio_valid")]
        np.testing.assert_allclose(found, [valid, age, 0.0], atol=1e-6)
        assert not inputs["partner_audio"].any() and bool(inputs["partner_face"].any()) == (face is not None)
    rules.step({"partner_face": FACES[0], "partner_face_age": 0.3})  # what is given by name counts
    assert inputs["partner_face_age"][0] == np.float32(0.3)


def test_sound_of_whole_numbers_and_of_any_length(rules: engine.Model) -> None:
    whole = np.round(SOUND[:1000] * 32768).astype(np.int16)
    made = rules.run({"partner_audio": whole})["face"]
    assert rules._opened is not None
    assert np.array_equal(rules._opened.inputs["partner_audio"][0, :360], whole[640:].astype(np.float32) / 32768)
    rules.reset(seed=3)
    filled = np.pad(whole.astype(np.float32) / 32768, (0, 280))
    assert made.shape == (2, 58) and np.array_equal(rules.run({"partner_audio": filled})["face"], made)


def shows_its_text(folder: Path) -> Bundle:
    """A bundle whose output is the vector of its text."""
    vector = (TensorProto.FLOAT, ["batch", 1, WIDTH])
    clock = {"cursor": (TensorProto.INT64, ["batch"]), "age": (TensorProto.INT64, ["batch"])}
    inputs: Any = {"prompt": vector, **clock, "active": (TensorProto.BOOL, ["batch"])}
    step = made([helper.make_node("Identity", ["prompt"], ["out"])], inputs, {"out": vector}, {})  # type: ignore[dict-item]
    bundle = text_bundle(folder)
    return bundle.write(step, "texts\n", bundle.further())


def test_a_text_is_encoded_by_the_bundle_and_stays(tmp_path: Path) -> None:
    with engine.open(shows_its_text(tmp_path)) as model:
        assert not model.step()["out"].any()
        np.testing.assert_allclose(model.step(prompt="wave")["out"], mean_of("wave"), atol=1e-6)
        np.testing.assert_allclose(model.step()["out"], mean_of("wave"), atol=1e-6)
        with pytest.raises(EngineError, match="text prompt is a int: give words"):
            model.step(prompt=3)


@pytest.mark.parametrize(
    ("inputs", "controls", "says"),
    [
        ({"audio": SOUND}, {}, "no input 'audio'; there is partner_audio"),
        ({"partner_audio": SOUND[:600]}, {}, r"partner_audio of bundle rules has shape \(600,\); give \(640,\)"),
        ({"partner_face": FACES}, {}, r"partner_face of bundle rules has shape \(8, 58\); give \(58,\)"),
        ({"partner_face": ["a"] * 58}, {}, r"partner_face of bundle rules: no numbers; give \(58,\)"),
        ({"partner_face_valid": [1.0, 1.0]}, {}, r"has shape \(2,\); give one number"),
        ({}, {"nod_rate": 9.0}, "nod_rate = 9.0 is out of range: give a number from 0 to 3"),
        ({}, {"nods": 1.0}, "no control 'nods'; there is expressiveness"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    rules: engine.Model, inputs: dict[str, Any], controls: dict[str, float], says: str
) -> None:
    with pytest.raises(EngineError, match=says):
        rules.step(inputs, **controls)
    after = rules.run({"partner_audio": SOUND})["face"]
    rules.reset(seed=3)
    assert np.array_equal(rules.run({"partner_audio": SOUND})["face"], after)  # nothing of it counts


def test_frames_have_to_be_told_and_to_agree(rules: engine.Model) -> None:
    with pytest.raises(EngineError, match="how many frames"):
        rules.run()
    with pytest.raises(EngineError, match="partner_audio 8, partner_face 7; give inputs of one length"):
        rules.run({"partner_audio": SOUND, "partner_face": FACES[:7]})
    assert rules.run({"partner_audio": SOUND[:0]})["face"].shape == (0, 58)


def test_what_cannot_be_opened_is_refused_in_words() -> None:
    for arguments, says in (
        ({"bundle": "nothing"}, "no bundle 'nothing'"),
        ({"device": "tpu"}, "runtime 'onnx:tpu' is unknown"),
        ({"rows": 0}, "rows 0"),
        ({"seed": -1}, "seed -1: give a whole number"),
    ):
        with pytest.raises(EngineError, match=says):
            engine.open(**arguments)  # type: ignore[arg-type]
    model = engine.open("effort")
    model.close()
    with pytest.raises(EngineError, match="was closed; open it again"):
        model.step()


def test_recordings_are_read_at_the_rate_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((8192 * np.sin(np.arange(8000) * 0.2)).astype(np.int16).tobytes())
    sound = engine.read_audio(path, 16_000)
    assert sound.dtype == np.float32 and sound.ndim == 1 and abs(len(sound) - 16_000) < 320
    assert 0.2 < np.abs(sound[2000:14_000]).max() < 0.3
    with pytest.raises(EngineError, match="no such file"):
        engine.read_audio(tmp_path / "none.wav", 16_000)


def test_a_recording_is_heard_as_live_unless_raw_was_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, sound = tmp_path / "upside_down.wav", voice(6.0)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.stack([sound, -sound], 1) * 32767).astype("<i2").tobytes())
    with caplog.at_level(logging.WARNING):
        assert np.corrcoef(engine.read_audio(path, RATE), sound)[0, 1] > 0.9
    assert "opposite polarity" in caplog.text
    assert not engine.read_audio(path, RATE, raw=True).any()
