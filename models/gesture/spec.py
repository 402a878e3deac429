"""What the gesture model takes and gives, as a spec: the engine reads this and nothing else of it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from models.contract import BAD_INPUT
from models.gesture.config import BODY, HOP, RATE, SAMPLE_RATE, GestureConfig
from models.gesture.pats import PATS_JOINTS
from models.gesture.words import vocabulary

VOICE, HEARD, WORDS = "own_audio", "own_audio_valid", "own_words"
STYLE, AMPLITUDE, PACE, HAND = "style", "amplitude", "rate", "handedness"
FARTHEST = 4000.0
"""PATS pixels beyond which no point lies; a shoulder is 167 wide."""
LATE_S = 600.0
"""Seconds that a word's times reach back or ahead."""


def gesture_spec(config: GestureConfig, state: Mapping[str, StateSpec]) -> StreamSpec:
    """The spec of network and decoder, before sampling adds its own (:func:`models.sampling.sampling_spec`)."""
    joints = len(BODY.joints)
    names = tuple(f"{joint}.{axis}" for joint in PATS_JOINTS for axis in "xy")
    turns = tuple(f"{joint}.{axis}" for joint in BODY.joints for axis in "xyzw")
    return StreamSpec(
        name="gesture",
        rate=RATE,
        sample_rate=SAMPLE_RATE,
        inputs=(
            InputSpec(VOICE, "audio", (HOP,), -1.0, 1.0, validity=HEARD, of="self"),
            InputSpec(HEARD, "validity", low=0.0, high=1.0),
            InputSpec(WORDS, "words", (config.words, 4), -LATE_S, max(LATE_S, float(len(vocabulary()))), of="self"),
            *controls(config),
        ),
        outputs=(
            OutputSpec("body", (joints, 3), BODY.channels, ("m",) * (3 * joints), skeleton=BODY.name, codec="joints"),
            OutputSpec("rotations", (joints, 4), turns, ("1",) * len(turns), skeleton=BODY.name, codec="quaternions"),
            OutputSpec(
                "pats",
                (len(PATS_JOINTS), 2),
                names,
                ("px",) * len(names),
                -FARTHEST,
                FARTHEST,
                codec="points:pats52",
            ),
            BAD_INPUT,
        ),
        state=dict(state),
        skeletons=(BODY,),
    )


def controls(config: GestureConfig) -> tuple[InputSpec, ...]:
    """What people turn while the stream runs."""
    return (
        InputSpec(
            STYLE,
            "control",
            low=0.0,
            high=len(config.styles) - 1.0,
            names=config.styles,
            about="who gestures: each has its own rest, size, hand and rate",
        ),
        InputSpec(AMPLITUDE, "control", low=0.0, high=1.5, missing=1.0, about="size of gestures: 1 as learned, 0 none"),
        InputSpec(PACE, "control", low=0.0, high=3.0, missing=1.0, about="how often a gesture begins: 1 as learned"),
        InputSpec(HAND, "control", low=-1.0, high=1.0, about="-1 prefers the left hand, 1 the right, 0 as learned"),
    )
