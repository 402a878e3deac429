"""What is held in words: every phrase is read, shown and read again; what cannot be is named with what could be."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import SpecError
from engine.phrases import FREE, LONGEST_HOLD, Hold, group, groups, lasting, nothing, read, words
from tests.engine.holding import HOLD

ENDLESS = (math.inf,) * 4
SPANS = st.one_of(st.just(math.inf), st.integers(1, 3600).map(float), st.sampled_from([0.5, 0.05, 12.25]))
ELEMENTS = st.tuples(*(st.integers(-1, len(labels) - 1).map(float) for labels in HOLD.choices))


@given(ELEMENTS, st.tuples(*[SPANS] * 4))
def test_what_is_shown_is_read_as_it_was(values: tuple[float, ...], seconds: tuple[float, ...]) -> None:
    spans = tuple(span if value != FREE else math.inf for value, span in zip(values, seconds, strict=True))
    hold = Hold(values, spans)
    assert read(HOLD, words(HOLD, hold)) == hold
    assert read(HOLD, list(values)) == Hold(values, ENDLESS)
    assert read(HOLD, ",".join(f"{value:g}" for value in values)).values == values


def test_the_first_way_to_say_something_is_shown() -> None:
    hold = read(HOLD, "left arm at a right angle; left hand and right hand touching, almost for 2 s")
    assert words(HOLD, hold) == "left elbow bent to 90; hands together for 2 s"
    assert words(HOLD, nothing(HOLD)) == "none"
    assert groups(HOLD)[0] == {"name": HOLD.names[0], "choices": list(HOLD.choices[0])}
    assert [group(HOLD, element) for element in (0, 2)] == ["left elbow", "left hand ... head"]


@pytest.mark.parametrize(
    ("said", "values", "spans"),
    [
        ("left elbow bent to 90; hands together for 2 s", (1, 0, -1, -1), {1: 2.0}),
        ("  LEFT ELBOW:  Bent to 90°!;; hands, apart\n", (1, 1, -1, -1), {}),
        ("the left elbow is bent to 90 degrees, hands together", (1, 0, -1, -1), {}),
        ("hands together\nleft hand over the head for 0.5 seconds", (-1, 0, 1, -1), {2: 0.5}),
        ("hands together for two seconds", (-1, 0, -1, -1), {1: 2.0}),
        ("Hands together FOR 3SEC.", (-1, 0, -1, -1), {1: 3.0}),
        ("hands together for 1.s, left elbow straight for .5 s", (0, 0, -1, -1), {0: 0.5, 1: 1.0}),
        ("left elbow bent to 10.50", (2, -1, -1, -1), {}),
        ("None.", (-1, -1, -1, -1), {}),
        (None, (-1, -1, -1, -1), {}),
        ("-1, 0, 1, -1", (-1, 0, 1, -1), {}),
        ([2, -1, -1, 1], (2, -1, -1, 1), {}),
    ],
)
def test_how_it_may_be_said(said: Any, values: tuple[int, ...], spans: dict[int, float]) -> None:
    hold = read(HOLD, said)
    assert hold.values == values
    assert hold.seconds == tuple(spans.get(element, math.inf) for element in range(4))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", "nothing is said; write for example 'left elbow straight', or 'none'"),
        (" ; \n ;", "nothing is said"),
        (
            "left elbow bent to 95",
            "'left elbow bent to 95' cannot be: 'left elbow' takes straight, bent to 90, bent to",
        ),
        ("left arm", "'left elbow' takes straight"),
        ("left hand beside head", "'left hand ... head' takes below, above$"),
        (
            "left elbw straight",
            "'left elbw straight' is not known: near it .*'left elbow'.*`engine controls hold` lists",
        ),
        ("hip in front of left hand", "is not known"),
        ("wave", "'wave' is not known: `engine controls hold` lists all"),
        (
            "left elbow straight; left arm bent to 90",
            "'left elbow' stands there twice: 'left elbow straight' and 'left a",
        ),
        ("left elbow straight; left elbow straight", "stands there twice"),
        ("hands together for", "'for' is no span: write 'for 2 s', up to 3600 s"),
        ("hands together for 0 s", "'for 0 s' is no span"),
        ("hands together for -2 s", "'for -2 s' is no span"),
        ("hands together for nan s", "is no span"),
        ("hands together for 2", "'for 2' is no span"),
        ("hands together for 2 minutes", "is no span"),
        ("hands together for 3601 s", "is no span"),
        ("hands together for 1e3 s", "is no span"),
        ("none; hands together", "'none' is not known"),
        ("hands together, wave", "'wave' is not known|'hands together, wave' cannot be"),
        ("\N{WAVING HAND SIGN}", "is not known"),
        ("\x1b[2J", r"'\?\[2J' is not known"),
        ("手 together", "'手 together' is not known"),
        ("1,2", "2 numbers: give 4, or words such as 'left elbow straight'"),
        ([0, 0, 2, 0], "2 for 'left hand ... head', number 2: give -1 .free. or a whole number up to 1"),
        ([0.5, 0, 0, 0], "0.5 for 'left elbow'"),
        ([math.nan, 0, 0, 0], "nan for 'left elbow'"),
        ([math.inf, 0, 0, 0], "inf for"),
        (3, "1 numbers: give 4"),
        (True, "a bool cannot be read"),
        ({"hands": "together"}, "a dict cannot be read: give words, or 4 numbers"),
        (["hands together"], "a list cannot be read"),
        ("a" * (LONGEST_HOLD + 1), "8001 characters, 8000 at most"),
        ("left elbow " * 700, "cannot be"),
    ],
)
def test_what_cannot_be_is_named_with_what_could_be(said: Any, reason: str) -> None:
    with pytest.raises(SpecError, match=reason) as caught:
        read(HOLD, said)
    assert str(caught.value).startswith("control hold: ") and str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@given(st.one_of(st.text(max_size=60), st.text("left elbowhandsfor 0123;,.s\n", max_size=60), st.none(), st.integers()))
def test_whatever_is_said_is_read_or_refused_in_words(said: Any) -> None:
    try:
        hold = read(HOLD, said)
    except SpecError:
        return
    assert read(HOLD, words(HOLD, hold)) == hold


def test_who_counts_no_time_is_not_given_spans() -> None:
    assert lasting(HOLD, "hands apart") == (-1, 1, -1, -1)
    with pytest.raises(SpecError, match="counts a running session's time"):
        lasting(HOLD, "hands apart for 2 s")


def test_of_names_that_fit_alike_all_labels_are_told() -> None:
    """As "left knee", which bends and which stands on the ground."""
    both = dataclasses.replace(HOLD, names=("left knee {}", "left knee {}", *HOLD.names[2:]))
    with pytest.raises(SpecError, match=r"'left knee' takes straight, bent to 90, bent to 10\.5, together, apart"):
        read(both, "left knee up")
