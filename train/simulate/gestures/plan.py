"""When a gesturer makes which stroke: strokes and nods laid on the stresses of a talk with the timing of AMI's people.

A gesture is a preparation, a stroke that ends on a stressed syllable, a hold and a retraction (Kendon 2004; the
phases' names are McNeill's 1992).
"""

from __future__ import annotations

from dataclasses import dataclass

from train.simulate.gestures.persona import Persona

HANDS = ("right", "left", "both")


@dataclass(frozen=True)
class Gesture:
    """One gesture; times in seconds from the talk's start, rising.

    ``prep``: preparation begins; ``stroke``: the stroke begins; ``apex``: it ends, the moment that meets the stress;
    ``retract``: retraction begins, after the hold; ``rest``: at rest again. If the next gesture's ``prep`` is this
    one's ``retract``, the hand goes straight on and there is no rest between. ``stroke_name`` is an entry of the
    library, ``stress`` an index into the talk's stresses (-1: none).
    """

    hands: str
    stroke_name: str
    prep: float
    stroke: float
    apex: float
    retract: float
    rest: float
    size: float
    stress: int


@dataclass(frozen=True)
class Nod:
    """A nod of emphasis: down until ``apex``, up again at ``end``; ``size`` 1 is usual."""

    start: float
    apex: float
    end: float
    size: float


@dataclass(frozen=True)
class Performance:
    """What one person does during one talk; gestures and nods rise in time and do not overlap among themselves."""

    gestures: tuple[Gesture, ...]
    nods: tuple[Nod, ...]
    persona: Persona
