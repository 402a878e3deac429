"""Damages of recordings: interpolated, cut or left out, and what is missing named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.text_motion.motions import movers
from tests.train.text_motion.motions.data import write_data
from train.text_motion.motions.loops import looped
from train.text_motion.motions.takes import (
    BESIDE,
    LEAST,
    Recording,
    leaps,
    read_recordings,
    sound_pieces,
    uniform_takes,
)


def recording(joints: movers.Array, name: str = "01_01") -> Recording:
    return Recording(name, "walk", "rig", joints.astype(np.float32))


def test_a_sound_take_stays_as_it_is() -> None:
    walk = movers.walk(1.2, 5.0)
    pieces, mended = sound_pieces(recording(walk))
    ((first, joints),) = pieces
    assert (first, *mended) == (0, 0, 0, 0)
    np.testing.assert_allclose(joints, walk, atol=1e-5)


def test_a_thrown_joint_is_brought_back() -> None:
    walk = movers.walk(1.2, 5.0)
    torn = walk.copy()
    torn[50:53, 20] += (0.0, 1.5, 0.0)
    ((_, joints),), mended = sound_pieces(recording(torn))
    assert mended.filled == 3
    assert np.abs(joints - walk).max() < 0.1


def test_a_leap_cuts_the_take() -> None:
    walk = movers.walk(1.2, 7.0)
    walk[70:, :, 0] += 3.0
    pieces, mended = sound_pieces(recording(walk))
    assert [(first, len(joints)) for first, joints in pieces] == [(0, 70 - BESIDE), (70 + BESIDE, 70 - BESIDE)]
    assert mended.left_out == 2 * BESIDE
    assert not leaps(pieces[0][1]).any()


def test_pieces_too_short_for_a_clip_are_left_out() -> None:
    walk = movers.walk(1.2, 5.0)
    walk[20:, :, 0] += 3.0
    ((first, joints),), _ = sound_pieces(recording(walk))
    assert first == 20 + BESIDE
    assert len(joints) >= LEAST


def test_a_fast_kick_is_no_leap() -> None:
    assert not leaps(movers.kick("r")).any()


def test_a_rest_pose_at_the_start_is_cut() -> None:
    walk = movers.walk(1.2, 5.0)
    walk[0] = movers.BODY.rest_positions() + np.array([0.5, 0.0, 0.0])
    ((first, _),), mended = sound_pieces(recording(walk))
    assert (first, mended.start) == (1, 1)


def test_damages_found_by_looking_are_left_out() -> None:
    assert sound_pieces(recording(movers.walk(1.0, 10.0), "conv_train_directing_traffic_1"))[0] == []


@pytest.mark.parametrize("bend", [0.0, 40.0])
def test_a_short_run_goes_on_in_its_cycle(bend: float) -> None:
    run = movers.turned(movers.walk(3.0, 1.4, bend=bend), 70.0)
    long = looped(run, LEAST)
    assert len(run) < LEAST < len(long)
    np.testing.assert_allclose(long[:12], run[:12])
    pelvis = np.linalg.norm(np.diff(long[:, 0], axis=0), axis=-1) * movers.RATE
    np.testing.assert_allclose(pelvis, 3.0, atol=0.3)
    whole = movers.turned(movers.walk(3.0, len(long) / movers.RATE, bend=bend), 70.0)
    assert np.linalg.norm(long[-1, 0] - whole[-1, 0]) < 0.25
    seams = np.linalg.norm(np.diff(long, n=2, axis=0), axis=-1).max()
    assert seams < 1.5 * np.linalg.norm(np.diff(whole, n=2, axis=0), axis=-1).max()


def test_what_does_not_cycle_or_is_long_enough_is_left_alone() -> None:
    for joints in (movers.walk(3.0, 3.0), movers.kick("r")[20:52] * 1.0):
        np.testing.assert_array_equal(looped(joints, LEAST), joints)


def test_takes_are_named_and_on_the_uniform_body() -> None:
    small = movers.person(0.8)
    takes = uniform_takes([recording(small(movers.walk(1.0, 3.0))), recording(small(movers.jump()), "01_02")])
    assert [(take.name, take.note, take.first) for take in takes] == [("01_01", "walk", 0), ("01_02", "walk", 0)]
    lengths = np.linalg.norm(takes[1].joints[:, 4] - takes[1].joints[:, 1], axis=-1)
    np.testing.assert_allclose(lengths, movers.LENGTHS[4], atol=1e-5)


def test_copies_within_the_data_are_left_out(tmp_path: Path) -> None:
    walk = movers.walk(1.0, 3.0)
    write_data(
        tmp_path, {"01_01": ("walk", walk), "01_02": ("walk", walk), "03_01": ("walk", walk)}, {"01_02": "01_01"}
    )
    assert [item.name for item in read_recordings(tmp_path)] == ["01_01", "03_01"]
    write_data(tmp_path, {"01_02": ("walk", walk)}, {"01_02": "09_09"})
    assert [item.name for item in read_recordings(tmp_path)] == ["01_02"], "its original is not there"


def test_what_is_wrong_with_the_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"index\.csv"):
        read_recordings(tmp_path)
    walk = movers.walk(1.0, 3.0)
    write_data(tmp_path, {"01_01": ("walk", walk)})
    index = (tmp_path / "index.csv").read_text()
    (tmp_path / "index.csv").write_text(index + "01_09,walk,rig,,\n")
    with pytest.raises(EngineError, match=r"index\.csv:3: has 5 cells"):
        read_recordings(tmp_path)
    (tmp_path / "index.csv").write_text(index + "01_09,walk,rig,\n")
    with pytest.raises(EngineError, match="01_09"):
        read_recordings(tmp_path)
    (tmp_path / "index.csv").write_text(index.replace("source", "from"))
    with pytest.raises(EngineError, match="no column source"):
        read_recordings(tmp_path)
    write_data(tmp_path, {"01_01": ("walk", np.where(np.arange(66).reshape(22, 3) == 5, np.nan, walk))})
    with pytest.raises(EngineError, match="not finite"):
        read_recordings(tmp_path)
    write_data(tmp_path, {"01_01": ("walk", walk[:, :21])})
    with pytest.raises(EngineError, match=r"\(60, 21, 3\)"):
        read_recordings(tmp_path)
    (tmp_path / "clips.npz").write_bytes(b"PK nothing")
    with pytest.raises(EngineError, match=r"clips\.npz"):
        read_recordings(tmp_path)
