"""The rung in 8 bits: what is rounded and what is not, how both precisions are compared, and what is told of it."""

from __future__ import annotations

import dataclasses
import platform
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from engine.bundle import STEP, Bundle
from engine.runtime import open_runtime
from engine.spec import OutputSpec, StreamSpec
from export import precision
from export.recording import recording
from export.step import OPSET, to_onnx
from models.contract import BAD_INPUT, StreamModel, Tensors
from models.sampling import TeacherForced
from tests.export.tiny import FACE, Threshold, tiny_bundle
from tests.models.tiny import TinySampler

WIDE = 64


class Weighed(StreamModel):
    """A computed table, then a learned map."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.register_buffer("table", torch.randn(58, WIDE) / 8)
        self.learned = nn.Linear(WIDE, 8)
        face = dataclasses.replace(FACE, validity=None)
        self.spec = StreamSpec("weighed", 25.0, (face,), (OutputSpec("pose", (8,)), BAD_INPUT), {}, memory=0)

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Two matrix products."""
        return {"pose": self.learned((inputs["face"] @ self.table).tanh())}, {}


def bundled(model: StreamModel, folder: Path) -> Bundle:
    return tiny_bundle(folder, model.spec, to_onnx(model).content)


@pytest.fixture(scope="module")
def weighed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Weighed, Bundle]:
    model = Weighed().eval()
    return model, bundled(model, tmp_path_factory.mktemp("weighed"))


@pytest.fixture(scope="module")
def sampler(tmp_path_factory: pytest.TempPathFactory) -> tuple[TinySampler, Bundle, Bundle]:
    torch.manual_seed(0)
    model = TinySampler().eval()
    folder = tmp_path_factory.mktemp("sampler")
    return model, bundled(model, folder / "step"), bundled(TeacherForced(model).eval(), folder / "logits")


def test_learned_weights_are_rounded_and_tables_are_not(weighed: tuple[Weighed, Bundle], tmp_path: Path):
    model, bundle = weighed
    low = precision.rounded(bundle, model, tmp_path)
    assert low is not None and low.onnx.precision == "int8" and low.tolerance == {"onnx_int8": precision.TOLERANCE}
    graph = onnx.load_model_from_string(low.read(STEP)).graph
    stored = {tuple(item.dims): onnx.numpy_helper.to_array(item) for item in graph.initializer if len(item.dims) == 2}
    assert stored[(WIDE, 8)].dtype == np.uint8
    np.testing.assert_array_equal(stored[(58, WIDE)], model.table.numpy())
    assert low.files[STEP][1] < bundle.files[STEP][1]


def test_a_model_without_learned_products_has_no_such_rung(tmp_path: Path):
    model = Threshold().eval()
    bundle = bundled(model, tmp_path / "b")
    assert precision.to_int8(bundle.read(STEP), model) is None
    lines = precision.report(model, bundle, None, {}, tmp_path)
    assert "the same as fp32" in lines[0] and "fp16" in lines[1] and len(lines) == 2


def test_rungs_show_the_rounding_and_nothing_else(weighed: tuple[Weighed, Bundle], tmp_path: Path):
    model, bundle = weighed
    low = precision.rounded(bundle, model, tmp_path)
    assert low is not None
    inputs, _ = recording(bundle.spec, 2.0)
    (forced, free), exact, rounded = precision.compare(bundle, low, inputs)
    assert forced.frames == free.frames == len(exact["pose"]) == 50
    gap = np.abs(exact["pose"] - rounded["pose"]) / np.maximum(1.0, np.abs(exact["pose"]))
    assert forced.worst["pose"] == pytest.approx(gap.max())
    assert 1e-5 < forced.worst["pose"] < precision.TOLERANCE
    assert free.worst["pose"] == forced.worst["pose"]  # it carries nothing
    same = precision.compare(bundle, bundle, inputs).rungs
    assert [rung.largest for rung in same] == [0.0, 0.0]


