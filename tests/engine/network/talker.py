"""A bundle that hears its own voice at a rate of its own and knows its own words: what it was given it says back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.runtime.protocol import Block, cover
from engine.spec import InputSpec, OutputSpec, StreamSpec

RATE, FPS, HOP, WORDS = 12_000, 15.0, 800, 4
SPEC = StreamSpec(
    name="talker",
    rate=FPS,
    inputs=(
        InputSpec("own_audio", "audio", (HOP,), -1.0, 1.0, validity="own_valid", of="self"),
        InputSpec("own_valid", "validity"),
        InputSpec("own_words", "words", (WORDS, 4), -600.0, 600.0, of="self"),
    ),
    outputs=(OutputSpec("told", (2 + 4 * WORDS,)),),
    sample_rate=RATE,
)


class Talker:
    """``told``: how loud its hop is (RMS), whether it was there, and the rows of its words."""

    where = "talker"

    def __init__(self, rows: int, spec: StreamSpec = SPEC) -> None:
        self.spec, self.rows = spec, rows
        self.inputs: dict[str, Any] = {item.name: np.zeros((rows, *item.shape), np.float32) for item in spec.inputs}
        self.outputs = {item.name: np.zeros((rows, *item.shape), np.float32) for item in spec.outputs}
        self.active = np.zeros(rows, np.bool_)
        self.blocks: list[Block] = []

    def warm_up(self) -> None:
        pass

    def run(self, blocks: Sequence[Block] | None = None) -> dict[str, Any]:
        self.blocks = cover(self.active, (1, 4)) if blocks is None else list(blocks)
        given = self.inputs
        heard = np.sqrt(np.square(given["own_audio"]).mean(1))
        words = given["own_words"].reshape(self.rows, -1)
        self.outputs["told"][:] = np.concatenate([np.stack([heard, given["own_valid"]], 1), words], 1)
        return self.outputs

    def commit(self, rows: Any = None) -> None:
        pass

    def reset(self, row: int) -> None:
        pass

    def move(self, source: int, target: int) -> None:
        pass
