"""PirouNet's marker arrays: what is dropped, which way is up, how large, and arrays that are refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from engine.body.motion import facing
from engine.body.skeleton import skeleton
from engine.errors import EngineError
from train.dance.labels import read_pirounet_labels
from train.dance.pirounet import CROP, read_arrays, read_markers, read_raw
from train.dance.sides import other_side
from train.dance.takes import read_takes

BODY = skeleton("pirounet")
UNIT = 0.001  # a file's unit in metres


def write_array(path: Path, frames: int = 200, seed: int = 0, mirror: bool = False) -> np.ndarray:
    """A standing figure that walks in a circle, written in PirouNet's layout; gives the truth, (T, 53, 3), Y up."""
    angle = np.linspace(0.1, 2.0, frames) + seed
    x, y, z = np.moveaxis(BODY.rest_positions(), -1, 0)
    turned = np.stack(
        [
            x * np.cos(angle)[:, None] + z * np.sin(angle)[:, None] + np.cos(angle)[:, None],
            np.broadcast_to(y, (frames, 53)),
            z * np.cos(angle)[:, None] - x * np.sin(angle)[:, None] + np.sin(angle)[:, None],
        ],
        -1,
    )
    side = -1.0 if mirror else 1.0
    raw = np.stack([side * turned[..., 0], -turned[..., 2], -turned[..., 1]], -1) / UNIT
    raw = np.insert(raw, 26, 0.0, axis=1)
    raw = np.insert(raw, 53, 0.0, axis=1)
    np.save(path, raw.transpose(1, 0, 2))
    return turned


def test_the_skeleton_stands_and_is_symmetric() -> None:
    swap, rest = other_side(BODY), BODY.rest_positions()
    assert len(BODY.joints) == 53 and not BODY.is_tree and BODY.joints.index("MBWT") == 26
    assert np.allclose(rest[swap] * [-1, 1, 1], rest)
    assert float(facing(BODY, rest[None])[0]) == pytest.approx(0.0) and 1.6 < np.ptp(rest[:, 1]) < 1.8
    assert {joint for edge in BODY.edges for joint in edge} == set(range(53))


@pytest.mark.parametrize("mirror", [False, True])
def test_markers_come_upright_in_metres(tmp_path: Path, mirror: bool) -> None:
    path = tmp_path / "mariel_a.npy"
    truth = write_array(path, mirror=mirror)
    body = read_arrays([path], unit="mm", crop=20).bodies[path]
    motion = body.motion
    assert body.unit == 0.001 and body.sound.all() and any("left-handed" in note for note in body.notes) == mirror
    assert motion.rate == 35.0 and motion.positions.shape == (160, 53, 3)
    assert np.abs(motion.positions - truth[20:-20]).max() < 1e-4
    assert facing(BODY, motion.positions)[0] == pytest.approx(facing(BODY, truth[20:21].astype("f4"))[0], abs=1e-3)
    guessed = read_arrays([path], crop=20).bodies[path]
    assert np.ptp(guessed.motion.positions[0, :, 1]) == pytest.approx(1.7, abs=1e-3)
    assert guessed.unit == pytest.approx(UNIT, rel=0.05) and any("unit found" in note for note in guessed.notes)


def test_a_folder_of_arrays_makes_takes(tmp_path: Path) -> None:
    for number in range(3):
        write_array(tmp_path / f"m{number}.npy", frames=1000 + 141, seed=number)
    takes = read_takes(tmp_path)
    assert {take.split for take in takes} == {"train", "val", "test"}
    for take in takes:
        assert take.motion.rate == 30.0 and len(take.motion) == 121 and take.motion.rotations is None
        assert take.motion.skeleton == BODY and abs(take.motion.positions[..., 1].min()) < 1e-3


@pytest.mark.parametrize(
    ("array", "fault"),
    [
        (np.zeros((53, 1200, 3)), r"shape \(53, 1200, 3\)"),
        (np.zeros((55, 1200)), r"shape \(55, 1200\)"),
        (np.zeros((55, 2 * CROP, 3)), "has 1000 frames, of which the first and the last 500"),
        (np.full((55, 1060, 3), np.nan), "not finite"),
        (np.array([{"a": 1}]), "does not read as an array of numbers"),
        (np.array(["a"]), "not real numbers"),
    ],
)
def test_a_bad_array_is_left_out_and_the_others_are_read(tmp_path: Path, array: np.ndarray, fault: str) -> None:
    np.save(tmp_path / "bad.npy", array)
    for name in "ab":
        write_array(tmp_path / f"{name}.npy", frames=1141)
    told: list[str] = []
    assert [take.name for take in read_takes(tmp_path, say=told.append)] == ["a", "b"]
    (line,) = told
    assert "bad.npy" in line and re.search(fault, line) and "pickle" not in line
    with pytest.raises(EngineError, match=r"bad\.npy"):  # labels count over all arrays: none may be missing
        read_raw(tmp_path)


def test_what_is_no_array_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"no \.npy files"):
        read_raw(tmp_path)
    path = tmp_path / "bad.npy"
    for content in (b"no array", b"", b"\x93NUMPY\x01\x00\x08\x00{(((((\n", b"PK\x03\x04"):
        path.write_bytes(content)
        with pytest.raises(EngineError, match="does not read as an array"):
            read_markers(path)
    np.save(path, np.zeros((55, 1200, 3)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(EngineError, match="cut short"):
        read_markers(path)
    with pytest.raises(EngineError, match="no such file or directory; check") as caught:
        read_markers(tmp_path / "none.npy")
    assert "Errno" not in str(caught.value)


def test_labels_of_arrays_that_make_takes_lie_in_them(tmp_path: Path) -> None:
    for name in "ab":
        write_array(tmp_path / f"{name}.npy", frames=2 * CROP + 200)
    (tmp_path / "labels.csv").write_text("0,1,2\n240,3,1\n")
    lengths = {name: len(points) for name, points in read_raw(tmp_path).items()}
    assert lengths == {"a": 200, "b": 200}
    labels = read_pirounet_labels(tmp_path / "labels.csv", lengths)
    assert [(label.take, label.start, label.by) for label in labels] == [("a", 0, "pirounet"), ("b", 34, "pirounet")]
