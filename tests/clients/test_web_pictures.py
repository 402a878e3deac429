"""The page's switch that sends pictures: what it says is true, the engine finds the face, and off means that nothing
leaves. In a real Chromium; with a film of a real person where there is one."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engine.access import Access
from engine.assets import face_landmarker
from engine.bundle import Bundle
from engine.clock import MonotonicClock
from engine.errors import EngineError
from engine.network.server import Server
from engine.session.host import Host
from engine.sources.base import FaceTracker
from engine.sources.media import MediaFile, upright
from engine.sources.pictures import Trackers
from engine.tracker import MediaPipeTracker
from tests.browsers import launched
from tests.clients.test_web import FLAGS, text, until
from tests.clients.test_web_devices import BENCH, SIZE
from tests.engine.network.pictured import Reds, encoded

SWITCH = "Send pictures to the engine instead"


class Rig:
    """An engine with the page; ``make`` makes its trackers, and without one it takes no pictures."""

    def __init__(self, make: type[FaceTracker] | None) -> None:
        self.host = Host([Bundle.load("rules")], MonotonicClock(), capacity=2)
        trackers = None if make is None else Trackers(1, make)
        self.server = Server(self.host, "127.0.0.1:0", Access(), web_page=True, trackers=trackers)
        self.address = self.server.url.replace("ws://", "http://").removesuffix("session")

    def __enter__(self) -> Rig:
        self.host.start()
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()
        self.host.stop()

    def face(self) -> Any:
        """The newest that a session was told of; None before the first."""
        return self.host.sessions()[0].feeds.latest["face", "partner"].newest_before(2**62)

    def open(self, browser: Any, bench: bool = True) -> Any:
        page = browser.new_page(viewport=SIZE)
        if bench:
            page.add_init_script(BENCH)
        page.goto(self.address)
        page.wait_for_selector("body[data-state=live]", timeout=60_000)
        return page

    def pictures(self) -> int:
        """That have come, whatever became of them."""
        counts = self.server.traffic.counts
        return sum(counts[name] for name in ("pictures", "pictures_skipped", "pictures_bad", "pictures_unseen"))


def why_no_film() -> str:
    """Why no real face can be shown here; "" where one can."""
    if not os.environ.get("ENGINE_DATA"):
        return "ENGINE_DATA does not name the folder of recordings"
    if importlib.util.find_spec("mediapipe") is None:
        return "MediaPipe is not installed"
    try:
        face_landmarker()
    except EngineError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Chromium whose own camera shows a film of a person, where there is one: JPEGs one after the other."""
    flags = []
    if not why_no_film():
        path = Path(os.environ["ENGINE_DATA"]) / "face_grid_av" / "video" / "s1_bbaf4p.mpg"
        rows = [cv2.resize(upright(frame), (640, 480))[:, :, ::-1] for _, frame in MediaFile(path).pictures()]
        film = tmp_path_factory.mktemp("film") / "film.mjpeg"
        film.write_bytes(b"".join(encoded(np.ascontiguousarray(row), 90) for row in rows + rows[::-1]))
        flags = [f"--use-file-for-fake-video-capture={film}"]
    with launched(*FLAGS, *flags) as made:
        yield made


