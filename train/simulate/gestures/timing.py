"""When people gesture while they talk, as numbers: what was measured of AMI's people, read by the plan.

``timing.json`` beside this file is the table; ``python -m train simulate timing FILE`` measures it again
(:mod:`train.simulate.gestures.measure`). It holds counts and shares of the AMI Meeting Corpus' training people
(Carletta et al. 2005, CC BY 4.0), none of its text, so a set is built without the corpus.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import EngineError

TABLE = Path(__file__).with_name("timing.json")
STATES = ("speech", "pause", "others", "silence")
"""What somebody may be in: own speech, a pause of at most 2 s between own words, others' speech, silence of all."""
PLACES = ("content", "function", "after_pause", "last_content", "long")
"""What a word may be: content or function word, first after 0.3 s or more without a word, last content word before such
a pause, a content word of seven letters or more."""
ANCHORS = ("start", "middle", "end")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Phase:
    """How a moment of a gesture lies to the middle of the nearest content word: ``share`` of the moments are drawn to
    it, with ``mean`` and ``spread`` (s, positive is later); the others lie as chance has them."""

    mean: float
    spread: float
    share: float


@dataclass(frozen=True)
class Timing:
    """What one kind of gesture does. ``minutes`` seen and ``rate`` (a minute) by :data:`STATES`; ``seconds`` and
    ``apart`` (from one's middle to the next's, where both are in speech or pauses) at :data:`QUANTILES`; ``soon`` the
    share of such steps below 1.5 s over what chance would have at the same rate; ``lift`` how much likelier than by
    chance a word of each of :data:`PLACES` is hit; ``phase`` by :data:`ANCHORS`; ``habits`` people's own rates in
    speech at :data:`QUANTILES`; ``hands`` shares of right, left and both (empty for the head)."""

    count: int
    people: int
    minutes: Mapping[str, float]
    rate: Mapping[str, float]
    seconds: tuple[float, ...]
    apart: tuple[float, ...]
    soon: float
    lift: Mapping[str, float]
    phase: Mapping[str, Phase]
    habits: tuple[float, ...]
    hands: Mapping[str, float]

    def draw_seconds(self, rng: np.random.Generator) -> float:
        """A duration as people's are, within the outer quantiles."""
        return float(np.exp(np.interp(rng.uniform(QUANTILES[0], QUANTILES[-1]), QUANTILES, np.log(self.seconds))))


@dataclass(frozen=True)
class TimingTable:
    """The measured kinds: hand gestures and nods of emphasis."""

    source: str
    hand: Timing
    nod: Timing

    def write(self, path: Path) -> None:
        """Write the table as JSON, numbers with three digits after the point."""
        try:
            path.write_text(json.dumps(_rounded(asdict(self)), indent=1) + "\n", "utf-8", newline="\n")
        except OSError as error:
            raise EngineError(f"{path} cannot be written ({error.strerror}): name another file") from error

    @classmethod
    def read(cls, path: Path) -> TimingTable:
        """The table that :meth:`write` wrote. Raises :class:`EngineError`."""
        try:
            data = json.loads(path.read_text("utf-8"))
            return cls(str(data["source"]), _timing(data["hand"]), _timing(data["nod"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EngineError(
                f"{path} is no table of timing ({error}); `python -m train simulate timing FILE` writes one"
            ) from error


@functools.cache
def measured() -> TimingTable:
    """The table that comes with the project."""
    return TimingTable.read(TABLE)


def _timing(data: Mapping[str, Any]) -> Timing:
    phases = {anchor: Phase(**data["phase"][anchor]) for anchor in ANCHORS}
    ordered = {name: tuple(map(float, data[name])) for name in ("seconds", "apart", "habits")}
    return Timing(**{**data, **ordered, "phase": phases})


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value