def test_errors_gather_in_a_free_run_only(sampler: tuple[TinySampler, Bundle, Bundle], tmp_path: Path):
    model, bundle, logits = sampler
    low = precision.rounded(logits, model, tmp_path)
    assert low is not None
    inputs, _ = recording(bundle.spec, 2.0)
    given = {"x": inputs["x"], "previous": precision.previous(bundle, inputs)}
    forced, free = precision.compare(logits, low, given).rungs
    assert 0.0 < forced.worst["logits"] != free.worst["logits"]


def test_previous_ids_are_those_the_step_draws(sampler: tuple[TinySampler, Bundle, Bundle]):
    model, bundle, _ = sampler
    inputs, _ = recording(bundle.spec, 2.0)
    tensors = {name: torch.from_numpy(value)[None] for name, value in inputs.items()}
    with torch.inference_mode():
        ids = model.scan(tensors, model.initial_state(1))[0]["ids"][0].numpy()
    before = precision.previous(bundle, inputs)
    assert (before[0] == model.codes).all()
    np.testing.assert_array_equal(before[1:], ids[:-1])


def test_draws_that_differ_are_counted_with_their_margin():
    chances = np.log(np.array([0.2, 0.3, 0.5], np.float32))
    exact = np.broadcast_to(chances, (4, 2, 3)).copy()
    low = exact.copy()
    low[1, 0] = np.log(np.array([0.25, 0.25, 0.5], np.float32))  # the first edge moves from 0.2 to 0.25
    noise = np.array([[0.1, 0.1], [0.22, 0.9], [0.3, 0.6], [0.6, 0.1]], np.float32)
    found = precision.draw(exact, low, {"noise": noise, "temperature": np.ones(4, np.float32)})
    assert (found.frames, found.draws) == (0.75, 0.875)
    assert found.margin == pytest.approx(0.02, abs=1e-6)
    same = precision.draw(exact, exact, {"noise": noise, "temperature": np.ones(4, np.float32)})
    assert (same.frames, same.draws, same.margin) == (1.0, 1.0, 0.0)


def test_the_report_of_a_sampler_looks_behind_its_ids(
    sampler: tuple[TinySampler, Bundle, Bundle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    model, bundle, logits = sampler
    inputs, _ = recording(bundle.spec, 2.0)
    forced, free, ids, step, half = precision.report(model, bundle, logits, inputs, tmp_path)
    assert "teacher-forced" in forced and "logits" in forced and "free-running" in free
    assert "% of frames" in ids and "MB of" in step and "told only" in step and "fp16" in half
    monkeypatch.setattr(precision, "TOLERANCE", 1e-9)
    strict = precision.report(model, bundle, logits, inputs, tmp_path)
    assert "beyond it in logits, state" in strict[0]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="measured on x86 alone")
def test_16_bits_would_be_cast_to_32_and_back(tmp_path: Path):
    """The reason given for not building that rung; where this fails, a runtime with kernels of its own has come."""
    import onnxruntime
    from onnx import TensorProto

    half = [onnx.helper.make_tensor_value_info(name, TensorProto.FLOAT16, [4, 4]) for name in ("a", "b", "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("MatMul", ["a", "b"], ["y"])], "half", half[:2], half[2:])
    path = tmp_path / "half.onnx"
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(path)
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=10)
    onnxruntime.InferenceSession(made.SerializeToString(), options, ["CPUExecutionProvider"])
    run = [node.op_type for node in onnx.load(path).graph.node]
    assert run.count("Cast") == 3 and "MatMul" in run


def test_in_8_bits_a_row_moves_another(weighed: tuple[Weighed, Bundle], tmp_path: Path):
    """Why such a step is told and not shipped: rows of a batch are sessions."""
    model, bundle = weighed
    low = precision.rounded(bundle, model, tmp_path)
    assert low is not None
    for file, moved in ((bundle, False), (low, True)):
        step = open_runtime(file, rows=2)
        answers = []
        for other in (0.0, 2.0):
            step.inputs["face"][0], step.inputs["face"][1] = 0.01, other
            answers.append(step.run()["pose"][0].copy())
        assert (np.abs(answers[0] - answers[1]).max() > 1e-4) == moved
