"""What the conversation model takes and gives, as a spec: the engine reads this and nothing else of it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.channels import FACE_NAMES, FACE_UNITS
from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from models.contract import BAD_INPUT
from models.conversation.config import BODY, CAPTURES, HOP, MOODS, RATE, SAMPLE_RATE, ConversationConfig
from models.listening import partner_inputs

OWN, OWN_HEARD = "own_audio", "own_audio_valid"
PARTNER, PARTNER_HEARD = "partner_audio", "partner_audio_valid"
FACE_SEEN = ("partner_face", "partner_face_valid", "partner_face_age")
EXPRESSIVENESS, LIPS, MOOD, CAPTURE = "expressiveness", "lip_strength", "mood", "articulation"
STYLE, TEMPERATURE, PRESENT, NOISE = "style", "temperature", "partner_present", "noise"


def conversation_spec(config: ConversationConfig, draws: int, state: Mapping[str, StateSpec]) -> StreamSpec:
    """The spec; ``draws`` uniform numbers are drawn a frame."""
    joints = len(BODY.joints)
    turns = tuple(f"{joint}.{axis}" for joint in BODY.joints for axis in "xyzw")
    return StreamSpec(
        name="conversation",
        rate=RATE,
        sample_rate=SAMPLE_RATE,
        lookahead=config.lookahead,
        inputs=(
            InputSpec(OWN, "audio", (HOP,), -1.0, 1.0, validity=OWN_HEARD, unit="PCM", of="self"),
            InputSpec(OWN_HEARD, "validity", low=0.0, high=1.0),
            *partner_inputs(HOP),
            *controls(config),
            InputSpec(NOISE, "noise", (draws,), low=0.0, high=1.0, missing=0.5),
        ),
        outputs=(
            OutputSpec("face", (58,), FACE_NAMES, FACE_UNITS, -3.2, 3.2, codec="arkit58"),
            OutputSpec("body", (joints, 3), BODY.channels, ("m",) * (3 * joints), skeleton=BODY.name, codec="joints"),
            OutputSpec("rotations", (joints, 4), turns, ("1",) * len(turns), skeleton=BODY.name, codec="quaternions"),
            BAD_INPUT,
        ),
        state=dict(state),
        skeletons=(BODY,),
    )


def controls(config: ConversationConfig) -> tuple[InputSpec, ...]:
    """What people turn while the stream runs."""
    return (
        InputSpec(
            EXPRESSIVENESS,
            "control",
            low=0.0,
            high=2.0,
            missing=1.0,
            about="size of brows, smiles, head and hands: 1 as learned, 0 none; eyes and lips stay",
        ),
        InputSpec(LIPS, "control", low=0.0, high=2.0, missing=1.0, about="size of the mouth's movements of speech"),
        InputSpec(
            MOOD, "control", low=0.0, high=len(MOODS) - 1.0, missing=1.0, names=MOODS, about="how much it smiles"
        ),
        InputSpec(
            STYLE,
            "control",
            low=0.0,
            high=len(config.styles) - 1.0,
            names=config.styles,
            about="whose manner the body has: each has its own rest, size and rate",
        ),
        InputSpec(
            CAPTURE,
            "control",
            low=0.0,
            high=len(CAPTURES) - 1.0,
            names=CAPTURES,
            about="whose numbers the lips have: a face capture's, or a webcam tracker's",
        ),
        InputSpec(
            TEMPERATURE,
            "control",
            low=0.0,
            high=1.5,
            missing=1.0,
            about="0: the likeliest movement; 1: as varied as people",
        ),
        InputSpec(
            PRESENT,
            "control",
            low=0.0,
            high=1.0,
            missing=1.0,
            about="1: somebody is there to listen to; 0: it is alone",
        ),
    )
