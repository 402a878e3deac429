"""The one-way import rule, read from the source, and the budget that keeps files small enough to read in one go."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("engine", "models", "train", "export", "clients", "benchmarks")
LONGEST = 320

BASICS = {"engine.body.skeleton", "engine.channels", "engine.errors", "engine.noise", "engine.spec"}
SHARED = {"body", "bundle", "channels", "errors", "noise", "resample", "roles", "runtime", "sources", "spec", "text"}
"""Parts of the engine that training and export build on. All others run sessions: nobody outside it builds on them, but
for what measures the engine."""


def files(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "__pycache__" not in path.parts]


@cache
def imports(path: Path) -> tuple[tuple[str, bool], ...]:
    """(module, whether at import time) for every import in a file; ``from a import b`` names ``a`` and ``a.b``."""
    package = path.relative_to(ROOT).parent.parts

    def walk(node: ast.AST, top: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
                yield from ((name, False) for name, _ in walk(child, False))
                continue
            if isinstance(child, ast.Import):
                yield from ((item.name, top) for item in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = ".".join(package[: len(package) - child.level + 1]) if child.level else ""
                module = ".".join(part for part in (base, child.module) if part)
                yield module, top
                yield from ((f"{module}.{item.name}", top) for item in child.names)
            yield from walk(child, top and not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))

    return tuple(walk(ast.parse(path.read_text("utf-8")), True))


def ours(path: Path) -> set[str]:
    """Modules of this project that a file imports, anywhere in it, packages left out where a module is named too."""
    found = set()
    for name, _ in imports(path):
        parts = name.split(".")
        if parts[0] not in PACKAGES:
            continue
        while len(parts) > 1 and not (ROOT.joinpath(*parts).with_suffix(".py").is_file() or is_package(parts)):
            parts.pop()  # the last part was a name inside the module
        found.add(".".join(parts))
    return {name for name in found if not any(other.startswith(f"{name}.") for other in found)}


def is_package(parts: list[str]) -> bool:
    return ROOT.joinpath(*parts, "__init__.py").is_file()


DRAWING = {"train.reaction.view", "train.report.filmstrip"}
"""Modules of train that show faces and bodies to people, as the viewer draws them."""


def allowed(package: str, module: str, importer: str = "") -> bool:
    """Whether a file of ``package``, the module ``importer``, may import ``module`` of this project."""
    if importer in DRAWING and module.startswith("clients.opencv"):
        return True
    top, _, rest = module.partition(".")
    shared = top == "engine" and (not rest or rest.split(".")[0] in SHARED)
    return {
        "engine": top == "engine",
        "clients": top == "clients" or module in ("engine", "engine.wire"),
        "models": top == "models" or module in BASICS,
        "export": top in ("export", "models") or shared,
        "train": top in ("train", "models") or shared,
        "benchmarks": True,
    }[package]


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_one_way(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in files(package)
        for module in sorted(ours(path))
        if not allowed(package, module, ".".join(path.relative_to(ROOT).with_suffix("").parts))
    ]
    assert not wrong


@pytest.mark.parametrize("module", ["torch", "onnx", "tests"])
def test_the_engine_needs_no_training_packages(module: str) -> None:
    loads = [
        str(path.relative_to(ROOT))
        for path in files("engine")
        if any(name.split(".")[0] == module for name, _ in imports(path))
    ]
    assert not loads


@pytest.mark.parametrize("module", ["cv2", "mediapipe", "onnxruntime", "av", "sounddevice"])
def test_heavy_packages_are_imported_where_they_are_used(module: str) -> None:
    loads = [
        str(path.relative_to(ROOT))
        for path in files("engine")
        if any(name.split(".")[0] == module and top for name, top in imports(path))
    ]
    assert not loads


def test_nothing_but_tests_imports_tests() -> None:
    assert not [path for path in files(*PACKAGES) if any(name.split(".")[0] == "tests" for name, _ in imports(path))]


def test_the_reader_of_imports_sees_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    (tmp_path / "models" / "deep").mkdir(parents=True)
    for name in ("engine", "engine/sources", "models", "models/deep"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "engine" / "serve.py").touch()
    (tmp_path / "models" / "cells.py").touch()
    source = tmp_path / "models" / "deep" / "net.py"
    source.write_text("from ..cells import DT\nfrom . import x\nfrom engine import serve\ndef f():\n import torch.nn\n")
    assert ours(source) == {"models.cells", "models.deep", "engine.serve"}
    assert ("torch.nn", False) in imports(source)
    assert not allowed("models", "engine.serve")
    assert not allowed("train", "engine.session.loop")
    assert allowed("train", "engine.runtime") and allowed("export", "engine")
    assert allowed("train", "clients.opencv.head", "train.reaction.view")
    assert not allowed("train", "clients.opencv.head", "train.reaction.react")


def test_files_are_short_and_say_what_they_are() -> None:
    problems = []
    for path in files(*PACKAGES, "tests"):
        text = path.read_text("utf-8")
        lines = text.count("\n")
        if lines > LONGEST:
            problems.append(f"{path.relative_to(ROOT)}: {lines} lines, {LONGEST} at most")
        if lines > 3 and not ast.get_docstring(ast.parse(text)):
            problems.append(f"{path.relative_to(ROOT)}: no opening docstring")
    assert not problems
