"""Dances of a bundle, made as the engine would serve it: the label a control, every seed a row of one batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.body.skeleton import Skeleton
from engine.bundle import Bundle
from engine.errors import EngineError
from train.dance.labels import LEVELS
from train.dance.takes import RATE
from train.report.offline import Offline

Array = NDArray[np.float32]

BODY, EFFORT = "body", "effort"
SETTLE = 60
"""Frames at the start of a generated dance that are not measured: a recurrent network gets going."""


@dataclass
class Dancer:
    """A bundle that dances. ``controls`` (numbers or text that says them) are set for every dance, ``speed`` say; the
    effort by each dance. Raises :class:`EngineError` for a bundle that does not, or does not have such controls."""

    bundle: Bundle
    seeds: int
    frames: int
    seed: int = 0
    controls: Mapping[str, Any] = field(default_factory=dict)
    _offline: Offline = field(init=False)

    def __post_init__(self) -> None:
        self._offline = Offline(self.bundle)
        spec = self.bundle.spec
        named = {item.name: item for item in spec.outputs}
        if spec.rate != RATE or BODY not in named or not named[BODY].skeleton:
            raise EngineError(
                f"bundle {self.bundle.name}: {spec.rate:g} frames/s and outputs {', '.join(named)}; evaluate a bundle "
                f"that dances, with a {BODY!r} of a skeleton at {RATE:g} frames/s"
            )
        choices = next((item.names for item in spec.controls if item.name == EFFORT), None)
        if choices != LEVELS:
            raise EngineError(
                f"bundle {self.bundle.name}: control {EFFORT!r} has choices {choices}, {LEVELS} are needed"
            )
        if EFFORT in self.controls:
            raise EngineError(f"{EFFORT} is set by each dance that is asked for; set the other controls alone")
        self.controls = spec.check_controls(self.controls)

    @property
    def skeleton(self) -> Skeleton:
        """The body that it moves."""
        name = self.bundle.spec.output(BODY).skeleton
        return next(item for item in self.bundle.spec.skeletons if item.name == name)

    @property
    def watches(self) -> bool:
        """Whether it can see a partner."""
        return bool(self.bundle.spec.by_role("body"))

    def play(self, level: int) -> Array:
        """Dances (seeds, T, J, 3) of one level, alone."""
        return self._serve(self._seeds(self.seeds), self.frames, np.full(self.seeds, level), None)

    def beside(self, partner: Array, level: int, seen: bool) -> Array:
        """Dances (seeds, T, J, 3) beside ``partner`` (T, J, 3), which is withheld where it is not ``seen``."""
        levels = np.full(self.seeds, level)
        return self._serve(self._seeds(self.seeds), len(partner), levels, partner if seen else None)

    def _serve(self, seeds: list[int], frames: int, levels: NDArray[np.intp], partner: Array | None) -> Array:
        bodies = self.bundle.spec.by_role("body")

        def fill(inputs: Mapping[str, NDArray[Any]], frame: int) -> None:
            if frame == 0:
                for name, value in self.controls.items():
                    inputs[name][...] = value
                inputs[EFFORT][...] = levels
            if partner is not None:
                for item in bodies:
                    inputs[item.name][...] = partner[min(frame, len(partner) - 1)]

        there = {"body": partner is not None}
        return self._offline.run(frames + self._late, seeds, [BODY], there, fill)[BODY][:, self._late :]

    @property
    def _late(self) -> int:
        """Frames by which the dance lags what it is made from: none of them is kept."""
        return self.bundle.spec.lookahead

    def _seeds(self, count: int) -> list[int]:
        drawn = np.random.SeedSequence([self.seed, *self.bundle.name.encode()]).generate_state(count, np.uint64)
        return [int(value) for value in drawn]
