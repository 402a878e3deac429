"""The dancer's stage: standing feet hold, the leash and the partner pull as gently as stated, nothing jumps.

A puppet, whose decoder says what a test wants it to say, dances on the real stage.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicHermiteSpline
from torch import Tensor

from engine.body.skeleton import skeleton
from models.bodies.kinematics import Kinematics, from_six
from models.bodies.standing import held
from models.contract import Tensors
from models.dance import Dance, EffortMeter
from models.dance.config import named
from models.dance.model import interpolated
from models.dance.stage import FREE, LEASH, ROOM, SERVO, STEP, TURN, Stance, approach, beside, leash

BODY = skeleton("cmu")
AHEAD = torch.tensor([[1.0, 0.0]])
NO, YES = torch.tensor([False]), torch.tensor([True])


class ScriptedDance(Dance):
    """A dancer in its rest pose that travels as it is told: metres a frame ahead, contacts of its feet, its place."""

    def __init__(self, ahead: float = 0.0, contact: float = 0.0, place: tuple[float, ...] = (0.0, 1.0, 1.0, 0.0)):
        super().__init__(dataclasses.replace(named("tiny"), landmarks=4))
        vector = torch.zeros(self.pose.width)
        vector[self.pose.slices["travel"]] = torch.tensor([0.0, ahead, 0.0])
        still = torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]).repeat(len(self.config.moving))
        vector[self.pose.slices["body"]] = torch.cat([torch.tensor([1.0]), still])
        vector[self.pose.slices["contacts"]] = contact
        vector[self.pose.slices["place"]] = torch.tensor(place)
        self.vector = vector
        self.eval()

    def dance(self, latent: Tensor, effort: Tensor, view: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """The same pose for ever."""
        cells = {name: state[name] for name in self.decoder.state_specs()}
        return self.vector.expand(*latent.shape[:2], -1), cells


def danced(model: Dance, frames: int, partner: Tensor | None = None, speed: float = 1.0, z: float = 0.0) -> Tensors:
    """Outputs of ``frames`` frames from ``z`` metres ahead of the middle; a ``partner`` (frames, J, 3) is seen."""
    given = {item.name: torch.full((1, frames, *item.shape), float(item.missing)) for item in model.spec.inputs}
    given["speed"][:] = speed
    if partner is not None:
        given |= {"partner_body": partner[None], "partner_valid": torch.ones(1, frames)}
    start = model.initial_state(1)
    start["at"][:, 1] = z
    with torch.inference_mode():
        outputs, _ = model.scan(given, start)
    return {name: value[0] for name, value in outputs.items()}


def root(outputs: Tensors) -> np.ndarray:
    """Where the root is on the floor, (T, 2)."""
    return outputs["body"][:, 0, ::2].numpy()


def at_rest(frames: int, x: float = 0.0, z: float = 0.0) -> Tensor:
    """A partner in its rest pose who faces +Z, (frames, J, 3)."""
    positions = torch.tensor(BODY.rest_positions())
    positions = positions - positions[0] * torch.tensor([1.0, 0.0, 1.0]) + torch.tensor([x, 0.0, z])
    return positions.float().expand(frames, -1, -1).clone()


def test_the_leash_pulls_only_beyond_the_free_middle() -> None:
    inside, outside = torch.tensor([[0.0, 0.9 * FREE]]), torch.tensor([[0.0, -4.0]])
    assert leash(inside).abs().max() == 0.0
    torch.testing.assert_close(leash(outside), torch.tensor([[0.0, 4.0 * LEASH]]))
    assert 0.001 < LEASH < 0.01, "a pull that nobody sees, over seconds"


def test_who_walks_away_is_held_where_leash_and_step_balance() -> None:
    free = root(danced(ScriptedDance(ahead=0.02), 30))[:, 1]
    np.testing.assert_allclose(np.diff(free[3:]), 0.02, atol=1e-5)  # nothing pulls within the first metre
    for z in (3.0, 0.02 / LEASH, 7.0):
        path = root(danced(ScriptedDance(ahead=0.02), 12, z=z))[3:, 1]
        np.testing.assert_allclose(np.diff(path), 0.02 - LEASH * path[:-1], atol=1e-5)


@pytest.mark.parametrize(("contact", "share"), [(0.0, 1.0), (0.3, 1.0), (0.45, 0.5), (0.6, 0.0), (1.0, 0.0)])
def test_a_standing_foot_holds_the_body(contact: float, share: float) -> None:
    path = root(danced(ScriptedDance(ahead=0.02, contact=contact), 20))
    np.testing.assert_allclose(np.diff(path[3:, 1]), 0.02 * share, atol=1e-5)


def test_a_foot_that_swings_back_pushes_the_body_ahead() -> None:
    step, back = torch.zeros(1, 2), torch.tensor([[[0.0, 0.05], [0.0, 0.0]]])
    one = held(step, torch.tensor([[1.0, 0.0]]), back, NO)
    torch.testing.assert_close(one, torch.tensor([[0.0, 0.05]]))
    both = held(step, torch.tensor([[1.0, 1.0]]), back, NO)
    torch.testing.assert_close(both, torch.tensor([[0.0, 0.025]]))
    assert held(step, torch.tensor([[1.0, 0.0]]), back, YES).abs().max() == 0.0, "before the first frame nobody stood"


@pytest.mark.parametrize("apart", [0.05, 0.3, 1.4])
def test_partners_keep_room(apart: float) -> None:
    partner = Stance(torch.tensor([[2.0, 1.0]]), torch.tensor([[0.0, 1.0]]))
    goal = beside(partner, torch.tensor([[0.0, apart, -1.0, 0.0]]))
    gap = goal.at - partner.at
    assert gap.norm() == pytest.approx(max(ROOM, apart), abs=1e-5)
    torch.testing.assert_close(gap[0] / gap.norm(), torch.tensor([1.0, 0.0]), atol=1e-5, rtol=0)  # the partner's ahead
    torch.testing.assert_close(goal.facing, torch.tensor([[0.0, -1.0]]))


def test_the_way_to_a_place_is_gentle_and_its_end_gentler() -> None:
    here = Stance(torch.zeros(1, 2), AHEAD)
    turned = torch.tensor([[math.cos(2.0), math.sin(2.0)]])
    step, angle = approach(here, Stance(torch.tensor([[3.0, 4.0]]), turned), NO)
    torch.testing.assert_close(step, STEP * torch.tensor([[0.6, 0.8]]))
    assert angle.item() == pytest.approx(TURN)
    near = torch.tensor([[math.cos(-0.5), math.sin(-0.5)]])
    step, angle = approach(here, Stance(torch.tensor([[0.0, 0.2]]), near), NO)
    torch.testing.assert_close(step, torch.tensor([[0.0, 0.2 * SERVO]]))
    assert angle.item() == pytest.approx(-0.5 * SERVO)
    step, angle = approach(here, Stance(torch.tensor([[3.0, 4.0]]), turned), YES)
    assert step.tolist() == [[3.0, 4.0]] and angle.item() == pytest.approx(2.0)


def test_a_dancer_begins_beside_its_partner_and_follows_it() -> None:
    puppet = ScriptedDance(place=(0.0, 0.2, -1.0, 0.0))  # a place too near, turned towards the partner
    partner = at_rest(80)
    partner[10:, :, 0] += 1.0  # the partner is elsewhere from one frame to the next
    body = danced(puppet, 80, partner)["body"]
    path = body[:, 0, ::2].numpy()
    np.testing.assert_allclose(path[:10], [[0.0, ROOM]] * 10, atol=1e-3)
    moved = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert moved.max() == pytest.approx(STEP, abs=1e-5)
    assert np.linalg.norm(path[-1] - (1.0, ROOM)) < 0.05
    # The partner's left is +X: who faces them has the own left at -X.
    assert body[-1, BODY.index(BODY.across[0]), 0] < body[-1, BODY.index(BODY.across[1]), 0]


def test_without_a_partner_nothing_pulls_to_a_place() -> None:
    path = root(danced(ScriptedDance(place=(0.0, 5.0, 1.0, 0.0)), 10))
    assert np.abs(path).max() < 1e-5


def test_speed_turns_the_clock_of_the_dance() -> None:
    for speed in (0.5, 1.0, 1.5, 2.0):
        path = root(danced(ScriptedDance(ahead=0.01), 20, speed=speed))
        np.testing.assert_allclose(np.diff(path[8:, 1]), 0.01 * speed, atol=1e-5)


def test_between_two_frames_lies_a_cubic_through_both() -> None:
    history = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(0))
    a, b, c, d = history[0].double().numpy()
    curve = CubicHermiteSpline([0.0, 1.0], [b, c], [(c - a) / 2, (d - b) / 2])
    for share in (0.0, 0.25, 0.6, 1.0):
        np.testing.assert_allclose(interpolated(history, torch.tensor([share]))[0].numpy(), curve(share), atol=1e-6)


def test_joints_that_never_turn_keep_their_rest_rotation() -> None:
    torch.manual_seed(0)
    model = Dance(named("tiny")).eval()
    still = [joint for joint in range(len(BODY.joints)) if joint not in model.config.moving]
    given = danced(model, 10)["rotations"]
    assert still and torch.equal(given[:, still], torch.tensor([0.0, 0.0, 0.0, 1.0]).expand(10, len(still), 4))
    assert (given[:, list(model.config.moving), 3] < 0.9999).any()
    moving = from_six(torch.randn(5, len(model.config.moving), 6))
    every = torch.eye(3).repeat(5, len(BODY.joints), 1, 1)
    every[:, list(model.config.moving)] = moving
    at = torch.zeros(5, 3)
    whole = Kinematics(BODY, range(len(BODY.joints)))(at, every)
    torch.testing.assert_close(Kinematics(BODY, model.config.moving)(at, moving), whole, atol=1e-5, rtol=0)


def test_a_body_that_is_not_seen_stands_still_for_the_meter() -> None:
    torch.manual_seed(1)
    meter = EffortMeter(named("tiny")).eval()
    body = at_rest(60) + 0.1 * torch.randn(60, len(BODY.joints), 3, generator=torch.Generator().manual_seed(2))

    def measured(seen: Tensor, shown: Tensor) -> Tensors:
        given = {"partner_body": shown[None], "partner_valid": seen[None], "partner_age": torch.zeros(1, 60)}
        with torch.inference_mode():
            outputs, _ = meter.scan(given, meter.initial_state(1))
        return {name: value[0] for name, value in outputs.items()}

    lost = torch.ones(60)
    lost[20:] = 0.0
    stopped = body.clone()
    stopped[20:] = body[19]
    torch.testing.assert_close(measured(lost, body)["shown"], measured(torch.ones(60), stopped)["shown"])
    assert (measured(torch.ones(60), body)["shown"] - measured(lost, body)["shown"])[-1].abs().max() > 1e-4
    never = measured(torch.zeros(60), body)["shown"]
    torch.testing.assert_close(never, torch.full_like(never, 1.0 / 3.0))
