"""The tiny models, exported as one-frame steps, give in ONNX Runtime what they give in torch."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
import torch

from engine.spec import AGE, CURSOR
from models.contract import StreamModel, Tensors, commit, reset
from models.layers import Pitch, TransformerBlock
from models.sampling import TeacherForced
from tests.models.tiny import HOP, SAMPLE_RATE, TinyRecurrent, TinyRolling, TinySampler
from tests.models.walk import LayerModel, draw_inputs

BATCH, STEPS = 2, 60


class FlatStep(torch.nn.Module):
    """A model whose arguments and results are tensors in the order of their names."""

    def __init__(self, model: StreamModel, inputs: Tensors, state: Tensors) -> None:
        super().__init__()
        self.model, self.names, self.split = model, [*inputs, *state], len(inputs)
        with torch.no_grad():
            outputs, updates = model(inputs, state)
        self.results = [*(f"out.{name}" for name in outputs), *(f"new.{name}" for name in updates)]

    def forward(self, *values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Outputs, then updates."""
        named = list(zip(self.names, values, strict=True))
        outputs, updates = self.model(dict(named[: self.split]), dict(named[self.split :]))
        return (*outputs.values(), *updates.values())


def exported(model: StreamModel, inputs: Tensors, state: Tensors) -> Callable[[Tensors, Tensors], tuple]:
    """The model's step in ONNX Runtime, as a function like the model."""
    step = FlatStep(model, inputs, state).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            step,
            (*inputs.values(), *state.values()),
            input_names=step.names,
            output_names=step.results,
            dynamo=True,
            verbose=False,
        )
    file = io.BytesIO()
    program.save(file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    taken = {item.name for item in session.get_inputs()}

    def run(inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        feed = {k: v.numpy() for k, v in {**inputs, **state}.items() if k in taken}
        values = dict(zip(step.results, map(torch.from_numpy, session.run(step.results, feed)), strict=True))
        return tuple({k[4:]: v for k, v in values.items() if k.startswith(kind)} for kind in ("out.", "new."))

    return run


def layered() -> StreamModel:
    return LayerModel(TransformerBlock(8, 2, 9, 5), (8,), context=5)


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
        (listening, 1e-2),
    ],
    ids=["recurrent", "sampler", "sampler_forced", "rolling", "block", "pitch"],
)
def test_exported_step_follows_torch(build: Callable[[], StreamModel], atol: float):
    torch.manual_seed(11)
    model = build().eval()
    inputs = draw_inputs(model.spec, BATCH, STEPS, 12)
    first = {name: value[:, :1] for name, value in inputs.items()}
    run = exported(model, first, model.initial_state(BATCH))
    ours = theirs = {**model.initial_state(BATCH), CURSOR: torch.tensor([0, 10**8])}
    varied = {}
    for frame in range(STEPS):
        now = {name: value[:, frame : frame + 1] for name, value in inputs.items()}
        if frame == STEPS // 2:
            ours, theirs = (reset(model.spec.state, state, torch.tensor([True, False])) for state in (ours, theirs))
            assert ours[AGE].tolist() == [0, frame]
        with torch.inference_mode():
            wanted, updates = model(now, ours)
            ours = commit(model.spec.state, ours, updates, 1)
        given, updates = run(now, theirs)
        theirs = commit(model.spec.state, theirs, updates, 1)
        for name, value in wanted.items():
            torch.testing.assert_close(given[name], value, atol=atol, rtol=1e-4, msg=f"{name} at frame {frame}")
            varied.setdefault(name, set()).add(float(np.asarray(given[name]).ravel()[0]))
    for name, values in varied.items():
        assert name == "bad_input" or len(values) > 3, f"{name} hardly moves: parity would mean nothing"
