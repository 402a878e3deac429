"""Which camera is meant, and OpenCV's own reading of an address: a camera in the network, played by a small server."""

from __future__ import annotations

import base64
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from engine.clock import MonotonicClock
from engine.errors import EngineError
from engine.feeds.latest import PoseRing
from engine.sources import capture
from engine.sources.camera import CameraSource
from engine.sources.capture import camera_device, camera_name, cameras, opencv
from tests.engine.feeds.made import feeds
from tests.engine.said import said

SECRET = "anna:topsecret"


class Seen:
    """A tracker that remembers the blue of what it saw; there is always a face."""

    def __init__(self) -> None:
        self.blue: list[int] = []
        self.done = threading.Event()

    def track(self, rgb: np.ndarray, time_ns: int) -> np.ndarray | None:
        self.blue.append(int(rgb[..., 2].mean()))
        if len(self.blue) == 5:
            self.done.set()
        return np.zeros(58, np.float32)

    def close(self) -> None:
        pass


class Server(ThreadingHTTPServer):
    """A camera in the network: pictures of growing blue in one endless answer (MJPEG), 50 a second."""

    daemon_threads = True

    def __init__(self) -> None:
        cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
        self.closing, self.film = threading.Event(), b""
        half = np.zeros((48, 64, 3), np.uint8)
        half[:, 32:] = 150
        self.pictures = []
        for blue in range(0, 250, 2):
            half[..., 0] = blue
            self.pictures.append(cv2.imencode(".jpg", half)[1].tobytes())
        self.asked, self.last = 0, self.pictures[-1]
        super().__init__(("127.0.0.1", 0), _Answer)

    def address(self, path: str, secret: str = "") -> str:
        return f"http://{secret and secret + '@'}127.0.0.1:{self.server_port}/{path}"


class _Answer(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        told = self.headers.get("Authorization", "")
        if self.path == "/mute":
            self.server.closing.wait()
            return
        if self.path == "/locked" and base64.b64decode(told.removeprefix("Basic ")).decode() != SECRET:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.path == "/film.avi":
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.server.film)))
            self.end_headers()
            self.wfile.write(self.server.film)
            return
        self.server.asked += 1
        if self.path not in ("/video", "/locked", "/stops", "/bad"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        for number, picture in enumerate(self.server.pictures * 20, 1):
            if self.path == "/bad" and number % 4 == 0:
                picture = b"no picture at all" * 20
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + picture + b"\r\n")
            except OSError:
                return
            if self.server.closing.wait(60 if picture == self.server.last and self.path == "/stops" else 0.02):
                return


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.closing.set()
    made.shutdown()
    thread.join()
    made.server_close()


@contextmanager
def watched(address: str) -> Iterator[tuple[CameraSource, Seen, PoseRing]]:
    """A camera that has shown five pictures."""
    tracker, faces = Seen(), PoseRing()
    camera = CameraSource(address, tracker, rate=25)
    camera.start(feeds(faces), MonotonicClock())
    try:
        assert tracker.done.wait(60)
        yield camera, tracker, faces
    finally:
        camera.stop()


# --- what a camera is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "meant"), [(0, 0), ("2", 2), (" 7 ", 7), ("/dev/null", "/dev/null"), ("rtsp://a/1", "rtsp://a/1")]
)
def test_a_number_a_device_path_or_an_address(given: int | str, meant: int | str) -> None:
    assert camera_device(given) == meant


@pytest.mark.parametrize("given", [-1, "-1", "-7", 100, "700", "9" * 5000, -(10**30)])
def test_a_number_that_no_camera_has_is_refused_before_opencv_breaks_down(given: int | str) -> None:
    with pytest.raises(EngineError, match="cameras have numbers from 0 to 99; see `engine devices`") as error:
        CameraSource(given, Seen())
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("given", ["/dev/video77", "./nothing", "C:\\nothing"])
def test_a_path_where_nothing_is_is_refused(given: str) -> None:
    with pytest.raises(EngineError, match="there is no such device; give a number or"):
        CameraSource(given, Seen())


@pytest.mark.parametrize("given", ["front", "", "1.5", "+", "nan"])
def test_a_word_is_refused_with_what_may_be_given(given: str) -> None:
    with pytest.raises(
        EngineError, match=r"give a number or a part of a name .*a device path .*an address .*the screen"
    ):
        CameraSource(given, Seen())


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[int, str, int], None]:
    """Plugs in a camera of Linux: its number, its name, and which of its devices it is."""
    monkeypatch.setattr(capture, "NAMES", tmp_path)

    def plug(number: int, name: str, index: int = 0) -> None:
        (tmp_path / f"video{number}").mkdir()
        (tmp_path / f"video{number}" / "name").write_text(f"{name}\n", "utf-8")
        (tmp_path / f"video{number}" / "index").write_text(f"{index}\n", "utf-8")

    return plug


