"""A bundle reads back as written, and every way in which one can be wrong is refused by name."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine import bundle as module
from engine.bundle import CARD, MANIFEST, STEP, Bundle, BundleError, OnnxFile, bundled
from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec

SPEC = StreamSpec(
    "small",
    25.0,
    (
        InputSpec("x", "feature", (3,), names=("a", "b", "c"), of="partner"),
        InputSpec("nod", "control", low=0.0, high=3.0),
    ),
    (OutputSpec("y", (2,), units=("rad", "m")),),
    {"h": StateSpec((4,), initial=0.5), "r": StateSpec((7, 2), "ring")},
    lookahead=2,
)


def make(folder: Path, **changes: Any) -> Bundle:
    values: dict[str, Any] = {
        "path": folder,
        "name": "small",
        "version": "1.2.0",
        "spec": SPEC,
        "onnx": OnnxFile(STEP, 20, 10, "fp32"),
        "licence": "Apache-2.0",
        "description": "Small: né à l'essai.",
        "training_data": "none: published rules",
        "credits": "none",
        "command": "python -m export small small",
        "commit": "unknown",
        "tolerance": {"onnx_fp32": 1e-5},
        "parity": {"torch whole": 0.0},
    }
    return Bundle(**{**values, **changes}).write(b"graph", "# small\n")


def test_reads_back_what_was_written(tmp_path: Path):
    written = make(tmp_path / "b")
    read = Bundle.load(str(tmp_path / "b"))
    assert read == written
    assert read.spec == SPEC
    assert read.spec.input("x").high == math.inf
    assert read.tolerance == {"onnx_fp32": 1e-5}
    assert read.read(STEP) == b"graph"
    assert read.files[STEP] == (hashlib.sha256(b"graph").hexdigest(), 5)
    assert (tmp_path / "b" / CARD).read_text() == "# small\n"


def test_writing_again_replaces(tmp_path: Path):
    make(tmp_path)
    assert make(tmp_path, version="1.3.0").version == "1.3.0"
    assert sorted(item.name for item in tmp_path.iterdir()) == [CARD, MANIFEST, STEP]


def test_bundled_names_resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "BUNDLES", tmp_path)
    make(tmp_path / "one")
    make(tmp_path / "two")
    (tmp_path / "empty").mkdir()
    assert bundled() == ["one", "two"]
    assert Bundle.load("two").path == tmp_path / "two"
    with pytest.raises(BundleError, match=r"no bundle 'three'.*one, two"):
        Bundle.load("three")
    with pytest.raises(BundleError, match=r"no manifest\.yaml in it.*one, two"):
        Bundle.load(tmp_path / "empty")


Change = Callable[[Path, dict[str, Any]], None]


def set_(*path: Any) -> Change:
    """A manifest with one entry replaced: keys, then the value."""
    *keys, last, value = path

    def change(_: Path, data: dict[str, Any]) -> None:
        for key in keys:
            data = data[key]
        data[last] = value

    return change


def drop(name: str) -> Change:
    return lambda _, data: data.pop(name)


def file(name: str, content: bytes | None) -> Change:
    """Content of a file replaced, or the file removed."""

    def change(folder: Path, _: dict[str, Any]) -> None:
        if content is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(content)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (set_("format", 2), "manifest format 2, this engine reads 1"),
        (drop("format"), "manifest format None"),
        (drop("licence"), "licence = None, it must be a str"),
        (set_("version", 1.0), "version = 1.0, it must be a str"),
        (set_("onnx", "opset", "20"), "opset = '20', it must be a int"),
        (set_("tolerance", "onnx_fp32", "small"), "onnx_fp32 = 'small', it must be a float"),
        (set_("tolerance", []), "tolerance = .*, it must be a dict"),
        (file(STEP, None), "step.onnx cannot be read"),
        (file(STEP, b"other"), "step.onnx has SHA-256 .* it was changed after export"),
        (file(STEP, b"longer"), "step.onnx has 6 bytes, the manifest says 5"),
        (file(CARD, b"# SMALL\n"), "card.md has SHA-256"),
        (set_("files", {}), "step.onnx is not listed"),
        (set_("files", "../step.onnx", {"sha256": "", "bytes": 0}), "only plain names"),
        (set_("files", STEP, "sha256", 7), "sha256 = 7"),
        (set_("files", STEP, None), "only plain names"),
        (set_("onnx", "file", "other.onnx"), "other.onnx is not listed"),
        (drop("spec"), "spec = None"),
        (set_("spec", "speed", 3), "spec does not read: .*speed"),
        (set_("spec", "rate", 0.0), "rate|spec does not read"),
        (set_("spec", "inputs", 0, "validity", "nobody"), "'nobody'"),
    ],
)
def test_refusals(tmp_path: Path, change: Change, reason: str):
    make(tmp_path)
    data = yaml.safe_load((tmp_path / MANIFEST).read_text("utf-8"))
    data["spec"]["sample_rate"] = 1000
    change(tmp_path, data)
    (tmp_path / MANIFEST).write_text(yaml.safe_dump(data), "utf-8")
    with pytest.raises(BundleError, match=reason) as caught:
        Bundle.load(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("format: [1", "does not read as YAML"),
        ("- 1\n- 2\n", "holds a list, not a mapping"),
        ("", "holds a NoneType"),
        ("[" * 5000, "does not read as YAML"),
        ("x: " + "a" * module.MANIFEST_LIMIT, "larger than 4 MiB"),
    ],
    ids=["broken", "list", "empty", "deep", "huge"],
)
def test_manifest_that_is_none(tmp_path: Path, text: str, reason: str):
    make(tmp_path)
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match=reason):
        Bundle.load(tmp_path)


def test_manifest_runs_no_code(tmp_path: Path):
    make(tmp_path)
    (tmp_path / MANIFEST).write_text(f"format: !!python/object/apply:pathlib.Path.touch ['{tmp_path}/ran']\n")
    with pytest.raises(BundleError, match="does not read as YAML"):
        Bundle.load(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_file_changed_after_loading_is_refused(tmp_path: Path):
    bundle = make(tmp_path)
    (tmp_path / STEP).write_bytes(b"GRAPH")
    with pytest.raises(BundleError, match="SHA-256"):
        bundle.read(STEP)


def test_import_brings_no_runtime():
    code = "import sys, engine.bundle, engine.runtime; print([m for m in ('onnxruntime', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
