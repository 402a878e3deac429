"""Voices and faces for many visitors, each its own: who hears or sees a frame can tell whose it is.

All speak the built-in partner's speech, each from a place and at a loudness of their own, and have its face, from
another place. A visitor's number says it all, so that whoever knows the number can make the same again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.channels import FACE_NAMES
from engine.sources.demo import PARTNER, load_face
from engine.sources.media import MediaFile

RATE, HOP, PERIOD_NS = 16_000, 640, 40_000_000
FACE_AGO_NS = PERIOD_NS // 2
"""A face is captured in the middle of the hop it is sent with, so that it is always the newest of its frame."""
LOUDNESSES = 8


@dataclass(frozen=True)
class Voices:
    """``sounds`` (LOUDNESSES, hops, HOP) int16, ``faces`` (frames, 58) float32."""

    sounds: NDArray[np.int16]
    faces: NDArray[np.float32]
    memory: list[list[memoryview]] = field(default_factory=list)

    @classmethod
    def load(cls) -> Voices:
        """The built-in partner's."""
        speech = np.concatenate([block.samples for block in MediaFile(PARTNER / "speech.flac").audio(RATE)])
        hops = len(speech) // HOP
        loud = np.linspace(0.4, 1.0, LOUDNESSES)[:, None]
        sounds = np.clip(np.round(loud * speech[: hops * HOP] * 32767), -32768, 32767).astype("<i2")
        face = np.ascontiguousarray(load_face(PARTNER / "face.npz"), "<f4")
        assert face.shape[1] == len(FACE_NAMES)
        return cls(sounds.reshape(LOUDNESSES, hops, HOP), face)

    def sound(self, number: int, hop: int) -> NDArray[np.int16]:
        """What visitor ``number`` says in a hop, (HOP,)."""
        return self.sounds[number % LOUDNESSES, (hop + number * 397) % self.sounds.shape[1]]

    def face(self, number: int, hop: int) -> NDArray[np.float32]:
        """Its face then, (58,)."""
        return self.faces[(hop + number * 101) % len(self.faces)]
