"""``/say`` and ``/hear`` of the page: who may ask, what is refused, and with a voice installed what comes back."""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import signal
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from engine.access import Access
from engine.network import say
from engine.sound.resample import StreamingResampler
from tests.engine.network.stage import Hall
from tests.engine.network.test_pages import where

LINE = {"text": "Hello there, the weather is wonderful today."}


@pytest.fixture
def hall() -> Iterator[Hall]:
    with Hall(web_page=True) as made:
        yield made


def post(hall: Hall, path: str, body: bytes | dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(where(hall), timeout=60)
    connection.request("POST", path, json.dumps(body).encode() if isinstance(body, dict) else body, headers)
    answer = connection.getresponse()
    told = answer.read()
    connection.close()
    return answer.status, json.loads(told) if told.startswith(b"{") else {"text": told.decode()}


def worker(hall: Hall) -> int:
    """The number of the process that speaks."""
    made = hall.server._saying._worker
    assert made is not None
    return made.pid


def sound(told: dict[str, Any]) -> np.ndarray:
    """What was said, at 16 kHz, as bytes of int16."""
    with wave.open(io.BytesIO(base64.b64decode(told["sound"]))) as file:
        assert file.getnchannels() == 1 and file.getsampwidth() == 2
        raw = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
        change = StreamingResampler(file.getframerate(), 16_000)
    return np.concatenate([change.push(raw), change.flush()])


def test_a_line_is_said_with_its_words_and_heard_again(hall: Hall) -> None:
    pytest.importorskip("hibari", reason="no voice is installed: pip install -e '.[voice]'")
    pytest.importorskip("pocketsphinx", reason="PocketSphinx is not installed: pip install -e '.[words]'")
    status, told = post(hall, "/say", LINE)
    assert status == 200 and [word for word, _, _ in told["words"]] == LINE["text"].split()
    pcm = sound(told)
    assert told["words"][-1][2] <= len(pcm) / 16_000 and np.abs(pcm).max() > 0.05
    status, heard = post(hall, "/hear", np.round(32767 * np.clip(pcm, -1, 1)).astype("<i2").tobytes())
    assert status == 200
    said = {word.strip(".,").lower(): start for word, start, _ in told["words"]}
    again = {word: start for word, start, _ in heard["words"]}
    both = said.keys() & again.keys()
    assert len(both) >= 4 and all(abs(said[word] - again[word]) < 0.15 for word in both)


def test_a_process_that_died_is_replaced(hall: Hall) -> None:
    pytest.importorskip("hibari", reason="no voice is installed: pip install -e '.[voice]'")
    assert post(hall, "/say", LINE)[0] == 200
    first = worker(hall)
    assert post(hall, "/say", LINE)[0] == 200 and worker(hall) == first
    os.kill(first, signal.SIGKILL)
    answers = [post(hall, "/say", LINE)[0] for _ in range(2)]
    assert answers[1] == 200 and worker(hall) != first


def test_one_that_takes_too_long_is_ended_and_the_next_is_served(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hibari", reason="no voice is installed: pip install -e '.[voice]'")
    with monkeypatch.context() as patch:
        patch.setattr(say, "ANSWER_S", 0.01)
        status, told = post(hall, "/say", LINE)
        assert status == 422 and "no answer in 0.01 s" in told["error"]
    assert post(hall, "/say", LINE)[0] == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"text": 5}', b'{"text": "hi", "voice": []}', b"[" * 2000, b"{}"],
)
def test_what_is_no_line_is_refused(hall: Hall, body: bytes) -> None:
    status, told = post(hall, "/say", body)
    assert status == 422 and told["error"].startswith("/say: give")


def test_what_cannot_be_said_or_heard_is_refused(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "601 characters" in post(hall, "/say", {"text": "x" * 601})[1]["error"]
    assert "3 bytes are no int16 samples" in post(hall, "/hear", b"abc")[1]["error"]
    assert "0 bytes" in post(hall, "/hear", b"")[1]["error"]
    monkeypatch.setattr(say, "LONGEST_SOUND", 1000)
    assert "more than 1000 bytes" in post(hall, "/hear", b"x" * 1002)[1]["error"]
    monkeypatch.setattr(say, "voices", list)
    status, told = post(hall, "/say", LINE)
    assert status == 422 and "pip install 'reaction-engine[voice]'" in told["error"]


def test_what_the_process_refuses_is_told(hall: Hall) -> None:
    pytest.importorskip("hibari", reason="no voice is installed: pip install -e '.[voice]'")
    assert "without a word" in post(hall, "/say", {"text": "..."})[1]["error"]
    assert "there is heart, joe" in post(hall, "/say", {**LINE, "voice": "nobody"})[1]["error"]
    assert post(hall, "/say", LINE)[0] == 200  # and it still speaks


def test_too_many_at_once_are_sent_away(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hibari", reason="no voice is installed: pip install -e '.[voice]'")
    monkeypatch.setattr(say, "MOST_WAITING", 2)
    with ThreadPoolExecutor(6) as many:
        statuses = sorted(many.map(lambda _: post(hall, "/say", LINE)[0], range(6)))
    assert set(statuses) == {200, 503} and statuses.count(200) >= 2
    assert post(hall, "/say", LINE)[0] == 200


def test_pages_of_others_and_those_without_a_token_may_not_ask() -> None:
    token = "0123456789abcdef"
    access = Access(tokens={token: frozenset({"session"}), token[::-1]: frozenset({"describe"})})
    with Hall(web_page=True, access=access) as hall:
        for path in ("/say", "/hear"):
            assert post(hall, path, b"")[0] == 401
            assert post(hall, path, b"", Authorization=f"Bearer {token[::-1]}")[0] == 401
            assert post(hall, path, b"", Authorization=f"Bearer {token}")[0] == 422
            assert post(hall, path, b"", Authorization=f"Bearer {token}", Origin="https://evil.example")[0] == 403
        assert hall.server.traffic.turned_away["token"] == 4 and hall.server.traffic.turned_away["origin"] == 2


def test_without_the_page_there_is_neither() -> None:
    with Hall() as hall:
        assert post(hall, "/say", LINE)[0] == 405


def test_the_page_is_told_what_it_may_ask_for(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = http.client.HTTPConnection(where(hall), timeout=10)
    connection.request("GET", "/about.json")
    told = json.loads(connection.getresponse().read())
    connection.close()
    assert told["voices"] == say.voices() and isinstance(told["hears"], bool)
    assert told["bundles"][0]["words"] is True


def test_its_process_ends_with_the_server() -> None:
    pytest.importorskip("hibari", reason="no voice is installed: pip install -e '.[voice]'")
    with Hall(web_page=True) as hall:
        post(hall, "/say", LINE)
        made = worker(hall)
    with pytest.raises(ProcessLookupError):
        os.kill(made, 0)
