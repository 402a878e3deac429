"""Captions say what a motion shows, in its order, and no more than it shows."""

from __future__ import annotations

import numpy as np
import pytest

from tests.train.text_motion.motions import movers
from train.text_motion.motions.describe import captions, sentences, stands, told
from train.text_motion.motions.event import Event
from train.text_motion.motions.events import find_events
from train.text_motion.motions.signals import Signals
from train.text_motion.texts import Caption


def captioned(joints: movers.Array, note: tuple[str, ...] = (), implies: str = "", key: str = "x") -> list[Caption]:
    return captions(find_events(Signals(joints)), note, frozenset(implies.split()), key, len(joints))


def joined(*parts: movers.Array) -> movers.Array:
    """Motions one after the other, each going on where the last ended."""
    out = [parts[0]]
    for part in parts[1:]:
        last = out[-1][-1, 0]
        out.append(part - part[0, 0] * (1, 0, 1) + last * (1, 0, 1))
    return np.concatenate(out)


@pytest.mark.parametrize(
    ("joints", "words"),
    [
        (movers.walk(1.2, 4.0), ("walk", "forward")),
        (movers.turn(90.0), ("turn", "left")),
        (movers.turn(-180.0), ("turn", "around")),
        (movers.jump(0.45), ("jump",)),
        (movers.jump(0.25, one_leg="r"), ("hop", "right")),
        (movers.raised("r"), ("right", "arm")),
        (movers.kick("l"), ("kick", "left")),
        (movers.wave("l"), ("left hand",)),
        (movers.lowered(0.5), ("squat",)),
    ],
)  # fmt: skip
def test_a_caption_names_what_is_done(joints: movers.Array, words: tuple[str, ...]) -> None:
    texts = [caption.text for key in "abcdef" for caption in captioned(joints, key=key)]
    for word in words:
        assert sum(word in text for text in texts) > 0.3 * len(texts), (word, texts)
    assert all(text.split(" ")[0] in ("a", "the", "someone") for text in texts)


def test_what_comes_first_is_told_first() -> None:
    both = joined(movers.walk(1.2, 3.0), movers.still(25), movers.turn(-120.0))
    for key in "abcdefgh":
        longest = max((caption.text for caption in captioned(both, key=key) if caption.whole), key=len)
        walk, turn = (
            longest.find("walk"),
            max(longest.find(word) for word in ("turn right", "turns", "turn to", "half")),
        )
        forward = max(walk, longest.find("step"))
        assert 0 <= forward < turn, longest


def test_a_body_that_stands_is_said_to_stand_whatever_its_note() -> None:
    texts = [caption.text for caption in captioned(movers.still(60), ("a person walks",))]
    assert len(texts) >= 3
    assert all("stand" in text for text in texts)
    assert all("stands still" in text or "without moving" in text for text in texts)


def test_the_note_is_told_and_not_told_twice() -> None:
    note = ("a person throws a ball", "a person plays ball", "a person tosses something")
    walk = movers.walk(1.2, 4.0)
    texts = [caption.text for caption in captioned(walk, note)]
    assert any("ball" in text or "toss" in text for text in texts[:2])
    assert ", " in texts[1], "the second says what the note does not"
    assert ", " not in captioned(walk, note, "walk")[1].text


def test_what_is_part_of_something_greater_is_left_out() -> None:
    kick = Event(30, 41, "kick", "left", 0.9, ("forward", ""))
    knee = Event(32, 36, "knee", "left", 0.9)
    later = knee._replace(start=70, stop=74)
    assert [item.event for item in told([kick, knee, later])] == [kick, later]


def test_the_same_again_is_counted_and_sides_in_turn_are_both() -> None:
    kicks = [Event(20 * n, 20 * n + 10, "kick", side, 0.9, ("forward", "")) for n, side in enumerate(("left",) * 3)]
    (item,) = told(kicks)
    assert (item.times, item.event.side) == (3, "left")
    assert "three times" in " ".join(sentences([item], 1, key) for key in "abcd")
    (item,) = told([kicks[0], kicks[1]._replace(side="right")])
    assert (item.times, item.event.side) == (2, "both")
    assert len(told([kicks[0], kicks[0]._replace(start=200, stop=210)])) == 2, "long after is another"


def test_turns_are_counted_and_those_of_a_curve_are_told_with_it() -> None:
    turns = [Event(0, 20, "turn", "left", 120.0, ("", "spot")), Event(24, 44, "turn", "left", 100.0, ("", "spot"))]
    (item,) = told(turns)
    assert (item.event.size, item.times) == (120.0, 2)
    assert len(told([turns[0], turns[1]._replace(side="right")])) == 2
    walk = Event(0, 60, "walk", "forward", 3.0, ("", "left", "5"))
    assert [item.event.kind for item in told([walk, turns[0]])] == ["walk"]
    assert len(told([walk._replace(manner=("", "right", "5")), turns[0]])) == 2


def test_a_span_holds_what_it_names_and_can_be_cut_out() -> None:
    moved = joined(movers.still(60), movers.jump(0.45), movers.still(60), movers.still(20))
    spans = [caption for key in "abc" for caption in captioned(moved, key=key) if not caption.whole]
    assert spans
    for caption in spans:
        assert "jump" in caption.text
        frames = caption.frames(len(moved), 20.0)
        assert frames.start <= 85
        assert frames.stop >= 95
        assert frames.stop - frames.start >= 44


def test_captions_are_distinct_and_the_same_every_time() -> None:
    both = joined(movers.walk(1.2, 3.0), movers.turn(-120.0), movers.jump(0.4))
    texts = [caption.text for caption in captioned(both)]
    assert len(set(texts)) == len(texts) >= 3
    assert captioned(both) == captioned(both)
    assert [caption.text for caption in captioned(both, key="y")] != texts


def test_standing_is_most_of_the_clip() -> None:
    still = Event(0, 50, "still", "", 2.5)
    assert stands([still], 60)
    assert not stands([still], 90)
    assert not stands([still, Event(0, 20, "raise", "left", 0.1, ("shoulder",))], 60)
