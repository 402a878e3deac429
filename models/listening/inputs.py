"""What every listener is given: its partner's voice and face, and whether its own avatar speaks."""

from __future__ import annotations

from engine.channels import FACE_NAMES
from engine.spec import InputSpec

FRAME_RATE, SAMPLE_RATE, HOP = 25.0, 16_000, 640
"""Frames and samples a second, and samples a frame. Time constants of the listeners' parts are fitted to this rate."""

SELF_SPEAKING = InputSpec(
    "self_speaking",
    "control",
    low=0.0,
    high=1.0,
    about="1 while the avatar itself talks: less listening",
    of="self",
    follows="speaking",
)


def partner_inputs(hop: int = HOP) -> tuple[InputSpec, ...]:
    """Voice (``hop`` samples a frame) and face (58 numbers), each with its validity, the face with its age (s)."""
    return (
        InputSpec(
            "partner_audio", "audio", (hop,), -1.0, 1.0, validity="partner_audio_valid", unit="PCM", of="partner"
        ),
        InputSpec("partner_audio_valid", "validity", low=0.0, high=1.0),
        InputSpec(
            "partner_face",
            "face",
            (58,),
            -3.2,
            3.2,
            validity="partner_face_valid",
            age="partner_face_age",
            names=FACE_NAMES,
            of="partner",
        ),
        InputSpec("partner_face_valid", "validity", low=0.0, high=1.0),
        InputSpec("partner_face_age", "age", low=0.0, high=1e3, unit="s"),
    )
