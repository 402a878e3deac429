"""What is refused: states, blocks, providers, places to run, and graphs that do not fit their spec."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from engine.bundle import Bundle, BundleError
from engine.runtime import RUNTIMES, RuntimeRefusal, open_runtime
from engine.spec import InputSpec, OutputSpec, SpecError, StateSpec, StreamSpec
from tests.engine.runtime.made import Open
from tests.export.tiny import Tiny, exported, tiny_bundle


def test_state_of_another_shape_is_refused(bundle: Bundle, opened: Open):
    runtime, state = opened(bundle, 2), opened(bundle, 3).state_dict()
    with pytest.raises(RuntimeRefusal, match=r"state \w+ has shape \(3.*needs \(2"):
        runtime.load_state(state)
    with pytest.raises(RuntimeRefusal, match=r"'tail'.*missing or unknown"):
        runtime.load_state({name: value for name, value in state.items() if name != "tail"})


@pytest.mark.parametrize("block", [(1, 2), (0, 3), (4, 4), (-2, 2), (0, 4)], ids=str)
def test_blocks_that_there_are_not_are_refused(bundle: Bundle, opened: Open, block: tuple[int, int]):
    runtime = opened(bundle, 4, (1, 2))
    with pytest.raises(RuntimeRefusal, match=rf"no block of {block[1]} rows from row {block[0]}; there are 4 rows in"):
        runtime.run([block])  # type: ignore[list-item]
    with pytest.raises(RuntimeRefusal, match="commit without a run"):
        runtime.commit()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"rows": 0}, "rows 0"),
        ({"threads": 0}, "threads 0"),
        ({"rows": 6, "buckets": (4,)}, "6 rows in blocks of"),
        ({"where": "onnx:tpu"}, "runtime 'onnx:tpu' is unknown; there is onnx:cpu"),
    ],
)
def test_arguments_refused(bundle: Bundle, arguments: dict[str, Any], reason: str):
    with pytest.raises(RuntimeRefusal, match=reason):
        open_runtime(bundle, **arguments)


def test_a_runtime_says_where_it_runs(bundle: Bundle, opened: Open):
    assert open_runtime(bundle).where == "onnx:cpu"
    assert opened(bundle).where in RUNTIMES


def test_a_stranger_s_bundle_is_tried_first(bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
    def refuse(which: Bundle) -> None:
        raise BundleError(f"{which.name} is not trusted")

    monkeypatch.setattr("engine.runtime.open.trusted", refuse)
    monkeypatch.setattr("engine.runtime.session.make_session", lambda *_: pytest.fail("its graph was loaded"))
    for where in RUNTIMES:
        with pytest.raises(BundleError, match="tiny is not trusted"):
            open_runtime(bundle, where)


def without_cuda() -> bool:
    return "CUDAExecutionProvider" not in onnxruntime.get_available_providers()


@pytest.mark.skipif(not without_cuda(), reason="this ONNX Runtime was built with CUDA")
def test_cuda_is_refused_where_it_was_not_built(bundle: Bundle):
    with pytest.raises(RuntimeRefusal, match=r"'cuda'.*built without it.*install onnxruntime-gpu"):
        open_runtime(bundle, "onnx:cuda")


@pytest.mark.skipif(not without_cuda(), reason="this ONNX Runtime was built with CUDA")
@pytest.mark.filterwarnings("ignore:Specified provider")
def test_cuda_that_falls_back_is_refused(bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
    """What onnxruntime-gpu does on a machine without a driver: CUDA is listed as available, the session runs on CPU."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    with pytest.raises(RuntimeRefusal, match=r"'cuda'.*the session got CPUExecutionProvider"):
        open_runtime(bundle, "onnx:cuda")


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
        open_runtime(tiny_bundle(tmp_path, spec=spec), rows=2)


def test_spec_that_takes_a_name_of_the_graph_is_refused(tmp_path: Path):
    spec = Tiny().spec
    taken = changed(spec, outputs=(*spec.outputs, OutputSpec("cursor")))
    with pytest.raises(SpecError, match="'cursor'"):
        open_runtime(tiny_bundle(tmp_path, spec=taken))


def test_graph_changed_after_loading_is_refused(tmp_path: Path):
    bundle = tiny_bundle(tmp_path)
    path = tmp_path / bundle.onnx.file
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(BundleError, match="changed after export"):
        open_runtime(bundle)


def test_an_input_is_written_in_place(bundle: Bundle, opened: Open):
    """The arrays are those that the graph reads: one put in their place would be read by nobody."""
    runtime = opened(bundle)
    before = runtime.run()["pose"].copy()
    runtime.inputs["audio"][...] = 0.5
    assert np.abs(runtime.run()["pose"] - before).max() > 1e-3


def test_a_graph_that_onnx_runtime_does_not_know_is_refused(tmp_path: Path):
    model = onnx.load_model_from_string(exported().content)
    model.graph.node[0].op_type = "Nonsense"
    with pytest.raises(BundleError, match=r"ONNX Runtime .* refuses the graph: .*Nonsense"):
        open_runtime(tiny_bundle(tmp_path, content=model.SerializeToString()))
