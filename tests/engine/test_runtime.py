"""The runtime against the model itself: parity, rollback, rows that never move each other, and every refusal."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from engine.bundle import Bundle, BundleError
from engine.runtime import OnnxStep, RuntimeRefusal
from engine.spec import AGE, CURSOR, InputSpec, OutputSpec, SpecError, StateSpec, StreamSpec
from models.contract import commit, reset
from tests.export.tiny import HOP, WINDOW, Tiny, tiny_bundle

FRAMES, BATCH = 4 * WINDOW, 3
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return tiny_bundle(tmp_path_factory.mktemp("tiny"))


def draw(batch: int = BATCH, frames: int = FRAMES, seed: int = 0) -> dict[str, np.ndarray]:
    """Inputs (batch, frames, *shape) of the tiny model."""
    random = np.random.default_rng(seed)
    face = random.uniform(-1, 1, (batch, frames, 58))
    values = {
        "audio": random.uniform(-1, 1, (batch, frames, HOP)),
        "face": face,
        "face_valid": random.integers(0, 2, (batch, frames)),
        "gain": random.uniform(0, 2, (batch, frames)),
        "noise": random.random((batch, frames, 1)),
    }
    return {name: value.astype(np.float32) for name, value in values.items()}


def fill(step: OnnxStep, inputs: dict[str, np.ndarray], frame: int) -> None:
    for name, value in inputs.items():
        step.inputs[name][...] = value[:, frame]


def advance(step: OnnxStep, inputs: dict[str, np.ndarray], frame: int) -> dict[str, np.ndarray]:
    fill(step, inputs, frame)
    outputs = {name: value.copy() for name, value in step.run().items()}
    step.commit()
    return outputs


def same(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> bool:
    return left.keys() == right.keys() and all(np.array_equal(left[name], right[name]) for name in left)


def test_follows_the_model_with_idle_rows_resets_and_a_late_cursor(bundle: Bundle):
    model, step, inputs = Tiny().eval(), OnnxStep(bundle, BATCH), draw()
    inputs["face"][1, 4, 7] = np.nan
    inputs["audio"][2, 9] = np.inf
    random = np.random.default_rng(1)
    state = model.initial_state(BATCH)
    state[CURSOR] = torch.tensor([0, 10**8, 2**40 + 3])
    step.load_state({name: value.numpy() for name, value in state.items()})
    seen = []
    for frame in range(FRAMES):
        active = random.random(BATCH) < 0.7
        if frame == 2 * WINDOW + 1:
            state = reset(model.spec.state, state, torch.tensor([False, True, False]))
            step.reset(1)
        with torch.inference_mode():
            given = {name: torch.from_numpy(value[:, frame : frame + 1]) for name, value in inputs.items()}
            wanted, updates = model(given, state)
            state = commit(model.spec.state, state, updates, 1, torch.from_numpy(active))
        step.active[:] = active
        outputs = advance(step, inputs, frame)
        for name, value in wanted.items():
            np.testing.assert_allclose(
                outputs[name][active], value[:, 0].numpy()[active], atol=TOLERANCE, err_msg=f"{name} at {frame}"
            )
        for name, value in step.state_dict().items():
            np.testing.assert_allclose(value, state[name].numpy(), atol=TOLERANCE, err_msg=f"{name} after {frame}")
        seen.append(outputs["pose"][0, 0])
    assert np.std(seen) > 0.01
    assert step.state_dict()["hits"].max() > 3


def test_outputs_and_inputs_are_buffers_of_rows(bundle: Bundle):
    step = OnnxStep(bundle, 2)
    assert {name: (value.shape, str(value.dtype)) for name, value in step.inputs.items()} == {
        "audio": ((2, HOP), "float32"),
        "face": ((2, 58), "float32"),
        "face_valid": ((2,), "float32"),
        "gain": ((2,), "float32"),
        "noise": ((2, 1), "float32"),
    }
    assert step.inputs["gain"].tolist() == [1.0, 1.0]
    assert step.inputs["noise"].tolist() == [[0.5], [0.5]]
    first = step.run()
    assert {name: (value.shape, str(value.dtype)) for name, value in first.items()} == {
        "pose": ((2, 4), "float32"),
        "count": ((2,), "int64"),
        "bad_input": ((2,), "float32"),
    }
    assert step.run()["pose"] is first["pose"]


def test_a_run_that_is_not_committed_never_happened(bundle: Bundle):
    step, inputs = OnnxStep(bundle, BATCH), draw()
    for frame in range(WINDOW + 2):
        advance(step, inputs, frame)
    before = step.state_dict()
    for frame in (17, 3):
        fill(step, inputs, frame)
        step.run()
        assert same(step.state_dict(), before)
    twin = OnnxStep(bundle, BATCH)
    twin.load_state(before)
    for frame in range(WINDOW + 2, FRAMES):
        assert same(advance(step, inputs, frame), advance(twin, inputs, frame))
    assert same(step.state_dict(), twin.state_dict())


def test_active_may_change_between_run_and_commit(bundle: Bundle):
    step, inputs = OnnxStep(bundle, 2), draw(2)
    fill(step, inputs, 0)
    step.active[:] = [True, False]
    step.run()
    step.active[:] = [False, True]
    step.commit()
    state = step.state_dict()
    assert state[CURSOR].tolist() == [1, 0]
    assert np.any(state["past"][0]) and not np.any(state["past"][1])


def test_a_row_of_nonsense_moves_no_other(bundle: Bundle):
    clean, inputs = OnnxStep(bundle, BATCH), draw()
    spoilt = OnnxStep(bundle, BATCH)
    wild = {name: value.copy() for name, value in inputs.items()}
    for name, bad in (("audio", np.nan), ("face", np.inf), ("gain", -np.inf), ("noise", np.nan)):
        wild[name][1] = bad
    for frame in range(FRAMES):
        wanted, given = advance(clean, inputs, frame), advance(spoilt, wild, frame)
        assert same({k: v[[0, 2]] for k, v in wanted.items()}, {k: v[[0, 2]] for k, v in given.items()})
        assert given["bad_input"].tolist() == [0.0, 1.0, 0.0]
        assert np.isfinite(given["pose"]).all()
    assert all(np.isfinite(value).all() for value in spoilt.state_dict().values())


def test_a_reset_row_is_a_new_one(bundle: Bundle):
    step, fresh, inputs = OnnxStep(bundle, 2), OnnxStep(bundle, 2), draw(2)
    for frame in range(WINDOW + 3):
        advance(step, inputs, frame)
    other = {name: value[0] for name, value in step.state_dict().items()}
    fill(step, inputs, 0)
    step.run()
    step.reset(1)
    with pytest.raises(RuntimeRefusal, match="commit without a run"):
        step.commit()
    assert all(np.array_equal(step.state_dict()[name][0], value) for name, value in other.items())
    assert step.state_dict()[CURSOR].tolist() == [WINDOW + 3] * 2
    for frame in range(WINDOW + 3):
        outputs, wanted = advance(step, inputs, frame), advance(fresh, inputs, frame)
        np.testing.assert_allclose(outputs["pose"][1], wanted["pose"][1], atol=1e-6)
        assert outputs["count"][1] == wanted["count"][1]


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_a_batch_is_so_many_singles(bundle: Bundle, batch: int):
    together, inputs = OnnxStep(bundle, batch), draw(batch, seed=batch)
    alone = [OnnxStep(bundle) for _ in range(batch)]
    for frame in range(FRAMES):
        outputs = advance(together, inputs, frame)
        for row, single in enumerate(alone):
            wanted = advance(single, {name: value[row : row + 1] for name, value in inputs.items()}, frame)
            np.testing.assert_allclose(outputs["pose"][row], wanted["pose"][0], atol=1e-6)
            assert outputs["count"][row] == wanted["count"][0]


def test_warming_up_leaves_the_state(bundle: Bundle):
    step, inputs = OnnxStep(bundle, BATCH), draw()
    advance(step, inputs, 0)
    before = step.state_dict()
    step.warm_up(4)
    assert same(step.state_dict(), before)
    with pytest.raises(RuntimeRefusal, match="commit without a run"):
        step.commit()


def test_updates_are_what_commit_writes(bundle: Bundle):
    step, inputs = OnnxStep(bundle, BATCH), draw()
    with pytest.raises(RuntimeRefusal, match="no run waits"):
        step.updates()
    for frame in range(WINDOW + 1):
        fill(step, inputs, frame)
        step.run()
        updates = {name: value.copy() for name, value in step.updates().items()}
        step.commit()
    state = step.state_dict()
    assert set(updates) == set(step.spec.state)
    assert np.array_equal(state["tail"], updates["tail"])
    assert np.array_equal(state["past"][:, WINDOW % WINDOW], updates["past"])
    assert state[AGE].tolist() == [WINDOW + 1] * BATCH


def test_each_run_is_committed_once(bundle: Bundle):
    step, inputs = OnnxStep(bundle), draw(1)
    advance(step, inputs, 0)
    with pytest.raises(RuntimeRefusal, match="commit without a run before it"):
        step.commit()


def test_state_of_another_shape_is_refused(bundle: Bundle):
    step, state = OnnxStep(bundle, 2), OnnxStep(bundle, 3).state_dict()
    with pytest.raises(RuntimeRefusal, match=r"state \w+ has shape \(3.*needs \(2"):
        step.load_state(state)
    with pytest.raises(RuntimeRefusal, match=r"'tail'.*missing or unknown"):
        step.load_state({name: value for name, value in state.items() if name != "tail"})


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"batch": 0}, "batch 0"),
        ({"threads": 0}, "threads 0"),
        ({"provider": "tpu"}, "provider 'tpu' is unknown; there is cpu, cuda"),
    ],
)
def test_arguments_refused(bundle: Bundle, arguments: dict[str, Any], reason: str):
    with pytest.raises(RuntimeRefusal, match=reason):
        OnnxStep(bundle, **arguments)


def without_cuda() -> bool:
    return "CUDAExecutionProvider" not in onnxruntime.get_available_providers()


@pytest.mark.skipif(not without_cuda(), reason="this ONNX Runtime was built with CUDA")
def test_cuda_is_refused_where_it_was_not_built(bundle: Bundle):
    with pytest.raises(RuntimeRefusal, match=r"'cuda'.*built without it.*install onnxruntime-gpu"):
        OnnxStep(bundle, provider="cuda")


@pytest.mark.skipif(not without_cuda(), reason="this ONNX Runtime was built with CUDA")
@pytest.mark.filterwarnings("ignore:Specified provider")
def test_cuda_that_falls_back_is_refused(bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
    """What onnxruntime-gpu does on a machine without a driver: CUDA is listed as available, the session runs on CPU."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    with pytest.raises(RuntimeRefusal, match=r"'cuda'.*the session got CPUExecutionProvider"):
        OnnxStep(bundle, provider="cuda")


