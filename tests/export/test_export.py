"""``python -m export`` from end to end on a tiny model, and all it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import yaml

from engine.bundle import CARD, MANIFEST, STEP, Bundle
from engine.runtime import open_runtime
from engine.spec import OutputSpec
from export.__main__ import main
from export.errors import ExportError
from export.step import OPSET, StepModule, to_onnx
from models import registry
from models.checkpoint import Checkpoint, save
from models.registry import Family
from tests.export.tiny import Fixed, Tiny, Wrong, exported, tiny_bundle


@pytest.fixture(autouse=True)
def _tiny_models(monkeypatch: pytest.MonkeyPatch):
    for name in ("Tiny", "Lying", "Uneven", "Floor", "Fixed"):
        monkeypatch.setitem(registry.FAMILIES, name.lower(), Family("", {name.lower(): f"tests.export.tiny:{name}"}))
    monkeypatch.delenv("ENGINE_DATA", raising=False)


def test_exports_a_bundle_that_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    weights = {name: value + 0.01 for name, value in Tiny().state_dict().items()}
    save(tmp_path / "trained.safetensors", Checkpoint("tiny", {}, weights))
    out = tmp_path / "bundles" / "mine"
    arguments = [
        "tiny",
        str(tmp_path / "trained.safetensors"),
        str(out),
        "--training-data",
        "made up",
        "--version",
        "2.1.0",
    ]
    (tmp_path / "notes.md").write_text("## Trained\n\nIn no time.\n")
    assert main([*arguments, "--seconds", "4", "--notes", str(tmp_path / "notes.md")]) == 0
    printed = capsys.readouterr().out

    bundle = Bundle.load(out)
    assert sorted(item.name for item in out.iterdir()) == [CARD, MANIFEST, STEP]
    assert [item.name for item in out.parent.iterdir()] == ["mine"]
    assert (bundle.name, bundle.version, bundle.training_data) == ("mine", "2.1.0", "made up")
    assert bundle.licence == "Apache-2.0"
    assert bundle.spec == Tiny().spec
    assert bundle.command == "python -m export tiny trained.safetensors mine"
    assert bundle.tolerance == {"onnx_fp32": 1e-4}
    assert set(bundle.parity) == {"torch whole", "onnx teacher-forced", "onnx free-running"}
    assert 0 < bundle.parity["onnx free-running"] < 1e-4

    card = bundle.read(CARD).decode()
    for text in (
        "A tiny model.",
        "For tests alone.",
        "| gain | control |",
        "onnx free-running",
        "made up",
        "In no time.",
    ):
        assert text in card
    for text in (f"opset {OPSET}", "Conv 1", "tensorrt", "not available", "fp16", "not built", "100 frames"):
        assert text in printed
    assert str(tmp_path) not in card + (out / MANIFEST).read_text()

    model = Tiny().eval()
    model.load_state_dict(weights)
    step = open_runtime(bundle)
    wanted, _ = model(
        {name: torch.from_numpy(value[:, None]) for name, value in step.inputs.items()}, model.initial_state(1)
    )
    np.testing.assert_allclose(step.run()["pose"], wanted["pose"][:, 0].detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(("name", "rung"), [("lying", "onnx teacher-forced"), ("uneven", "torch whole")])
def test_a_bundle_that_strays_is_not_kept(tmp_path: Path, name: str, rung: str, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "b"
    older = tiny_bundle(out)
    assert main([name, str(out), "--seconds", "8"]) == 1
    captured = capsys.readouterr()
    assert "FAILED at frame" in captured.out
    assert rung in captured.err and "no bundle was written" in captured.err
    assert Bundle.load(out) == older
    assert [item.name for item in tmp_path.iterdir()] == ["b"]


def test_a_small_constant_survives(tmp_path: Path):
    """The optimiser of onnxscript takes 1e-10 for 0 and drops its addition: the level of silence becomes infinite."""
    assert main(["floor", str(tmp_path / "b"), "--seconds", "2"]) == 0
    assert open_runtime(Bundle.load(tmp_path / "b")).run()["flag"][0] == pytest.approx(-10.0, abs=1e-4)


def test_graph_names_no_place_of_this_machine():
    graph = exported()
    model = onnx.load_model_from_string(graph.content)
    onnx.checker.check_model(model, full_check=True)
    assert b".py" not in graph.content
    assert str(Path.home()).encode() not in graph.content
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    assert sum(graph.nodes.values()) == len(model.graph.node)
    assert {graph.opset} == {item.version for item in model.opset_import if item.domain == ""}


def test_exporting_leaves_the_model_as_it_was():
    torch.manual_seed(0)
    model = torch.nn.Module.eval(Tiny())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    given = {item.name: torch.rand(1, 7, *item.shape) for item in model.spec.inputs}
    wanted, _ = model.scan(given, model.initial_state(1))
    to_onnx(model)
    again, _ = model.scan(given, model.initial_state(1))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(torch.equal(value, again[name]) for name, value in wanted.items())


def test_a_model_that_breaks_its_spec_is_refused():
    with pytest.raises(ExportError, match=r"returns flag as torch.float32 \(2, 1, 1\).*says float32 \(2, 1\)"):
        to_onnx(Wrong())
    short = Tiny()
    short.spec = type(short.spec)(
        "tiny", 25.0, short.spec.inputs, (*short.spec.outputs, OutputSpec("more")), short.spec.state, 4000
    )
    with pytest.raises(ExportError, match="does not return 'more'"):
        StepModule(short).check()


def test_a_model_of_one_batch_size_is_refused():
    with pytest.raises(ExportError, match=r"does not export: .*batch size may be any"):
        to_onnx(Fixed())


def test_refusals_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    save(tmp_path / "w.safetensors", Checkpoint("tiny", {}, Tiny().state_dict()))
    for arguments, reason in (
        (["nobody", str(tmp_path / "b")], "no model 'nobody'"),
        (["tiny", str(tmp_path / "full")], "exists and is no bundle"),
        (["tiny", str(tmp_path / "w.safetensors"), str(tmp_path / "b")], "--training-data is missing"),
        (["tiny", str(tmp_path / "no.safetensors"), str(tmp_path / "b"), "--training-data", "x"], "no.safetensors"),
        (["fixed", str(tmp_path / "b")], "does not export"),
        (["tiny", str(tmp_path / "b"), "--notes", str(tmp_path / "no.md")], "no.md cannot be read"),
    ):
        assert main(arguments) == 2
        assert reason in capsys.readouterr().err
    assert (tmp_path / "full" / "letter.txt").read_text() == "dear"
    assert not (tmp_path / "b").exists()


def test_manifest_is_plain_yaml(tmp_path: Path):
    tiny_bundle(tmp_path)
    data = yaml.safe_load((tmp_path / MANIFEST).read_text())
    assert data["format"] == 2
    assert data["onnx"] == {"file": STEP, "opset": OPSET, "ir": exported().ir, "precision": "fp32"}
