"""The walk through latent space: it follows a take, leaps where it is told to, near by and to what is new, and fades.

Landmarks are laid by hand. Chances are counted over noise on an even grid, so nothing here is drawn at random.
"""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import Tensor

from models.dance.config import named
from models.dance.walk import (
    ASTRAY,
    AVOID,
    FADE,
    FAINTEST,
    LEAPS,
    LOGISTIC,
    SHAKE,
    STEER,
    TRAIL,
    WIDTHS,
    LatentWalk,
    Leg,
    PartnerGlimpse,
    Request,
    WalkPlace,
)

LATENT, COUNT, VIEW, GRID = 8, 6, 3, 2000
LOW, HIGH = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 1.0])


@pytest.fixture
def walk() -> LatentWalk:
    """Six landmarks on the first axis, a metre apart, each followed by the next; all show a low effort."""
    made = LatentWalk(dataclasses.replace(named("tiny"), landmarks=COUNT, context=2), VIEW)
    made.latents[:, 0] = torch.arange(COUNT)
    made.following.copy_((torch.arange(COUNT) + 1) % COUNT)
    made.chances.copy_(LOW.expand(COUNT, 3))
    return made


def go(
    walk: LatentWalk,
    noise: Tensor,
    landmark: int = 0,
    here: float = 0.0,
    trail: float = 50.0,
    left: float = 0.0,
    effort: Tensor = LOW,
    variety: float = 0.0,
    mode: float = 0.0,
    view: Tensor | None = None,
) -> Leg:
    """A hop of as many walks as there are rows of ``noise`` (B, 2 + latent), all in the same place."""
    count = len(noise)

    def axis(value: float) -> Tensor:
        return torch.tensor([value] + [0.0] * (LATENT - 1)).expand(count, -1)

    place = WalkPlace(torch.full((count,), landmark), axis(left), axis(trail))
    request = Request(effort.expand(count, -1), torch.full((count,), variety), torch.full((count,), mode))
    glimpse = PartnerGlimpse(torch.ones(count, VIEW), torch.zeros(count))  # numbers that nobody may look at
    if view is not None:
        glimpse = PartnerGlimpse(view.expand(count, -1), torch.ones(count))
    return walk(noise, axis(here), place, request, glimpse)


def uniform(leap: float, draw: Tensor | float = 0.5, shake: float = 0.5) -> Tensor:
    """Noise: whether to leap, where to, and how much is shaken."""
    draws = torch.as_tensor(draw).reshape(-1, 1)
    rows = len(draws)
    return torch.cat([torch.full((rows, 1), leap), draws, torch.full((rows, LATENT), shake)], 1)


def grid() -> Tensor:
    return uniform(0.0, (torch.arange(GRID) + 0.5) / GRID)


def shares(leg: Leg, walk: LatentWalk) -> list[float]:
    """How often each landmark was leapt to; the walk stands on the one after it."""
    counts = torch.bincount(leg.place.landmark, minlength=COUNT)
    return [float(counts[int(walk.following[index])]) / len(leg.place.landmark) for index in range(COUNT)]


def test_without_a_leap_a_take_is_followed(walk: LatentWalk) -> None:
    leg = go(walk, uniform(0.99), landmark=2, here=2.0)
    assert leg.place.landmark.tolist() == [3]
    assert leg.start[0, 0] == 2.0 and leg.goal[0, 0] == 3.0


@pytest.mark.parametrize(
    ("variety", "effort", "chance"),
    [(0.0, LOW, LEAPS[0]), (1.0, LOW, LEAPS[0] + LEAPS[1]), (0.0, HIGH, ASTRAY), (1.0, HIGH, ASTRAY)],
)
def test_a_take_is_left_as_often_as_stated(walk: LatentWalk, variety: float, effort: Tensor, chance: float) -> None:
    """A leap looks for what is near, and may end where the take goes as well: it is told apart by what it leaves."""
    for noise, leaps in ((chance - 0.01, True), (chance + 0.01, False)):
        leg = go(walk, uniform(noise), landmark=2, here=2.3, variety=variety, effort=effort)
        assert (float(leg.place.left.abs().sum()) > 0.01) == leaps
    assert 0.0 < LEAPS[0] < LEAPS[0] + LEAPS[1] < ASTRAY < 1.0


@pytest.mark.parametrize(("mode", "leaps"), [(0.0, False), (0.5, True), (1.0, True)])
def test_a_change_of_effort_leaps_at_once(walk: LatentWalk, mode: float, leaps: bool) -> None:
    leg = go(walk, uniform(0.99, 0.999), landmark=0, here=4.0, mode=mode)
    assert (leg.place.landmark.item() != 1) == leaps


def test_where_nothing_goes_on_the_walk_leaps_and_never_leaps_to(walk: LatentWalk) -> None:
    walk.used[2:4] = 0.0  # takes that end, or stand still from here on
    assert go(walk, uniform(0.99), landmark=1, here=1.4).place.left.abs().sum() == 0.0
    assert go(walk, uniform(0.99), landmark=2, here=2.4).place.left.abs().sum() > 0.01
    found = shares(go(walk, grid(), here=2.5), walk)
    assert found[2] == found[3] == 0.0 and sum(found) == pytest.approx(1.0)