def test_a_part_of_a_name_is_a_camera(
    named: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    named(0, "Integrated Camera: Front")
    named(1, "Integrated Camera: Front", 1)  # its metadata, no pictures
    named(10, "USB Capture")
    assert camera_device("usb cap") == "usb cap" and camera_device("INTEGRATED") == "INTEGRATED"
    with pytest.raises(EngineError, match="there is 0 Integrated Camera: Front, 10 USB Capture; give a number or"):
        camera_device("rear")
    opened: list[object] = []

    class Capture:
        def __init__(self, *given: object) -> None:
            opened.append(given)

        def set(self, *_: object) -> None:
            pass

    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    open_it = opencv("usb cap")
    open_it()
    shutil.rmtree(tmp_path / "video10")
    open_it()
    named(2, "USB Capture")
    open_it()
    assert opened == [(10,), (), (2,)], "plugged in again it may have another number"


def test_a_film_is_no_camera(tmp_path: Path) -> None:
    film = tmp_path / "a.mp4"
    film.touch()
    with pytest.raises(EngineError, match=r"this is a file, not a camera; play it with --source file .*a.mp4"):
        CameraSource(str(film), Seen())
    with pytest.raises(EngineError, match="there is no such device"):
        CameraSource(str(tmp_path), Seen())


def test_a_device_that_is_no_camera_does_not_open() -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed")
    with pytest.raises(EngineError, match="camera /dev/null does not open; is it plugged in"):
        CameraSource("/dev/null", Seen())


def test_cameras_are_listed_where_there_are_any() -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed")
    assert all("x" in line for line in cameras())


# --- addresses -------------------------------------------------------------------------------------------------------


def test_a_camera_in_the_network_is_watched(server: Server) -> None:
    with watched(server.address("video")) as (camera, tracker, faces):
        told = camera.describe()
        assert told["size"] == (64, 48)
        assert told["tracked_per_s_at_most"] == 25
        assert camera.problem is None
        assert faces.newest_before(time.monotonic_ns()) is not None
    assert tracker.blue[0] < tracker.blue[4]


def test_bad_pictures_of_a_camera_in_the_network_are_passed_over(server: Server) -> None:
    with watched(server.address("bad")) as (camera, tracker, _):
        assert camera.describe()["bad_pictures"] >= 1
        assert camera.problem is None
    assert server.asked == 1
    assert sorted(tracker.blue[:5]) == tracker.blue[:5]


def test_the_password_of_a_camera_is_used_and_never_shown(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    address = server.address("locked", SECRET)
    with said() as told, watched(address) as (camera, _, _):
        shown = [camera.name, str(camera.describe()), camera_name(address), str(camera.problem)]
    with pytest.raises(EngineError) as error:
        CameraSource(server.address("nothing", SECRET), Seen())
    err = capfd.readouterr().err
    assert err == ""  # neither OpenCV nor FFmpeg says anything beside the engine
    assert "topsecret" not in "".join([*shown, *told, str(error.value)])
    assert f"127.0.0.1:{server.server_port}" in camera.name
    assert f"127.0.0.1:{server.server_port}" in str(error.value)
    assert "is the address right, and does the camera answer there?" in str(error.value)


@pytest.mark.parametrize("path", ["nothing", "locked"])
def test_an_address_that_gives_no_pictures_is_refused(server: Server, path: str) -> None:
    with pytest.raises(EngineError, match="does not open; is the address right"):
        CameraSource(server.address(path), Seen())


def test_a_film_in_the_network_is_no_camera_either(server: Server, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    writer = cv2.VideoWriter(str(tmp_path / "film.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    for _ in range(5):
        writer.write(np.full((48, 64, 3), (50, 0, 0), np.uint8))
    writer.release()
    server.film = (tmp_path / "film.avi").read_bytes()
    with pytest.raises(EngineError, match=r"this is a film, not a camera; play it with --source file http://127.*avi$"):
        CameraSource(server.address("film.avi", SECRET), Seen())


def test_a_camera_that_never_answers_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "ANSWER_MS", 300)
    with pytest.raises(EngineError, match="does not open"):  # without a limit this would hang as long as the server
        CameraSource(server.address("mute"), Seen())


def test_a_camera_in_the_network_that_goes_and_comes_back_is_found_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.sources.camera.BAD_RUN_S", 0.05)
    monkeypatch.setattr("engine.sources.retry.FIRST_S", 0.05)
    server.pictures = server.pictures[:3]  # sent twenty times, then the answer ends
    with watched(server.address("video")) as (_, tracker, _):
        for _ in range(600):
            if len(tracker.blue) > 80:
                break
            threading.Event().wait(0.05)
        assert len(tracker.blue) > 80


def test_a_camera_in_the_network_that_stops_amid_its_pictures_is_asked_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "ANSWER_MS", 300)
    monkeypatch.setattr("engine.sources.camera.BAD_RUN_S", 0.05)
    monkeypatch.setattr("engine.sources.retry.FIRST_S", 0.05)
    server.pictures = server.pictures[:12]
    server.last = server.pictures[-1]
    with watched(server.address("stops")):
        for _ in range(200):  # without a limit the first answer would be waited for as long as the server is there
            if server.asked > 1:
                break
            threading.Event().wait(0.05)
    assert server.asked > 1
