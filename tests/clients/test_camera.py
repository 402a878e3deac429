"""The camera keeps bodies in the picture whatever they do, and moves smoothly while it can."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.opencv.body import StageBody, outline
from clients.opencv.camera import Camera, aim, follow, needed
from engine.body.skeleton import skeleton

from . import fake

SIZE = (640, 480)
PLAIN = skeleton("cmu").to_dict()


def inside(camera: Camera, points: np.ndarray, size: tuple[int, int] = SIZE) -> bool:
    x, y, depth = camera.project(points, size).T
    return bool(((depth > 0) & (x >= 0) & (x < size[0]) & (y >= 0) & (y < size[1])).all())


def points(x: float = 0.0, z: float = 0.0, sway: float = 0.0) -> np.ndarray:
    return outline([StageBody(fake.standing(x=x, sway=sway) + np.float32((0, 0, z)), PLAIN)])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=1, max_size=8),
    st.tuples(st.integers(80, 900), st.integers(80, 700)),
    st.floats(0.0, 0.2),
)
def test_no_jump_loses_the_figure(places, size, seconds):
    camera = None
    for x, z in places:
        seen = points(x, z)
        camera = follow(camera, seen, size, seconds)
        assert inside(camera, seen, size)


def test_following_is_smooth_and_arrives():
    camera, distances, targets = None, [], []
    for frame in range(120):
        camera = follow(camera, points(x=1.2 * np.sin(frame / 25), sway=0.1 * np.sin(frame / 3)), SIZE, 1 / 30)
        distances.append(camera.distance)
        targets.append(camera.target)
    assert np.abs(np.diff(distances)).max() < 0.06
    assert np.linalg.norm(np.diff(targets, axis=0), axis=1).max() < 0.05
    for _ in range(300):
        camera = follow(camera, points(x=0.5), SIZE, 1 / 30)
    goal = aim(points(x=0.5), SIZE)
    np.testing.assert_allclose(camera.target, goal.target, atol=0.01)
    assert camera.distance == pytest.approx(goal.distance, rel=0.01)


def test_a_crouch_does_not_zoom():
    standing, crouched = fake.standing(), fake.standing() * np.float32((1.0, 0.6, 1.0))
    far = [aim(outline([StageBody(at, PLAIN)]), SIZE).distance for at in (standing, crouched)]
    assert far[1] == pytest.approx(far[0], rel=0.05)


def test_the_least_distance_is_just_enough():
    seen = points()
    camera = aim(seen, SIZE)
    for free in (0.0, 0.1):
        least = needed(camera, seen, SIZE, free)
        x, y, _ = Camera(camera.target, least).project(seen, SIZE).T
        share = max(np.abs(x / SIZE[0] - 0.5).max(), np.abs(y / SIZE[1] - 0.5).max())
        assert share == pytest.approx(0.5 - free, abs=1e-6)


def test_with_nobody_there_it_stays():
    camera = aim(points(x=3.0), SIZE)
    for nobody in (np.empty((0, 3)), np.full((5, 3), np.nan), np.full((5, 3), 1e12)):
        assert follow(camera, nobody, SIZE, 0.1) == camera
    assert follow(None, np.empty((0, 3)), SIZE, 0.1) == Camera()


def test_both_dancers_are_kept_but_not_one_who_walked_away():
    avatar = StageBody(fake.standing(), PLAIN)
    for x, together in ((2.0, True), (40.0, False)):
        partner = StageBody(fake.standing(x=x), PLAIN)
        camera = aim(outline([avatar, partner]), SIZE)
        assert inside(camera, avatar.positions) and inside(camera, partner.positions) == together
        assert camera.distance < 12
