"""PirouNet's marker arrays: what is dropped, which way is up, the documented scaling, and arrays that are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.body.motion import facing
from engine.body.skeleton import skeleton
from engine.errors import EngineError
from train.dance.pirounet import faithful, read_arrays, read_raw
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
    truth = write_array(tmp_path / "mariel_a.npy", mirror=mirror)
    motion = read_arrays(tmp_path, crop=20, unit=UNIT)["mariel_a"]
    assert motion.rate == 35.0 and motion.positions.shape == (160, 53, 3)
    assert np.abs(motion.positions - truth[20:-20]).max() < 1e-4
    assert facing(BODY, motion.positions)[0] == pytest.approx(facing(BODY, truth[20:21].astype("f4"))[0], abs=1e-3)
    guessed = read_arrays(tmp_path, crop=20)["mariel_a"]
    assert np.ptp(guessed.positions[0, :, 1]) == pytest.approx(1.7, abs=1e-3)


def test_the_faithful_scaling(tmp_path: Path) -> None:
    write_array(tmp_path / "a.npy")
    write_array(tmp_path / "b.npy", frames=150, seed=1)
    raw = read_raw(tmp_path, crop=10)
    points, centred = faithful(raw)
    assert points.shape == (180 + 130, 53, 3)
    low, high = np.quantile(points[..., :2], [0.01, 0.99], axis=(0, 1))
    assert low.min() == pytest.approx(-1.0, abs=1e-4) and high.max() == pytest.approx(1.0, abs=1e-4)
    assert np.abs(centred[..., :2].mean(1)).max() < 1e-5
    first = raw["a"]
    scale = np.ptp(points[0, :, 2]) / np.ptp(first[0, :, 2])
    assert np.ptp(points[0, :, 0]) / np.ptp(first[0, :, 0]) == pytest.approx(scale, rel=1e-4)
    assert points[0, 0, 2] == pytest.approx(first[0, 0, 2] * scale, rel=1e-4)  # height is scaled, not shifted


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
        (np.zeros((53, 200, 3)), r"shape \(53, 200, 3\)"),
        (np.zeros((55, 200)), r"shape \(55, 200\)"),
        (np.zeros((55, 20, 3)), "20 frames, and 10 are cropped"),
        (np.full((55, 60, 3), np.nan), "not finite"),
    ],
)
def test_bad_arrays_are_refused(tmp_path: Path, array: np.ndarray, fault: str) -> None:
    np.save(tmp_path / "bad.npy", array)
    with pytest.raises(EngineError, match=rf"bad\.npy.*{fault}"):
        read_raw(tmp_path, crop=10)


def test_what_is_no_array_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"no \.npy files"):
        read_raw(tmp_path)
    (tmp_path / "bad.npy").write_text("no array")
    with pytest.raises(EngineError, match="does not read as an array"):
        read_raw(tmp_path)
