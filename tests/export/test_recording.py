"""Recordings for any spec: voices and faces where they lie, drawn values for the rest, faults among them."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from engine.channels import EXPRESSION_NAMES, FACE, FACE_NAMES, head_rotation
from engine.noise import uniforms
from engine.spec import InputSpec, OutputSpec, StreamSpec
from export.errors import ExportError
from export.recording import recording
from tests.export.tiny import Tiny

RATE = 50.0
SPEC = StreamSpec(
    "all",
    RATE,
    (
        InputSpec("own", "audio", (160,), -1.0, 1.0, of="self"),
        InputSpec("partner", "audio", (160,), -1.0, 1.0, of="partner"),
        InputSpec("face", "face", (58,), -4.0, 4.0, of="partner"),
        InputSpec("smile", "face", (2,), 0.0, 1.0, names=("mouthSmileLeft", "headYaw"), of="partner"),
        InputSpec("face_valid", "validity", low=0.0, high=1.0),
        InputSpec("face_age", "age", low=0.0, high=9.0, unit="s"),
        InputSpec("nod", "control", low=0.0, high=3.0, missing=1.0),
        InputSpec("noise", "noise", (3,), 0.0, 1.0),
        InputSpec("word", "ids", low=0, high=6, dtype="int64"),
        InputSpec("mfcc", "feature", (13,), of="partner"),
        InputSpec("said", "words", (3, 4), -5.0, 500.0, of="self"),
        InputSpec("prompt", "text", (8,), -1.0, 1.0, missing=0.25),
        InputSpec("again", "audio", (160,), -1.0, 1.0, of="self"),
    ),
    (OutputSpec("y"),),
    sample_rate=8000,
)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two clips of voice (a tone each) and a capture of a face that turns."""
    (tmp_path / "speech_clips").mkdir()
    (tmp_path / "face_grid_av" / "arkit_audio").mkdir(parents=True)
    for name, hertz in (("a", 200), ("b", 300)):
        tone = np.sin(2 * np.pi * hertz * np.arange(16000 * 2) / 16000)
        with wave.open(str(tmp_path / "speech_clips" / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16000)
            file.writeframes((tone * 20000).astype("<i2").tobytes())
    names = list(reversed(EXPRESSION_NAMES))
    matrices = np.tile(np.eye(4), (50, 1, 1))
    weights = np.zeros((50, 52))
    for k in range(50):
        matrices[k, :3, :3] = 1.02 * head_rotation(0.1, 0.01 * k, -0.2)
        matrices[k, :3, 3] = (k, 5.0, -40.0)
        weights[k, names.index("mouthSmileLeft")] = k / 50
    np.savez(
        tmp_path / "face_grid_av" / "arkit_audio" / "x.npz",
        names=[name[0].upper() + name[1:] for name in names],
        arkit52=weights,
        head_mat=matrices,
    )
    monkeypatch.setenv("ENGINE_DATA", str(tmp_path))
    return tmp_path


def test_every_input_of_a_spec_is_filled(data: Path):
    inputs, source = recording(SPEC, 6.0, seed=4)
    assert source == "$ENGINE_DATA"
    assert {name: value.shape for name, value in inputs.items()} == {
        item.name: (300, *item.shape) for item in SPEC.inputs
    }
    assert {str(value.dtype) for name, value in inputs.items() if name != "word"} == {"float32"}
    assert inputs["word"].dtype == np.int64
    for item in SPEC.inputs:
        value = inputs[item.name]
        assert (value[np.isfinite(value)] >= item.low).all() and (value[np.isfinite(value)] <= item.high).all()
        if item.role not in ("audio", "face", "feature"):
            assert np.isfinite(value).all()
    assert not np.array_equal(inputs["own"], inputs["partner"], equal_nan=True)
    own, again = (np.nan_to_num(inputs[name], posinf=0, neginf=0) for name in ("own", "again"))
    assert 0.4 < own[:50].max() < 0.7
    assert np.mean(own == again) > 0.99  # but for the faults, one owner has one voice
    assert set(np.unique(inputs["face_valid"])) == {0.0, 1.0}
    assert inputs["face_age"][inputs["face_valid"] == 1].max() == 0
    assert inputs["face_age"].max() == pytest.approx(0.6, abs=1 / RATE)
    assert (inputs["nod"] == 1.0).any() and len(np.unique(inputs["nod"])) > 1
    assert np.array_equal(inputs["noise"], uniforms(4 + 7, 0, 300, 3))
    assert not np.isfinite(inputs["mfcc"]).all()
    again, _ = recording(SPEC, 6.0, seed=4)
    assert all(np.array_equal(value, again[name], equal_nan=True) for name, value in inputs.items())


def test_words_and_texts_are_as_a_live_session_has_them(data: Path):
    inputs, _ = recording(SPEC, 20.0, seed=4)
    said, prompt = inputs["said"], inputs["prompt"]
    there = said[..., 3] == 1.0
    assert (said[~there] == 0).all() and not there[0, :2].any() and there[-1].all()
    assert (np.diff(there.astype(int), axis=1) >= 0).all(), "rows of zeros come first"
    begun, ended = said[..., 1], said[..., 2]
    assert (begun[there] >= 0).all() and (begun > ended)[there].all()
    assert (ended[there] < 0).any() and (ended[there] > 0).any()
    assert (np.diff(begun, axis=1)[there[:, 0]] <= 0).all(), "oldest first"
    assert (said[there][:, 0] == said[there][:, 0].round()).all() and len(np.unique(said[there][:, 0])) > 10
    same = there[1:, 2] & (said[1:, 2, 0] == said[:-1, 2, 0])
    np.testing.assert_allclose((begun[1:, 2] - begun[:-1, 2])[same], 1 / RATE, atol=1e-5)
    assert (prompt[:100] == 0.25).all()
    np.testing.assert_allclose(np.linalg.norm(prompt[100:], axis=1), 1.0, atol=1e-6)
    assert (prompt[100:200] == prompt[100]).all() and (prompt[200] != prompt[199]).any()


def test_faces_are_mapped_by_name_and_heads_by_axis(data: Path):
    inputs, _ = recording(SPEC, 2.0)
    face = inputs["face"]
    late = 2 * 30  # frame 30 of the capture at 25 frames a second
    assert face[late, FACE["mouthSmileLeft"]] == pytest.approx(30 / 50)
    assert face[late + 1, FACE["mouthSmileLeft"]] == pytest.approx(30 / 50)
    assert face[late, [FACE["headPitch"], FACE["headYaw"], FACE["headRoll"]]] == pytest.approx([0.1, 0.3, -0.2])
    assert face[late, FACE["headX"]] == pytest.approx((30 - 24.5) / 100)
    assert np.count_nonzero(face[late, :52]) == 1
    assert inputs["smile"][late] == pytest.approx([30 / 50, 0.3])
    assert len(FACE_NAMES) == face.shape[1]


def test_without_a_folder_the_partner_stands_in(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    inputs, source = recording(Tiny().spec, 50.0)
    assert source == "partner"
    assert len(inputs["audio"]) == 1250
    assert np.nanstd(np.where(np.isfinite(inputs["audio"]), inputs["audio"], 0)) > 0.01


def test_a_folder_without_voices_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "speech_clips").mkdir()
    monkeypatch.setenv("ENGINE_DATA", str(tmp_path))
    with pytest.raises(ExportError, match=r"holds no \.wav or \.flac"):
        recording(Tiny().spec, 1.0)
