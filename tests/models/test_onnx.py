"""The tiny models, exported as one-frame steps, give in ONNX Runtime what they give in torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.runtime import open_runtime, steps
from engine.spec import AGE, CURSOR
from export.step import to_onnx
from models.contract import StreamModel, commit, reset
from models.layers import Pitch
from models.reaction.blocks import CrossModalBlock
from models.sampling import TeacherForced
from tests.export.tiny import tiny_bundle
from tests.models.cases import LayerModel, draw_inputs
from tests.models.tiny import HOP, SAMPLE_RATE, TinyRecurrent, TinyRolling, TinySampler

BATCH, STEPS = 2, 60


def layered() -> StreamModel:
    return LayerModel(CrossModalBlock(8, 2, 9, 16), (8,), context=8)


def listening() -> StreamModel:
    return LayerModel(Pitch(SAMPLE_RATE, HOP, 4), (HOP,), bound=1.0)


@pytest.mark.parametrize(
    ("build", "atol"),
    [
        (TinyRecurrent, 1e-4),
        (TinySampler, 1e-5),
        (lambda: TeacherForced(TinySampler()), 1e-4),
        (TinyRolling, 1e-4),
        (layered, 1e-5),
        (listening, 1e-3),
    ],
    ids=["recurrent", "sampler", "sampler_forced", "rolling", "block", "pitch"],
)
def test_exported_step_follows_torch(build: Callable[[], StreamModel], atol: float, tmp_path: Path):
    torch.manual_seed(11)
    model = build().eval()
    inputs = draw_inputs(model.spec, BATCH, STEPS, 12)
    runtime = open_runtime(tiny_bundle(tmp_path / "bundle", model.spec, to_onnx(model).content), rows=BATCH)
    state = {**model.initial_state(BATCH), CURSOR: torch.tensor([0, 10**8])}
    runtime.load_state({name: value.numpy() for name, value in state.items()})
    varied: dict[str, set[float]] = {}

    def fill(frame: int) -> None:
        if frame == STEPS // 2:
            runtime.reset(0)
        for name, value in inputs.items():
            runtime.inputs[name][...] = value[:, frame].numpy()

    for frame, given in enumerate(steps(runtime, fill, STEPS)):
        if frame == STEPS // 2:
            state = reset(model.spec.state, state, torch.tensor([True, False]))
            assert state[AGE].tolist() == [0, frame]
        with torch.inference_mode():
            wanted, updates = model({name: value[:, frame : frame + 1] for name, value in inputs.items()}, state)
            state = commit(model.spec.state, state, updates, 1)
        for name, value in wanted.items():
            np.testing.assert_allclose(
                given[name], value[:, 0].numpy(), atol=atol, rtol=1e-4, err_msg=f"{name} at frame {frame}"
            )
            varied.setdefault(name, set()).add(float(given[name].ravel()[0]))
    for name, values in varied.items():
        assert name == "bad_input" or len(values) > 3, f"{name} hardly moves: parity would mean nothing"
