"""The hold servo: held groups show what is asked, nothing else of the body changes its make, nothing jumps."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.body.skeleton import skeleton
from models.contract import Tensors, initial_state
from models.text_motion.levers import FREE, HINGES
from models.text_motion.posecodes.codes import bins, measures
from models.text_motion.posecodes.table import GROUPS, KINDS, SIZES, of_kind, phrases
from models.text_motion.posture import PostureHold, _turned
from tests.models.people import drifting, hanging, people

BODY = skeleton("humanml3d")
GROUP_COUNT = len(GROUPS)
SETTLED = 10
"""Frames after which a hold has taken effect: 0.5 s."""


@pytest.fixture(scope="module")
def servo() -> PostureHold:
    return PostureHold()


def asked(*said: str) -> torch.Tensor:
    """A hold (70,) of what phrases say."""
    hold = torch.full((GROUP_COUNT,), -1)
    for phrase in said:
        group, bin_ = phrases()[phrase]
        hold[group] = bin_
    return hold


def over(value: torch.Tensor, frames: int) -> torch.Tensor:
    return value[:, None].repeat(1, frames, *(1 for _ in value.shape[1:]))


def run(servo: PostureHold, pose: torch.Tensor, hold: torch.Tensor, chunk: int | None = None) -> torch.Tensor:
    state: Tensors = initial_state(servo.state_specs(), len(pose))
    made = []
    for start in range(0, pose.shape[1], chunk or pose.shape[1]):
        stop = start + (chunk or pose.shape[1])
        held, updates = servo(pose[:, start:stop], state, hold[:, start:stop])
        state = {**state, **updates}
        made.append(held)
    return torch.cat(made, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_held_groups_show_the_bin_that_another_pose_has(servo: PostureHold, kind: str) -> None:
    numbers = of_kind(kind) * (18 if kind in ("angle", "ground") else 4)
    wanted = bins(measures(people(11, len(numbers))))
    hold = torch.full((len(numbers), GROUP_COUNT), -1)
    for row, number in enumerate(numbers):
        hold[row, number] = wanted[row, number]
    pose = drifting(12, len(numbers), 30)
    shown = bins(measures(run(servo, pose, over(hold, 30))))
    rows = torch.arange(len(numbers))
    right = (shown[rows, SETTLED:, numbers] == wanted[rows, numbers][:, None]).float().mean()
    before = (bins(measures(pose))[rows, SETTLED:, numbers] == wanted[rows, numbers][:, None]).float().mean()
    assert right >= 0.95 and before < 0.9, (float(right), float(before))


def test_two_holds_at_once_show_both(servo: PostureHold) -> None:
    hold = torch.stack(
        [
            asked("left elbow bent to 90", "hands together"),
            asked("left knee bent to 90", "right knee bent to 90"),
            asked("left foot on the ground", "left thigh horizontal"),
            asked("left hand above left shoulder", "right hand behind torso"),
            asked("left knee on the ground", "torso vertical"),
        ]
    )
    shown = bins(measures(run(servo, over(people(3, 5), 30), over(hold, 30))))[:, 12:]
    wanted = over(hold, 18)
    assert ((shown == wanted) | (wanted < 0)).all(-1).float().mean() >= 0.9


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000))
def test_whatever_is_asked_the_body_stays_a_body(servo: PostureHold, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    hold = torch.stack([torch.randint(-1, size, (4, 12), generator=draw) for size in SIZES], -1)
    hold[:2][torch.rand(2, 12, GROUP_COUNT, generator=draw) < 0.95] = -1
    pose = drifting(seed, 4, 12)
    held = run(servo, pose, hold)
    assert torch.isfinite(held).all()
    parents = list(BODY.parents[1:])
    lengths = torch.tensor(BODY.rest[1:]).norm(dim=-1)
    made = (held[..., 1:, :] - held[..., parents, :]).norm(dim=-1)
    torch.testing.assert_close(made, lengths.expand_as(made), atol=1e-5, rtol=0)
    torch.testing.assert_close(held[..., 0, ::2], pose[..., 0, ::2], atol=1e-6, rtol=0)
    torch.testing.assert_close(held[..., 1].amin(-1), pose[..., 1].amin(-1), atol=1e-5, rtol=0)
    hips = [BODY.index(joint) for joint in ("pelvis", "l_hip", "r_hip")]
    torch.testing.assert_close(held[..., hips, ::2], pose[..., hips, ::2], atol=1e-6, rtol=0)


def test_a_body_that_nobody_holds_is_left_as_it_is(servo: PostureHold) -> None:
    pose = drifting(5, 3, 6)
    assert torch.equal(run(servo, pose, torch.full((3, 6, GROUP_COUNT), -1)), pose)


def test_a_pose_that_shows_what_is_asked_is_left_as_it_is(servo: PostureHold) -> None:
    pose = over(people(6, 3), 8)
    value = measures(pose)
    inside = bins(value + 0.04) == bins(value - 0.04)
    for number in of_kind("angle") + of_kind("relV"):
        inside[..., number] = bins(value + 3.0)[..., number] == bins(value - 3.0)[..., number]
    inside[..., of_kind("ground")] = False  # a foot that is the lowest is compared with what is next to it
    hold = torch.where(inside, bins(value), -1)
    assert (hold >= 0).float().mean() > 0.3
    torch.testing.assert_close(run(servo, pose, hold), pose, atol=1e-6, rtol=0)


def test_holds_ease_in_and_out(servo: PostureHold) -> None:
    frames, on, off = 60, 5, 30
    said = ["left hand above left shoulder", "hands together", "left knee on the ground", "torso horizontal"]
    hold = torch.stack([asked(phrase) for phrase in said])
    given = over(hold, frames)
    given[:, :on], given[:, off:] = -1, -1
    pose = over(people(8, 4), frames)
    held = run(servo, pose, given)
    away = (held - pose).norm(dim=-1).amax(-1)
    whole = away[:, off - 1]
    step = (held[:, 1:] - held[:, :-1]).norm(dim=-1).amax(-1) / whole[:, None]
    assert (whole > 0.2).all()
    assert (step[:, on - 1] < 0.3).all() and (step[:, off - 1] < 0.2).all(), "an ease begins slowly"
    assert step.max() < 0.5
    assert (away[:, off + 12] < 0.02 * whole).all(), "released within 0.6 s"
    assert (away[:, -1] < 1e-5).all(), "and then wholly"


def test_another_bin_is_eased_in_as_well(servo: PostureHold) -> None:
    given = torch.cat(
        [over(asked("left elbow bent to 160")[None], 15), over(asked("left elbow bent to 60")[None], 15)], 1
    )
    held = run(servo, over(people(9, 1), 30), given)
    bend = measures(held)[0, :, phrases()["left elbow straight"][0]]
    step = (bend[1:] - bend[:-1]).abs()
    assert 152 < bend[14] < 160 and 50 < bend[-1] < 60
    assert step[14] < 15 and step[14:20].max() < 35


def test_holds_that_contradict_each_other_settle(servo: PostureHold) -> None:
    hold = asked("left elbow straight", "left hand and left shoulder together")[None]
    held = run(servo, over(people(10, 1), 80), over(hold, 80))
    step = (held[:, 1:] - held[:, :-1]).norm(dim=-1).amax(-1)[0]
    assert torch.isfinite(held).all() and step[-10:].max() < 2e-3 < step.max()


def test_elbows_do_not_bend_backwards_to_reach_what_is_too_far(servo: PostureHold) -> None:
    bent = over(hanging()[None], 60)
    bent[:, :, BODY.index("l_wrist")] = bent[:, :, BODY.index("l_elbow")] + torch.tensor([0.0, -0.1616, 0.1])
    hold = asked("left hand and left shoulder very wide", "right hand and right shoulder very wide")
    held = run(servo, bent, over(hold[None], 60))[0]
    assert (measures(held)[-1, 2:4] > 170).all()
    for side in "lr":
        upper = held[:, BODY.index(f"{side}_elbow")] - held[:, BODY.index(f"{side}_shoulder")]
        fore = held[:, BODY.index(f"{side}_wrist")] - held[:, BODY.index(f"{side}_elbow")]
        # Negative where the forearm turns about minus x against the upper arm: forward.
        assert torch.linalg.cross(upper, fore)[:, 0].max() < 1e-4


def test_a_trunk_bends_along_its_whole_length(servo: PostureHold) -> None:
    held = run(servo, over(hanging()[None], 20), over(asked("torso horizontal")[None], 20))[0, -1]
    spine = torch.stack([held[BODY.index(joint)] for joint in ("pelvis", "spine1", "spine2", "spine3", "neck")])
    slant = torch.atan2(spine.diff(dim=0)[:, 2], spine.diff(dim=0)[:, 1])
    assert slant[0] > 0.3 and (slant.diff() > 0.1).all() and slant.diff().max() < 0.6


def test_straight_limbs_find_a_way_to_come_nearer(servo: PostureHold) -> None:
    """Where no turn changes the measure at first: an arm along the line to its shoulder, a leg above its foot."""
    said = ["left hand and left shoulder 20 to 30 cm", "left knee on the ground", "left thigh horizontal"]
    hold = torch.stack([asked(phrase) for phrase in said])
    held = run(servo, over(hanging().expand(3, -1, -1), 20), over(hold, 20))[:, -1]
    assert ((bins(measures(held)) == hold) | (hold < 0)).all()
    assert measures(held)[1, 0] < 150, "who kneels bends the knee"
    assert held[2, BODY.index("l_knee"), 2] > 0.3, "a thigh rises forward"


def test_straight_limbs_bend_the_natural_way(servo: PostureHold) -> None:
    straight = hanging()
    said = [f"{side} {joint} bent to 90" for side in ("left", "right") for joint in ("knee", "elbow")]
    held = run(servo, over(straight[None], 20), over(asked(*said)[None], 20))[0, -1]
    for side in "lr":
        at = {joint: held[BODY.index(f"{side}_{joint}")] for joint in ("knee", "ankle", "elbow", "wrist")}
        assert at["ankle"][2] < at["knee"][2] - 0.3
        assert at["wrist"][2] > at["elbow"][2] + 0.12
    assert bins(measures(held))[:4].tolist() == [8] * 4


def test_a_bin_past_the_last_is_the_last(servo: PostureHold) -> None:
    pose, hold = over(people(18, 2), 8), asked("left hip above left knee", "left foot lifted", "left elbow straight")
    past = torch.where(hold >= 0, 17, -1)
    assert torch.equal(run(servo, pose, over(past.expand(2, -1), 8)), run(servo, pose, over(hold.expand(2, -1), 8)))


@pytest.mark.parametrize("angle", [0.4, 3.0, -1.7])
def test_a_body_is_held_wherever_it_stands_and_faces(servo: PostureHold, angle: float) -> None:
    c, s = math.cos(angle), math.sin(angle)
    turn, away = torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T, torch.tensor([2.0, 0.1, -3.0])
    pose, hold = drifting(19, 2, 15), asked("left hand right of right hand", "left foot behind torso")
    hold = over(hold.expand(2, -1), 15)
    held = run(servo, pose, hold)
    assert (bins(measures(held))[:, -1] == hold[:, -1])[hold[:, -1] >= 0].all()
    torch.testing.assert_close(run(servo, pose @ turn + away, hold), held @ turn + away, atol=1e-4, rtol=0)


@pytest.mark.parametrize("chunk", [1, 7])
def test_any_chunking_gives_the_same(servo: PostureHold, chunk: int) -> None:
    pose = drifting(14, 3, 20)
    hold = over(torch.stack([asked("hands together"), asked("left thigh horizontal"), asked()]), 20)
    hold[:, 12:] = -1
    torch.testing.assert_close(run(servo, pose, hold, chunk), run(servo, pose, hold), atol=1e-6, rtol=0)


def test_rows_know_nothing_of_each_other(servo: PostureHold) -> None:
    pose = drifting(15, 3, 12)
    hold = over(torch.stack([asked("hands together"), asked("left knee on the ground"), asked()]), 12)
    together = run(servo, pose, hold)
    for row in range(3):
        torch.testing.assert_close(run(servo, pose[row, None], hold[row, None])[0], together[row], atol=1e-5, rtol=0)


def test_readings_are_the_measures_and_their_slopes() -> None:
    servo = PostureHold()
    for name in ("leans", "low_leans", "folds", "low_folds", "tilts", "natural"):  # the natural bend is no slope
        getattr(servo.body, name).zero_()
    servo = servo.double()
    pose = people(16, 6).double()
    bones = (pose[:, 1:] - pose[:, list(BODY.parents[1:])]).mT
    reading = servo._read(bones)
    grounded = of_kind("ground")
    others = [number for number in range(GROUP_COUNT) if number not in grounded]
    torch.testing.assert_close(reading.values[:, 0, others], measures(pose)[:, others], atol=1e-4, rtol=0)
    heights = reading.values[:, 0, grounded]  # a foot below all else is that much below, and 0 above the lowest point
    torch.testing.assert_close(heights.clamp_min(0.0), measures(pose)[:, grounded], atol=1e-4, rtol=0)
    assert (heights < -0.01).any()
    joints = torch.cat([torch.eye(3).repeat_interleave(len(FREE), 1)] * 1).double()
    for way in range(3 * len(FREE) + len(HINGES)):
        axes = torch.zeros(6, 3, len(FREE) + len(HINGES)).double()
        if way < 3 * len(FREE):
            axes[:, :, way % len(FREE)] = joints[:, way]
        else:
            hinge = way - 3 * len(FREE)
            axes[:, :, len(FREE) + hinge] = reading.hinges[:, :, hinge]
        turn = axes @ servo.body.turns * 1e-5
        ahead, behind = (servo._read(_turned(bones, turn * sign)).values for sign in (1.0, -1.0))
        slope = (ahead - behind)[:, 0] / 2e-5
        torch.testing.assert_close(reading.slopes[:, way, others], slope[:, others], atol=2e-2, rtol=1e-3)


def test_the_servo_is_one_graph_for_any_batch(servo: PostureHold) -> None:
    rows = torch.export.Dim("rows")

    class Step(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.servo = servo

        def forward(self, pose: torch.Tensor, hold: torch.Tensor, *state: torch.Tensor) -> tuple[torch.Tensor, ...]:
            held, updates = self.servo(pose, dict(zip(servo.state_specs(), state, strict=True)), hold)
            return (held, *updates.values())

    def example(count: int) -> tuple[torch.Tensor, ...]:
        fresh = initial_state(servo.state_specs(), count)
        hold = over(asked("hands together").expand(count, -1), 1)
        return (over(people(17, count), 1), hold, *(fresh[name] for name in servo.state_specs()))

    step = Step().eval()
    varies = [{0: rows}] * len(servo.state_specs())
    program = torch.export.export(step, example(3), dynamic_shapes=({0: rows}, {0: rows}, tuple(varies)))
    for ours, theirs in zip(step(*example(5)), program.module()(*example(5)), strict=True):
        assert torch.equal(ours, theirs)
