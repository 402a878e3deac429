"""Specs from anybody: each rule has a spec that breaks it, and no mutation of a good one ends in anything but words."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.body.skeleton import MOST_JOINTS, Skeleton, SkeletonError
from engine.errors import SpecError
from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from engine.spec_check import MOST_ELEMENTS, MOST_ITEMS, MOST_STATE, MOST_VALUES

STICK = Skeleton(
    "stick", ("hip", "head", "foot"), (-1, 0, 0), ((0.0, 1.0, 0.0), (0.0, 0.6, 0.0), (0.0, -1.0, 0.0)),
    edges=((1, 2),), across=("head", "foot"), feet=("foot",),
)  # fmt: skip
WHOLE = StreamSpec(
    "whole",
    25.0,
    (
        InputSpec("voice", "audio", (640,), -1.0, 1.0, validity="heard", unit="PCM", of="partner"),
        InputSpec("heard", "validity", low=0.0, high=1.0),
        InputSpec("body", "body", (3, 3), -9.0, 9.0, age="old", skeleton="stick", of="partner", speed=12.0),
        InputSpec("old", "age", low=0.0, high=1e3, missing=1e3),
        InputSpec("face", "face", (2,), names=("jawOpen", "headX"), of="self"),
        InputSpec("said", "words", (4, 4), of="self"),
        InputSpec("mood", "control", low=0, high=1, names=("calm", "lively"), about="of the whole"),
        InputSpec("speaks", "control", low=0.0, high=1.0, of="self", follows="speaking"),
        InputSpec("place", "control", (2,), -1.0, 1.0),
        InputSpec(
            "hold", "control", (2,), -1, 2, -1, names=("left elbow {}", "hands {}|left hand and right hand {}"),
            choices=(("straight", "bent|bent to 90", "folded"), ("together", "apart")),
        ),
        InputSpec("prompt", "text", (8,)),
        InputSpec("head", "text", (8,), follows="prompt"),
        InputSpec("noise", "noise", (3,), 0.0, 1.0),
        InputSpec("ids", "ids", (2,), 0, 6, dtype="int64"),
    ),
    (
        OutputSpec("face58", (58,), codec="arkit58"),
        OutputSpec("joints", (3, 3), units=("m",) * 9, skeleton="stick", codec="joints"),
        OutputSpec("turns", (3, 4), skeleton="stick", codec="quaternions"),
        OutputSpec("arms", (2,), ("left", "right"), ("rad", "rad"), -3.2, 3.2, codec="angles:robot"),
        OutputSpec("bad", codec="flag"),
    ),
    {"h": StateSpec((4,), initial=0.5), "r": StateSpec((7, 2), "ring"), "n": StateSpec((), dtype="int64")},
    sample_rate=16_000,
    lookahead=2,
    memory=40,
    skeletons=(STICK,),
    quantum=4,
)  # fmt: skip


def test_what_few_specs_have_is_not_written_where_it_is_not_used():
    """So older engines read what they can serve, and recordings of such specs keep their digest."""
    plain = WHOLE.to_dict()
    assert plain["quantum"] == 4 and [one["name"] for one in plain["inputs"] if "choices" in one] == ["hold"]
    other = StreamSpec("other", 25.0, (InputSpec("gain", "control"),), (OutputSpec("pose"),))
    assert "quantum" not in other.to_dict() and "choices" not in other.to_dict()["inputs"][0]
    assert StreamSpec.from_dict(other.to_dict()) == other and other.quantum == 1


def test_a_spec_reads_back_equal():
    assert StreamSpec.from_dict(WHOLE.to_dict()) == WHOLE


def item(kind: str, name: str, /, **changes: Any) -> tuple[str, str, dict[str, Any]]:
    return kind, name, changes


RULES: dict[str, tuple[tuple[str, str, dict[str, Any]], str]] = {
    "role": (item("inputs", "voice", role="smell"), "inputs.0.role: .*'smell'"),
    "owner": (item("inputs", "voice", of=""), "'voice' .audio. does not say whose it is"),
    "other owner": (item("inputs", "place", of="nobody"), "of 'nobody'"),
    "whole numbers without bounds": (item("inputs", "ids", high=math.inf), "give it finite low and high"),
    "bounds": (item("inputs", "place", low=2.0), "low 2.0, high 1.0"),
    "nan": (item("inputs", "place", low=math.nan), "do not go together"),
    "missing": (item("inputs", "place", missing=math.nan), "do not go together"),
    "speed": (item("inputs", "body", speed=0.0), "do not go together"),
    "companion": (item("inputs", "voice", validity="nobody"), "'nobody', which is no input"),
    "itself": (item("inputs", "voice", validity="voice"), "'voice' as its validity, which is a audio"),
    "validity as age": (item("inputs", "body", age="heard"), "'heard' as its age, which is a validity"),
    "names": (item("inputs", "face", names=["a"]), "1 names for 2 numbers"),
    "hop": (item("inputs", "voice", shape=[641]), "a frame holds 640 samples"),
    "words": (item("inputs", "said", shape=[4, 3]), r"give \(count, 4\)"),
    "no words": (item("inputs", "said", shape=[0, 4]), r"give \(count, 4\)"),
    "text": (item("inputs", "prompt", shape=[2, 4]), r"give \(width,\)"),
    "choice": (item("inputs", "mood", high=2), "from 0 to 2 with 2 names"),
    "follows": (item("inputs", "speaks", follows="walking"), "follows 'walking'"),
    "follows nobody": (item("inputs", "speaks", of=""), "follows 'speaking' of ''"),
    "text follows nothing": (item("inputs", "head", follows="voice"), "name a text input that follows no other"),
    "text follows itself": (item("inputs", "head", follows="head"), "name a text input that follows no other"),
    "text that nobody reads": (item("inputs", "prompt", name="prompt2"), "name a text input that follows no other"),
    "field": (item("inputs", "head", name="tail"), "where none is read; there is head, torso"),
    "choices of no control": (item("inputs", "face", choices=[["z"], ["b"]]), "has choices and is no control"),
    "choices of another number": (item("inputs", "hold", choices=[["x", "y", "c"]]), "their number"),
    "choices without names": (item("inputs", "hold", names=[]), "0 names for 2 choices"),
    "no labels": (item("inputs", "hold", choices=[["x", "y", "c"], []]), "1 to 256 labels"),
    "free": (item("inputs", "hold", low=0, missing=0), r"low and missing are -1 \(free\) and high is 2"),
    "highest label": (item("inputs", "hold", high=3), r"and high is 2"),
    "no place for a label": (item("inputs", "hold", names=["left elbow", "hands {}"]), r"one {} in each way"),
    "two places": (item("inputs", "hold", names=["left {} elbow {}", "hands {}"]), r"one {} in each way"),
    "an empty way": (item("inputs", "hold", names=["left elbow {}|", "hands {}"]), r"one {} in each way"),
    "label": (item("inputs", "hold", choices=[["x", "y", "?"], ["z"]]), "the label '.' is none"),
    "label with a separator": (item("inputs", "hold", choices=[["x", "y", "c; d"], ["z"]]), "the label 'c; d' is none"),
    "escape in a label": (item("inputs", "hold", choices=[["x", "y", "\x1b[2J"], ["z"]]), "is none"),
    "one phrase for two": (item("inputs", "hold", choices=[["x", "y", "X!"], ["z"]]), "means two things"),
    "one phrase of two": (
        item("inputs", "hold", names=["hands {}"] * 2, choices=[["x", "y", "z"], ["z"]]),
        "means two",
    ),
    "long label": (item("inputs", "hold", choices=[["x", "y", "c" * 301], ["z"]]), "is none"),
    "many labels": (item("inputs", "hold", choices=[[f"n{k}" for k in range(257)], ["z"]]), "1 to 256 labels"),
    "many ways": (
        item(
            "inputs",
            "hold",
            names=["|".join(f"w{k} {{}}" for k in range(40))] * 2,
            high=255,
            choices=[["|".join(f"l{n} {k}" for k in range(20)) for n in range(256)]] * 2,
        ),
        "409600 phrases, 16384 at most",
    ),
    "quantum": (item("", "", quantum=0), "0 frames are decided together: give 1 to 1000"),
    "large quantum": (item("", "", quantum=1 << 40), "give 1 to 1000"),
    "dtype": (item("inputs", "noise", dtype="float64"), "'float64'"),
    "negative": (item("inputs", "noise", shape=[-1]), r"shape \(-1,\)"),
    "huge": (item("inputs", "noise", shape=[MOST_ELEMENTS + 1]), "16777216 numbers"),
    "huge product": (item("inputs", "noise", shape=[1 << 40, 1 << 40, 1 << 40]), "16777216 numbers"),
    "skeleton": (item("inputs", "body", skeleton="other"), "names skeleton 'other'"),
    "name twice": (item("inputs", "noise", name="ids"), r"\['ids'\] named more than once"),
    "wide": (item("outputs", "bad", shape=[MOST_VALUES + 1]), "65535 at most"),
    "names of an output": (item("outputs", "arms", names=["left"]), "1 names for 2 numbers"),
    "units of an output": (item("outputs", "arms", units=["rad"] * 3), "3 units for 2 numbers"),
    "codec": (item("outputs", "arms", codec="morse"), "unknown codec 'morse'"),
    "codec without a name": (item("outputs", "arms", codec="angles:"), "unknown codec 'angles:'"),
    "58": (item("outputs", "face58", shape=[57]), "is arkit58 and has shape"),
    "joints": (item("outputs", "joints", shape=[3, 4], units=[]), "is joints: give it shape"),
    "points of one number": (item("outputs", "turns", codec="points:hand", skeleton=""), "give it shape .points, 2."),
    "points without a unit": (item("outputs", "arms", codec="points:hand", shape=[1, 2], units=[]), "units of each"),
    "joints of nobody": (item("outputs", "joints", skeleton=""), "is joints: give it shape"),
    "rate": (item("", "", rate=0.0), "rate 0.0"),
    "fast": (item("", "", rate=1e9), "rate 1000000000.0"),
    "sound": (item("", "", sample_rate=16_001), "a whole number"),
    "loud": (item("", "", sample_rate=1 << 30), "cannot be below 0"),
    "look-ahead": (item("", "", lookahead=-1), "cannot be below 0"),
    "inputs": (item("", "", inputs=[{"name": f"n{k}", "role": "noise"} for k in range(MOST_ITEMS + 1)]), "256 at most"),
    "states": (item("", "", state={f"n{k}": {"shape": []} for k in range(MOST_STATE + 1)}), "4096 at most"),
    "ring": (item("", "", state={"r": {"shape": [], "kind": "ring"}}), "counts the slots"),
    "unknown field": (item("inputs", "voice", colour="red"), "inputs.0.colour: .*not 'red'"),
}


@pytest.mark.parametrize(("change", "reason"), RULES.values(), ids=RULES)
def test_each_rule_refuses(change: tuple[str, str, dict[str, Any]], reason: str):
    data = WHOLE.to_dict()
    kind, name, changes = change
    target = next(item for item in data[kind] if item["name"] == name) if kind else data
    target.update(changes)
    with pytest.raises(SpecError, match=reason) as caught:
        StreamSpec.from_dict(data)
    assert len(str(caught.value)) < 1000


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([1 << 40, -1, 10**400, 1e400, math.nan, -0.0, 1e-320, 0.5]),
    st.text(max_size=3),
    st.sampled_from(["voice", "heard", "stick", "self", "speaking", "control", "bool", "ring", "flag", "a" * 5000]),
    st.builds(list),
    st.builds(dict),
    st.lists(st.integers(-1, 700), max_size=3),
    st.sampled_from([["x"] * 9, [[1, 2]], {"name": "x"}, b"bytes", {1: 2}, {"": ""}]),
)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in a plain structure, keys and places in lists."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, item in inner for path in places(item, (*here, key)))]


PLAIN = WHOLE.to_dict()
PLACES = places(PLAIN)[1:]
HOW = ("put", "drop", "double")


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(HOW), ODD), min_size=1, max_size=3))
def test_any_mutation_reads_or_is_refused_in_words(changes: list[tuple[tuple[Any, ...], str, Any]]):
    data = copy.deepcopy(PLAIN)
    for path, how, odd in changes:
        target: Any = data
        try:
            for key in path[:-1]:
                target = target[key]
            if how == "put":
                target[path[-1]] = odd
            elif how == "drop":
                del target[path[-1]]
            elif isinstance(target, list):
                target.insert(path[-1], copy.deepcopy(target[path[-1]]))
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took that place away
    try:
        spec = StreamSpec.from_dict(data)
    except SpecError as error:
        assert len(str(error)) < 20_000
        return
    assert StreamSpec.from_dict(spec.to_dict()) == spec
    for given_input in spec.inputs:
        assert math.prod(given_input.shape) <= MOST_ELEMENTS and not math.isnan(given_input.missing)
        assert given_input.low <= given_input.high
        companions = (given_input.validity, given_input.age)
        assert all(spec.input(name) is not given_input for name in companions if name is not None)
    for output in spec.outputs:
        assert math.prod(output.shape) <= MOST_VALUES
        assert len(output.names) in (0, math.prod(output.shape))


BODIES: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": ""}, "is no name"),
    "long name": ({"name": "n" * 65}, "is no name"),
    "escape code": ({"joints": ["hip", "\x1b[2J", "foot"]}, r"'\\x1b\[2J' is no name"),
    "many": ({"joints": [f"j{k}" for k in range(MOST_JOINTS + 1)]}, "1024 joints"),
    "many edges": ({"edges": [[0, 1]] * (MOST_JOINTS + 1)}, "1024 joints, edges"),
    "twice": ({"joints": ["hip", "hip", "foot"]}, r"\['hip'\] are named twice"),
    "far": ({"rest": [[0, 0, 0], [0, 0, 0], [0, 0, 1e9]]}, "give x, y, z"),
    "infinite": ({"rest": [[0, 0, 0], [0, 0, 0], [0, 0, math.inf]]}, "give x, y, z"),
    "flat": ({"rest": [[0, 0, 0], [0, 0, 0], [0, 0]]}, "rest.2.2"),
    "child first": ({"parents": [-1, 2, 0]}, "list parents before children"),
    "half a parent": ({"parents": [-1, 0.5, 0]}, "parents.1"),
    "count": ({"parents": [-1, 0]}, "2 parents"),
    "edge": ({"edges": [[0, 3]]}, "an edge names no joint"),
    "across": ({"across": ["head", "tail"]}, r"\['tail'\], which are no joints"),
    "one across": ({"across": ["head"]}, "across"),
    "feet": ({"feet": ["tail"]}, r"\['tail'\]"),
    "unit": ({"unit": "cm"}, "convert to metres"),
    "more": ({"colour": 1}, "colour"),
    "empty": ({"joints": [], "parents": [], "rest": []}, "at least one joint"),
}


@pytest.mark.parametrize(("change", "reason"), BODIES.values(), ids=BODIES)
def test_skeletons_are_bounded(change: dict[str, Any], reason: str):
    with pytest.raises(SkeletonError, match=reason):
        Skeleton.from_dict({**STICK.to_dict(), **change})
    with pytest.raises(SpecError, match=reason):
        StreamSpec.from_dict({**PLAIN, "skeletons": [{**STICK.to_dict(), **change}]})


def test_a_skeleton_reads_back_equal():
    assert Skeleton.from_dict(STICK.to_dict()) == STICK
    least = {name: STICK.to_dict()[name] for name in ("name", "joints", "parents", "rest")}
    assert Skeleton.from_dict(least) == Skeleton("stick", STICK.joints, STICK.parents, STICK.rest)
