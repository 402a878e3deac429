"""Who gestures: habits of a few built people, who differ from each other as AMI's people and the literature's do.

AMI's people sit at a table with papers and make some 1 to 3 communicative hand gestures a minute of own speech; people
who tell or present make about one per clause, 90 % of them while they speak (McNeill 1992, *Hand and Mind*; Kendon
2004, *Gesture*): 15 to 25 a minute. The rates here span from near the first to the second, the nods' rates those that
AMI's training people show (``timing.json``). Which strokes a person likes follows from names alone, so that a larger
library changes nobody's handedness or rate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError

REST_POSES = ("sides", "front", "clasped", "hips")
"""Where hands are at rest: hanging at the sides, before the belly with forearms bent, together there, at the hips."""


@dataclass(frozen=True)
class Persona:
    """One gesturer's habits; shares and chances are 0..1."""

    name: str
    rest_pose: str  #: one of :data:`REST_POSES`
    handedness: float  #: share of one-handed strokes that the right hand makes
    both: float  #: share of strokes that both hands make
    rate: float  #: strokes a minute of own speech
    size: float  #: scales every stroke; 1 is the take's own size
    speed: float  #: scales the pace of preparation and stroke; above 1 is quicker
    chain: float  #: chance that a stroke is followed by another without rest, where one would fit
    hold: float  #: scales the holds after strokes
    nods: float  #: emphasis nods a minute of own speech
    nod_size: float  #: scales nods
    restless: float  #: scales the idle movement of hands and trunk
    taste: float  #: how unequally library entries are liked: 0 all the same, 2 a few do most

    def liking(self, names: Sequence[str]) -> NDArray[np.float64]:
        """How likely this person is to make each of the strokes ``names``: shares that sum to 1."""
        weights = np.exp(self.taste * np.array([_normal(f"{self.name}/{name}") for name in names]))
        return np.asarray(weights / weights.sum(), np.float64)


def _normal(text: str) -> float:
    """A number that follows from ``text`` alone, spread as a standard normal."""
    digest = hashlib.sha256(text.encode()).digest()
    return float(np.random.default_rng(int.from_bytes(digest[:8], "little")).standard_normal())


PERSONAS = (
    Persona("ada", "sides", 0.80, 0.30, 16.0, 1.00, 1.00, 0.45, 1.0, 3.0, 1.0, 1.0, 1.0),
    Persona("ben", "front", 0.35, 0.35, 20.0, 0.85, 1.20, 0.65, 0.7, 2.0, 0.8, 1.3, 0.8),
    Persona("cleo", "clasped", 0.60, 0.55, 11.0, 1.20, 0.90, 0.35, 1.4, 5.0, 1.2, 0.8, 1.2),
    Persona("dov", "sides", 0.95, 0.10, 7.0, 0.75, 0.95, 0.25, 1.1, 1.0, 0.9, 0.7, 1.2),
    Persona("elin", "front", 0.70, 0.25, 24.0, 1.10, 1.10, 0.70, 0.8, 4.0, 1.0, 1.2, 0.7),
    Persona("femi", "hips", 0.55, 0.40, 14.0, 1.30, 0.85, 0.50, 1.2, 6.0, 1.3, 1.0, 0.9),
    Persona("gus", "clasped", 0.85, 0.20, 3.0, 0.80, 0.90, 0.15, 1.0, 2.5, 1.0, 0.6, 1.0),
    Persona("hana", "front", 0.15, 0.30, 12.0, 0.95, 1.05, 0.45, 0.9, 1.5, 0.8, 1.0, 1.1),
)


def personas(count: int) -> tuple[Persona, ...]:
    """The first ``count`` gesturers."""
    if not 1 <= count <= len(PERSONAS):
        raise EngineError(f"{count} gesturers: from 1 to {len(PERSONAS)}")
    return PERSONAS[:count]
