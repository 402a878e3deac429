"""Bodies in the dance model: rotations, kinematics, headings, and poses as vectors and back."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from engine.body.motion import facing, forward_kinematics
from engine.body.skeleton import Skeleton, skeleton
from engine.errors import EngineError
from models.bodies.heading import added, between, heading, in_frame, on_stage
from models.bodies.kinematics import Kinematics, from_six, to_quaternion, to_six
from models.dance import DanceConfig, build, canonical
from models.dance.canonical import travelling
from models.dance.config import named
from tests.train.dance.bodies import dancer
from train.dance.generate import staged

BODY = skeleton("cmu")


@pytest.fixture(scope="module")
def motion():
    return dancer(2, 120)


def turns(seed: int, *shape: int) -> torch.Tensor:
    count = int(np.prod(shape))
    return torch.tensor(
        Rotation.random(count, random_state=seed).as_matrix().reshape(*shape, 3, 3), dtype=torch.float32
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_rotations_agree_with_scipy(seed: int) -> None:
    matrix = turns(seed, 5)
    torch.testing.assert_close(from_six(to_six(matrix)), matrix, atol=1e-5, rtol=0)
    ours = to_quaternion(matrix).numpy()
    theirs = Rotation.from_matrix(matrix.numpy()).as_quat(canonical=True)
    assert np.minimum(np.abs(ours - theirs).max(1), np.abs(ours + theirs).max(1)).max() < 1e-5
    assert (ours[:, 3] >= 0).all()


def test_half_turns_have_quaternions() -> None:
    axes = torch.diag_embed(torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1]]))
    assert to_quaternion(axes).abs().tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]


def test_kinematics_equal_those_of_the_engine() -> None:
    matrix, root = turns(3, 4, len(BODY.joints)), torch.randn(4, 3)
    moving = list(range(len(BODY.joints)))
    ours = Kinematics(BODY, moving)(root, matrix)
    theirs = forward_kinematics(BODY, root.numpy(), matrix.numpy())
    np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-5)
    feet = [BODY.index(joint) for joint in BODY.feet]
    torch.testing.assert_close(Kinematics(BODY, moving, feet)(root, matrix), ours[:, feet], atol=1e-6, rtol=0)


def test_a_heading_is_where_the_body_faces(motion) -> None:
    positions = torch.tensor(motion.positions)
    pair = heading(positions, BODY)
    angle = torch.atan2(pair[:, 1], pair[:, 0]).numpy()
    np.testing.assert_allclose(angle, facing(BODY, motion.positions), atol=1e-5)
    at = positions[:, 0, ::2]
    own = in_frame(positions, at, pair)
    torch.testing.assert_close(heading(own, BODY), torch.tensor([[1.0, 0.0]]).expand(len(own), 2), atol=1e-5, rtol=0)
    torch.testing.assert_close(on_stage(own, at, pair), positions, atol=1e-5, rtol=0)
    torch.testing.assert_close(added(pair[:-1], between(pair[:-1], pair[1:])), pair[1:], atol=1e-5, rtol=0)


@settings(max_examples=10, deadline=None)
@given(st.floats(-3.1, 3.1), st.floats(-5, 5), st.floats(-5, 5))
def test_windows_look_the_same_anywhere_on_the_stage(angle: float, x: float, z: float) -> None:
    window = torch.tensor(dancer(1, 40).positions)
    c, s = np.cos(angle), np.sin(angle)
    moved = window @ torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]], dtype=torch.float32).T + torch.tensor([x, 0, z])
    torch.testing.assert_close(canonical(moved, BODY), canonical(window, BODY), atol=1e-4, rtol=0)
    torch.testing.assert_close(travelling(moved, BODY), travelling(window, BODY), atol=1e-4, rtol=0)


@pytest.mark.parametrize("rotations", [True, False])
def test_a_pose_is_a_vector_and_back(motion, rotations: bool) -> None:
    moving = tuple(range(len(BODY.joints))) if rotations else ()
    config = dataclasses.replace(named("tiny"), moving=moving)
    model = build(config)
    positions = torch.tensor(motion.positions)
    vectors = model.pose.encode(positions, torch.tensor(motion.rotations), None)
    assert vectors.shape == (len(motion), model.pose.width)
    back = staged(model, vectors[None])[0]
    torch.testing.assert_close(canonical(back, BODY), canonical(positions, BODY), atol=2e-3, rtol=0)
    torch.testing.assert_close(travelling(back, BODY), travelling(positions, BODY), atol=2e-3, rtol=0)


def test_markers_stay_in_the_middle() -> None:
    body = skeleton("pirounet")
    model = build(named("pirounet"))
    positions = torch.tensor(body.rest_positions())[None].repeat(50, 1, 1) + torch.randn(50, 53, 3) * 0.1
    positions[..., 0] += torch.linspace(0, 3, 50)[:, None]
    vectors = model.pose.encode(positions, None, None)
    assert vectors.shape == (50, 159)
    torch.testing.assert_close(vectors.unflatten(-1, (53, 3))[..., ::2].mean(-2), torch.zeros(50, 2), atol=1e-5, rtol=0)


def test_the_seed_has_the_published_size() -> None:
    model = build(named("pirounet"))
    sizes = {name: sum(p.numel() for p in getattr(model, name).parameters()) for name in ("encoder", "decoder")}
    # The published encoder does not see travel: two numbers a frame in the first layer's four gates less.
    assert sizes == {"encoder": 480_512 + 2 * 400, "decoder": 515_196}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"moving": (1, 2)}, "root"),
        ({"hop": 1}, "hop 1"),
        ({"skeleton": Skeleton("stick", ("a", "b"), (-1, 0), ((0, 0, 0), (0, 1, 0)))}, "hips"),
    ],
)
def test_impossible_configurations_are_refused(changes: dict, words: str) -> None:
    plain = dataclasses.replace(named("tiny"), moving=()) if "skeleton" in changes else named("tiny")
    with pytest.raises(EngineError, match=words):
        dataclasses.replace(plain, **changes)


def test_a_configuration_travels_as_plain_values() -> None:
    config = named("small")
    assert named(config.to_dict()) == config == DanceConfig.from_dict(config.to_dict())
    with pytest.raises(EngineError, match="no dance configuration 'huge'"):
        named("huge")
