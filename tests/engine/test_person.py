"""Who of several people is followed: by size or place at the start, then the same one until he goes."""

from __future__ import annotations

import pytest

from engine.errors import EngineError
from engine.person import Box, Person, Pick
from tests.engine.said import said

LEFT, CENTRE, RIGHT = Box(0.25, 0.5, 0.25), Box(0.65, 0.5, 0.2), Box(1.1, 0.5, 0.3)
MIDDLE = 1.33 / 2
STEP_NS = 40_000_000


class Watched:
    """A person followed through pictures 40 ms apart."""

    def __init__(self, which: str = "largest") -> None:
        self.person, self.now_ns = Person(which), 0

    def see(self, *boxes: Box, pictures: int = 1) -> Box | None:
        for _ in range(pictures):
            self.now_ns += STEP_NS
            self.pick = self.person.pick(boxes, MIDDLE, self.now_ns)
        return None if self.pick is None else boxes[self.pick.index]


@pytest.mark.parametrize(
    ("which", "chosen"), [("largest", RIGHT), ("left", LEFT), ("right", RIGHT), ("middle", CENTRE)]
)
def test_the_one_asked_for_is_chosen_and_kept_in_whatever_order_faces_come(which: str, chosen: Box) -> None:
    watched = Watched(which)
    assert watched.see(CENTRE, RIGHT, LEFT, pictures=40) == chosen
    assert watched.see(RIGHT, LEFT, CENTRE) == chosen
    assert watched.pick is not None
    assert watched.pick.same


@pytest.mark.parametrize(
    ("which", "first", "second"), [("largest", LEFT, RIGHT), ("left", CENTRE, LEFT), ("right", LEFT, RIGHT)]
)
def test_a_second_person_who_enters_changes_nothing(which: str, first: Box, second: Box) -> None:
    watched = Watched(which)
    watched.see(first, pictures=50)
    assert watched.see(first, second, pictures=100) == first
    assert watched.see(second, first, pictures=100) == first
    assert watched.pick == Pick(1, True)


def test_the_largest_gives_way_to_one_who_comes_to_the_front() -> None:
    watched = Watched()
    watched.see(LEFT)
    assert watched.see(LEFT, Box(1.1, 0.5, 0.32)) == LEFT
    nearer = Box(1.1, 0.5, 0.35)
    with said() as told:
        assert watched.see(LEFT, nearer) == nearer
    assert watched.pick == Pick(1, False)
    assert any("clearly larger" in line for line in told)
    by_place = Watched("left")
    by_place.see(LEFT, RIGHT, pictures=30)
    assert by_place.see(LEFT, Box(1.1, 0.5, 0.9)) == LEFT


def test_a_face_hidden_for_a_moment_is_not_mistaken_for_the_other() -> None:
    watched = Watched()
    watched.see(LEFT, RIGHT)
    watched.see(RIGHT, LEFT)
    assert watched.see(LEFT, pictures=20) is None
    assert watched.see(RIGHT, LEFT) == RIGHT
    assert watched.pick == Pick(0, True)


@pytest.mark.parametrize(("which", "gone", "then"), [("largest", RIGHT, LEFT), ("left", LEFT, CENTRE)])
def test_when_the_person_leaves_the_choice_is_made_again_and_said(which: str, gone: Box, then: Box) -> None:
    watched = Watched(which)
    watched.see(LEFT, CENTRE, RIGHT, pictures=40)
    left = [box for box in (RIGHT, CENTRE, LEFT) if box != gone]
    with said() as told:
        assert watched.see(*left, pictures=24) is None
        assert watched.see(*left) == then
    assert watched.pick is not None
    assert not watched.pick.same
    (line,) = told
    assert f"the person followed has left the picture; faces in it: 2, following the {which} of them" in line
    back = watched.see(LEFT, CENTRE, RIGHT, pictures=60)
    assert back == (then if which == "largest" else gone)  # by place, who comes back at once is taken again


def test_after_the_choice_has_settled_who_comes_back_is_a_second_person() -> None:
    watched = Watched("left")
    watched.see(LEFT, RIGHT, pictures=30)
    watched.see(RIGHT, pictures=60)
    assert watched.see(LEFT, RIGHT, pictures=50) == RIGHT


def test_faces_found_a_little_later_count_for_a_choice_by_place() -> None:
    watched = Watched("left")
    assert watched.see(RIGHT, pictures=10) == RIGHT  # the camera's first pictures are dark
    assert watched.see(RIGHT, LEFT) == LEFT
    assert watched.pick == Pick(1, False)
    assert watched.see(LEFT) == LEFT
    assert watched.pick == Pick(0, True)


def test_one_alone_who_moves_fast_is_followed_at_once() -> None:
    watched = Watched()
    watched.see(LEFT)
    assert watched.see(CENTRE) == CENTRE
    assert watched.pick == Pick(0, False)
    assert watched.see(Box(0.7, 0.5, 0.2)) == Box(0.7, 0.5, 0.2)
    assert watched.pick == Pick(0, True)


def test_a_face_where_nobody_was_is_none_of_the_others() -> None:
    watched = Watched()
    watched.see(LEFT, Box(1.3, 0.5, 0.2))
    assert watched.see(Box(0.9, 0.5, 0.25), Box(1.3, 0.5, 0.2)) == Box(0.9, 0.5, 0.25)


def test_two_side_by_side_are_told_apart_by_where_they_were() -> None:
    a, b = Box(0.50, 0.5, 0.30), Box(0.72, 0.5, 0.28)  # nearer to each other than a face is large
    watched = Watched()
    watched.see(a, b)
    assert watched.see(b) is None
    assert watched.see(Box(0.73, 0.5, 0.28), Box(0.52, 0.5, 0.3)) == Box(0.52, 0.5, 0.3)


def test_after_three_seconds_without_anybody_the_choice_is_made_anew() -> None:
    watched = Watched("left")
    watched.see(RIGHT, pictures=50)
    assert watched.see(pictures=74) is None
    assert watched.see(RIGHT, LEFT) == RIGHT
    watched.see(pictures=80)
    assert watched.see(RIGHT, LEFT) == LEFT


def test_another_word_is_refused_with_those_there_are() -> None:
    with pytest.raises(EngineError, match="person 'tallest': give largest, left, right or middle"):
        Person("tallest")
