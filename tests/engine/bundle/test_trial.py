"""Graphs that never end, eat all memory, fail or crash: found in a process of its own, said in a line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from engine.bundle import BUNDLES, CARD, STEP, Bundle, BundleError, EncoderFiles
from engine.bundle import trial as module
from engine.bundle.trial import Limits, trial, trusted
from engine.spec import InputSpec, OutputSpec, StreamSpec
from tests.engine.bundle.graphs import (
    FLOAT,
    INT,
    bundle_of,
    constant,
    endless,
    good,
    greedy,
    model,
    out_of_range,
)

SHORT = Limits(memory=1 << 30, cpu_s=2.0, wall_s=120.0)
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits as Linux has them")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ENGINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tried"


def strange(folder: Path, make: Callable[[], onnx.ModelProto] = good, **changes: Any) -> Bundle:
    """A bundle that somebody else made: loaded, not written by this process."""
    bundle_of(folder, make().SerializeToString(), **changes)
    return Bundle.load(folder)


def late(share: float) -> onnx.ModelProto:
    """Gathers beyond its table where the control stands at or above ``share`` of its range."""
    return model(
        [
            helper.make_node("Div", ["nod", "range"], ["part"]),
            helper.make_node("GreaterOrEqual", ["part", "share"], ["over"]),
            helper.make_node("Cast", ["over"], ["place"], to=INT),
            helper.make_node("Gather", ["table", "place"], ["found"]),
            helper.make_node("ReduceSum", ["found"], ["sum"], keepdims=0),
            helper.make_node("Add", ["x", "sum"], ["y"]),
        ],
        [
            constant("range", np.float32(3)),
            constant("share", np.float32(share)),
            constant("table", np.zeros(1, np.float32)),
        ],
    )


@linux
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (endless, "it did not end within 2 s of processor time"),
        (greedy, "it needs more than 1024 MiB of memory"),
        (lambda: greedy(1 << 29), "it needs more than 1024 MiB of memory"),
        (out_of_range, "indices element out of data bounds"),
        (lambda: late(1.0), "indices element out of data bounds"),
        (lambda: model([helper.make_node("Nonsense", ["x"], ["y"])]), "refuses the graph: .*Nonsense"),
    ],
    ids=["endless", "greedy", "less greedy", "out of range", "at its highest control", "no operator"],
)
def test_bad_graphs_are_refused_in_a_line(tmp_path: Path, make: Callable[[], onnx.ModelProto], reason: str):
    said = trial(strange(tmp_path / "b", make), SHORT)
    assert re.search(reason, said)
    assert said.isprintable() and len(said) <= 300 and str(tmp_path) not in said


@linux
def test_memory_of_the_trial_is_bounded(tmp_path: Path):
    """Its largest resident size, measured by a process whose only child it is."""
    strange(tmp_path / "b", lambda: greedy(1 << 26))
    code = (
        "import resource, sys; from engine.bundle import Bundle; from engine.bundle.trial import *\n"
        "print(trial(Bundle.load(sys.argv[1]), Limits(128 << 20, 60.0, 120.0)))\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "b")], capture_output=True, text=True, check=True)
    said, resident = done.stdout.splitlines()
    assert said == "it needs more than 128 MiB of memory"
    assert int(resident) < 400 << 10


@linux
def test_the_wall_ends_what_uses_no_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_environment", lambda: {**os.environ, "PYTHONPATH": str(tmp_path)})
    (tmp_path / "engine" / "bundle").mkdir(parents=True)
    for name in ("engine/__init__.py", "engine/bundle/__init__.py"):
        (tmp_path / name).touch()
    (tmp_path / "engine" / "bundle" / "trial.py").write_text("import time\ntime.sleep(600)\n")
    assert trial(strange(tmp_path / "b"), Limits(1 << 30, 20.0, 0.5)) == "it did not end within 0.5 s"


def test_a_crash_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "engine" / "bundle").mkdir(parents=True)
    for name in ("engine/__init__.py", "engine/bundle/__init__.py"):
        (tmp_path / name).touch()
    made = strange(tmp_path / "b")
    monkeypatch.setattr(module, "_environment", lambda: {**os.environ, "PYTHONPATH": str(tmp_path)})
    for code, said in (
        ("import os; os.abort()", "SIGABRT" if os.name == "posix" else "ended"),
        ("raise SystemExit(7)", "it ended the process"),
        ("print('\\x1b[2J' + 'a' * 100000); raise SystemExit(1)", "aaa"),
        ("print('passed'); raise SystemExit(3)", "it ended the process"),
        ("print('fine')", "it ended the process"),
    ):
        (tmp_path / "engine" / "bundle" / "trial.py").write_text(code)
        found = trial(made, SHORT)
        assert said in found and len(found) <= 300


def test_a_good_one_passes_and_is_tried_once(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    made = strange(tmp_path / "b")
    trusted(made)
    assert len(list(cache.iterdir())) == 1
    monkeypatch.setattr(module, "trial", lambda *_: "tried again")
    trusted(made)
    trusted(Bundle.load(tmp_path / "b"))
    for other in (strange(tmp_path / "c", version="9"), strange(tmp_path / "d", lambda: late(2.0))):
        with pytest.raises(BundleError, match="refused after a trial in a process of its own: tried again"):
            trusted(other)
    monkeypatch.setattr("engine.__version__", "99")
    with pytest.raises(BundleError, match="tried again"):
        trusted(made)


def test_what_failed_is_tried_again_the_next_time(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    made, said = strange(tmp_path / "b"), ["busy", ""]
    monkeypatch.setattr(module, "trial", lambda *_: said.pop(0))
    with pytest.raises(BundleError, match="busy"):
        trusted(made)
    assert not cache.exists()
    trusted(made)
    trusted(made)
    assert not said


def test_a_cache_that_cannot_be_written_only_means_trying_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ENGINE_CACHE", str(tmp_path / "file"))
    tried: list[Path] = []
    monkeypatch.setattr(module, "trial", lambda made, _: tried.append(made.path) or "")
    made = strange(tmp_path / "b")
    trusted(made)
    trusted(made)
    assert tried == [made.path, made.path]


def test_own_and_shipped_bundles_are_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "trial", lambda *_: "tried")
    trusted(Bundle.load("rules"))
    trusted(Bundle.load(BUNDLES / "rules"))
    trusted(bundle_of(tmp_path / "b", good().SerializeToString()))
    shutil.copytree(BUNDLES / "rules", tmp_path / "rules")
    for path in (tmp_path / "b", tmp_path / "rules"):
        with pytest.raises(BundleError, match="tried"):
            trusted(Bundle.load(path))


def test_a_bundle_that_ships_would_pass(tmp_path: Path):
    shutil.copytree(BUNDLES / "rules", tmp_path / "copy")
    made = Bundle.load(tmp_path / "copy")
    assert trial(made, Limits.of(made)) == ""


def test_what_was_tried_is_what_is_loaded(tmp_path: Path):
    made = strange(tmp_path / "b")
    strange(tmp_path / "b", version="9")
    assert "changed while it was tried" in trial(made, SHORT)


ENCODES = StreamSpec("told", 25.0, (InputSpec("prompt", "text", (3,)),), (OutputSpec("y", (3,)),))


def encoder(width: int = 3, bad_id: bool = False) -> bytes:
    """The sum of the ids, in every place."""
    values = [helper.make_tensor_value_info(name, INT, [1, 4]) for name in ("ids", "mask")]
    nodes = [
        helper.make_node("Mul", ["ids", "mask"], ["told"]),
        helper.make_node("ReduceSum", ["told", "axis"], ["sum"], keepdims=1),
        *([helper.make_node("Gather", ["axis", "sum"], ["never"])] if bad_id else []),
        helper.make_node("Cast", ["never" if bad_id else "sum"], ["number"], to=FLOAT),
        helper.make_node("Reshape", ["number", "flat"], ["one"]),
        helper.make_node("Expand", ["one", "shape"], ["vector"]),
    ]
    constants = [
        constant("axis", np.int64([1])),
        constant("flat", np.int64([1, 1])),
        constant("shape", np.int64([1, width])),
    ]
    graph = helper.make_graph(
        nodes, "encode", values, [helper.make_tensor_value_info("vector", FLOAT, [1, width])], constants
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10).SerializeToString()


def prompted() -> onnx.ModelProto:
    made = model([helper.make_node("Add", ["prompt", "prompt"], ["y"])])
    made.graph.input[0].name = "prompt"
    del made.graph.input[1]
    return made


@pytest.mark.parametrize(
    ("content", "said"),
    [(encoder(), ""), (encoder(4), "encode.onnx"), (encoder(bad_id=True), "the encoder of bundle small fails")],
    ids=["good", "width", "out of range"],
)
def test_encoders_are_tried_too(tmp_path: Path, content: bytes, said: str):
    made = strange(
        tmp_path / "b",
        prompted,
        spec=ENCODES,
        encoders={"prompt": EncoderFiles("encode.onnx", "words.txt", 4)},
        more={"encode.onnx": content, "words.txt": b"-\na\ntext\nto\ntry\n"},
    )
    assert {STEP, CARD, "encode.onnx", "words.txt"} == set(made.files)
    found = trial(made, SHORT)
    assert said in found and bool(said) == bool(found)