def changed(spec: StreamSpec, **parts: Any) -> StreamSpec:
    return dataclasses.replace(spec, **parts)


def misfits() -> dict[str, tuple[StreamSpec, str]]:
    spec = Tiny().spec
    pose, *others = spec.outputs
    extra = InputSpec("extra", "feature", (2,), of="partner")
    longer = {**spec.state, "tail": StateSpec((17,))}
    kinder = {**spec.state, "past": dataclasses.replace(spec.state["past"], kind="small")}
    fewer = {name: item for name, item in spec.state.items() if name != "hits"}
    return {
        "input missing": (changed(spec, inputs=(*spec.inputs, extra)), "no input 'extra'"),
        "input unknown": (changed(spec, inputs=spec.inputs[:-1]), "input 'noise' that its spec does not"),
        "output missing": (changed(spec, outputs=(*spec.outputs, OutputSpec("z"))), "no output 'z'"),
        "output unknown": (changed(spec, outputs=(pose,)), "output 'count' that"),
        "output shape": (
            changed(spec, outputs=(OutputSpec("pose", (5,)), *others)),
            r"output 'pose' has shape .*, the spec says \[2, 1, 5\]",
        ),
        "output type": (
            changed(spec, outputs=(dataclasses.replace(pose, dtype="int64"), *others)),
            r"output 'pose' is tensor\(float\), the spec says int64",
        ),
        "state shape": (changed(spec, state=longer), "input 'state.tail' has shape"),
        "state kind": (changed(spec, state=kinder), "no output 'next.past'"),
        "state unknown": (changed(spec, state=fewer), "input 'state.hits' that"),
    }


@pytest.mark.parametrize("case", misfits())
def test_graph_that_does_not_fit_its_spec_is_refused(case: str, tmp_path: Path):
    spec, reason = misfits()[case]
    with pytest.raises(BundleError, match=reason):
        OnnxStep(tiny_bundle(tmp_path, spec=spec), 2)


def test_spec_that_takes_a_name_of_the_graph_is_refused(tmp_path: Path):
    spec = Tiny().spec
    taken = changed(spec, outputs=(*spec.outputs, OutputSpec("cursor")))
    with pytest.raises(SpecError, match="'cursor'"):
        OnnxStep(tiny_bundle(tmp_path, spec=taken))


def test_content_that_is_no_graph_is_refused(tmp_path: Path):
    with pytest.raises(BundleError, match=r"ONNX Runtime .* refuses the graph"):
        OnnxStep(tiny_bundle(tmp_path, content=b"not a graph"))


def test_graph_changed_after_loading_is_refused(tmp_path: Path):
    bundle = tiny_bundle(tmp_path)
    path = tmp_path / bundle.onnx.file
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(BundleError, match="changed after export"):
        OnnxStep(bundle)
