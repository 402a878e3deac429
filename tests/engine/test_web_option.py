"""``engine serve --web``: which address, which door, and when a browser is opened."""

from __future__ import annotations

import threading
import urllib.request
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from engine import cli
from engine.cli_parser import PAGE, parser
from engine.serve import ServeOptions, Serving, page_address, serve


def options(*words: str) -> Any:
    return parser().parse_args(["serve", *words])


def test_the_page_and_the_door_are_one_server() -> None:
    asked = cli._serve_options(options("--web"))
    assert asked.listen == PAGE and asked.web
    asked = cli._serve_options(options("--web", "[::1]:0"))
    assert asked.listen == "[::1]:0" and asked.web
    asked = cli._serve_options(options("--listen", "127.0.0.1:9"))
    assert asked.listen == "127.0.0.1:9" and not asked.web
    assert not cli._serve_options(options()).web


def test_both_at_once_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve", "--web", "127.0.0.1:0", "--listen", "127.0.0.1:0"]) == 2
    assert "give --web alone" in capsys.readouterr().err


def test_beyond_this_machine_it_wants_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        cli.main(["serve", "--web", "0.0.0.0:0", "--pub", "tcp://127.0.0.1:*", "--control", "tcp://127.0.0.1:*"]) == 2
    )
    assert "--tokens" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("ws://127.0.0.1:8080/session", "http://127.0.0.1:8080/"),
        ("ws://[::1]:80/session", "http://[::1]:80/"),
        ("ws://0.0.0.0:81/session", "http://127.0.0.1:81/"),
        ("ws://[::]:82/session", "http://[::1]:82/"),
    ],
)
def test_where_a_browser_finds_it(url: str, page: str) -> None:
    assert page_address(url) == page


def test_a_browser_is_opened_where_there_is_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(cli.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    serving: Any = type("Serving", (), {"url": "ws://127.0.0.1:8080/session"})
    cli._show_page(serving)
    assert not opened
    monkeypatch.setenv("DISPLAY", ":0")
    cli._show_page(serving)
    assert opened == ["http://127.0.0.1:8080/"]


def test_serving_the_page_end_to_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ENGINE_CACHE", str(tmp_path))
    got: list[bytes] = []

    def ready(serving: Serving) -> None:
        def look() -> None:
            try:
                with urllib.request.urlopen(page_address(serving.url), timeout=20) as answer:
                    got.append(answer.read())
            finally:
                serving.stop.set()

        threading.Thread(target=look).start()

    asked = ServeOptions(
        bundles=("rules",),
        pub="tcp://127.0.0.1:*",
        control="tcp://127.0.0.1:*",
        local=False,
        listen="127.0.0.1:0",
        web=True,
        capacity=1,
    )
    serve(asked, [], ready)
    assert got and b"<title>" in got[0]
