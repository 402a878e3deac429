"""Toy rows to measure, and a toy bundle that dances: small dancers whose limbs swing faster with the effort."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import torch

from engine.bundle import STEP, Bundle, OnnxFile
from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from export.step import Graph, to_onnx
from models.contract import BAD_INPUT, StreamModel, Tensors
from tests.train.dance.bodies import CMU, dancer, take
from train.dance import efforts
from train.dance.evaluation import rows
from train.dance.evaluation.networks import Sizes
from train.dance.evaluation.rows import COMPUTED, DanceRow
from train.dance.labels import LEVELS
from train.dance.takes import Take

SMALL = Sizes(width=24, layers=2, epochs=25, recogniser_width=16, recogniser_epochs=25)
FRAMES = 140
SWING_M = 0.08
PAIRS = (("test00", "test10"), ("test20", "test01"), ("test11", "test21"))
"""Held-out partners by level and number: every level is in two pairs, so that judges of one can learn from another."""
STANDS_M = 1.0
"""How far from its partner the toy bundle stands, face to face."""


@functools.cache
def takes() -> tuple[Take, ...]:
    """Three takes of every level to learn from, and :data:`PAIRS` held out."""
    made = [
        take(f"train{level}{number}", level, FRAMES, "train", seed=number) for level in range(3) for number in range(3)
    ]
    for a, b in PAIRS:
        made += [
            take(name, int(name[-2]), FRAMES, "test", partner=other, seed=10 + int(name[-1]))
            for name, other in ((a, b), (b, a))
        ]
    return tuple(made)


@functools.cache
def people() -> tuple[DanceRow, DanceRow, efforts.Thresholds]:
    """The truth, the training takes and the thresholds of their computed efforts."""
    chosen = list(takes())
    thresholds = efforts.fit_thresholds(chosen)
    tables = {COMPUTED: efforts.computed_table(chosen, thresholds, "time")}
    truth = rows.of_takes("truth", "held out", [t for t in chosen if t.split == "test"], tables)
    training = rows.of_takes("train takes", "learned", [t for t in chosen if t.split == "train"], tables)
    return truth, training, thresholds


def asked(name: str, level_of: dict[int, int], noise: float = 0.0, seeds: int = 3, frames: int = 120) -> DanceRow:
    """A model that is asked for a level and dances ``level_of`` it, shaken by ``noise`` metres."""
    rng = np.random.default_rng(0)

    def play(level: int) -> list[np.ndarray]:
        made = [dancer(level_of[level], frames, seed=30 + seed).positions for seed in range(seeds)]
        return [m + rng.normal(0.0, noise, m.shape).astype(np.float32) for m in made]

    return rows.generated(name, "toy", "model", play, seeds, 0)


class Swinger(StreamModel):
    """Stands at rest and swings its hands up and down, faster with the effort; faces a partner that it sees."""

    card, licence, data = "A toy.", "Apache-2.0", "none"

    def __init__(self) -> None:
        super().__init__()
        joints = len(CMU.joints)
        rest = torch.tensor(CMU.rest_positions())
        self.register_buffer("rest", rest - torch.stack([rest[0, 0], rest[:, 1].min(), rest[0, 2]]))
        moves = [float("Hand" in joint or "Mid" in joint) for joint in CMU.joints]
        self.register_buffer("swings", torch.tensor(moves)[:, None] * torch.tensor([0.0, SWING_M, 0.0]))
        self.spec = StreamSpec(
            name="swinger",
            rate=30.0,
            inputs=(
                InputSpec(
                    *("partner_body", "body", (joints, 3), -50.0, 50.0),
                    validity="partner_valid",
                    age="partner_age",
                    unit="m",
                    skeleton="cmu",
                    of="partner",
                ),
                InputSpec("partner_valid", "validity", low=0.0, high=1.0),
                InputSpec("partner_age", "age", low=0.0, high=1e3, missing=1e3),
                InputSpec("effort", "control", (), 0.0, 2.0, 1.0, names=LEVELS),
                InputSpec("speed", "control", (), 0.25, 2.0, 1.0),
                InputSpec("noise", "noise", (1,), 0.0, 1.0, 0.5),
            ),
            outputs=(OutputSpec("body", (joints, 3), skeleton="cmu"), BAD_INPUT),
            state={"angle": StateSpec(())},
            skeletons=(CMU,),
        )

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """One swing further."""
        rate = 0.1 * (1.0 + inputs["effort"]) * inputs["speed"] * (0.5 + inputs["noise"][..., 0])
        angle = state["angle"][:, None] + rate.cumsum(1)
        body = self.rest + angle.sin()[..., None, None] * self.swings
        seen = inputs["partner_valid"][..., None, None]
        turned = body * (1.0 - 2.0 * seen * torch.tensor([1.0, 0.0, 1.0]))
        place = inputs["partner_body"][..., :1, :] * torch.tensor([1.0, 0.0, 1.0])
        place = place + torch.tensor([0.0, 0.0, STANDS_M])
        return {"body": turned + seen * place}, {"angle": angle[:, -1]}


@functools.cache
def _graph() -> Graph:
    return to_onnx(Swinger().eval())


def swinger(folder: Path) -> Bundle:
    """The toy as a bundle in ``folder``."""
    made = _graph()
    return Bundle(
        path=folder,
        name="swinger",
        version="0.1.0",
        spec=Swinger().spec,
        onnx=OnnxFile(STEP, made.opset, made.ir, "fp32"),
        licence="Apache-2.0",
        description="A toy.",
        training_data="none",
        credits="none",
        command="python -m export swinger swinger",
        commit="unknown",
        tolerance={"onnx_fp32": 1e-4},
        parity={"onnx free-running": 1e-6},
    ).write(made.content, "# swinger\n")
