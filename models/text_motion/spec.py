"""What the text-to-motion streams take and give, as specs: the engine reads these and nothing else of them."""

from __future__ import annotations

from collections.abc import Mapping

from engine.body.skeleton import skeleton
from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from engine.text.fields import FIELDS
from models.contract import BAD_INPUT
from models.sampling import HOTTEST, NOISE, TEMPERATURE
from models.text_motion.condition import PROMPT
from models.text_motion.config import CODEBOOK, LEVELS, TOKEN, TextMotionConfig
from models.text_motion.posecodes.table import GROUPS

BODY = skeleton("humanml3d")
HOLD, AFTER = "hold", "after"
BODY_IN, BODY_THERE = "partner_body", "partner_valid"
AFTERWARDS = ("idle", "again")
FREE = -1
"""Value of a group of pose codes that nobody holds."""
LARGEST = 100.0
"""Beyond which no number of a text's vector is."""
USUAL_TEMPERATURE = 0.5
REACH = 25.0
"""Metres from the middle of the stage within which a body is believed to be."""
FASTEST = 15.0
"""Metres a second that a joint is believed to move along an axis."""
_MOST = max(group.size for group in GROUPS) - 1
CODES_OUT = OutputSpec(
    "codes",
    (len(GROUPS),),
    tuple(group.template.split("|")[0] for group in GROUPS),
    low=FREE,
    high=_MOST,
    dtype="int64",
    codec="codes:pose",
)
"""The bin of each of the 70 groups of pose codes."""
TOKENS_OUT = OutputSpec(
    "residual",
    (LEVELS,),
    tuple(f"level{level}" for level in range(LEVELS)),
    low=0,
    high=CODEBOOK - 1,
    dtype="int64",
    codec="codes:text_motion",
)
"""The residual ids of the token."""


def motion_spec(config: TextMotionConfig, state: Mapping[str, StateSpec]) -> StreamSpec:
    """The spec of the body that does what a text says."""
    joints = OutputSpec(
        "body",
        (len(BODY.joints), 3),
        BODY.channels,
        ("m",) * len(BODY.channels),
        skeleton=BODY.name,
        codec="joints",
    )
    ended = OutputSpec("ended", names=("ended",), units=("flag",), low=0.0, high=1.0, codec="flag")
    return StreamSpec(
        name="text_motion",
        rate=config.body.rate,
        inputs=(*_texts(config), *_controls(), InputSpec(NOISE, "noise", (len(GROUPS) + 1,), 0.0, 1.0, 0.5)),
        outputs=(joints, CODES_OUT, TOKENS_OUT, ended, BAD_INPUT),
        state=dict(state),
        quantum=TOKEN,
        skeletons=(BODY,),
    )


def codes_spec(config: TextMotionConfig, state: Mapping[str, StateSpec]) -> StreamSpec:
    """The spec of the stream that reads a body as tokens: codes of every frame, and the residual ids of the token that
    ends with it."""
    there = InputSpec(BODY_THERE, "validity", low=0.0, high=1.0)
    body = InputSpec(
        BODY_IN,
        "body",
        (len(BODY.joints), 3),
        -REACH,
        REACH,
        validity=there.name,
        unit="m",
        skeleton=BODY.name,
        of="partner",
        speed=FASTEST,
    )
    return StreamSpec(
        name="pose_codes",
        rate=config.body.rate,
        inputs=(body, there),
        outputs=(CODES_OUT, TOKENS_OUT, BAD_INPUT),
        state=dict(state),
        skeletons=(BODY,),
    )


def _texts(config: TextMotionConfig) -> list[InputSpec]:
    """The text and its fields, which follow it."""
    about = "what the body does: set it as often as you like; without one it stands idle"
    prompt = InputSpec(PROMPT, "text", (config.text,), -LARGEST, LARGEST, about=about)
    parts = [
        InputSpec(
            name,
            "text",
            (config.text,),
            -LARGEST,
            LARGEST,
            about=f"what the text says of the {name.replace('_', ' ')}, unless set: read from the prompt",
            follows=PROMPT,
        )
        for name in FIELDS
    ]
    return [prompt, *parts]


def _controls() -> list[InputSpec]:
    hold = InputSpec(
        HOLD,
        "control",
        (len(GROUPS),),
        FREE,
        _MOST,
        FREE,
        names=tuple(group.template for group in GROUPS),
        choices=tuple(group.labels for group in GROUPS),
        about="parts of the pose to keep: 'left elbow bent to 90; hands together for 2 s', none lets go",
    )
    temperature = InputSpec(
        TEMPERATURE,
        "control",
        low=0.0,
        high=HOTTEST,
        missing=USUAL_TEMPERATURE,
        about="0: the likeliest pose every time; 1: as learned; above: more varied",
    )
    after = InputSpec(
        AFTER,
        "control",
        low=0.0,
        high=len(AFTERWARDS) - 1.0,
        names=AFTERWARDS,
        about="what the body does when it has done what the text says",
    )
    return [hold, temperature, after]
