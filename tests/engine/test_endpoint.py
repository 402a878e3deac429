"""A language model behind an address: asked as OpenAI's clients ask, bounded, and the key goes nowhere else."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler

import pytest

from engine.endpoint import LONGEST_ANSWER, Endpoint
from engine.errors import EngineError
from tests.engine.language import content, raw, serving

ASK = [{"role": "user", "content": "wave"}]
KEY = "sk-secret-0123456789"


def test_it_is_asked_as_a_chat_is_completed() -> None:
    with serving(content("hello")) as model:
        assert Endpoint(model.address, "small", KEY).answer(ASK) == "hello"
        assert Endpoint(model.address + "/chat/completions/?v=1", "small").answer(ASK) == "hello"
    (path, head, body), (second, without, _) = model.requests
    assert (path, head["Authorization"]) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert body == {"model": "small", "messages": ASK, "stream": False}
    assert second == "/v1/chat/completions?v=1" and "Authorization" not in without


def test_an_answer_in_parts_is_put_together() -> None:
    with serving(content([{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}])) as model:
        assert Endpoint(model.address, "small").answer(ASK) == "hello"


def test_a_redirect_is_not_followed() -> None:
    with serving(content("stolen")) as thief:
        for status in (301, 302, 307, 308):
            with serving(raw(b"", status, Location=f"{thief.address}/chat/completions")) as model:
                host = thief.address.removeprefix("http://").removesuffix("/v1")
                with pytest.raises(EngineError, match=f"sends on to {host}, which is not followed"):
                    Endpoint(model.address, "small", KEY).answer(ASK)
        assert thief.requests == []


def test_no_proxy_sees_a_key_that_is_not_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(content("proxied")) as proxy, serving(content("hello")) as model:
        monkeypatch.setenv("http_proxy", proxy.address.removesuffix("/v1"))
        monkeypatch.setenv("no_proxy", "")
        assert Endpoint(model.address, "small", KEY).answer(ASK) == "hello"
    assert proxy.requests == []


def slowly(to: BaseHTTPRequestHandler) -> None:
    """A byte now and then, without end."""
    to.send_response(200)
    to.end_headers()
    silence = threading.Event()
    try:
        while not silence.wait(0.02):
            to.wfile.write(b" ")
    except OSError:
        pass


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (raw(b'{"error": {"message": "no such model"}}', 404), "refuses: 404 no such model; check model, key"),
        (raw(f'{{"error": "bad key {KEY}"}}'.encode(), 401), r"refuses: 401 bad key \*\*\*;"),
        (raw(b"<html>\x1b[2J", 500), r"refuses: 500 <html>\?\[2J"),
        (raw(b"[1]", 500), "refuses: 500"),
        (raw(b"hello"), "does not answer as OpenAI's chat completions do"),
        (raw(b"[" * 100_000), "does not answer as"),
        (raw(b"{}"), "does not answer as"),
        (raw(b'{"choices": []}'), "does not answer as"),
        (content(None), "does not answer as"),
        (content([3]), "does not answer as"),
        (content([{"text": 3}]), "does not answer as"),
        (raw(b" " * (LONGEST_ANSWER + 1)), f"answers with more than {LONGEST_ANSWER} bytes"),
        (raw(b"", 200, **{"Content-Length": "100"}), "broke off|does not answer as"),
        (slowly, "does not answer within 0.3 s; give it more by --timeout"),
    ],
)
def test_what_is_no_answer_is_said_in_words(reply: object, reason: str) -> None:
    with serving(reply) as model, pytest.raises(EngineError, match=reason) as caught:  # type: ignore[arg-type]
        Endpoint(model.address, "small", KEY, timeout_s=0.3).answer(ASK)
    assert KEY not in str(caught.value) and str(caught.value).isprintable()


def test_one_that_is_not_there_or_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with pytest.raises(EngineError, match=r"does not answer within 0\.2 s"):
            Endpoint(address, "small", timeout_s=0.2).answer(ASK)
    with pytest.raises(EngineError, match=r"cannot be reached \(Connection refused\); is it running"):
        Endpoint(address, "small").answer(ASK)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "is no endpoint"),
        ("127.0.0.1:8000/v1", "is no endpoint"),
        ("file:///etc/passwd", "is no endpoint"),
        ("http://", "is no endpoint"),
        ("http://[::1", "is no endpoint"),
        ("http://localhost:99999/v1", "is no endpoint"),
        ("http://local host/v1", "is no endpoint"),
        ("http://localhost/\r\nX: y", "is no endpoint"),
        ("https://me:secret@example.org/v1", "holds no user and password"),
        (
            "http://example.org/v1",
            "example.org would be asked without encryption; give an https address, or --insecure",
        ),
        ("http://127.0.0.1.example.org/v1", "without encryption"),
        ("http://192.168.0.7/v1", "without encryption"),
    ],
)
def test_an_address_that_is_not_asked(address: str, reason: str) -> None:
    with pytest.raises(EngineError, match=reason) as caught:
        Endpoint(address, "small")
    assert "secret" not in str(caught.value)


def test_addresses_that_may_be_asked() -> None:
    for address in ("https://example.org/v1", "http://localhost:8000", "http://[::1]:8000/v1", "http://127.0.0.9/v1"):
        assert KEY not in repr(Endpoint(address, "small", KEY))
    Endpoint("http://example.org/v1", "small", insecure=True)
    with pytest.raises(EngineError, match="holds signs that no key has"):
        Endpoint("https://example.org/v1", "small", "a key\n")
