"""The page's face tracker: found where it is right, fetched by hash, and nothing wrong is ever kept."""

from __future__ import annotations

import io
import subprocess
import tarfile
import urllib.error
from pathlib import Path
from typing import Any

import pytest

from engine import page_assets
from engine.errors import EngineError

SCRIPT, PROGRAM = b"script " * 9, b"\0asm " * 40
FILES = {"vision_wasm_internal.js": SCRIPT, "vision_wasm_internal.wasm": PROGRAM}


def package(files: dict[str, bytes]) -> bytes:
    """An npm package that holds them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            about = tarfile.TarInfo(f"package/wasm/{name}")
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, small pinned files, and no way out."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ENGINE_CACHE", str(folder))
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    pinned = {name: (page_assets.digest(content), len(content)) for name, content in FILES.items()}
    monkeypatch.setattr(page_assets, "PROGRAM", pinned)
    monkeypatch.setattr(page_assets.shutil, "which", lambda _: None)

    def no_address(*_: Any, **__: Any) -> Any:
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(page_assets.urllib.request, "urlopen", no_address)
    return folder


def with_npm(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]) -> list[list[str]]:
    commands: list[list[str]] = []

    def npm(command: list[str], **_: Any) -> Any:
        commands.append(command)
        (Path(command[command.index("--pack-destination") + 1]) / "tasks.tgz").write_bytes(package(files))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(page_assets.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(page_assets.subprocess, "run", npm)
    return commands


def test_a_package_or_a_folder_by_hand(tmp_path: Path, cache: Path) -> None:
    given = tmp_path / "tasks.tgz"
    given.write_bytes(package(FILES))
    assert [path.read_bytes() for path in page_assets.fetch(given)] == [SCRIPT, PROGRAM]
    assert set(page_assets.page_assets()) == set(FILES)
    folder = tmp_path / "own"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    assert page_assets.fetch(folder) == [cache / name for name in FILES]


def test_npm_is_asked_for_the_one_version(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    commands = with_npm(monkeypatch, FILES)
    assert [path.name for path in page_assets.fetch()] == list(FILES)
    assert commands[0][1:3] == ["pack", page_assets.PACKAGE]
    page_assets.fetch()
    assert len(commands) == 1  # what is there is not fetched again


def test_without_npm_the_delivery_network_serves(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    asked = []

    def address(url: str, timeout: float) -> io.BytesIO:
        asked.append(url)
        return io.BytesIO(FILES[url.rpartition("/")[2]])

    monkeypatch.setattr(page_assets.urllib.request, "urlopen", address)
    page_assets.fetch()
    assert asked == [page_assets.DELIVERY + name for name in FILES]
    assert sorted(path.name for path in cache.iterdir()) == sorted(FILES)


def test_what_does_not_match_is_refused_and_not_kept(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    with_npm(monkeypatch, FILES | {"vision_wasm_internal.wasm": PROGRAM[:-1] + b"!"})
    with pytest.raises(EngineError) as caught:
        page_assets.fetch()
    told = str(caught.value)
    assert "vision_wasm_internal.wasm" in told and "no route" in told and "engine assets --web PATH" in told
    assert not cache.exists() or not list(cache.iterdir())


def test_what_was_changed_in_the_cache_is_not_served(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    with_npm(monkeypatch, FILES)
    page_assets.fetch()
    (cache / "vision_wasm_internal.js").write_bytes(SCRIPT[:-1] + b"!")
    assert set(page_assets.page_assets()) == {"vision_wasm_internal.wasm"}
    page_assets.fetch()
    assert set(page_assets.page_assets()) == set(FILES)


@pytest.mark.parametrize("content", [b"", b"no package", package({"other.js": b"x"})])
def test_a_file_that_is_no_such_package(tmp_path: Path, content: bytes) -> None:
    given = tmp_path / "given.tgz"
    given.write_bytes(content)
    with pytest.raises(EngineError, match=r"no npm package|not the"):
        page_assets.fetch(given)
    with pytest.raises(EngineError, match="nowhere"):
        page_assets.fetch(tmp_path / "nowhere.tgz")
