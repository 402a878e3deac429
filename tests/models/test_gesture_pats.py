"""PATS' points of a body: order and tree as PATS has them, and what a camera in front of a body sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from engine.body.skeleton import skeleton
from models.gesture.pats import LEFT_HAND, PATS_JOINTS, PATS_PARENTS, RIGHT_HAND, SHOULDER, PatsProjection

BODY = skeleton("cmu")


def rest() -> Tensor:
    return torch.tensor(BODY.rest_positions())


def straight(*shape: int) -> Tensor:
    return torch.eye(3).expand(*shape, 2, 3, 3)


def yaw(angle: float) -> Tensor:
    c, s = np.cos(angle), np.sin(angle)
    return torch.tensor([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]], dtype=torch.float32)


def seen(joints: Tensor, hands: Tensor) -> dict[str, tuple[float, float]]:
    points: Tensor = PatsProjection()(joints, hands)
    return {name: (float(x), float(y)) for name, (x, y) in zip(PATS_JOINTS, points, strict=True)}


def test_order_and_tree_are_those_of_pats() -> None:
    assert len(PATS_JOINTS) == len(set(PATS_JOINTS)) == len(PATS_PARENTS) == 52
    assert PATS_JOINTS[:10] == (
        *("Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "Nose", "REye", "LEye"),
    )
    assert [PATS_JOINTS[place] for place in (LEFT_HAND, RIGHT_HAND)] == ["LHandRoot", "RHandRoot"]
    parents = {name: PATS_JOINTS[parent] for name, parent in zip(PATS_JOINTS, PATS_PARENTS, strict=True) if parent >= 0}
    assert PATS_PARENTS[0] == -1 and all(parent < place for place, parent in enumerate(PATS_PARENTS))
    assert parents["LHandRoot"] == "LWrist" and parents["RHandRoot"] == "RWrist"
    assert parents["LEye"] == parents["REye"] == "Nose"
    for side in "LR":
        for finger in ("Thumb", "Index", "Middle", "Ring", "Little"):
            chain = [f"{side}HandRoot", *(f"{side}Hand{finger}{number}" for number in range(1, 5))]
            assert [parents[point] for point in chain[1:]] == chain[:-1]


def test_a_body_that_faces_the_camera() -> None:
    at = seen(rest(), straight())
    assert at["Neck"] == (0.0, 0.0)
    assert at["RShoulder"] == pytest.approx((-SHOULDER, 0.0), abs=0.1)
    assert at["LWrist"][0] > at["LElbow"][0] > at["LShoulder"][0] > 0  # its left is at the image's right
    assert at["Nose"][1] < -100 and at["Nose"][1] > at["LEye"][1]  # up is negative, eyes over the nose
    assert at["Nose"][0] == pytest.approx((at["LEye"][0] + at["REye"][0]) / 2, abs=3.0)
    assert at["LEye"][0] > 0 > at["REye"][0]
    assert at["LHandMiddle4"][0] > at["LHandMiddle1"][0] > at["LWrist"][0]
    assert at["LHandMiddle4"][1] > at["LHandMiddle1"][1]  # palms down, fingers curl to them
    for side, other in zip(PATS_JOINTS[10:31], PATS_JOINTS[31:], strict=True):
        assert at[side] == pytest.approx((-at[other][0], at[other][1]), abs=1e-3)


def test_the_nose_is_ahead_of_the_eyes() -> None:
    """Seen from its side, which the shoulders' line across the image shows as far as it is not quite one."""
    turn = yaw(1.2)
    points = PatsProjection()(rest() @ turn.T, turn.expand(2, 3, 3))
    middle = points[[8, 9], 0].mean()
    assert points[7, 0] > middle + 20


@settings(max_examples=40, deadline=None)
@given(st.floats(-1.0, 1.0), st.floats(0.5, 2.0), st.tuples(st.floats(-5, 5), st.floats(-5, 5), st.floats(-5, 5)))
def test_every_frame_is_normalised(angle: float, size: float, place: tuple[float, float, float]) -> None:
    """Where a body stands is not seen, and the right shoulder is as far from the neck however it turns."""
    points = PatsProjection()(rest() @ yaw(angle).T + torch.tensor(place), yaw(angle).expand(2, 3, 3))
    assert float(points[1].norm()) == pytest.approx(SHOULDER, rel=1e-3)
    large = PatsProjection()(size * (rest() @ yaw(angle).T), yaw(angle).expand(2, 3, 3))
    np.testing.assert_allclose(points[:7], large[:7], atol=0.5)


def test_fingers_move_with_the_wrist() -> None:
    turned = straight().clone()
    turned[1] = yaw(np.pi / 2)  # the left hand from the image's right to behind the body
    before, after = PatsProjection()(rest(), straight()), PatsProjection()(rest(), turned)
    moved = (after - before).norm(dim=-1) > 1.0
    assert moved.nonzero()[:, 0].min() > LEFT_HAND and moved.nonzero()[:, 0].max() < RIGHT_HAND


def test_a_body_seen_from_its_side_stays_finite() -> None:
    points = PatsProjection()(rest() @ yaw(np.pi / 2).T, yaw(np.pi / 2).expand(2, 3, 3))
    assert points.isfinite().all() and points.abs().max() < 10_000
