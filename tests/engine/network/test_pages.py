"""The page's files over HTTP: their headers, nothing beside them, and whose page may open sessions."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import page_assets
from engine.access import Access
from engine.network.pages import TYPES
from tests.engine.network.stage import Hall


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    monkeypatch.setenv("ENGINE_CACHE", str(tmp_path))
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    with Hall(web_page=True) as made:
        yield made


def where(hall: Hall) -> str:
    return hall.server.url.removeprefix("ws://").removesuffix("/session")


def get(hall: Hall, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> http.client.HTTPResponse:
    """An answer, read to its end; ``path`` goes out as it is."""
    connection = http.client.HTTPConnection(where(hall), timeout=10)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    answer.body = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


def test_the_page_comes_with_a_policy_that_keeps_what_it_sees_here(hall: Hall) -> None:
    answer = get(hall, "/")
    assert answer.status == 200 and b"<canvas" in answer.body  # type: ignore[attr-defined]
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert f"connect-src 'self' blob: data: ws://{where(hall)} wss://{where(hall)}" in policy
    assert not any("*" in part or "unsafe-inline" in part or "'unsafe-eval'" in part for part in policy)
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Permissions-Policy"].startswith("camera=(self), microphone=(self)")


def test_a_host_that_is_none_does_not_reach_the_policy(hall: Hall) -> None:
    answer = get(hall, "/", {"Host": "a b; script-src *"})
    assert answer.status == 400 or "script-src *" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "name", ["index.html", "app.js", "worklet.js", "tracker.js", "style.css", "face.bin", "icon.svg"]
)
def test_each_file_has_its_type_packed_or_not(hall: Hall, name: str) -> None:
    plain, packed = get(hall, f"/{name}"), get(hall, f"/{name}", {"Accept-Encoding": "gzip"})
    for answer in (plain, packed):
        assert answer.status == 200
        assert answer.headers["Content-Type"] == TYPES[name.rpartition(".")[2]]
    assert "Content-Encoding" not in plain.headers and packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(plain.body)  # type: ignore[attr-defined]


def test_the_packed_face_is_one(hall: Hall) -> None:
    assert get(hall, "/face.bin").body[:8] == b"FACEPAK1"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "path",
    [
        "/../engine/errors.py",
        "/..%2f..%2ferrors.py",
        "/%2e%2e/%2e%2e/errors.py",
        "//etc/passwd",
        "/assets/../app.js",
        "/assets/..%2fface_landmarker.task",
        "/assets/",
        "/data/",
        "/index.html/",
        "/face.bin.gz",
        "/build.json.gz",
        "/nothing.js",
    ],
)
def test_nothing_beside_the_named_files_is_there(hall: Hall, path: str) -> None:
    assert get(hall, path).status == 404


def test_only_get(hall: Hall) -> None:
    assert get(hall, "/", method="POST").status == 405


def test_without_the_page_there_is_none() -> None:
    with Hall() as hall:
        assert get(hall, "/").status == 404
        assert get(hall, "/about.json").status == 404


def test_what_the_page_is_told(hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(get(hall, "/about.json").body)  # type: ignore[attr-defined]
    assert told["bundles"][0]["name"] == "echo" and "audio/partner" in told["bundles"][0]["takes"]
    assert told["assets"] == [] and told["token"] is False
    assert told["pictures"] is False
    wasm = b"\0asm and more"
    monkeypatch.setattr(page_assets, "PROGRAM", {"vision_wasm_internal.wasm": (page_assets.digest(wasm), len(wasm))})
    (tmp_path / "vision_wasm_internal.wasm").write_bytes(wasm)
    assert json.loads(get(hall, "/about.json").body)["assets"] == ["vision_wasm_internal.wasm"]  # type: ignore[attr-defined]
    answer = get(hall, "/assets/vision_wasm_internal.wasm")
    assert answer.body == wasm and answer.headers["Content-Type"] == "application/wasm"  # type: ignore[attr-defined]
    (tmp_path / "vision_wasm_internal.wasm").write_bytes(b"x" * len(wasm))
    assert get(hall, "/assets/vision_wasm_internal.wasm").status == 404


def test_the_partner_is_a_voice_and_a_face(hall: Hall) -> None:
    assert get(hall, "/partner.flac").body[:4] == b"fLaC"  # type: ignore[attr-defined]
    told = json.loads(get(hall, "/partner.json").body)  # type: ignore[attr-defined]
    assert told["rate"] == 25 and len(told["names"]) == len(told["face"][0]) == 58


def status(hall: Hall, host: str, origin: str) -> int:
    headers = {"Host": host, "Origin": origin, "Upgrade": "websocket", "Connection": "Upgrade"}
    headers |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    connection = http.client.HTTPConnection(where(hall), timeout=10)
    connection.request("GET", "/session", headers=headers)
    found = connection.getresponse().status
    connection.close()
    return found


@pytest.mark.parametrize(
    ("host", "origin", "wanted"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080", 101),
        ("localhost:8080", "http://localhost:8080", 101),
        ("[::1]:8080", "http://[::1]:8080", 101),
        ("192.168.1.7:8080", "http://192.168.1.7:8080", 101),
        ("127.0.0.1:8080", "http://127.0.0.1:9999", 403),
        ("127.0.0.1:8080", "http://localhost:8080", 403),
        ("127.0.0.1:8080", "https://evil.example", 403),
        ("127.0.0.1:8080", "null", 403),
        # A name that leads here is not enough: its owner may have made it so.
        ("evil.example:8080", "http://evil.example:8080", 403),
        ("localhost.evil.example", "http://localhost.evil.example", 403),
        ("127.0.0.1.evil.example", "http://127.0.0.1.evil.example", 403),
    ],
)
def test_the_page_itself_may_open_sessions(hall: Hall, host: str, origin: str, wanted: int) -> None:
    assert status(hall, host, origin) == wanted


def test_with_tokens_a_name_will_do() -> None:
    access = Access(tokens={"0123456789abcdef": frozenset({"session"})})
    with Hall(web_page=True, access=access) as hall:
        assert status(hall, "box.lan:8080", "http://box.lan:8080") == 101
        assert status(hall, "box.lan:8080", "http://other.lan:8080") == 403
        assert json.loads(get(hall, "/about.json").body)["token"] is True  # type: ignore[attr-defined]


def test_without_the_page_no_page_may() -> None:
    with Hall() as hall:
        assert status(hall, "127.0.0.1:8080", "http://127.0.0.1:8080") == 403
