"""Inputs that no feed could fill are named, each with its reason; what feeds fill is left alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.body.skeleton import Skeleton
from engine.bundle import Bundle, BundleError, bundled
from engine.bundle.fillable import check_fillable, unfillable
from engine.channels import FACE_NAMES
from engine.spec import InputSpec, OutputSpec, StreamSpec
from tests.engine.bundle.graphs import bundle_of, good

STICK = Skeleton("stick", ("a", "b"), (-1, 0), ((0.0, 1.0, 0.0), (0.0, 1.0, 0.0)))
SEEN = InputSpec("seen", "validity", low=0.0, high=1.0)
OLD = InputSpec("old", "age", low=0.0, high=9.0)


def spec(*inputs: InputSpec, sample_rate: int = 0) -> StreamSpec:
    return StreamSpec("some", 25.0, inputs, (OutputSpec("y"),), sample_rate=sample_rate, skeletons=(STICK,))


@pytest.mark.parametrize("name", bundled())
def test_what_ships_can_be_filled(name: str):
    check_fillable(Bundle.load(name))


def test_whatever_feeds_give_can_be_filled():
    many = spec(
        InputSpec("own", "audio", (640,), -1.0, 1.0, of="self"),
        InputSpec("voice", "audio", (640,), -1.0, 1.0, of="partner", validity="heard"),
        InputSpec("heard", "validity", low=0.0, high=1.0),
        InputSpec("face", "face", (58,), of="partner", validity="seen", age="old"),
        InputSpec("nose", "face", (1,), names=(FACE_NAMES[3],), of="self"),
        InputSpec("body", "body", (2, 3), skeleton="stick", of="partner"),
        InputSpec("heat", "feature", (3,), of="partner"),
        InputSpec("said", "words", (4, 4), of="self", age="since", validity="any"),
        InputSpec("since", "age", low=0.0, high=9.0),
        InputSpec("any", "validity", low=0, high=1, dtype="bool"),
        InputSpec("mood", "control", low=0, high=1, dtype="int64", names=("a", "b")),
        InputSpec("prompt", "text", (8,), validity="told"),
        InputSpec("told", "validity", low=0.0, high=1.0),
        InputSpec("noise", "noise", (2,), 0.0, 1.0),
        SEEN,
        OLD,
        sample_rate=16_000,
    )
    assert unfillable(many) == []


VOICE = InputSpec("voice", "audio", (640,), -1.0, 1.0, of="partner", age="old")


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ([InputSpec("word", "ids", low=0, high=6, dtype="int64")], r"'word' \(ids\): no feed gives it"),
        ([InputSpec("voice", "audio", (640,), of="partner")], "'voice' .audio.: the spec has no sample rate"),
        ([InputSpec("body", "body", (2, 3), of="self")], "'body' .body.: it names no skeleton"),
        (
            [InputSpec("body", "body", (3, 3), skeleton="stick", of="self")],
            "for a skeleton of 2 joints",
        ),
        ([SEEN], "'seen' .validity.: no input that has one names it"),
        ([OLD], "'old' .age.: no input that has one names it"),
        ([InputSpec("c", "control", low=0.0, high=1.0, validity="seen"), SEEN], "'seen' .validity.: no input"),
        ([InputSpec("t", "text", (3,), age="old"), OLD], "'old' .age.: no input"),
        ([InputSpec("face", "face", (57,), of="self")], r"'face' .face.: shape \(57,\) is no face"),
        ([InputSpec("face", "face", (2,), names=("a", "b"), of="self")], "'a' is none of the 58 numbers"),
        ([InputSpec("f", "feature", (2,), low=0, high=9, dtype="int64", of="self")], "it is int64, and what arrives"),
        ([InputSpec("n", "noise", (2,), low=0, high=1, dtype="int64")], "it is int64"),
    ],
)
def test_what_nobody_fills_is_named(inputs: list[InputSpec], reason: str):
    (line,) = unfillable(spec(*inputs, InputSpec("fine", "control", low=0.0, high=1.0)))
    assert re.search(reason, line)


def test_age_of_sound_is_told_by_nobody():
    assert unfillable(spec(VOICE, OLD, sample_rate=16_000)) == [
        "'old' (age): no input that has one names it as its age"
    ]


def test_all_are_said_at_once_with_the_bundle_and_its_texts(tmp_path: Path):
    inputs = (
        InputSpec("word", "ids", low=0, high=6, dtype="int64"),
        InputSpec("prompt", "text", (8,)),
        InputSpec("said", "words", (4, 4), of="self"),
        SEEN,
    )
    made = bundle_of(tmp_path, good().SerializeToString(), spec(inputs[0]))
    check = made.__class__(**{**vars(made), "spec": spec(*inputs)})
    with pytest.raises(BundleError) as caught:
        check_fillable(check)
    for part in (str(tmp_path), "'word'", "text input 'prompt' has no encoder", "'said' has no vocabulary", "'seen'"):
        assert part in str(caught.value)
    with pytest.raises(BundleError, match="'word'"):
        check_fillable(made)
