"""A bundle reads back as written, and every way in which one can be wrong is refused by name."""

from __future__ import annotations

import hashlib
import math
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.bundle import CARD, MANIFEST, STEP, Bundle, BundleError, EncoderFiles, bundle, bundled
from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from tests.engine.bundle.graphs import bundle_of, good

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
    sample_rate=1000,
)
GRAPH = good().SerializeToString()


def make(folder: Path, **changes: Any) -> Bundle:
    return bundle_of(folder, GRAPH, **{"spec": SPEC, **changes})


def test_reads_back_what_was_written(tmp_path: Path):
    written = make(tmp_path / "b")
    read = Bundle.load(str(tmp_path / "b"))
    assert read == written
    assert written.ours and not read.ours
    assert read.spec == SPEC
    assert read.spec.input("x").high == math.inf
    assert read.tolerance == {"onnx_fp32": 1e-5}
    assert read.read(STEP) == GRAPH
    assert read.files[STEP] == (hashlib.sha256(GRAPH).hexdigest(), len(GRAPH))
    assert (tmp_path / "b" / CARD).read_text() == "# small\n"
    assert read.digest == hashlib.sha256((tmp_path / "b" / MANIFEST).read_bytes()).hexdigest()
    assert read.description == "Small: né à l'essai."
    assert read.contrib == () and read.remarks() == []


def test_writing_again_replaces(tmp_path: Path):
    make(tmp_path)
    assert make(tmp_path, version="1.3.0").version == "1.3.0"
    assert sorted(item.name for item in tmp_path.iterdir()) == [CARD, MANIFEST, STEP]


def test_bundled_names_resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bundle, "BUNDLES", tmp_path)
    make(tmp_path / "one")
    make(tmp_path / "two")
    (tmp_path / "empty").mkdir()
    assert bundled() == ["one", "two"]
    assert Bundle.load("two").path == tmp_path / "two"
    with pytest.raises(BundleError, match=r"no bundle 'three'.*one, two"):
        Bundle.load("three")
    with pytest.raises(BundleError, match=r"no manifest\.yaml in it.*one, two"):
        Bundle.load(tmp_path / "empty")
    with pytest.raises(BundleError, match="no bundle 'xxx") as caught:
        Bundle.load("x" * 5000)
    assert len(str(caught.value)) < 400


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


