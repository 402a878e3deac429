"""The one-way import rule, read from the source, no circles, and the budget that keeps files small enough to read in
one go."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

from models.registry import FAMILIES

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("engine", "models", "train", "export", "clients", "benchmarks")
LONGEST = 320

BASICS = {
    "engine.body.skeleton",
    "engine.channels",
    "engine.errors",
    "engine.noise",
    "engine.spec",
    "engine.text.fields",
}
SHARED = {
    "body",
    "bundle",
    "channels",
    "errors",
    "logs",
    "noise",
    "phrases",
    "plain",
    "roles",
    "runtime",
    "sound",
    "sources",
    "spec",
    "text",
}
"""Parts of the engine that training and export build on. All others run sessions: nobody outside it builds on them, but
for what measures the engine."""


def files(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "__pycache__" not in path.parts]


class Import(NamedTuple):
    """A module that a file names, and whether it is loaded with the file, by a call, or for type checkers only."""

    module: str
    when: Literal["load", "call", "typing"]


@cache
def imports(path: Path) -> tuple[Import, ...]:
    """Every import in a file; ``from a import b`` names ``a`` and ``a.b``."""
    package = path.relative_to(ROOT).parent.parts

    def walk(node: ast.AST, when: Literal["load", "call", "typing"]) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
                for statement in child.body:
                    yield from walk(ast.Module([statement], []), "typing")
                for statement in child.orelse:
                    yield from walk(ast.Module([statement], []), when)
                continue
            if isinstance(child, ast.Import):
                yield from (Import(item.name, when) for item in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = ".".join(package[: len(package) - child.level + 1]) if child.level else ""
                module = ".".join(part for part in (base, child.module) if part)
                yield Import(module, when)
                yield from (Import(f"{module}.{item.name}", when) for item in child.names)
            called = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from walk(child, "call" if called and when == "load" else when)

    return tuple(walk(ast.parse(path.read_text("utf-8")), "load"))


def ours(path: Path, typing: bool = True) -> set[str]:
    """Modules of this project that a file imports, anywhere in it, packages left out where a module is named too;
    without ``typing`` those for type checkers are left out as well."""
    found = set()
    for name, when in imports(path):
        if when == "typing" and not typing:
            continue
        parts = name.split(".")
        if parts[0] not in PACKAGES:
            continue
        while len(parts) > 1 and not (ROOT.joinpath(*parts).with_suffix(".py").is_file() or is_package(parts)):
            parts.pop()  # the last part was a name inside the module
        found.add(".".join(parts))
    return {name for name in found if not any(other.startswith(f"{name}.") for other in found)}


def is_package(parts: list[str]) -> bool:
    return ROOT.joinpath(*parts, "__init__.py").is_file()


DRAWING = {
    "train.reaction.view",
    "train.report.filmstrip",
    "train.conversation.evaluation.pictures",
    "train.gesture.aisle.render",
    "train.gesture.evaluation.pictures",
    "train.simulate.gestures.pictures",
}
"""Modules of train that show faces and bodies to people, as the viewer draws them."""


SPOKEN = {"engine.speech.align", "engine.speech.spoken", "engine.speech.tts", "engine.feeds.words"}
"""Words with their times, which training aligns and gives as the engine does."""


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
        "train": top in ("train", "models") or shared or module in SPOKEN,
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
        if any(name.split(".")[0] == module and when == "load" for name, when in imports(path))
    ]
    assert not loads


def name_of(path: Path) -> str:
    """The module that a file is."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def circle(paths: Iterable[Path]) -> list[str]:
    """A circle of imports among files, as modules from one to itself; empty where there is none. What is imported by a
    call counts, for two modules that need each other are one; what only type checkers read does not."""
    needs = {name_of(path): ours(path, typing=False) - {name_of(path)} for path in paths}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def test_no_imports_go_in_a_circle() -> None:
    assert not circle(files(*PACKAGES))


def test_a_circle_is_found_wherever_it_closes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    (tmp_path / "models").mkdir()
    first, second, package = (tmp_path / "models" / name for name in ("first.py", "second.py", "__init__.py"))
    package.write_text("from models.first import go\n")
    first.write_text("from models.second import stay\n")
    for text, wanted in (
        ("def stay():\n    from models.first import go\n", ["models.first", "models.second", "models.first"]),
        ("def stay():\n    from models import go\n", ["models", "models.first", "models.second", "models"]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from models.first import go\n", []),
    ):
        second.write_text(text)
        imports.cache_clear()
        found = circle([package, first, second])
        assert set(found) == set(wanted) and len(found) == len(wanted) and found[:1] == found[-1:]


def test_families_of_models_do_not_know_each_other() -> None:
    """What they share stands beside them, so that turning one changes no other."""
    mixed = [
        f"{name_of(path)} imports {module}"
        for family in FAMILIES
        for path in files(f"models/{family}")
        for module in ours(path)
        if module.startswith("models.") and module.split(".")[1] in FAMILIES.keys() - {family}
    ]
    assert not mixed and all(files(f"models/{family}") for family in FAMILIES)


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
    assert Import("torch.nn", "call") in imports(source)
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
