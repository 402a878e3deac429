"""The tracker without MediaPipe: what rest pose, names, times, and refusals."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.channels import FACE, head_rotation
from engine.errors import EngineError
from engine.rest_pose import REST_LIMIT_RAD, RestPose
from engine.tracker import MediaPipeTracker, _quiet

FRAME_NS = 40_000_000


def pose(pitch: float = 0, yaw: float = 0, roll: float = 0, x: float = 0, y: float = 0, z: float = -50) -> np.ndarray:
    """A matrix as MediaPipe gives it: angles in radians, centimetres."""
    matrix = np.eye(4)
    matrix[:3, :3] = head_rotation(pitch, yaw, roll)
    matrix[:3, 3] = x, y, z
    return matrix


# --- rest pose -------------------------------------------------------------------------------------------------------


def test_the_first_pose_is_the_rest_position_and_the_cameras_axis_the_rest_rotation() -> None:
    out = RestPose(30).relative(pose(0.2, -0.3, 0.1, 5, -2, -60), 0)
    np.testing.assert_allclose(out, [0.2, -0.3, 0.1, 0, 0, 0], atol=1e-6)


def test_translation_is_metres_with_the_projects_signs() -> None:
    rest = RestPose(0)
    rest.relative(pose(), 0)
    out = rest.relative(pose(x=10, y=3, z=-42), FRAME_NS)
    np.testing.assert_allclose(out[3:], [0.10, 0.03, 0.08], atol=1e-6)


def test_a_short_turn_stays_and_a_camera_below_is_forgotten_within_a_minute() -> None:
    rest = RestPose(30)
    for k in range(50):  # two seconds
        out = rest.relative(pose(pitch=-0.3), k * FRAME_NS)
    assert out[0] == pytest.approx(-0.3 * np.exp(-2 / 30), rel=0.02)
    for k in range(50, 1500):
        out = rest.relative(pose(pitch=-0.3, x=4), k * FRAME_NS)
    assert out[0] == pytest.approx(-0.3 * np.exp(-2), rel=0.02)
    assert abs(out[3]) < 0.04 * 0.16


def test_the_rest_rotation_has_a_limit() -> None:
    rest = RestPose(1)
    for k in range(2000):
        out = rest.relative(pose(yaw=1.0), k * FRAME_NS)
    assert out[1] == pytest.approx(1.0 - REST_LIMIT_RAD, abs=1e-3)


def test_the_rest_pose_never_uses_what_comes_later() -> None:
    angles = np.random.default_rng(0).normal(0, 0.2, (40, 3))
    first, other = RestPose(5), RestPose(5)
    a = [first.relative(pose(*row), k * FRAME_NS) for k, row in enumerate(angles)]
    angles[20:] += 0.5
    b = [other.relative(pose(*row), k * FRAME_NS) for k, row in enumerate(angles)]
    np.testing.assert_array_equal(a[:20], b[:20])
    assert not np.array_equal(a[20], b[20])


def test_a_pause_moves_the_rest_pose_no_further_than_half_a_second_would() -> None:
    rest = RestPose(30)
    rest.relative(pose(), 0)
    rest.relative(pose(x=10), 3600 * 10**9)
    assert rest.relative(pose(x=10), 3600 * 10**9 + 1)[3] == pytest.approx(0.1 * np.exp(-0.5 / 30), rel=1e-3)


def test_a_matrix_with_scale_is_read_as_its_rotation() -> None:
    matrix = pose(0.1, 0.2, 0.3)
    matrix[:3, :3] *= 1.7
    np.testing.assert_allclose(RestPose(0).relative(matrix, 0)[:3], [0.1, 0.2, 0.3], atol=1e-6)


# --- around MediaPipe ------------------------------------------------------------------------------------------------


class Landmarker:
    """In MediaPipe's place: remembers the times; one face, yaw = the picture's first value / 100 rad, x = it in cm."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.closed = 0

    def detect_for_video(self, image: Any, time_ms: int) -> Any:
        self.times.append(time_ms)
        if image.data[0, 0, 0] == 0:
            return SimpleNamespace(face_landmarks=[], face_blendshapes=[], facial_transformation_matrixes=[])
        points = [SimpleNamespace(x=0.4, y=0.4), SimpleNamespace(x=0.6, y=0.7)]
        scores = [
            SimpleNamespace(category_name="_neutral", score=0.9),
            SimpleNamespace(category_name="mouthSmileLeft", score=0.7),
            SimpleNamespace(category_name="jawOpen", score=0.25),
        ]
        return SimpleNamespace(
            face_landmarks=[points],
            face_blendshapes=[scores],
            facial_transformation_matrixes=[pose(yaw=image.data[0, 0, 0] / 100, x=image.data[0, 0, 0])],
        )

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> Landmarker:
    landmarker = Landmarker()
    module = SimpleNamespace(
        Image=lambda image_format, data: SimpleNamespace(data=data), ImageFormat=SimpleNamespace(SRGB=1)
    )
    monkeypatch.setattr("engine.tracker._landmarker", lambda model, faces: (module, landmarker))
    monkeypatch.setattr("engine.tracker.face_landmarker", lambda model: Path("model"))
    return landmarker


