"""What the dancer and the effort meter take and give, as specs: the engine reads these and nothing else of them."""

from __future__ import annotations

from collections.abc import Mapping

from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from models.contract import BAD_INPUT
from models.dance.config import LEVELS, DanceConfig

FASTEST = 2
"""Frames of the dance in one frame of the stream at most."""
REACH = 25.0
"""Metres from the middle of the stage within which a partner is believed to be."""
FASTEST_PARTNER = 15.0
"""Metres a second that a joint of a partner is believed to move along an axis; dancers' hands reach 8 (CMU takes)."""
EFFORTS = {
    "time": "Laban's time effort: low is sustained, high is sudden",
    "space": "Laban's space effort: low is indirect, high is direct",
}
SHOWN = OutputSpec("shown", (len(LEVELS),), LEVELS, ("chance",) * len(LEVELS), 0.0, 1.001, codec="chances:effort")
"""Chances of each effort in the body's last window."""


def dance_spec(config: DanceConfig, state: Mapping[str, StateSpec]) -> StreamSpec:
    """The dancer's spec: one frame of look-ahead, since poses between two of its frames are interpolated."""
    return StreamSpec(
        name="dance",
        rate=config.rate,
        inputs=tuple(_controls(config) + (body_inputs(config) if config.partner else [])),
        outputs=(*_body_outputs(config), SHOWN, BAD_INPUT),
        state=dict(state),
        lookahead=1,
        skeletons=(config.skeleton,),
    )


def meter_spec(config: DanceConfig) -> StreamSpec:
    """The effort meter's spec."""
    axes = tuple(f"z{k}" for k in range(config.latent))
    latent = OutputSpec("latent", (config.latent,), axes, ("1",) * len(axes), codec="codes:dance")
    recent = StateSpec((config.window - 1, len(config.skeleton.joints), 3))
    return StreamSpec(
        name="dance_meter",
        rate=config.rate,
        inputs=tuple(body_inputs(config)),
        outputs=(SHOWN, latent, BAD_INPUT),
        state={"recent": recent, "watched": StateSpec((1,))},
        skeletons=(config.skeleton,),
    )


def body_inputs(config: DanceConfig) -> list[InputSpec]:
    """A partner's body as inputs: positions, whether they are valid, and their age."""
    body = InputSpec(
        "partner_body",
        "body",
        (len(config.skeleton.joints), 3),
        -REACH,
        REACH,
        validity="partner_valid",
        age="partner_age",
        unit="m",
        names=config.skeleton.channels,
        skeleton=config.skeleton.name,
        of="partner",
        speed=FASTEST_PARTNER,
    )
    return [
        body,
        InputSpec("partner_valid", "validity", low=0.0, high=1.0),
        InputSpec("partner_age", "age", low=0.0, high=1e3, missing=1e3, unit="s"),
    ]


def _controls(config: DanceConfig) -> list[InputSpec]:
    about = EFFORTS[config.effort]
    return [
        InputSpec("effort", "control", low=0, high=len(LEVELS) - 1, missing=1, names=LEVELS, about=about),
        InputSpec("speed", "control", low=0.25, high=2.0, missing=1.0, about="of the dance: 1 as danced"),
        InputSpec("variety", "control", low=0.0, high=2.0, missing=0.5, about="0 keeps to what was danced, 2 roams"),
        InputSpec("noise", "noise", (FASTEST, 2 + config.latent), low=0.0, high=1.0, missing=0.5),
    ]


def _body_outputs(config: DanceConfig) -> list[OutputSpec]:
    body, joints = config.skeleton, len(config.skeleton.joints)
    outputs = [
        OutputSpec("body", (joints, 3), body.channels, ("m",) * (3 * joints), skeleton=body.name, codec="joints")
    ]
    if config.moving:
        names = tuple(f"{joint}.q{axis}" for joint in body.joints for axis in "xyzw")
        rotations = OutputSpec(
            "rotations",
            (joints, 4),
            names,
            ("1",) * len(names),
            -1.01,
            1.01,
            skeleton=body.name,
            codec="quaternions",
        )
        outputs.append(rotations)
    return outputs