def test_what_a_leap_leaves_fades_hop_by_hop(walk: LatentWalk) -> None:
    leg = go(walk, uniform(0.0, 0.5), landmark=5, here=1.4)
    found = int(walk.following.tolist().index(leg.place.landmark.item()))
    rest = FADE * (1.4 - found)
    assert leg.start[0, 0] == pytest.approx(1.4)
    assert leg.place.left[0, 0] == pytest.approx(rest, abs=1e-6)
    assert leg.goal[0, 0] == pytest.approx(found + 1 + rest, abs=1e-6)
    for _ in range(3):
        before = leg
        leg = go(walk, uniform(0.99), landmark=0, left=float(before.place.left[0, 0]))
        rest *= FADE
        assert leg.place.left[0, 0] == pytest.approx(rest, abs=1e-6)
        assert leg.goal[0, 0] == pytest.approx(1.0 + rest, abs=1e-6)
    assert 0.3 < FADE < 0.95, "gone within seconds, and never at once"


@pytest.mark.parametrize("variety", [0.0, 1.0])
def test_leaps_go_where_it_is_near(walk: LatentWalk, variety: float) -> None:
    walk.width.fill_(1.5)
    kernel = (WIDTHS[0] + WIDTHS[1] * variety) * 1.5
    weights = [math.exp(-0.5 * ((2.2 - index) / kernel) ** 2) for index in range(COUNT)]
    wanted = [weight / sum(weights) for weight in weights]
    assert shares(go(walk, grid(), here=2.2, variety=variety), walk) == pytest.approx(wanted, abs=2e-3)


def test_leaps_avoid_where_the_walk_has_been(walk: LatentWalk) -> None:
    """Landmarks 1 and 3 are equally near; the walk has been at 1. At two usual distances avoiding is at its most."""
    walk.used.copy_(torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0, 0.0]))
    fresh = shares(go(walk, grid(), here=2.0), walk)
    assert fresh[1] == pytest.approx(0.5, abs=2e-3) == fresh[3]
    lately = shares(go(walk, grid(), here=2.0, trail=1.0), walk)
    assert lately[3] > 0.9, "felt, not only there"
    assert lately[3] / lately[1] == pytest.approx(math.exp(AVOID), rel=0.05)
    halfway = shares(go(walk, grid(), here=2.0, trail=0.0), walk)
    assert halfway[3] / halfway[1] == pytest.approx(math.exp(0.5 * AVOID), rel=0.05)


def test_the_trail_is_a_slow_mean_of_where_the_walk_has_been(walk: LatentWalk) -> None:
    leg = go(walk, uniform(0.99), landmark=3, here=3.0, trail=1.0)
    assert leg.place.trail[0, 0] == pytest.approx(TRAIL * 1.0 + (1.0 - TRAIL) * 4.0, abs=1e-6)
    assert 0.9 < TRAIL < 1.0
    begun = go(walk, uniform(0.99), trail=1.0, mode=1.0)
    assert begun.place.trail[0, 0] == begun.goal[0, 0] - begun.place.left[0, 0]


def test_leaps_go_to_what_shows_the_effort_asked_for(walk: LatentWalk) -> None:
    walk.used.copy_(torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0, 0.0]))
    walk.chances[2], walk.chances[4] = torch.tensor([0.6, 0.2, 0.2]), torch.tensor([0.4, 0.2, 0.4])
    found = shares(go(walk, grid(), here=2.0), walk)
    assert found[1] > 2.0 * found[3]
    assert found[1] / found[3] == pytest.approx(((0.6 + FAINTEST) / (0.4 + FAINTEST)) ** STEER, rel=0.05)
    turned = shares(go(walk, grid(), here=2.0, effort=HIGH), walk)
    assert turned[1] / turned[3] == pytest.approx(((0.2 + FAINTEST) / (0.4 + FAINTEST)) ** STEER, rel=0.05)


def test_a_partner_draws_the_walk_to_where_partners_moved_alike(walk: LatentWalk) -> None:
    walk.used.copy_(torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0, 0.0]))
    walk.lens.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    walk.contexts[1], walk.contexts[3] = torch.tensor([0.0, 1.0]), torch.tensor([0.0, -1.0])
    walk.context_width.fill_(2.0)
    alike = shares(go(walk, grid(), here=2.0, view=torch.tensor([0.0, 1.0, 9.0])), walk)
    assert alike[1] / alike[3] == pytest.approx(math.exp(0.5 * 4.0 / 4.0), rel=0.02)
    alone = shares(go(walk, grid(), here=2.0), walk)
    assert alone[1] == pytest.approx(alone[3], abs=2e-3)


def test_variety_shakes_a_leap_and_nothing_else_does(walk: LatentWalk) -> None:
    walk.spread[:] = 2.0
    calm = go(walk, uniform(0.0, shake=0.9), here=2.0)
    shaken = go(walk, uniform(0.0, shake=0.9), here=2.0, variety=1.0)
    by = FADE * SHAKE * LOGISTIC * math.log(0.9 / 0.1) * 2.0
    assert by > 0.3
    torch.testing.assert_close(shaken.place.left - calm.place.left, torch.full((1, LATENT), by))
    assert go(walk, uniform(0.99, shake=0.9), variety=1.0).place.left.abs().sum() == 0.0


def test_a_dance_begins_on_a_landmark_anywhere(walk: LatentWalk) -> None:
    leg = go(walk, grid(), here=77.0, mode=1.0)
    assert shares(leg, walk) == pytest.approx([1 / COUNT] * COUNT, abs=2e-3)
    first = (leg.place.landmark - 1) % COUNT
    torch.testing.assert_close(leg.start, walk.latents[first])
    assert leg.place.left.abs().max() == 0.0
