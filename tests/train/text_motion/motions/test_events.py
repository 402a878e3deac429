"""What is found in motions of which it is known what they are, and that left and right are told apart."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.train.text_motion.motions import movers
from train.text_motion.motions.event import Event
from train.text_motion.motions.events import find_events
from train.text_motion.motions.mirror import mirrored, mirrored_text
from train.text_motion.motions.signals import Signals, peaks, runs


def found(joints: movers.Array, *kinds: str) -> list[Event]:
    return [event for event in find_events(Signals(joints)) if not kinds or event.kind in kinds]


def kinds(joints: movers.Array) -> set[str]:
    return {event.kind for event in find_events(Signals(joints))}


def only(events: Iterable[Event]) -> Event:
    (event,) = events
    return event


def test_a_body_that_stands_does_nothing_else() -> None:
    event = only(found(movers.still(60)))
    assert event.kind == "still"
    assert event.frames == 60


@settings(max_examples=12, deadline=None)
@given(speed=st.floats(0.5, 1.7), seconds=st.floats(3.0, 6.0), turned=st.floats(-180, 180))
def test_a_walk_is_measured_wherever_it_goes(speed: float, seconds: float, turned: float) -> None:
    walk = only(found(movers.turned(movers.walk(speed, seconds), turned), "walk"))
    assert walk.side == "forward"
    assert walk.size == pytest.approx(speed * round(seconds * 20) / 20, rel=0.06)
    assert walk.manner[0] == ("slow" if speed < 0.69 else "fast" if speed > 1.56 else walk.manner[0])
    assert abs(int(walk.manner[2]) - speed * seconds / movers.STEP) <= 1.6


@pytest.mark.parametrize(("facing", "side"), [(180.0, "backward"), (90.0, "right"), (-90.0, "left"), (20.0, "forward")])
def test_where_a_walk_goes_is_seen_from_the_body(facing: float, side: str) -> None:
    assert only(found(movers.walk(1.0, 4.0, facing), "walk")).side == side


@pytest.mark.parametrize(("bend", "path"), [(0.0, "straight"), (20.0, "left"), (-20.0, "right"), (80.0, "circle left")])
def test_the_path_of_a_walk(bend: float, path: str) -> None:
    assert only(found(movers.walk(1.2, 5.0, bend=bend), "walk")).manner[1] == path


def test_a_run_is_no_walk() -> None:
    assert kinds(movers.walk(3.0, 3.0)) & {"walk", "run"} == {"run"}


@settings(max_examples=12, deadline=None)
@given(degrees=st.floats(60, 300), left=st.booleans(), start=st.floats(-180, 180))
def test_a_turn_is_measured_with_its_side(degrees: float, left: bool, start: float) -> None:
    turn = only(found(movers.turned(movers.turn(degrees if left else -degrees), start), "turn"))
    assert turn.side == ("left" if left else "right")
    assert turn.size == pytest.approx(degrees, abs=0.2 * degrees)


def test_small_turns_are_not_told() -> None:
    assert not found(movers.turn(25.0), "turn")


@pytest.mark.parametrize(("ahead", "where"), [(0.0, "place"), (0.9, "forward"), (-0.6, "backward")])
def test_a_jump(ahead: float, where: str) -> None:
    jump = only(found(movers.jump(0.4, ahead), "jump", "hop", "leap"))
    assert (jump.kind, jump.manner) == ("jump", (where,))
    assert jump.size == pytest.approx(0.4, abs=0.06)


@pytest.mark.parametrize(("leg", "side"), [("l", "left"), ("r", "right")])
def test_a_hop_is_on_the_foot_that_lands(leg: str, side: str) -> None:
    hop = only(found(movers.jump(0.25, one_leg=leg), "jump", "hop", "leap"))
    assert (hop.kind, hop.side) == ("hop", side)


def test_a_body_that_is_lifted_slowly_does_not_jump() -> None:
    joints = movers.still(80)
    joints[..., 1] += 0.4 * movers.up_and_down(80, 20, 60)[:, None]
    assert not found(joints, "jump", "hop", "leap")


@pytest.mark.parametrize(("sides", "side"), [("l", "left"), ("r", "right"), ("lr", "both")])
@pytest.mark.parametrize(("high", "manner"), [(True, "over head"), (False, "shoulder")])
def test_raised_arms(sides: str, side: str, high: bool, manner: str) -> None:
    event = only(found(movers.raised(sides, high), "raise"))
    assert (event.side, event.manner) == (side, (manner,))


@pytest.mark.parametrize(("side", "name"), [("l", "left"), ("r", "right")])
def test_kicks_and_waves(side: str, name: str) -> None:
    kick = only(found(movers.kick(side), "kick"))
    assert (kick.side, kick.manner[0]) == (name, "forward")
    assert only(found(movers.wave(side), "wave")).side == name


def test_how_low_and_how_far_over() -> None:
    assert "squat" in kinds(movers.lowered(0.5))
    assert "crouch" in kinds(movers.lowered(0.25))
    bend = only(found(movers.lowered(0.0, 60.0), "bend"))
    assert bend.side == "forward"
    assert bend.size == pytest.approx(60.0, abs=8.0)
    assert not kinds(movers.lowered(0.05)) & {"squat", "crouch", "ground"}


MOTIONS = {
    "walk": movers.walk(1.1, 4.0),
    "curve": movers.walk(1.1, 4.0, bend=25.0),
    "sideways": movers.walk(0.8, 4.0, 90.0),
    "turn": movers.turn(120.0),
    "hop": movers.jump(0.25, one_leg="l"),
    "raise": movers.raised("l"),
    "kick": movers.kick("r"),
    "wave": movers.wave("r"),
}


@pytest.mark.parametrize("name", MOTIONS)
def test_a_mirrored_motion_shows_the_same_on_the_other_side(name: str) -> None:
    joints = MOTIONS[name]
    here, there = found(joints), found(mirrored(joints.astype(np.float32)).astype(np.float64))
    swapped = [event._replace(side=mirrored_text(event.side), manner=_swap(event.manner)) for event in here]
    key = lambda event: (event.start, event.stop, event.kind, event.side, event.manner)  # noqa: E731
    assert sorted(map(key, swapped)) == sorted(map(key, there))
    assert any(event.side in ("left", "right") for event in here) or name in ("walk", "curve")


def _swap(manner: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(mirrored_text(word) for word in manner)


def test_stretches_and_peaks() -> None:
    mask = np.array([0, 1, 1, 0, 1, 1, 0, 0, 0, 1], bool)
    assert runs(mask, 0.1) == [(1, 3), (4, 6)]
    assert runs(mask, 0.2, 0.05) == [(1, 6)]
    assert runs(np.ones(5, bool), 0.0) == [(0, 5)]
    assert peaks(np.array([0.0, 2.0, 0.0, 0.0, 0.0, 1.0, 3.0, 3.0, 0.0]), 0.5, 0.1) == [1, 6]
