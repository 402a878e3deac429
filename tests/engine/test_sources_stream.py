"""Streams from a server of this test: played to the end, opened again when they break, refused with the reason."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("av", reason="PyAV is not installed")

from engine.clock import MonotonicClock
from engine.errors import EngineError
from engine.feeds.latest import PoseRing
from engine.feeds.samples import AudioRing, Hop
from engine.sources.media import MediaFile
from engine.sources.stream import StreamSource, is_live
from tests.engine import pretended_rtsp
from tests.engine.feeds.made import feeds
from tests.engine.made_media import RATE, Cut, film
from tests.engine.test_choose import options
from tests.engine.test_sources_file import Shade, tone, wav

HOP = 640
Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    """A web server that answers every request so; its address, with a password in it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(OSError):  # the engine has gone
                answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    thread = threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://anna:topsecret@127.0.0.1:{made.server_address[1]}"
    finally:
        made.shutdown()
        made.server_close()
        thread.join()


def whole(path: Path) -> Answer:
    content = path.read_bytes()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


def played(source: StreamSource, hops: int) -> tuple[list[Hop], list[float | None], list[str]]:
    """Play until the end or so many hops: they, the faces at their ends, and the problems there were."""
    clock = MonotonicClock()
    audio, face = AudioRing(RATE, HOP, 4), PoseRing()
    got: list[Hop] = []
    faces: list[float | None] = []
    problems: list[str] = []
    source.start(feeds(face, audio=audio, start_ns=clock.now_ns()), clock)
    try:
        while len(got) < hops and (audio.wait(len(got), 0.2) or not (audio.ended or source.finished)):
            if source.problem is not None and source.problem not in problems:
                problems.append(source.problem)
            hop = audio.read_hop(len(got))
            if hop is not None:
                seen = face.newest_before(hop.capture_ns)
                faces.append(float(seen.values[0]) if seen is not None and seen.valid else None)
                audio.consumed(len(got))
                got.append(hop)
    finally:
        source.stop()
    return got, faces, problems


def test_a_sound_on_a_web_server_is_played_to_its_end(tmp_path: Path) -> None:
    sound = tone(RATE, 1.0)
    with server(whole(wav(tmp_path / "a.wav", sound, RATE))) as address:
        source = StreamSource(f"{address}/a.wav")
        hops, _, problems = played(source, 100)
    assert len(hops) == 25
    assert all(hop.valid for hop in hops)
    heard = np.concatenate([hop.samples for hop in hops])
    assert abs(np.corrcoef(heard[2_000:-500], sound[2_000:-500])[0, 1]) > 0.99
    assert source.finished
    assert problems == []
    assert np.diff([hop.capture_ns for hop in hops]) == pytest.approx(40_000_000, abs=10)
    assert "topsecret" not in f"{source.describe()} {source.name}"


def test_a_film_on_a_server_that_cannot_seek_is_heard_and_seen(tmp_path: Path) -> None:
    with server(whole(film(tmp_path / "a.ts", [Cut(1.4, 5, 5)]))) as address:
        hops, faces, problems = played(StreamSource(f"{address}/a.ts", lambda: Shade()), 30)
    assert len(hops) == 30
    seen = [face for face in faces[8:28] if face is not None]
    assert len(seen) >= 15
    assert seen == sorted(seen)  # the film grows brighter
    assert not [problem for problem in problems if "ended" not in problem]


def test_a_camera_that_speaks_rtsp_is_heard_and_asked_again_when_it_hangs_up() -> None:
    with pretended_rtsp.camera(1.2) as camera:
        source = StreamSource(camera.address)
        hops, _, problems = played(source, 75)
        assert camera.played >= 3  # the look at it, and two openings
    assert source.describe()["openings"] >= 2 and "topsecret" not in f"{source.describe()} {source.name} {problems}"
    assert any("has ended; it is opened again" in problem for problem in problems)
    heard = [hop.samples for hop in hops if hop.valid and np.abs(hop.samples).max() > 0.1]
    assert len(heard) > 20
    peaks = [int(np.abs(np.fft.rfft(hop, RATE)).argmax()) for hop in heard]
    assert np.median(peaks) == pytest.approx(pretended_rtsp.HERTZ, abs=10)


def test_a_connection_that_drops_is_a_problem_and_opened_again(tmp_path: Path) -> None:
    content = film(tmp_path / "a.ts", [Cut(1, 5, 5)]).read_bytes()
    requests: list[int] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        requests.append(1)
        request.send_response(200)
        request.end_headers()
        request.wfile.write(content[: len(content) * 3 // 4])
        if len(requests) > 1:
            request.connection.shutdown(socket.SHUT_RDWR)

    with server(answer) as address:
        source = StreamSource(f"{address}/live", lambda: Shade())
        hops, faces, problems = played(source, 40)
    assert len(hops) == 40
    assert len(requests) >= 3  # the look at it, and two openings
    assert source.describe()["openings"] >= 2
    assert any("it is opened again" in problem for problem in problems)
    assert not source.finished
    assert "topsecret" not in " ".join(problems)
    assert None not in faces[-5:]


def silent(port_only: bool) -> Any:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    if not port_only:
        listener.listen()
    return listener


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://anna:topsecret@127.0.0.1:{port}/a", "refused"),
        ("rtsp://anna:topsecret@127.0.0.1:{port}/a", "refused"),
        ("foo://anna:topsecret@127.0.0.1:{port}/a", "Protocol not found"),
    ],
)
def test_what_does_not_answer_is_refused_without_the_password(address: str, said: str) -> None:
    with silent(True) as listener, pytest.raises(EngineError, match=said) as error:
        StreamSource(address.format(port=listener.getsockname()[1]))
    assert "topsecret" not in str(error.value)
    assert error.value.__cause__ is None  # the cause names the address


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_server_that_says_nothing_is_given_up(scheme: str) -> None:
    with silent(False) as listener, pytest.raises(EngineError, match="does not open"):
        StreamSource(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/a", wait_s=(0.4, 0.4))


def test_what_is_no_medium_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("this is no film\n" * 200)
    with server(whole(path)) as address, pytest.raises(EngineError, match=r"does not open|nothing in it|no audio"):
        StreamSource(f"{address}/a")


def test_devices_and_addresses_are_live_and_files_are_not(tmp_path: Path) -> None:
    assert is_live("/dev/null") and is_live("/dev/video99") and is_live("udp://@:5000")
    assert not is_live(str(tmp_path / "a.mp4")) and not is_live(str(tmp_path))
    with pytest.raises(EngineError, match=r"/dev/null does not open .*permitted and free"):
        StreamSource("/dev/null")


def test_an_address_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="is an address") as error:
        MediaFile("http://anna:topsecret@127.0.0.1/a.wav")
    assert "topsecret" not in str(error.value)


@pytest.mark.parametrize("option", ["fast", "loop", "follow"])
def test_a_stream_is_neither_fast_nor_looped_nor_followed(option: str) -> None:
    from engine.bundle import Bundle
    from engine.sources.choose import choose

    given = options("file", "rtsp://anna:topsecret@127.0.0.1/a", **{option: True})
    with pytest.raises(EngineError, match=f"--{option}: rtsp://127.0.0.1/a is played as it arrives"):
        choose(given, [Bundle.load("rules")])