REFUSALS: dict[str, tuple[Change, str]] = {
    "old": (set_("format", 1), r"manifest format 1, this engine reads 2.*again: python -m export small small$"),
    "newer": (set_("format", 3), "manifest format 3, this engine reads 2"),
    "true": (set_("format", True), "manifest format True"),
    "no format": (drop("format"), "manifest format of kind NoneType"),
    "no licence": (drop("licence"), "licence: Field required"),
    "number for text": (set_("version", 1.0), "version: Input should be a valid string, not 1.0"),
    "version": (set_("version", "1 0"), "version '1 0': give letters"),
    "name": (set_("name", "x" * 65), "name 'xxx.*64 at most"),
    "opset": (set_("onnx", "opset", "new"), "onnx.opset: .*, not 'new'"),
    "tolerance": (set_("tolerance", "onnx_fp32", "small"), "tolerance.onnx_fp32: .*, not 'small'"),
    "tolerances": (set_("tolerance", []), "tolerance: .*dict.*, not a list of 0"),
    "nan": (set_("parity", "torch whole", math.nan), "give numbers from 0"),
    "unknown field": (set_("speed", 3), "speed: .*not 3"),
    "no file": (file(STEP, None), "step.onnx cannot be read"),
    "changed": (file(STEP, b"x" * len(GRAPH)), "step.onnx has SHA-256 .* it was changed after export"),
    "longer": (file(STEP, GRAPH + b"y"), f"step.onnx has {len(GRAPH) + 1} bytes, the manifest says {len(GRAPH)}"),
    "card": (file(CARD, b"# SMALL\n"), "card.md has SHA-256"),
    "no files": (set_("files", {}), "step.onnx is not listed"),
    "above": (set_("files", "../step.onnx", {"sha256": "0" * 64, "bytes": 0}), "only plain names"),
    "hidden": (set_("files", ".env", {"sha256": "0" * 64, "bytes": 0}), "only plain names"),
    "itself": (set_("files", MANIFEST, {"sha256": "0" * 64, "bytes": 0}), "only plain names"),
    "hash": (set_("files", STEP, "sha256", "7"), "files.step.onnx: sha256 '7'"),
    "negative": (set_("files", STEP, "bytes", -1), "bytes -1"),
    "large": (set_("files", STEP, "bytes", 1 << 40), "bytes 1099511627776"),
    "together": (set_("files", "x", {"sha256": "0" * 64, "bytes": 2 << 30}), "64 of together 2048 MiB at most"),
    "large card": (set_("files", CARD, "bytes", 2 << 20), "card.md has 2097152 bytes, 1048576 at most"),
    "entry": (set_("files", STEP, None), "files.step.onnx: .*not None"),
    "other graph": (set_("onnx", "file", "other.onnx"), "other.onnx is not listed"),
    "no spec": (drop("spec"), "spec: Field required"),
    "field of spec": (set_("spec", "speed", 3), "spec.speed: .*not 3"),
    "rate": (set_("spec", "rate", 0.0), "rate 0.0"),
    "companion": (set_("spec", "inputs", 0, "validity", "nobody"), "'nobody', which is no input"),
    "validity of itself": (set_("spec", "inputs", 0, "validity", "x"), "'x' as its validity, which is a feature"),
    "wide output": (set_("spec", "outputs", 0, {"name": "y", "shape": [65536]}), "65536 numbers.*65535 at most"),
    "few names": (set_("spec", "outputs", 0, "names", ["a"]), "1 names for 2 numbers"),
    "vocabulary": (set_("vocabulary", STEP), "vocabulary step.onnx, and no input of role words"),
    "encoder": (
        set_("encoders", {"nobody": {"onnx": STEP, "tokenizer": CARD, "tokens": 8}}),
        "encoder for 'nobody', which is no text input",
    ),
    "files of an encoder": (
        set_("encoders", {"x": {"onnx": "encode.onnx", "tokenizer": CARD, "tokens": 8}}),
        "encode.onnx is not listed",
    ),
    "tokens": (set_("encoders", {"x": {"onnx": STEP, "tokenizer": CARD, "tokens": 0}}), "tokens 0: give 1 to"),
}


