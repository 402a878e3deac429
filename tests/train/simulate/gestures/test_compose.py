"""A performance as a body: strokes at their times, hands at rest otherwise, no jumps, and never quite still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.body.motion import forward_kinematics
from engine.body.solve import rotations_of
from train.simulate.gestures import arms
from train.simulate.gestures.arms import BODY
from train.simulate.gestures.compose import FASTEST, LARGEST, RATE, Motion, compose
from train.simulate.gestures.idle import Idle
from train.simulate.gestures.library import Library, load_library
from train.simulate.gestures.persona import PERSONAS, Persona
from train.simulate.gestures.plan import Gesture, Nod, Performance

ADA = replace(PERSONAS[0], rest_pose="sides")
QUIET = replace(ADA, restless=0.0)
SIDES = {"right": "rHand", "left": "lHand"}


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library(None)


def gesture(name: str, hands: str, at: float, stroke: float = 0.35, hold: float = 0.5) -> Gesture:
    """A gesture whose stroke begins at ``at``."""
    apex = at + stroke
    return Gesture(hands, name, at - 0.7, at, apex, apex + hold, apex + hold + 0.8, 1.0, 0)


def done(
    library: Library,
    gestures: Sequence[Gesture],
    seconds: float = 6.0,
    who: Persona = QUIET,
    nods: Sequence[Nod] = (),
    seed: int = 0,
) -> Motion:
    return compose(Performance(tuple(gestures), tuple(nods), who), library, seconds, np.random.default_rng(seed))


def joints(motion: Motion) -> np.ndarray:
    return forward_kinematics(BODY, motion.root, rotations_of(motion.rotations)).astype(np.float64)


def wrist(motion: Motion, side: str) -> np.ndarray:
    """The wrist (T, 3) in metres."""
    return joints(motion)[:, BODY.index(SIDES[side])]


def pace(at: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(at, axis=0), axis=-1) * RATE


def test_shapes_and_what_does_not_turn(library: Library) -> None:
    motion = done(library, [gesture("beat.right", "right", 2.0)], 4.99)
    assert motion.root.shape == (74, 3) and motion.rotations.shape == (74, 27, 4)
    assert motion.root.dtype == motion.rotations.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(motion.rotations, axis=-1), 1.0, atol=1e-5)
    moved = np.ptp(motion.rotations, axis=0).max(-1) > 1e-6
    turning = {"abdomen", "chest", "neck", "head", "rShldr", "rForeArm", "rHand", "lShldr", "lForeArm", "lHand"}
    assert {name for name, moves in zip(BODY.joints, moved, strict=True) if moves} <= turning
    feet = joints(motion)[:, [BODY.index(foot) for foot in BODY.feet]]
    assert np.ptp(feet, axis=0).max() == 0.0 and feet[..., 1].min() == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("hands", ["right", "left", "both"])
@pytest.mark.parametrize("name", ["beat", "open", "raise"])
def test_a_stroke_is_made_in_its_time_by_its_hand(library: Library, name: str, hands: str) -> None:
    made = gesture(f"{name}.{hands}", hands, 2.0, library.entry(f"{name}.{hands}").seconds)
    motion = done(library, [made])
    for side in SIDES:
        at = wrist(motion, side)
        speed = pace(at)
        times = (np.arange(len(speed)) + 1.0) / RATE
        if hands not in (side, "both"):
            assert speed.max() < 0.15  # goes along with the trunk only
            continue
        during = (times > made.stroke) & (times < made.apex)
        assert speed[during].max() > 0.4
        assert speed[(times > made.apex + 0.2) & (times < made.retract - 0.1)].max() < 0.25
        assert speed[times < made.prep - 0.1].max() < 0.02
        assert speed[times > made.rest + 0.3].max() < 0.05
        path = library.entry(made.stroke_name).arm(side)
        wanted = arms.places(path).wrist
        step = at[round((made.apex + 0.05) * RATE)] - at[round(made.stroke * RATE - 0.5)]
        mirror = (1.0 if side == "right" else -1.0, 1.0, 1.0)
        np.testing.assert_allclose(step, (wanted[-1] - wanted[0]) * mirror, atol=0.06)


def test_the_stroke_and_not_the_preparation_meets_the_time(library: Library) -> None:
    """Moved by a third of a second, the fastest moment of the stroke moves with it."""
    found = []
    for late in (0.0, 1 / 3):
        made = replace(gesture("open.right", "right", 2.0), size=1.4)
        made = replace(made, stroke=made.stroke + late, apex=made.apex + late)
        speed = pace(wrist(done(library, [made]), "right"))
        times = (np.arange(len(speed)) + 1.0) / RATE
        near = (times > made.stroke - 0.1) & (times < made.apex + 0.1)
        found.append(float(times[near][speed[near].argmax()]))
    assert found[1] - found[0] == pytest.approx(1 / 3, abs=0.07)


def test_left_is_the_mirror_of_right(library: Library) -> None:
    who = replace(QUIET, rest_pose="hips")
    right = done(library, [gesture("open.right", "right", 2.0)], who=who)
    left = done(library, [gesture("open.right", "left", 2.0)], who=who)
    a, b = wrist(right, "right"), wrist(left, "left") * (-1.0, 1.0, 1.0)
    assert np.abs(a - b).max() < 0.03  # breathing and drift have no side


def test_arms_are_independent(library: Library) -> None:
    one, other = gesture("beat.right", "right", 2.0), gesture("raise.left", "left", 3.6)
    both = done(library, [one, other])
    for each, side in ((one, "right"), (other, "left")):
        alone = wrist(done(library, [each]), side)
        assert np.abs(alone - wrist(both, side)).max() < 0.05


def test_a_hand_goes_straight_on_to_the_next_stroke(library: Library) -> None:
    first = gesture("open.right", "right", 2.0)
    second = replace(gesture("beat.right", "right", first.retract + 0.5), prep=first.retract)
    chained = done(library, [replace(first, rest=first.retract), second])
    apart = done(library, [first, replace(second, prep=3.9, stroke=4.5, apex=4.8, retract=5.2, rest=5.9)])
    between = slice(round(first.retract * RATE), round(second.stroke * RATE))
    assert wrist(chained, "right")[between, 1].min() > wrist(apart, "right")[:, 1].min() + 0.15
    # the other hand takes over: this one goes to rest in a time of its own
    taken = replace(second, hands="left")
    speed = pace(wrist(done(library, [replace(first, rest=first.retract), taken]), "right"))
    assert speed.max() < FASTEST and speed[-5:].max() < 0.05


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), who=st.sampled_from(PERSONAS), size=st.floats(0.3, 2.5), hurry=st.floats(0.05, 0.6))
def test_bodies_neither_jump_nor_hurry_nor_freeze(seed: int, who: Persona, size: float, hurry: float) -> None:
    library = load_library(None)
    rng = np.random.default_rng(seed)
    gestures, at = [], 0.3
    while at < 9.0:
        entry = library.entries[int(rng.integers(len(library.entries)))]
        times = at + np.cumsum([hurry, rng.uniform(0.1, 0.5), rng.uniform(0.0, 0.4), rng.uniform(0.1, 0.6)])
        gestures.append(Gesture(entry.hands, entry.name, at, *map(float, times), size, -1))
        at = float(times[int(rng.integers(2, 4))])
    motion = done(library, gestures, 11.0, who, seed=seed)
    at_all = joints(motion)
    assert np.isfinite(at_all).all()
    for side in SIDES:
        hand = at_all[:, BODY.index(SIDES[side])]
        assert pace(hand).max() < 1.25 * FASTEST
        assert np.linalg.norm(np.diff(hand, n=2, axis=0), axis=-1).max() * RATE**2 < 45.0
    chest = rotations_of(motion.rotations[:, BODY.index("abdomen")]) @ rotations_of(
        motion.rotations[:, BODY.index("chest")]
    )
    for side, mirror in (("r", 1.0), ("l", -1.0)):
        hand = at_all[:, BODY.index(f"{side}Mid1")] - at_all[:, BODY.index("chest")]
        own = np.einsum("tji,tj->ti", chest, hand) * (mirror, 1.0, 1.0)
        assert arms.inside(own).min() > 0.8
    head = at_all[:, BODY.index("leftEye")]
    moved = [np.ptp(head[k : k + RATE], axis=0).max() for k in range(0, len(head) - RATE, RATE // 3)]
    assert min(moved) > 1e-4


def test_size_scales_a_stroke_up_to_a_limit(library: Library) -> None:
    travel = []
    for size in (0.5, 1.0, LARGEST, 9.0):
        at = wrist(done(library, [replace(gesture("beat.right", "right", 2.0, 0.6), size=size)]), "right")
        travel.append(float(np.linalg.norm(at[round(2.6 * RATE)] - at[round(2.0 * RATE)])))
    assert travel[0] < 0.7 * travel[1] < travel[1] < travel[2]
    assert travel[3] == pytest.approx(travel[2], abs=1e-6)


def test_nods_are_lowest_at_their_apex(library: Library) -> None:
    nods = [Nod(1.0, 1.3, 1.6, 1.0), Nod(3.0, 3.2, 3.6, 2.0)]
    eyes, still = (joints(done(library, [], who=ADA, nods=each))[:, BODY.index("leftEye"), 1] for each in (nods, ()))
    dip = still - eyes
    for nod, least in zip(nods, (0.008, 0.016), strict=True):
        inside = slice(round((nod.start - 0.1) * RATE), round((nod.end + 0.1) * RATE))
        lowest = inside.start + int(dip[inside].argmax())
        assert (lowest + 0.5) / RATE == pytest.approx(nod.apex, abs=0.08)
        assert dip[inside].max() > least
    assert np.abs(dip[round(4.5 * RATE) :]).max() < 0.004


def test_a_frame_shows_its_middle(library: Library) -> None:
    """A nod whose apex is in the middle of frame 30 is as deep in the frame before as in the one after."""
    apex = 30.5 / RATE
    nod = [Nod(apex - 0.3, apex, apex + 0.3, 1.0)]
    down, still = (joints(done(library, [], nods=each))[:, BODY.index("leftEye"), 1] for each in (nod, ()))
    dip = still - down
    assert dip.argmax() == 30
    np.testing.assert_allclose(dip[26:30], dip[34:30:-1], atol=2e-4)


def test_a_stroke_without_time_is_smaller_and_not_faster_than_hands_are(library: Library) -> None:
    made = replace(gesture("open.right", "right", 2.0, 0.08), size=LARGEST)
    assert pace(wrist(done(library, [made]), "right")).max() < 1.1 * FASTEST
    late = replace(made, prep=1.9)
    assert pace(wrist(done(library, [late]), "right")).max() < 1.1 * FASTEST


def test_the_same_seed_gives_the_same_body_and_another_another(library: Library) -> None:
    made = [gesture("beat.right", "right", 2.0)]
    first, again, other = (done(library, made, who=ADA, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.rotations, again.rotations)
    assert np.abs(first.rotations - other.rotations).max() > 0.01


@pytest.mark.parametrize("rest", sorted(arms.RESTS))
def test_hands_rest_where_the_persona_rests_them(library: Library, rest: str) -> None:
    motion = done(library, [], who=replace(QUIET, rest_pose=rest))
    at = joints(motion)
    for side, pose, mirror in zip("rl", arms.RESTS[rest], (1.0, -1.0), strict=True):
        wanted = arms.places(pose[None]).wrist[0] * (mirror, 1.0, 1.0)
        found = (at[:, BODY.index(f"{side}Hand")] - at[:, BODY.index("chest")]).mean(0)
        np.testing.assert_allclose(found, wanted, atol=0.05)


def test_who_speaks_moves_more() -> None:
    times = np.arange(0.0, 60.0, 0.1)
    moved = []
    for active in ([(0.0, 60.0)], []):
        idle = Idle(60.0, np.random.default_rng(1), 1.0, active)
        moved.append(float(np.abs(idle.trunk(times)["head"][50:, 1]).mean()))
    assert 1.6 < moved[0] / moved[1] < 2.4