@pytest.fixture(autouse=True)
def no_assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page has no face tracker of its own."""
    monkeypatch.setenv("ENGINE_CACHE", str(tmp_path))
    if not os.environ.get("ENGINE_DATA"):
        monkeypatch.delenv("ENGINE_DATA", raising=False)


def test_off_at_first_then_pictures_go_then_none(browser: Any) -> None:
    with Rig(Reds) as rig:
        page = rig.open(browser)
        switch = page.get_by_role("switch", name=SWITCH)
        assert switch.is_visible() and not switch.is_checked()
        assert "stays in this page" in page.inner_text("#welcome-text")
        page.get_by_role("button", name="Allow camera and microphone").click()
        until(page, text("model-text", "hears you"))
        until(page, text("seen", "not looked for"))
        assert "send pictures to the engine" in page.inner_text("#notices")
        assert rig.pictures() == 0
        switch.focus()
        page.keyboard.press("Space")
        until(page, text("seen", "found by the engine"))
        assert page.inner_text("#self-text") == "pictures go to the engine"
        assert "its pictures go to the engine" in page.get_attribute("#mirror", "aria-label")
        face = rig.face()
        assert face.valid and face.values[0] == pytest.approx(0.7, abs=0.2)  # as red as the picture is
        assert abs(rig.host.clock.now_ns() - face.capture_ns) < 5e9
        page.get_by_role("button", name="Camera off").click()
        until(page, text("seen", "camera off"))
        page.wait_for_timeout(300)
        assert not rig.face().valid
        page.get_by_role("button", name="Camera off").click()
        until(page, text("seen", "found by the engine"))
        page.keyboard.press("Tab")
        switch.focus()
        page.keyboard.press("Space")
        until(page, text("seen", "not looked for"))
        assert page.inner_text("#self-text") == "stays on this machine"
        page.wait_for_timeout(300)
        before = rig.pictures()
        page.wait_for_timeout(1000)
        assert rig.pictures() == before > 0 and not rig.face().valid
        assert rig.server.traffic.counts["pictures_bad"] == 0
        page.close()


def test_a_page_that_finds_faces_itself_sends_none_while_it_is_off(browser: Any) -> None:
    with Rig(Reds) as rig:
        page = browser.new_page(viewport=SIZE)
        page.add_init_script(BENCH)
        assets = ["face_landmarker.task", "vision_wasm_internal.js", "vision_wasm_internal.wasm"]
        page.route("**/about.json", lambda route: route.fulfill(json={**route.fetch().json(), "assets": assets}))
        page.goto(rig.address)
        page.wait_for_selector("body[data-state=live]", timeout=60_000)
        page.get_by_role("button", name="Allow camera and microphone").click()
        until(
            page, "document.querySelector('#notices').textContent.includes('faces are not seen')"
        )  # it has no program
        assert rig.pictures() == 0
        page.get_by_role("switch", name=SWITCH).check()
        until(page, text("seen", "found by the engine"))
        assert rig.pictures() > 0
        page.close()


def test_where_the_engine_takes_none_there_is_no_switch(browser: Any) -> None:
    with Rig(None) as rig:
        page = rig.open(browser)
        assert not page.get_by_role("switch", name=SWITCH).is_visible()
        page.evaluate("document.querySelector('#pictures').checked = true")
        page.get_by_role("button", name="Allow camera and microphone").click()
        until(page, text("seen", "not looked for"))
        assert "stays in this page" in page.text_content("#welcome-text")
        page.close()


def test_it_is_off_again_when_the_page_is_opened_again(browser: Any) -> None:
    with Rig(Reds) as rig:
        page = rig.open(browser)
        page.get_by_role("switch", name=SWITCH).check()
        assert "your camera's pictures" in page.inner_text("#welcome-text")
        page.reload()
        page.wait_for_selector("body[data-state=live]", timeout=60_000)
        assert not page.get_by_role("switch", name=SWITCH).is_checked()
        assert "stays in this page" in page.inner_text("#welcome-text")
        page.close()


@pytest.mark.skipif(bool(why_no_film()), reason=why_no_film() or "-")
def test_a_real_face_is_found_by_the_engine(browser: Any) -> None:
    with Rig(MediaPipeTracker) as rig:
        page = rig.open(browser, bench=False)
        page.get_by_role("switch", name=SWITCH).check()
        page.get_by_role("button", name="Allow camera and microphone").click()
        until(page, text("seen", "found by the engine"))
        faces = []
        for _ in range(40):
            page.wait_for_timeout(100)
            faces.append(rig.face().values)
        counts = rig.server.traffic.counts
        assert counts["pictures"] > 5 and counts["pictures_bad"] == 0
        spread = np.ptp(np.array(faces), axis=0)
        assert spread[:52].max() > 0.05 and np.abs(np.array(faces)[:, 52:55]).max() < 0.6  # a face that moves, upright
        page.close()
