"""What an input is (its role), whose it is (its owner) and so how it arrives: the one table of roles.

Four kinds of feed carry everything that comes from outside. *samples*: ordered sound, which is a clock. *latest*: the
newest value by capture time, with age and validity. *events*: timed words, the newest few. *held*: controls and texts,
which stay until they are changed. The rest the engine makes itself: validities and ages go along with another input,
noise is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Feed = Literal["samples", "latest", "events", "held", "companion", "drawn", "none"]
Owner = Literal["partner", "self"]
OWNERS: tuple[Owner, ...] = ("partner", "self")


@dataclass(frozen=True)
class Role:
    """How an input of a role arrives, and whether it says whose it is (``of``)."""

    feed: Feed
    owned: bool
    about: str


ROLES: Mapping[str, Role] = {
    "audio": Role("samples", True, "PCM, mono, one hop a frame (hop,)"),
    "face": Role("latest", True, "a face, by names of engine.channels, by default its 58 numbers"),
    "body": Role("latest", True, "joint positions (joints, 3) in metres of the skeleton it names"),
    "feature": Role("latest", True, "numbers that somebody computes outside, given by the input's name"),
    "words": Role("events", True, "the newest words (count, 4): id, s since start, s since end, 1 where there is one"),
    "control": Role("held", False, "turned by people and programs"),
    "text": Role("held", False, "the vector (width,) of a text, made by the bundle's own encoder"),
    "validity": Role("companion", False, "1 where the input that names it is there"),
    "age": Role("companion", False, "seconds since the input that names it was captured"),
    "noise": Role("drawn", False, "uniform numbers in [0, 1), by session seed and frame"),
    "ids": Role("none", False, "chosen by whoever runs the model, not by a feed"),
}

WORD = 4
"""Numbers of a word: id, seconds since its start, seconds since its end (negative: it is still spoken), 1."""

CODECS: Mapping[str, str] = {
    "arkit58": "the 58 numbers of engine.channels",
    "emotion25": "the 25 numbers of engine.channels",
    "joints": "positions (joints, 3) in metres of the skeleton named",
    "quaternions": "local rotations (joints, 4), x y z w, of the skeleton named",
    "flag": "0 or 1",
    "counts": "how often each thing named was due since the start, modulo 65536: one that grows is due",
    "numbers": "plain named numbers",
}
"""How an output is to be understood."""
CODEC_FAMILIES: Mapping[str, str] = {
    "angles": "joint angles in radians of the rig NAME, in the order of the stream's names",
    "codes": "numbers or ids in the code NAME, which its decoder turns into poses",
    "points": "positions (points, 2) in the plane of the figure NAME, x right, y down, in the units stated",
    "chances": "probabilities of the labels NAME, which the stream's names list",
}
"""Codecs that carry a name: ``angles:NAME``."""


def codec_known(codec: str) -> bool:
    """Whether a codec is one of :data:`CODECS` or of a family with a name."""
    family, colon, name = codec.partition(":")
    return codec in CODECS or (family in CODEC_FAMILIES and bool(colon) and bool(name))
