"""What the check of a person's folder says: every fault of a scene by name, and notes on the sound."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from engine.errors import EngineError
from tests.train.conversation.a2p.sets import made_person, made_scene, run
from train.check import Checked
from train.conversation.a2p.check import checks, echo
from train.conversation.a2p.layout import HOP, RATE


@pytest.fixture
def copy(person: Path, tmp_path: Path) -> Path:
    return shutil.copytree(person, tmp_path / "copy")


def found(folder: Path) -> dict[str, Checked]:
    return {each.file: each for each in checks(folder)}


def test_a_good_folder_has_no_fault(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    every = found(person)
    assert list(every) == ["data_stats.pth", *(f"scene{number:02d}" for number in range(1, 9))]
    assert not any(each.problem or each.notes for each in every.values())
    assert every["scene03"].read["frames"] == "92"
    assert run("check", person) == 0
    assert "9 can be used, 0 cannot" in capsys.readouterr().out


def test_every_fault_of_a_scene_is_named(copy: Path) -> None:
    wavfile.write(copy / "scene01_audio.wav", 44_100, np.zeros((1000, 1), np.int16))
    np.save(copy / "scene01_body_pose.npy", np.zeros((90, 100)))
    np.save(copy / "scene01_missing_face_frames.npy", np.array([200]))
    wavfile.write(copy / "scene02_audio.wav", RATE, np.zeros((80 * HOP, 2), np.int16))
    np.save(copy / "scene02_face_expression.npy", np.zeros((91, 200)))
    np.save(copy / "scene02_missing_face_frames.npy", np.array([-1]))
    pose = np.load(copy / "scene03_body_pose.npy")
    pose[4] = np.inf
    np.save(copy / "scene03_body_pose.npy", pose)
    (copy / "scene04_face_expression.npy").unlink()
    (copy / "data_stats.pth").write_bytes(b"x")
    every = found(copy)
    for scene, faults in {
        "scene01": ("1 channel(s), 2 are due", "44100 samples a second", "(90, 100)"),
        "scene02": ("128000 samples, 91 frames are due", "(91, 200)", "index -1 is outside"),
        "scene03": ("scene03_body_pose: row 4",),
        "scene04": ("scene04_face_expression.npy is not there",),
        "data_stats.pth": ("is damaged",),
    }.items():
        for fault in faults:
            assert fault in every[scene].problem
    assert not every["scene05"].problem
    assert "4 usable" not in str(every) and "none is left to train on" in every["splits"].problem
    assert run("check", copy) == 1


def test_voices_are_noted(copy: Path) -> None:
    written = made_scene(90, 0).audio
    for number, change in enumerate((lambda a: a * [1, 0], lambda a: np.clip(40 * a * [1, 0.02], -1, 1)), 1):
        samples = np.round(change(written) * 32767).astype(np.int16)
        wavfile.write(copy / f"scene{number:02d}_audio.wav", RATE, np.pad(samples, ((0, (number - 1) * HOP), (0, 0))))
    np.save(copy / "scene05_missing_face_frames.npy", np.arange(94))
    every = found(copy)
    assert every["scene01"].notes == ["partner's voice is silent (-200 dB)"]
    (clipped,) = every["scene02"].notes
    assert clipped.startswith("own voice is clipped in ")
    assert every["scene05"].notes == ["all face codes are missing: the scene is left out"]
    assert not any(each.problem for each in every.values())


def test_an_echo_is_told_with_lag_and_level(copy: Path) -> None:
    audio = made_scene(240, 1).audio
    assert echo(audio) is None
    late, gain = 960, 0.1
    leaked = audio.copy()
    leaked[late:, 1] += gain * audio[:-late, 0]
    told = echo(leaked)
    assert told is not None
    assert told.lag_s == pytest.approx(0.02, abs=1e-4) and told.level_db == pytest.approx(-20, abs=1)
    assert told.correlation > 0.9
    assert echo(audio[:0]) is None and echo(np.zeros_like(audio)) is None
    wavfile.write(copy / "scene01_audio.wav", RATE, np.round(leaked[: 90 * HOP] * 32767).astype(np.int16))
    assert any("echoes the own voice 20.0 ms later at -20 dB" in note for note in found(copy)["scene01"].notes)


def test_the_same_sound_in_both_channels_is_an_echo() -> None:
    own = made_scene(120, 2).audio[:, :1]
    told = echo(np.concatenate([own, own], 1))
    assert told is not None and told.lag_s == 0 and told.level_db == pytest.approx(0, abs=0.01)


def test_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="is no folder"):
        list(checks(tmp_path / "none"))
    with pytest.raises(EngineError, match="has no scene"):
        list(checks(tmp_path))


def test_too_few_scenes_are_told(tmp_path: Path) -> None:
    folder = made_person(tmp_path / "few", 30, 3)
    assert "3 usable scenes: 4 are for test and 2 for val" in found(folder)["splits"].problem
