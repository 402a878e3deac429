"""Figures of points: drawn as they are announced, beside a body or in its place; what is missing is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clients.opencv.body import AVATAR
from clients.opencv.points import FIGURES, Plane, figure_of
from clients.opencv.screen import SIDE, STAGE, Screen
from clients.opencv.store import FLAT, FrameStore
from engine.roles import codec_known

from . import fake
from .test_screen import part
from .test_video import receive

JOINTS = 52


def posed(seq: int = 0) -> np.ndarray:
    """A figure of 52 points whose right hand rises, pixels."""
    at = np.zeros((JOINTS, 2), np.float32)
    at[1:7] = [(-167, 0), (-190, 200), (-120, 380 - 6 * seq), (167, 0), (190, 200), (120, 380)]
    at[7:10] = [(0, -120), (-25, -150), (25, -150)]
    for first, wrist in ((10, 6), (31, 3)):
        at[first : first + 21] = at[wrist] + np.random.default_rng(first).uniform(-40, 40, (21, 2))
    return at


def names(count: int = JOINTS) -> list[str]:
    return [f"p{k}.{axis}" for k in range(count) for axis in "xy"]


def stream(number: int, codec: str = "points:pats52", count: int = JOINTS) -> dict[str, Any]:
    return fake.stream(number, "pats", "output", names(count), ["px"] * 2 * count, codec)


def store(outputs: tuple[str, ...] = (), frames: int = 20, codec: str = "points:pats52") -> FrameStore:
    told = fake.dance("tcp://127.0.0.1:1", False, outputs)
    made = FrameStore(fake.read({**told, "streams": [*told["streams"], stream(7, codec)]}))
    for seq in range(frames):
        for number, one in made.streams.items():
            values = posed(seq).ravel() if number == 7 else fake.values(one.name, seq)
            receive(made, fake.frame(seq, values, number), seq * 40_000_000)
    return made


def test_the_tree_of_pats_is_that_of_its_hands_and_arms() -> None:
    figure = FIGURES["pats52"]
    assert len(figure.parents) == len(figure.colours) == len(figure.thick) == JOINTS
    assert figure.parents[:11] == (-1, 0, 1, 2, 0, 4, 5, 0, 7, 7, 6)
    fingers = [figure.parents[k] - 10 for k in range(11, 31)]
    assert fingers == [0 if k % 4 == 0 else k for k in range(20)]
    assert figure.parents[31] == 3 and all(parent < k for k, parent in enumerate(figure.parents))
    assert figure.colours[2] == AVATAR.right and figure.colours[5] == figure.colours[20] == AVATAR.left


def test_points_alone_lead_and_stand_in_the_body_s_place() -> None:
    told = store()
    assert told.flat is not None and told.flat.codec == "points:pats52" and not told.bodies and len(told.moments) == 20
    screen = Screen(told)
    moments = told.recent(50)
    assert moments[-1].values[FLAT].shape == (JOINTS, 2)
    first, last = screen.draw(moments[:1], 25.0, 0), screen.draw(moments, 25.0, 0)
    assert first.shape == (720, 1280, 3) and (part(first, STAGE) != part(last, STAGE)).any()
    right = (part(last, STAGE) == np.array(AVATAR.right, np.uint8)).all(2)
    left = (part(last, STAGE) == np.array(AVATAR.left, np.uint8)).all(2)
    assert right.sum() > 500 and left.sum() > 500
    assert np.nonzero(right)[1].mean() < np.nonzero(left)[1].mean()  # its right is at the image's left
    assert np.nonzero(right)[0].mean() < np.nonzero(left)[0].mean()  # and has risen: y is down


def test_beside_a_body_points_take_the_second_view() -> None:
    beside, alone = store(("body",)), store(("body",))
    alone.flat = None
    shown, without = (Screen(one).draw(one.recent(50), 25.0, 0) for one in (beside, alone))
    assert (part(shown, STAGE)[60:] == part(without, STAGE)[60:]).all()
    assert (part(shown, SIDE) != part(without, SIDE)).mean() > 0.01


def test_missing_points_are_left_out_with_what_hangs_on_them() -> None:
    plane = Plane("pats52", JOINTS)
    whole = plane.draw(posed())
    for bad in (np.nan, np.inf, 1e30):
        cut = posed()
        cut[2] = bad
        picture = plane.draw(cut)
        assert 0 < (picture != whole).any(2).sum() < 0.2 * whole[..., 0].size
    nobody = plane.draw(np.full((JOINTS, 2), np.nan))
    assert (nobody != whole).any()
    with pytest.raises(ValueError, match=r"shape \(3, 2\); this figure needs \(52, 2\)"):
        plane.draw(np.zeros((3, 2)))


def test_the_view_holds_what_was_seen_and_does_not_pump() -> None:
    plane = Plane("pats52", JOINTS)
    before = plane.draw(posed())
    assert (plane.draw(posed()) == before).all()
    far = posed()
    far[3], far[6] = (-2000, 0), (2000, 0)
    plane.draw(far)
    after = plane.draw(posed())
    assert plane._low[0] == -2000 and plane._high[0] == 2000
    assert (after != before).any() and (plane.draw(posed()) == after).all()


@pytest.mark.parametrize(("name", "count"), [("cat", 5), ("pats52", 5), ("", 1)])
def test_an_unknown_figure_is_drawn_as_points(name: str, count: int) -> None:
    plane = Plane(name, count)
    at = np.stack([np.arange(count), np.arange(count) % 2], 1) * 10.0
    colour = np.array(AVATAR.middle, np.uint8)
    assert (plane.draw(at) == colour).all(2).sum() > 8 * count


def test_the_codec_names_its_figure() -> None:
    assert codec_known("points:pats52") and not codec_known("points:") and not codec_known("points")
    assert figure_of("points:pats52") == "pats52"
    with pytest.raises(ValueError, match="'pats' is points:pats52 and has 103 values"):
        told = fake.dance("tcp://127.0.0.1:1", False, ())
        odd = fake.stream(7, "pats", "output", names()[:-1], ["px"] * 103, "points:pats52")
        FrameStore(fake.read({**told, "streams": [odd]}))
