"""A person's folder: there and back, splits, angles, the other person, and everything that is refused."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import wavfile

from engine.errors import EngineError
from tests.train.conversation.a2p.sets import made_person, made_scene
from train.conversation.a2p.layout import HOP, RATE, STATS, YAW, PersonFolder, read_stats, rewrapped
from train.conversation.a2p.pickles import load_results, load_torch
from train.conversation.a2p.writer import Writer
from train.files import FileError


@pytest.fixture
def copy(person: Path, tmp_path: Path) -> Path:
    return shutil.copytree(person, tmp_path / "copy")


def test_a_folder_comes_back_as_it_was_written(person: Path) -> None:
    written = made_scene(92, 2)
    scene = PersonFolder(person).scenes[2]
    assert (scene.name, scene.frames) == ("scene03", 92)
    assert np.array_equal(scene.poses(), written.pose) and np.array_equal(scene.poses(5, 9), written.pose[5:9])
    assert np.array_equal(np.flatnonzero(scene.missing), written.missing)
    there = ~scene.missing
    assert np.array_equal(scene.codes()[there], written.face[there]) and not scene.codes()[~there].any()
    assert np.abs(scene.audio() - written.audio).max() < 2**-15
    assert np.array_equal(scene.audio(3, 5), scene.audio()[3 * HOP : 5 * HOP])
    assert written.lips is not None and np.array_equal(scene.vertices().reshape(-1, 338, 3), written.lips)
    assert isinstance(scene.pose, np.memmap) or isinstance(scene.pose.base, np.memmap)
    assert isinstance(scene.wav.held, np.memmap)


def test_statistics_are_those_of_the_scenes(person: Path) -> None:
    folder = PersonFolder(person)
    poses = np.concatenate([scene.poses() for scene in folder.scenes])
    codes = np.concatenate([scene.codes()[~scene.missing] for scene in folder.scenes])
    audio = np.concatenate([scene.audio() for scene in folder.scenes])
    stats = folder.stats
    assert stats.pose_mean == pytest.approx(poses.mean(0), abs=1e-5)
    assert stats.pose_std == pytest.approx(poses.std(0), rel=1e-4)
    assert stats.code_std == pytest.approx(codes.std(0), rel=1e-4)
    assert stats.audio_mean == pytest.approx(audio.mean(0), abs=1e-5)
    assert float(stats.audio_std_flat[0]) == pytest.approx(np.sqrt(audio.var(0).mean()), rel=1e-3)


def test_scenes_are_split_from_the_end_and_those_without_codes_are_left_out(copy: Path) -> None:
    np.save(copy / "scene05_missing_face_frames.npy", np.arange(94))
    folder = PersonFolder(copy)
    assert folder.skipped == ("scene05",)
    names = {split: [scene.name for scene in folder.split(split)] for split in ("train", "val", "test")}
    assert names == {
        "train": ["scene01"],
        "val": ["scene02", "scene03"],
        "test": ["scene04", "scene06", "scene07", "scene08"],
    }
    np.save(copy / "scene04_missing_face_frames.npy", np.arange(93))
    with pytest.raises(EngineError, match=r"train is empty: of 6 usable scenes 4 are for test"):
        PersonFolder(copy).split("train")


def test_angles_are_rewrapped_for_two_persons_or_when_asked(copy: Path) -> None:
    path = copy / "scene01_body_pose.npy"
    pose = np.load(path)
    true = np.linspace(2.0, 5.0, len(pose), dtype=np.float32)
    pose[:, YAW] = (true + np.pi) % (2 * np.pi) - np.pi
    np.save(path, pose)
    assert np.abs(np.diff(pose[:, YAW])).max() > 6
    kept = PersonFolder(copy).scenes[0].poses()
    assert np.array_equal(kept, pose)
    mended = PersonFolder(copy, yaw="wrap").scenes[0].poses()
    assert np.abs(np.diff(mended[:, YAW])).max() < 0.05
    assert np.array_equal(np.delete(mended, YAW, 1), np.delete(pose, YAW, 1))
    named = copy.rename(copy.with_name("PXB184"))
    assert np.array_equal(PersonFolder(named).scenes[0].poses(), mended)
    assert np.array_equal(PersonFolder(named, yaw="keep").scenes[0].poses(), pose)


def test_a_rewrapped_scene_lies_around_the_mean() -> None:
    angle = np.array([3.0, -3.0, -2.0], np.float32)
    assert rewrapped(angle, 0.0) == pytest.approx([3.0 - 2 * np.pi, -3.0, -2.0])
    assert rewrapped(angle, 4.0) == pytest.approx([3.0, 2 * np.pi - 3.0, 2 * np.pi - 2.0])


def test_the_other_person_has_swapped_channels_and_its_own_body(person: Path, tmp_path: Path) -> None:
    other = made_person(tmp_path / "other")
    for path in other.glob("*_body_pose.npy"):
        np.save(path, np.load(path) + 1)
    flipped, plain = PersonFolder(person, partner=other).scenes[1], PersonFolder(person).scenes[1]
    assert np.array_equal(flipped.audio(), plain.audio()[:, ::-1])
    assert np.array_equal(flipped.poses(), plain.poses() + 1)
    stats, own = PersonFolder(person, partner=other).stats, read_stats(person / STATS)
    assert np.array_equal(stats.audio_mean, own.audio_mean[::-1])
    (other / "scene02_face_expression.npy").unlink()
    with pytest.raises(FileError, match="scene02_face_expression"):
        PersonFolder(person, partner=other)


def rewrite(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / name, change(np.load(folder / name)))


def sound(rate: int = RATE, channels: int = 2, frames: int = 90) -> Callable[[Path], None]:
    samples = np.zeros((frames * HOP, channels), np.int16)
    return lambda folder: wavfile.write(folder / "scene01_audio.wav", rate, samples)


REFUSED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no_folder": (shutil.rmtree, r"data_stats.pth: cannot be read"),
    "no_file": (lambda f: (f / "scene01_body_pose.npy").unlink(), "scene01_body_pose.npy: is not there"),
    "mono": (sound(channels=1), r"scene01_audio.wav: has 1 channel\(s\), 2 are due"),
    "rate": (sound(rate=44_100), "has 44100 samples a second, 48000 are due"),
    "short_sound": (sound(frames=80), "has 128000 samples, 90 frames are due 144000"),
    "no_sound": (lambda f: (f / "scene01_audio.wav").write_bytes(b"RIFFxxxxWAVE"), "does not read as a wav file"),
    "width": (rewrite("scene01_body_pose.npy", lambda a: a[:, :100]), r"shape \(90, 100\), \('T', 104\) is due"),
    "length": (rewrite("scene01_face_expression.npy", lambda a: a[:-1]), "has 89 frames, the poses have 90"),
    "lips": (rewrite("scene01_lip_vertices.npy", lambda a: a[:, :300]), r"shape \(90, 300, 3\)"),
    "index": (rewrite("scene01_missing_face_frames.npy", lambda a: np.array([4, 90])), "index 90 is outside of the 90"),
    "fraction": (rewrite("scene01_missing_face_frames.npy", lambda a: np.array([0.5])), "holds float64 values"),
    "objects": (
        lambda f: np.save(f / "scene01_body_pose.npy", np.array([{}], object), allow_pickle=True),
        "does not read as an array of numbers",
    ),
    "stats": (lambda f: torch.save({"code_mean": np.zeros(256)}, f / STATS), "lacks code_std, pose_mean"),
    "no_stats": (lambda f: (f / STATS).write_bytes(b"no"), "is damaged, or no file of torch.save"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_named(copy: Path, case: tuple[Callable[[Path], Any], str]) -> None:
    case[0](copy)
    with pytest.raises(EngineError, match=case[1]):
        PersonFolder(copy)


def test_numbers_that_are_none_are_named_when_they_are_read(copy: Path) -> None:
    rewrite("scene01_body_pose.npy", lambda a: np.where(np.arange(90)[:, None] == 7, np.nan, a))(copy)
    scene = PersonFolder(copy).scenes[0]
    with pytest.raises(FileError, match="scene01_body_pose: row 7 holds no finite number"):
        scene.poses(3, 12)
    missing = np.flatnonzero(scene.missing)[0]
    rewrite("scene01_face_expression.npy", lambda a: np.where(np.arange(90)[:, None] == missing, np.nan, a))(copy)
    assert np.isfinite(PersonFolder(copy).scenes[0].codes()).all()  # what is missing is not looked at


class Hostile:
    """Runs a program when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_pickles_that_name_programs_are_refused_by_name(copy: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    torch.save({"code_mean": Hostile(mark)}, copy / STATS)
    with pytest.raises(FileError, match=r"names \w+\.mkdir, which is not run"):
        PersonFolder(copy)
    results = tmp_path / "results.npy"
    np.save(results, np.array({"motions": Hostile(mark)}, object), allow_pickle=True)
    with pytest.raises(FileError, match=r"names \w+\.mkdir, which is not run"):
        load_results(results)
    assert not mark.exists()
    np.load(results, allow_pickle=True)
    assert mark.exists()  # it would have run


def test_arrays_of_any_kind_are_read(tmp_path: Path) -> None:
    values = {
        "wide": np.arange(6.0).reshape(2, 3),
        "turned": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "number": np.float32(3),
        "many": {"list": [1, "two", None, (np.int64(4), True)]},
    }
    np.save(tmp_path / "results.npy", np.array(values, object), allow_pickle=True)
    torch.save(values, tmp_path / "stats.pth")
    for found in (load_results(tmp_path / "results.npy"), load_torch(tmp_path / "stats.pth")):
        assert np.array_equal(found["wide"], values["wide"]) and np.array_equal(found["turned"], values["wide"])
        assert found["number"] == 3 and found["many"] == values["many"]


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_older_pickles_are_read(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "results.npy"
    np.save(path, np.array({"a": 1}, object), allow_pickle=True)
    head = path.read_bytes()[:128]
    path.write_bytes(head + pickle.dumps(np.array({"a": np.arange(3)}, object), protocol))
    if protocol == 2:  # bytes are then a call of a codec
        with pytest.raises(FileError, match=r"names _codecs\.encode"):
            load_results(path)
    else:
        assert load_results(path)["a"].tolist() == [0, 1, 2]


def test_no_results_are_told(tmp_path: Path) -> None:
    path = tmp_path / "results.npy"
    for write, told in (
        (lambda: np.save(path, np.zeros(3)), "an array of float64"),
        (lambda: path.write_bytes(b"\x93NUMPY\x01\x00v\x00{"), "is damaged"),
        (lambda: np.save(path, np.array("x", object), allow_pickle=True), "no dictionary"),
    ):
        write()
        with pytest.raises(FileError, match=told):
            load_results(path)


def test_arrays_that_do_not_fit_are_not_written(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "out")
    scene = made_scene(30, 0)
    with pytest.raises(EngineError, match=r"scene01: audio has shape \(47999, 2\)"):
        writer.add("scene01", type(scene)(scene.audio[1:], scene.pose, scene.face, scene.missing))
    writer.add("scene01", scene)
    with pytest.raises(EngineError, match="is not empty"):
        Writer(tmp_path / "out")