@pytest.mark.parametrize(("change", "reason"), REFUSALS.values(), ids=REFUSALS)
def test_refusals(tmp_path: Path, change: Change, reason: str):
    make(tmp_path)
    data = yaml.safe_load((tmp_path / MANIFEST).read_text("utf-8"))
    change(tmp_path, data)
    (tmp_path / MANIFEST).write_text(yaml.safe_dump(data), "utf-8")
    with pytest.raises(BundleError, match=reason) as caught:
        Bundle.load(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_an_old_manifest_cannot_speak_to_the_terminal_at_length(tmp_path: Path):
    make(tmp_path)
    for command, shown in (("a" * 5000, "a" * 200), ("a\nb", "again")):
        (tmp_path / MANIFEST).write_text(yaml.safe_dump({"format": 1, "command": command}))
        with pytest.raises(BundleError) as caught:
            Bundle.load(tmp_path)
        assert str(caught.value).endswith(shown) and len(str(caught.value)) < 500


def link(to: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(to)


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(os.path.relpath(path))  # a full path may be longer than a socket's name


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
@pytest.mark.parametrize("name", [CARD, STEP, MANIFEST])
@pytest.mark.parametrize(
    ("put", "kind"),
    [
        (link("/dev/zero"), "a link"),
        (link("elsewhere"), "a link"),
        (link("nowhere"), "a link"),
        (os.mkfifo, "a FIFO"),
        (Path.mkdir, "a folder"),
        (unix_socket, "a device or socket"),
    ],
    ids=["device", "file", "loose", "fifo", "folder", "socket"],
)
def test_only_files_are_opened(tmp_path: Path, name: str, put: Callable[[Path], None], kind: str, monkeypatch: Any):
    make(tmp_path)
    (tmp_path / name).rename(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    put(tmp_path / name)
    with pytest.raises(BundleError, match=f"{name} is {kind}, not a file"):
        Bundle.load(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
def test_a_file_is_looked_at_again_once_it_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Between the look and the opening somebody may put something else there."""
    made = make(tmp_path)
    regular = os.lstat(tmp_path / CARD)
    (tmp_path / CARD).unlink()
    os.mkfifo(tmp_path / CARD)
    monkeypatch.setattr(os, "lstat", lambda _: regular)
    with pytest.raises(BundleError, match="is a FIFO"):
        made.read(CARD)
    (tmp_path / CARD).unlink()
    (tmp_path / CARD).symlink_to(tmp_path / STEP)
    with pytest.raises(BundleError, match="cannot be read"):
        made.read(CARD)


def test_a_long_file_is_not_read(tmp_path: Path):
    made = make(tmp_path)
    with (tmp_path / STEP).open("r+b") as file:
        file.truncate(1 << 40)  # takes no room on the disk
    with pytest.raises(BundleError, match=r"step.onnx has 1099511627776 bytes"):
        made.read(STEP)
    with (tmp_path / MANIFEST).open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(BundleError, match=r"manifest.yaml has 1099511627776 bytes, 1048576 at most"):
        Bundle.load(tmp_path)


def test_file_changed_after_loading_is_refused(tmp_path: Path):
    made = make(tmp_path)
    (tmp_path / STEP).write_bytes(GRAPH.swapcase())
    with pytest.raises(BundleError, match="SHA-256"):
        made.read(STEP)


TALKS = StreamSpec(
    "talks",
    25.0,
    (InputSpec("prompt", "text", (3,)), InputSpec("said", "words", (2, 4), of="self")),
    (OutputSpec("y", (3,)),),
)
ENCODERS = {"prompt": EncoderFiles("encode.onnx", "tokens.json", 8)}
MORE = {"encode.onnx": GRAPH, "tokens.json": b"{}", "words.txt": b"-\nyes\nno\n"}


def test_texts_and_words_bring_their_files(tmp_path: Path):
    made = make(tmp_path, spec=TALKS, encoders=ENCODERS, vocabulary="words.txt", more=MORE)
    read = Bundle.load(tmp_path)
    assert read == made
    assert read.encoders == ENCODERS and read.vocabulary == "words.txt"
    assert read.read("words.txt") == MORE["words.txt"]
    assert read.graphs == (STEP, "encode.onnx")
    for changes, reason in (
        ({"vocabulary": "words.txt"}, "text input 'prompt' has no encoder"),
        ({"encoders": ENCODERS}, "words input 'said' has no vocabulary"),
        ({"encoders": ENCODERS, "vocabulary": "other.txt"}, "other.txt is not listed"),
        ({"encoders": {**ENCODERS, "said": ENCODERS["prompt"]}, "vocabulary": "words.txt"}, "encoder for 'said'"),
    ):
        with pytest.raises(BundleError, match=reason):
            make(tmp_path / "b", spec=TALKS, more=MORE, **changes)
    with pytest.raises(BundleError, match=r"encode.onnx is no ONNX model"):
        make(tmp_path, spec=TALKS, encoders=ENCODERS, vocabulary="words.txt", more={**MORE, "encode.onnx": b"graph"})


def test_what_cannot_be_loaded_is_not_written(tmp_path: Path):
    with pytest.raises(BundleError, match=r"name 'a b'.*no bundle was written"):
        make(tmp_path / "b", name="a b")
    assert not (tmp_path / "b").exists()


def test_import_brings_no_runtime():
    heavy = ("onnxruntime", "torch", "pydantic", "onnx", "tokenizers")
    code = f"import sys, engine.bundle, engine.runtime; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
