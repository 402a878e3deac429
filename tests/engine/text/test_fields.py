"""A caption's fields: what is said of a part stands there, in the caption's words; of what is not said, nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.text.fields import FIELDS, read_fields

LEGS = ("left_leg", "right_leg")
LEFT_ONE = ("left_hand", "left_arm")
HANDS = ("left_hand", "right_hand", "left_arm", "right_arm")


def said(text: str) -> dict[str, str]:
    """The fields that are not empty."""
    fields = read_fields(text)
    assert tuple(fields) == FIELDS
    return {name: value for name, value in fields.items() if value}


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (
            "a person raises the left arm and kicks with the right foot, angrily",
            {
                "left_arm": "raises the left arm",
                "right_leg": "kicks with the right foot",
                "right_foot": "kicks with the right foot",
                "mood": "angrily",
            },
        ),
        ("A man walks forward and back.", dict.fromkeys(LEGS, "walks forward and back")),
        ("the person is running", dict.fromkeys(LEGS, "running")),
        (
            "raises the left arm and the right leg",
            {"left_arm": "raises the left arm", "right_leg": "raises the right leg"},
        ),
        ("lifts the left arm and leg", {"left_arm": "lifts the left arm", "left_leg": "lifts leg"}),
        ("lifts the left leg, then the other", {"left_leg": "lifts the left leg", "right_leg": "lifts the other"}),
        ("bends the left and right elbow", dict.fromkeys(("left_arm", "right_arm"), "bends the left and right elbow")),
        ("someone claps", dict.fromkeys(HANDS, "claps")),
        ("puts both hands on his hips", dict.fromkeys(HANDS, "puts both hands on his hips")),
        ("punches with his right", dict.fromkeys(("right_hand", "right_arm"), "punches with his right")),
        ("she nods, then leans back", {"head": "nods", "torso": "leans back"}),
        (
            "walks with the arms raised",
            {**dict.fromkeys(LEGS, "walks"), **dict.fromkeys(("left_arm", "right_arm"), "with the arms raised")},
        ),
        (
            "a person bends down to pick it up with the left hand",
            {
                "torso": "bends down",
                "left_arm": "to pick it up with the left hand",
                "left_hand": "to pick it up with the left hand",
            },
        ),
        ("walks slowly", {**dict.fromkeys(LEGS, "walks slowly"), "mood": "slowly"}),
        ("his back is straight", {"torso": "his back is straight"}),
        ("he looks over his left shoulder", {"head": "looks over his left shoulder"}),
        ("the man’s LEFT elbow is bent", {"left_arm": "the man's left elbow is bent"}),
        ("takes two steps back", dict.fromkeys(LEGS, "takes two steps back")),
        ("jogs in place", dict.fromkeys(LEGS, "jogs in place")),
        ("stays without moving", dict.fromkeys(LEGS, "stays without moving")),
        ("raises one knee after the other", dict.fromkeys(LEGS, "raises one knee after the other")),
        (
            "hits something or someone with his left fist",
            dict.fromkeys(LEFT_ONE, "hits something or someone with his left fist"),
        ),
        (
            "the standing person moves his right arm, then lowers it",
            {"right_arm": "moves his right arm, lowers it"},
        ),
        (
            "a person standing still waves the left hand",
            {**dict.fromkeys(LEGS, "standing still"), **dict.fromkeys(LEFT_ONE, "waves the left hand")},
        ),
        (
            "punches with his right, then with his left",
            {
                **dict.fromkeys(LEFT_ONE, "punches with his left"),
                **dict.fromkeys(("right_hand", "right_arm"), "punches with his right"),
            },
        ),
        (
            "moves arms and feet in the style of an indian dance",
            {
                **dict.fromkeys(("left_arm", "right_arm"), "moves arms"),
                **dict.fromkeys((*LEGS, "left_foot", "right_foot"), "moves feet in the style of an indian dance"),
            },
        ),
    ],
)
def test_what_is_said_of_which_part(text: str, fields: dict[str, str]) -> None:
    assert said(text) == fields


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("a very sad person sits", "very sad"),
        ("dances like a robot, then jumps", "like a robot"),
        ("stands as if waiting for a bus and waves", "as if waiting for a bus"),
        ("walks in a proud way", "in a proud way"),
        ("turns slowly, then quickly", "slowly, quickly"),
        ("walks diagonally, only with the family", ""),
        ("walks in a circle", ""),
    ],
)
def test_mood_and_manner(text: str, mood: str) -> None:
    assert read_fields(text)["mood"] == mood


@pytest.mark.parametrize("text", ["", "   ", "走る 🙂", "0 1 2", "left", "a person", "…!?", "\x00\ud800", "hi-fi/left"])
def test_nothing_is_read_where_nothing_is_said(text: str) -> None:
    assert said(text) == {}


_KNOWN = """a the left right both other and or then while with to on his person he arm arms hand foot knee back head
walks walking raises kicks turns , . - as if like very slowly waves sits bent in way proud"""
_WORDS = st.sampled_from(_KNOWN.split())


def _mirrored(text: str) -> str:
    return re.sub("left|right", lambda side: "right" if side.group() == "left" else "left", text)


@given(st.lists(_WORDS, max_size=14).map(" ".join))
def test_the_mirrored_caption_has_the_mirrored_fields(text: str) -> None:
    fields, other = read_fields(text), read_fields(_mirrored(text))
    for name, value in fields.items():
        assert other[_mirrored(name)] == _mirrored(value)


@given(st.lists(_WORDS, max_size=14).map(" ".join))
def test_only_words_of_the_caption_are_used(text: str) -> None:
    known = set(text.replace(",", " ").split())
    for value in read_fields(text).values():
        assert set(value.replace(",", " ").split()) <= known


@given(st.text(max_size=200))
def test_any_text_is_taken(text: str) -> None:
    assert all(isinstance(value, str) for value in read_fields(text).values())


def test_of_a_text_without_end_the_beginning_is_read() -> None:
    once = "walks and raises the left arm"
    assert said(f"{once}, " * 100_000) == said(once)
    assert "left_hand" in said(f"{'and so ' * 20} waves the left hand")
    assert said("and so " * 100_000 + "waves") == {}
