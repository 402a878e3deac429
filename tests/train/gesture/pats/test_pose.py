"""Poses as arrays, speakers' scales, clusters: by hand, and through the seed's files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from engine.errors import EngineError
from models.gesture.pats import PATS_JOINTS
from tests.train.gesture.pats.sets import poses, small_set
from train.files import FileError
from train.gesture.pats import pose
from train.gesture.pats.clusters import KEY, Clusters, described, fit
from train.gesture.pats.layout import KEPT, MASK
from train.gesture.pats.reader import PatsSet

ROWS = poses(3)


def test_joints_that_are_modelled() -> None:
    assert [PATS_JOINTS[joint] for joint in MASK] == ["Neck", "Nose", "REye", "LEye"]
    assert len(KEPT) == 48 and [PATS_JOINTS[joint] for joint in KEPT[:7]] == [
        *("RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "LHandRoot")
    ]


def test_rows_points_and_features() -> None:
    row = np.arange(104.0)[None]
    assert pose.points(row)[0, 3].tolist() == [3.0, 55.0]  # x of the joint, then y
    assert np.array_equal(pose.rows(pose.points(ROWS)), ROWS)
    modelled = pose.features(row)[0]
    assert modelled[:8].tolist() == [1, 2, 3, 4, 5, 6, 10, 11] and modelled[48:56].tolist() == [
        53,
        54,
        55,
        56,
        57,
        58,
        62,
        63,
    ]
    back = pose.restored(pose.features(ROWS), ROWS)
    assert np.array_equal(back[:, 1:52], ROWS[:, 1:52]) and not back[:, [0, 52]].any()
    assert not pose.restored(pose.features(ROWS))[:, [0, 7, 8, 9, 52, 59, 60, 61]].any()


def test_shoulders_are_167_px() -> None:
    scaled = pose.normalised(ROWS)
    assert np.allclose(np.hypot(scaled[:, 1], scaled[:, 53]), 167.0)
    assert np.array_equal(scaled[:, [0, 52]], ROWS[:, [0, 52]])
    assert np.allclose(scaled[:, 20] / ROWS[:, 20], scaled[:, 80] / ROWS[:, 80])
    blind = ROWS.copy()
    blind[4, [1, 53]] = 0
    with pytest.raises(EngineError, match="frame 4 has its right shoulder at the neck"):
        pose.normalised(blind)


def test_scales_of_speakers(tmp_path: Path) -> None:
    intervals = PatsSet(small_set(tmp_path / "set")).intervals("train")
    scales = pose.fit_scales(intervals)
    assert sorted(scales) == ["ann", "bob"]
    read = intervals[0].read("pose/normalize").astype(float)
    assert np.allclose(scales["ann"].mean, read.mean(0)) and np.allclose(
        scales["ann"].deviation, read.std(0), atol=1e-4
    )
    two = pose.Scale.of([read[:7], read[7:]])
    assert np.allclose(two.deviation, scales["ann"].deviation, atol=1e-9)
    standard = two.standard(read)
    assert np.allclose(standard.std(0)[1:50], 1.0) and np.allclose(two.pixels(standard), read)
    assert np.allclose(two.standard(pose.features(read)), pose.features(standard))
    with pytest.raises(EngineError, match="no frames"):
        pose.Scale.of([])
    path = pose.write_scale(tmp_path / "muvar", "ann", two)
    with h5py.File(path) as file:
        assert file["pose/normalize/mean"].shape == file["pose/normalize/var"].shape == (1, 1, 104)
    back = pose.read_scale(tmp_path / "muvar", "ann")
    assert np.allclose(back.mean, two.mean) and np.allclose(back.deviation, two.deviation)
    with h5py.File(path, "r+") as file:
        del file["pose/normalize/var"]
    with pytest.raises(FileError, match="ann.h5: has no numbers at pose/normalize/var".replace(".", r"\.")):
        pose.read_scale(tmp_path / "muvar", "ann")


def test_what_never_moves_keeps_its_place() -> None:
    scale = pose.Scale.of([np.full((5, 104), 3.0)])
    assert scale.standard(np.full(104, 3.0)).tolist() == [0.0] * 104
    assert np.allclose(scale.standard(np.full(104, 3.0 + 1e-8)), 1.0)  # the seed's deviation of nothing


def test_what_clusters_are_made_of() -> None:
    modelled = np.full((3, 96), 70.0)  # the first frame stands still, wherever it is
    modelled[1:, [5, 53]] += 3.0, 4.0
    found = described(modelled)
    assert found.shape == (3, 240) and np.array_equal(found[:, :96], modelled)
    assert found[1, [96 + 5, 96 + 53, 192 + 5]].tolist() == [3.0, 4.0, 5.0]
    assert not found[[0, 2], 96:].any() and found[1, 192:].sum() == 5.0
    assert np.array_equal(described(np.stack([modelled, modelled]))[1], found)


def test_clusters_find_what_is_apart() -> None:
    rng = np.random.default_rng(0)
    at = rng.normal(0, 300, (8, 240))
    which = np.repeat(np.arange(8), np.arange(10, 90, 10))
    centres = fit(at[which] + rng.normal(0, 1, (len(which), 240)), 1)
    assert np.abs(centres - at[::-1]).max() < 2.0  # the fullest first
    with pytest.raises(EngineError, match="do not differ enough for 8 clusters"):
        fit(np.ones((50, 240)), 0)


def test_clusters_of_a_set(tmp_path: Path) -> None:
    data = PatsSet(small_set(tmp_path / "set"))
    clusters = Clusters.fit_set(data.intervals("train"), 0)
    assert all(
        np.array_equal(Clusters.fit_set(data.intervals("train"), 0).centres[s], c) for s, c in clusters.centres.items()
    )
    rows = data.intervals("train")[0].read("pose/normalize")
    labels = clusters.label(pose.points(rows), "ann")
    apart = ((described(pose.features(rows))[:, None] - clusters.centres["ann"]) ** 2).sum(-1)
    assert np.array_equal(labels, apart.argmin(1)) and set(labels) == set(range(8))
    assert np.array_equal(clusters.label(pose.points(rows)[None], "ann"), labels[None])
    with pytest.raises(EngineError, match="speaker 'eve' has no clusters; there is ann, bob"):
        clusters.label(pose.points(rows), "eve")
    clusters.write(tmp_path / "kmeans")
    assert KEY == "centers/8_pose_velocity_speed_0_7_8_9_pose_normalize"
    back = Clusters.read(tmp_path / "kmeans", ["ann", "bob"])
    assert np.array_equal(back.label(pose.points(rows), "ann"), labels)
    with h5py.File(tmp_path / "kmeans" / "bob.h5", "w") as file:
        file[KEY] = np.zeros((8, 192))
    with pytest.raises(FileError, match=r"bob\.h5: centers/8_pose.* is \(8, 192\), \(8, 240\) is needed"):
        Clusters.read(tmp_path / "kmeans", ["bob"])