def picture(value: int) -> np.ndarray:
    return np.full((8, 8, 3), value, np.uint8)


def test_scores_go_to_their_names_and_the_head_beside_them(pretended: Landmarker) -> None:
    out = MediaPipeTracker().track(picture(20), 0)
    assert out is not None
    assert out.shape == (58,)
    assert out.dtype == np.float32
    named = {name: float(out[index]) for name, index in FACE.items() if out[index] != 0}
    assert named == pytest.approx({"mouthSmileLeft": 0.7, "jawOpen": 0.25, "headYaw": 0.2})


def test_times_always_grow_even_where_a_film_starts_over(pretended: Landmarker) -> None:
    tracker = MediaPipeTracker()
    for at_ns in (0, 40_000_000, 40_000_000, 40_200_000, 120_000_000, 0, 40_000_000, 80_000_000):
        tracker.track(picture(1), at_ns)
    steps = np.diff(pretended.times)
    assert (steps > 0).all()
    assert list(steps[-3:]) == [40, 40, 40]


def test_nobody_is_none_and_after_a_while_the_rest_position_is_taken_anew(pretended: Landmarker) -> None:
    tracker, x = MediaPipeTracker(rest_s=0), FACE["headX"]
    assert tracker.track(picture(0), 0) is None
    assert tracker.track(picture(10), FRAME_NS)[x] == 0  # type: ignore[index]
    assert tracker.track(picture(20), 2 * FRAME_NS)[x] == pytest.approx(0.1)  # type: ignore[index]
    assert tracker.track(picture(0), 10**9) is None
    assert tracker.track(picture(20), 2 * 10**9)[x] == pytest.approx(0.1)  # type: ignore[index]
    assert tracker.track(picture(0), 4 * 10**9) is None
    assert tracker.track(picture(20), 6 * 10**9)[x] == 0  # type: ignore[index]


def test_a_closed_tracker_says_so(pretended: Landmarker) -> None:
    tracker = MediaPipeTracker()
    tracker.close()
    tracker.close()
    assert pretended.closed == 1
    with pytest.raises(EngineError, match="is closed"):
        tracker.track(picture(1), 0)


@pytest.mark.parametrize(
    "wrong", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), "u1")]
)
def test_what_is_no_picture_is_refused(pretended: Landmarker, wrong: np.ndarray) -> None:
    with pytest.raises(EngineError, match=r"give \(height, width, 3\) uint8 RGB"):
        MediaPipeTracker().track(wrong, 0)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(EngineError, match="give 1 or more"):
        MediaPipeTracker(faces=0)
    with pytest.raises(EngineError, match="give 0"):
        MediaPipeTracker(rest_s=-1)
    with pytest.raises(EngineError, match="person 'tallest': give largest, left, right or middle"):
        MediaPipeTracker(person="tallest")


def test_a_missing_model_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_CACHE", str(tmp_path))
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    with pytest.raises(EngineError, match="engine assets"):
        MediaPipeTracker()


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.tracker.face_landmarker", lambda model: Path("model"))
    monkeypatch.setitem(__import__("sys").modules, "mediapipe", None)
    with pytest.raises(EngineError, match=r"pip install 'reaction-engine\[tracker\]'"):
        MediaPipeTracker()


def test_trackers_that_are_made_at_a_time_leave_stderr_as_it_was() -> None:
    before, inside = os.fstat(2), [threading.Event(), threading.Event()]
    go = [threading.Event(), threading.Event()]

    def turn(number: int) -> None:
        with _quiet():
            inside[number].set()
            go[number].wait(10)

    threads = [threading.Thread(target=turn, args=(number,)) for number in (0, 1)]
    threads[0].start()
    inside[0].wait(10)
    threads[1].start()
    inside[1].wait(0.2)  # without a lock it is inside now
    go[0].set()
    threads[0].join(10)
    go[1].set()
    threads[1].join(10)
    assert os.path.samestat(before, os.fstat(2))
