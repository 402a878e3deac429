"""From features to the stage: constant bones, feet that stay, a floor, and whoever walks away comes back in an arc.

A puppet of written features, in the pose of rest or walking on stiff legs, moves as each test says.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from engine.body.skeleton import skeleton
from models.bodies.heading import between, heading, turned_back
from models.contract import Tensors, commit, initial_state, reset
from models.text_motion.features import canonical, encode
from models.text_motion.layout import HUMANML3D
from models.text_motion.stage import SOLE, LocalPose, Stage, travel
from models.text_motion.steering import EDGE, ROAM

BODY, CUT = skeleton("humanml3d"), HUMANML3D.slices
POSE, STAGE = LocalPose(), Stage()
FEET = [BODY.index(joint) for joint in BODY.feet]
RATE = HUMANML3D.rate
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def lengths(body: Tensor) -> Tensor:
    return (body[..., 1:, :] - body[..., list(BODY.parents[1:]), :]).norm(dim=-1)


def at_rest(frames: int) -> Tensor:
    """Features (1, frames, 263) of a body that stands at rest with its feet on the floor, without contacts."""
    joints = torch.tensor(BODY.rest_positions()) - torch.tensor([0.0, BODY.rest_positions()[:, 1].min() - SOLE, 0.0])
    rows = torch.zeros(1, frames, HUMANML3D.width)
    rows[..., CUT["height"]] = joints[0, 1]
    rows[..., CUT["ric"]] = joints[1:].flatten()
    return rows


def going(frames: int, x: float = 0.0, z: float = 0.0, turn: float = 0.0) -> Tensor:
    """The same, moving at ``x`` and ``z`` metres a second and turning to its left by ``turn`` radians a second."""
    rows = at_rest(frames)
    rows[..., CUT["velocity"]] = torch.tensor([x, z]) / RATE
    rows[..., CUT["yaw"]] = -turn / RATE / 2
    return rows


def staged(rows: Tensor, state: Tensors | None = None, chunk: int | None = None) -> tuple[Tensor, Tensors]:
    """The body (B, T, 22, 3) of ``rows``, fed ``chunk`` frames at a time, and the state after it."""
    state = initial_state(STAGE.state_specs(), len(rows)) if state is None else state
    bodies = []
    for piece in rows.split(chunk or rows.shape[1], 1):
        body, updates = STAGE(POSE(piece), state, travel(piece))
        state = commit(STAGE.state_specs(), state, updates, piece.shape[1])
        bodies.append(body)
    return torch.cat(bodies, 1), state


def wild(seed: int, frames: int, size: float) -> Tensor:
    return torch.randn(2, frames, HUMANML3D.width, generator=torch.Generator().manual_seed(seed)) * size


def walk(seconds: float, speed: float = 1.2) -> Tensor:
    """A walk straight ahead on stiff legs, (T, 22, 3) on the stage: the standing foot stays to the millimetre."""
    time = torch.arange(round(seconds * RATE)) / RATE
    stride = 0.5
    phase = time * speed / stride
    joints = torch.tensor(BODY.rest_positions()).repeat(len(time), 1, 1)
    joints[..., 1] -= joints[..., 1].min() - SOLE
    joints[..., 2] += (time * speed)[:, None]
    for number, side in enumerate("lr"):
        own = (phase + number) / 2
        ahead = (own.floor() + ((own % 1.0 - 0.5) * 2).clamp(0.0, 1.0)) * 2 * stride - number * stride
        raised = 0.25 * ((own % 1.0 - 0.5) * 2 * torch.pi).clamp_min(0.0).sin()
        for joint, forward in (("ankle", 0.0), ("foot", 0.1137), ("knee", 0.0)):
            at = BODY.index(f"{side}_{joint}")
            joints[:, at, 2] = (ahead + joints[:, 0, 2]) / 2 if joint == "knee" else ahead + forward
            joints[:, at, 1] += raised
    return joints


@settings(max_examples=8, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 99), st.sampled_from([0.0, 0.01, 1.0, 100.0, 1e20]))
def test_bones_are_constant_whatever_comes(seed: int, size: float) -> None:
    body, state = staged(wild(seed, 12, size))
    wanted = torch.tensor(np.linalg.norm(BODY.rest, axis=-1)[1:], dtype=torch.float32)
    torch.testing.assert_close(lengths(body), wanted.expand(2, 12, -1), atol=1e-5, rtol=0)
    assert body[..., 1].min() > -1e-5
    assert all(bool(value.isfinite().all()) for value in state.values())


def test_a_take_of_the_skeleton_itself_comes_back() -> None:
    joints = walk(2.0)
    pose = torch.tensor(BODY.rest_positions()).repeat(28, 1, 1)
    pose[..., 2] += 0.05 * torch.arange(28.0)[:, None]  # bones as in the skeleton, too fast to stand
    made, _ = staged(encode(pose, HUMANML3D, backward=True)[None])
    np.testing.assert_allclose(made[0, :, :, ::2], canonical(pose, HUMANML3D, backward=True)[..., ::2], atol=1e-4)
    # Of a body with other bones the directions are kept.
    rows = encode(joints, HUMANML3D, backward=True)[None]
    bones = POSE(rows)[0, :, BODY.index("l_elbow")] - POSE(rows)[0, :, BODY.index("l_shoulder")]
    assert bones[:, 0].min() > 0.27


@pytest.mark.parametrize("turn", [0.0, 0.6])
def test_a_turn_and_a_step_are_summed_in_the_frame_they_are_told_in(turn: float) -> None:
    rows = going(20, x=0.3, z=0.9, turn=turn)
    rows[:, 0, :3] = 0.0
    body, state = staged(rows)
    angle = turn / RATE * np.arange(1, 20)
    steps = np.stack([0.3 * np.cos(angle) + 0.9 * np.sin(angle), 0.9 * np.cos(angle) - 0.3 * np.sin(angle)], 1) / RATE
    np.testing.assert_allclose(body[0, 1:, 0, ::2], steps.cumsum(0), atol=1e-5)
    facing = heading(body, BODY)[0, -1]
    np.testing.assert_allclose(facing, [np.cos(angle[-1]), np.sin(angle[-1])], atol=1e-5)
    torch.testing.assert_close(state["facing"][0], facing)


def test_a_planted_foot_stays_within_millimetres() -> None:
    joints = walk(3.0)
    rows = encode(joints, HUMANML3D, backward=True)[None]
    rows[:, 1:, CUT["velocity"]] += torch.tensor([0.1, -0.15]) / RATE  # what a decoder may be wrong by
    standing = rows[0, :, CUT["contacts"]].bool() & (joints[:, FEET, 1] < 0.1)

    def slides(rows: Tensor) -> float:
        """Metres a second of feet that stand in this frame and the one before."""
        feet = staged(rows)[0][0][:, FEET][..., ::2].diff(dim=0).norm(dim=-1) * RATE
        return float(feet[standing[1:] & standing[:-1]].median())

    assert slides(rows) < 0.05
    free = rows.clone()
    free[..., CUT["contacts"]] = 0.0
    assert slides(free) > 0.12, "it is the contacts that hold"
    begun = at_rest(2)
    begun[..., CUT["contacts"]] = 1.0
    begun[..., CUT["ric"]].unflatten(-1, (21, 3))[..., 0] -= 0.1 - 0.008  # a foot begins 8 mm from the middle
    assert staged(begun)[0][0, :, 0, ::2].abs().max() < 1e-6, "nothing stood before the first frame"
    still = at_rest(60)
    still[..., CUT["contacts"]] = 1.0
    still[..., CUT["velocity"]] = 0.005
    feet = staged(still)[0][0, 1:, FEET][..., ::2]
    assert (feet - feet[:1]).norm(dim=-1).max() < 0.008


def test_a_foot_that_swings_or_slips_does_not_hold() -> None:
    rows = going(30, z=1.0)
    rows[..., CUT["contacts"]] = 1.0  # as far as the features' contacts know, up to 0.9 m/s stands
    path = staged(rows)[0][0, :, 0, 2]
    torch.testing.assert_close(path.diff(), torch.full((29,), 1.0 / RATE), atol=1e-4, rtol=0)
    upside_down = going(30, z=0.1)
    upside_down[..., CUT["contacts"]] = 1.0  # on its head, with still feet in the air
    upside_down[..., CUT["height"]] = 1.8 - upside_down[..., CUT["height"]]
    heights = slice(CUT["ric"].start + 1, CUT["ric"].stop, 3)
    upside_down[..., heights] = 1.8 - upside_down[..., heights]
    path = staged(upside_down)[0][0, :, 0, 2]
    torch.testing.assert_close(path.diff(), torch.full((29,), 0.1 / RATE), atol=1e-4, rtol=0)


def test_who_walks_out_is_led_back_in_an_arc() -> None:
    ways = [(0.0, 1.0), (0.0, -1.0), (1.0, 0.0), (-1.0, 0.0), (0.7, 0.7)]
    cases = [(v, way, turn) for v in (1.0, 2.0) for way in ways for turn in (0.0, 0.1, -0.4, 1.0)]
    rows = torch.cat([going(500, v * x, v * z, turn) for v, (x, z), turn in cases])
    speed = torch.tensor([v for v, _, _ in cases])[:, None]
    asked = speed[..., None] * torch.tensor([way for _, way, _ in cases])[:, None]
    turn = torch.tensor([abs(turn) for *_, turn in cases])[:, None]
    body, _ = staged(rows)
    path, facing = body[:, :, 0, ::2], heading(body, BODY)[:, 1:]
    far, step = path.norm(dim=-1), path.diff(dim=1) * RATE
    assert far.max() < 4.2
    # The body turns as its path turns: it goes ahead, backward or sideways as before.
    torch.testing.assert_close(turned_back(step, facing)[:, 2:], asked.expand(-1, 497, -1), atol=0.02, rtol=0)
    led = between(facing[:, :-1], facing[:, 1:])[..., 1].asin().abs() * RATE
    assert bool((led < turn + 1.3 * speed + 0.05).all()), "no faster than people turn"
    within = far[:, 1:-1] < ROAM - 0.1
    assert bool((led < turn + 1.1 * speed)[within].all()) and float(led[within].median()) < 0.45


def test_who_walks_in_small_circles_is_left_to_them() -> None:
    body, _ = staged(torch.cat([going(500, z=1.0, turn=turn) for turn in (1.0, -1.2, 2.0)]))
    far = body[:, :, 0, ::2].norm(dim=-1).amax(1)
    assert bool((far < torch.tensor([2.0, 1.67, 1.0]) + 0.05).all()), "a circle's diameter"


def test_it_comes_back_to_the_middle_and_is_not_led_while_it_stands() -> None:
    body, state = staged(going(500, z=1.5))
    far = body[0, :, 0, ::2].norm(dim=-1)
    out = (far > ROAM + 0.5).int().diff()
    assert (out == 1).sum() >= 3 and (out == -1).sum() >= 3
    state["at"] = torch.tensor([[0.0, 4.0]])
    state["path"], state["bend"] = torch.zeros(1, 2), torch.zeros(1, 1)
    facing = heading(staged(at_rest(100), state)[0], BODY)[0]
    torch.testing.assert_close(facing, facing[:1].expand(100, 2), atol=1e-5, rtol=0)


def test_nothing_leaves_the_stage_and_nothing_jumps() -> None:
    chance = torch.Generator().manual_seed(0)
    rows = torch.cat([going(400, z=speed) for speed in (0.5, 1.0, 2.0, 3.0, 5.0, 50.0) for _ in range(4)])
    rows[..., CUT["yaw"]] = 0.1 * torch.randn(len(rows), 400, 1, generator=chance)
    path = staged(rows)[0][:, :, 0, ::2]
    assert EDGE - 1.0 < path.norm(dim=-1).max() < EDGE + 0.02
    assert path.diff(dim=1).norm(dim=-1).max() < 6.0 / RATE + 0.02


def test_the_floor_carries() -> None:
    rows = at_rest(60)
    rows[..., CUT["contacts"]] = 1.0

    def raised(by: Tensor) -> Tensor:
        """Height of the lowest joint of a body that the features put higher by so much (T,)."""
        moved = rows.clone()
        moved[..., CUT["height"]] += by[:, None]
        moved[..., CUT["ric"]] += torch.stack([by * 0, by, by * 0], -1).repeat(1, 21)
        return staged(moved)[0][0, :, :, 1].amin(-1)

    steady = torch.full((60,), SOLE)
    torch.testing.assert_close(raised(torch.zeros(60)), steady, atol=1e-5, rtol=0)
    torch.testing.assert_close(raised(torch.full((60,), 0.4)), steady, atol=1e-5, rtol=0)  # from the first frame
    sunk = raised(torch.linspace(0.0, -0.3, 60))
    assert sunk.min() >= 0.0 and sunk.max() <= SOLE + 1e-5
    floating = raised(torch.cat([torch.zeros(10), torch.full((50,), 0.1)]))
    assert floating[10] > 0.08 and floating[30:].max() < SOLE + 0.03, "lowered, step by step"
    assert floating[11:].diff().abs().max() < 0.015
    rows[..., CUT["contacts"]] = 0.0
    jump = raised(torch.cat([torch.zeros(10), 0.4 * torch.linspace(0, torch.pi, 12).sin(), torch.zeros(38)]))
    assert jump.max() > 0.4, "a jump is one"


def test_any_chunking_equals_the_whole_and_rows_are_their_own() -> None:
    rows = going(60, x=0.4, z=1.2, turn=0.2).repeat(2, 1, 1)
    rows[1] = encode(walk(3.0), HUMANML3D, backward=True)
    whole, end = staged(rows)
    for chunk in (1, 7, 31):
        made, state = staged(rows, chunk=chunk)
        torch.testing.assert_close(made, whole, atol=1e-5, rtol=0)
        for name, value in end.items():
            torch.testing.assert_close(state[name], value, atol=1e-5, rtol=0)
    poisoned = rows.clone()
    poisoned[0, 10:20] = torch.nan
    poisoned[0, 30] = torch.inf
    made, state = staged(poisoned)
    assert bool(made.isfinite().all()) and all(bool(value.isfinite().all()) for value in state.values())
    torch.testing.assert_close(made[1], whole[1])
    assert made.diff(dim=1).abs().max() < 1.5, "a bad frame throws nobody off"
    fresh = reset(STAGE.state_specs(), end, torch.tensor([True, False]))
    again, _ = staged(rows, fresh)
    torch.testing.assert_close(again[0], whole[0])
    assert (again[1, :, 0] - whole[1, :, 0]).norm(dim=-1).min() > 0.5
