"""Strokes: cut of a take made here, whatever the body does below; and those made of numbers."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from engine.body.motion import forward_kinematics
from engine.body.skeleton import skeleton
from engine.errors import EngineError
from train.simulate.gestures import arms
from train.simulate.gestures.cutting import RATE, TAKES, cuts
from train.simulate.gestures.library import STEPS, Library, StrokeEntry, load_library
from train.text_motion.motions.takes import FOLDER

BODY = skeleton("humanml3d")
HIGH, LOW = arms.pose_at((-0.2, 0.12, 0.3), 0.4), arms.pose_at((-0.22, -0.1, 0.32), 0.4)


def take(turn: float = 0.0) -> np.ndarray:
    """Joints (T, 22, 3): the right hand is held high, goes down in 0.4 s, stays, and goes up; the left hangs. The body
    stands, or turns by ``turn`` rad while it leans."""
    still = np.zeros(10)
    down = arms.least_jerk(np.linspace(0, 1, 9))
    share = np.concatenate([still, down, still + 1, 1 - down, still])
    poses = HIGH + share[:, None] * (LOW - HIGH)
    other = np.tile(arms.RESTS["sides"][1], (len(poses), 1))
    rotations = np.tile(np.eye(3, dtype=np.float32), (len(poses), 22, 1, 1))
    for frame, angle in enumerate(np.linspace(0, turn, len(poses))):
        c, s = np.cos(angle), np.sin(angle)
        rotations[frame, 0] = [[c, 0, s], [0, 1, 0], [-s, 0, c]]
        c, s = np.cos(angle / 4), np.sin(angle / 4)
        rotations[frame, 3] = [[1, 0, 0], [0, c, -s], [0, s, c]]
    at = forward_kinematics(BODY, np.zeros((len(poses), 3), np.float32), rotations)
    chest = rotations[:, 0] @ rotations[:, 3]
    for poses_of, mirror, names in (
        (poses, 1.0, ("r_shoulder", "r_elbow", "r_wrist")),
        (other, -1.0, ("l_shoulder", "l_elbow", "l_wrist")),
    ):
        places = arms.places(poses_of)
        shoulder, elbow, wrist = (BODY.index(name) for name in names)
        flip = np.array([mirror, 1.0, 1.0])
        for joint, above, bone in (
            (elbow, shoulder, places.elbow - arms.SHOULDER),
            (wrist, elbow, places.wrist - places.elbow),
        ):
            at[:, joint] = at[:, above] + np.einsum("tij,tj->ti", chest, bone * flip)
    return at


def written(folder: Path, joints: np.ndarray) -> Path:
    (folder / FOLDER).mkdir(parents=True)
    (folder / FOLDER / "index.csv").write_text(f"id,text,source,same_as\n{TAKES[0]},signals,rig,\n", "utf-8")
    np.savez(folder / FOLDER / "clips.npz", **{TAKES[0]: joints.astype(np.float32)})  # type: ignore[arg-type]
    return folder


@pytest.mark.parametrize("turn", [0.0, 1.0])
def test_strokes_are_cut_between_the_lows_whatever_the_body_does(tmp_path: Path, turn: float) -> None:
    found = list(cuts(written(tmp_path, take(turn))))
    assert [cut.side for cut in found] == ["right", "right"]
    hands = [arms.places(cut.path[0]).hand for cut in found]
    assert hands[0][-1, 1] < hands[0][0, 1] - 0.12  # down
    assert hands[1][-1, 1] > hands[1][0, 1] + 0.12  # and up
    for cut in found:
        assert cut.take == TAKES[0] and cut.path.shape == (1, STEPS, arms.WIDTH)
        assert cut.seconds == pytest.approx(8 / RATE, abs=0.2)
    wrist = arms.places(found[0].path[0]).wrist
    np.testing.assert_allclose(wrist[[0, -1]], arms.places(np.stack([HIGH, LOW])).wrist, atol=0.02)


def test_a_library_of_a_take_has_its_strokes_for_either_hand(tmp_path: Path) -> None:
    library = load_library(written(tmp_path, take()))
    assert {entry.name for entry in library.entries} == {
        *("down0.right", "down0.left", "beat0.right", "beat0.left", "up0.right", "up0.left"),
    }
    down, beat = library.entry("down0.right"), library.entry("beat0.right")
    assert 0.4 < beat.travel / down.travel < 0.6 and beat.seconds < down.seconds
    assert 0.5 < down.speed < 2.0
    np.testing.assert_array_equal(down.path, library.entry("down0.left").path)


def test_dull_and_odd_movements_are_left_out(tmp_path: Path) -> None:
    still = take()
    assert not list(cuts(written(tmp_path / "still", np.tile(still[:1], (60, 1, 1)))))
    behind = still.copy()
    names = [BODY.index(name) for name in ("r_elbow", "r_wrist")]
    shoulder = behind[:, [BODY.index("r_shoulder")]]
    behind[:, names] = shoulder + (behind[:, names] - shoulder) * (1, 1, -1)
    assert not list(cuts(written(tmp_path / "behind", behind)))


def test_without_recordings_strokes_are_made_of_numbers() -> None:
    library = load_library(None)
    assert {entry.hands for entry in library.entries} == {"right", "left", "both"}
    assert [library.numbers[entry.name] for entry in library.entries] == list(range(len(library.entries)))
    for entry in library.entries:
        usable(entry)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=FOLDER):
        load_library(tmp_path)
    with pytest.raises(EngineError, match="no stroke 'wave'"):
        load_library(None).entry("wave")
    entry = load_library(None).entries[0]
    with pytest.raises(EngineError, match="own name"):
        Library((entry, entry))
    (tmp_path / FOLDER).mkdir()
    with pytest.raises(EngineError, match=r"index\.csv"):
        load_library(tmp_path)
    (tmp_path / FOLDER / "index.csv").write_text("id,text,source,same_as\n", "utf-8")
    np.savez(tmp_path / FOLDER / "clips.npz")
    with pytest.raises(EngineError, match="at least one stroke"):
        load_library(tmp_path)


def test_the_real_library_is_of_people_who_talk() -> None:
    data = os.environ.get("ENGINE_DATA")
    if not data or not (Path(data) / FOLDER).is_dir():
        pytest.skip(f"ENGINE_DATA does not name the folder that holds {FOLDER}")
    library = load_library(Path(data))
    counts = {side: sum(entry.hands == side for entry in library.entries) for side in ("right", "left", "both")}
    assert 25 <= counts["right"] == counts["left"] <= 60 and 12 <= counts["both"] <= 30
    for entry in library.entries:
        usable(entry)
    ends = np.stack([arms.places(entry.arm("right")).hand[-1] for entry in library.entries if entry.hands == "right"])
    assert (np.ptp(ends, axis=0) > (0.25, 0.25, 0.15)).all()  # not all the same


def usable(entry: StrokeEntry) -> None:
    assert entry.path.shape == (2 if entry.hands == "both" else 1, STEPS, arms.WIDTH)
    assert 0.05 < entry.travel < 0.5 and entry.speed < 3.3 and 0.15 < entry.seconds < 1.0
    for side in ("right", "left"):
        path = entry.arm(side)
        assert (path[:, :4] >= arms.LOW[:4]).all() and (path[:, :4] <= arms.HIGH[:4]).all()
        at = arms.places(path)
        assert arms.inside(at.hand).min() > 1.0
        assert at.hand[:, 2].min() > 0.1 and at.hand[:, 1].max() < 0.35 and at.elbow[:, 1].max() < arms.SHOULDER[1]
