"""The page in a real browser: a session is up, frames come, and the picture of the avatar moves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from engine.access import Access
from engine.bundle import Bundle
from engine.clock import MonotonicClock
from engine.feeds.words import Word
from engine.network.server import Server
from engine.session.host import Host
from engine.sources.pictures import Trackers
from tests.browsers import launched
from tests.clients.figures import head

FLAGS = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
FLAGS += ["--autoplay-policy=no-user-gesture-required", "--use-fake-ui-for-media-stream"]
FLAGS += ["--use-fake-device-for-media-stream", "--disable-background-networking", "--mute-audio"]


class Served(NamedTuple):
    """A real engine with the page, and a model that lives by itself: it blinks and looks about."""

    host: Host
    address: str


@contextmanager
def serving(cache: Path, trackers: Trackers | None = None) -> Iterator[Served]:
    """Such an engine, with nothing fetched in ``cache``; ``trackers`` look for faces in pictures that are sent."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENGINE_CACHE", str(cache))
        patch.delenv("ENGINE_DATA", raising=False)
        host = Host([Bundle.load("rules")], MonotonicClock(), capacity=2)
        server = Server(host, "127.0.0.1:0", Access(), web_page=True, trackers=trackers)
        host.start()
        server.start()
        yield Served(host, server.url.replace("ws://", "http://").removesuffix("session"))
        server.stop()
        host.stop()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("cache")) as made:
        yield made


@pytest.fixture(scope="module")
def page(served: Served) -> Iterator[Any]:
    with launched(*FLAGS) as browser:
        opened = browser.new_page(viewport={"width": 390, "height": 844})
        opened.faults = []
        opened.on("pageerror", lambda error: opened.faults.append(str(error)))
        opened.on("requestfailed", lambda request: opened.faults.append(request.url))
        opened.goto(served.address)
        opened.wait_for_selector("body[data-state=live]", timeout=60_000)
        yield opened


def until(page: Any, what: str, most_s: float = 30.0) -> None:
    """Wait until an expression holds in the page (whose policy lets no text be run but through the browser itself)."""
    for _ in range(int(most_s * 20)):
        if page.evaluate(what):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"not within {most_s:g} s: {what}; the page says: {page.inner_text('body')[:600]}")


def text(name: str, wanted: str) -> str:
    return f"document.querySelector('#{name}').textContent === {json.dumps(wanted)}"


def value(name: str, wanted: Any) -> str:
    return f"document.querySelector('#control-{name}').value === {json.dumps(wanted)}"


def picture(page: Any) -> Any:
    """The avatar as it is drawn, (H, W, 4) uint8."""
    told = page.evaluate(
        """() => { const from = document.querySelector('#view'), to = document.createElement('canvas');
        [to.width, to.height] = [96, 120]; const brush = to.getContext('2d'); brush.drawImage(from, 0, 0, 96, 120);
        return Array.from(brush.getImageData(0, 0, 96, 120).data); }"""
    )
    return np.array(told, np.uint8).reshape(120, 96, 4)


def test_a_session_is_up_and_the_avatar_moves(page: Any) -> None:
    until(page, "Number(document.body.dataset.frames) > 25")
    first = picture(page)
    assert 0.15 < (first[..., 3] > 128).mean() < 0.95  # somebody is there, and there is room around
    moved = 0
    for _ in range(40):
        page.wait_for_timeout(100)
        moved = max(moved, int(np.abs(picture(page).astype(int) - first).max()))
        if moved > 24:
            break
    assert moved > 24 and not page.faults


def test_a_picture_is_asked_for_when_the_one_before_is_drawn(page: Any) -> None:
    page.evaluate(
        """() => { const kind = WebGL2RenderingContext.prototype; window.asked = 0;
        window.kept = [kind.getSyncParameter, kind.drawElements];
        kind.getSyncParameter = function () { return this.UNSIGNALED; };
        kind.drawElements = function (...all) { window.asked++; return window.kept[1].apply(this, all); }; }"""
    )
    try:
        page.wait_for_timeout(500)
        before = page.evaluate("window.asked")
        page.wait_for_timeout(1000)
        assert page.evaluate("window.asked") == before  # the one on its way is never done, so no other is begun
        page.evaluate("() => { WebGL2RenderingContext.prototype.getSyncParameter = window.kept[0]; }")
        until(page, f"window.asked > {before}")
    finally:
        page.evaluate(
            """() => { const kind = WebGL2RenderingContext.prototype;
            [kind.getSyncParameter, kind.drawElements] = window.kept; }"""
        )


def test_controls_are_the_engines_and_reach_it(page: Any) -> None:
    slider = page.get_by_label("Nod rate")
    slider.focus()
    page.keyboard.press("End")
    until(page, value("nod_rate", slider.get_attribute("max")))
    page.get_by_role("button", name="Defaults").click()
    until(page, value("nod_rate", "1"))


def test_pause_is_said_and_ends(page: Any) -> None:
    page.get_by_role("button", name="Pause").click()
    page.wait_for_selector("body[data-state=paused]", timeout=10_000)
    assert page.inner_text("#veil") == "Paused"
    page.get_by_role("button", name="Pause").click()
    page.wait_for_selector("body[data-state=live]", timeout=10_000)


def test_a_session_that_ends_is_said_and_another_takes_its_place(page: Any, served: Served) -> None:
    first = served.host.sessions()[0]
    first.close("asked to by a test")
    until(page, "document.querySelector('#notices').textContent.includes('asked to by a test')")
    page.wait_for_selector("body[data-state=live]", timeout=20_000)
    assert served.host.sessions()[0].generation > first.generation


def test_the_demo_partner_is_heard_and_seen(page: Any) -> None:
    page.get_by_role("button", name="Use the demo partner").click()
    until(page, text("model-text", "hears you"))
    until(page, text("seen", "found"))
    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_selector("#welcome", timeout=10_000)
    assert not page.faults


def test_without_the_tracker_the_voice_counts_and_the_page_says_so(page: Any) -> None:
    page.get_by_role("button", name="Allow camera and microphone").click()
    until(page, "document.querySelector('#notices').textContent.includes('engine assets --web')")
    until(page, text("seen", "not looked for"))
    page.get_by_role("button", name="Stop", exact=True).click()


def choose(page: Any, name: str, content: bytes) -> str:
    """Give the page a model file; what it says of it."""
    page.set_input_files("#model-file", {"name": name, "mimeType": "model/gltf-binary", "buffer": content})
    until(page, f"document.querySelector('#avatar-text').textContent.includes({json.dumps(name)})")
    until(page, "!document.querySelector('#avatar-text').textContent.startsWith('reading')")
    return str(page.inner_text("#avatar-text"))


def test_an_avatar_of_ones_own_by_its_shapes_names(page: Any) -> None:
    before = picture(page)
    told = choose(page, "block.glb", head(("jawOpen", "eyeBlink_L", "Face.EyeBlinkRight", "tail")))
    assert "3 of 52 ARKit shapes" in told
    until(page, "!document.querySelector('#own-avatar').hidden")
    page.wait_for_timeout(600)
    assert np.abs(picture(page).astype(int) - before).max() > 60  # a block, and no person
    assert "2 expressions by preset, its head turns" in choose(page, "block.vrm", head(("smile",), vrm=True))
    page.get_by_role("button", name="Back to the page's own").click()
    until(page, "document.querySelector('#own-avatar').hidden")
    assert not page.faults


def test_what_is_no_avatar_is_refused_in_words(page: Any) -> None:
    assert "no glTF or VRM that can be read" in choose(page, "text.glb", b"not a model at all")
    assert "nothing would move" in choose(page, "stone.glb", head(("tail",)))
    assert page.evaluate("document.querySelector('#own-avatar').hidden") and not page.faults


def test_it_says_a_recording_and_the_engine_hears_it(page: Any, served: Served) -> None:
    page.get_by_role("button", name="Say the demo text").click()
    until(page, "!document.querySelector('#speech-stop').disabled")
    for _ in range(600):
        if served.host.sessions()[0].sound()["self"].get("level_dbfs", -90.0) > -60.0:
            break
        page.wait_for_timeout(50)
    else:
        raise AssertionError(served.host.sessions()[0].sound())
    page.get_by_role("button", name="Stop speaking").click()
    until(page, "document.querySelector('#speech-stop').disabled")
    assert not page.faults


def test_it_says_a_typed_line_and_the_engine_knows_its_words(page: Any, served: Served) -> None:
    pytest.importorskip("hibari", reason="no voice is installed: pip install -e '.[voice]'")
    session = served.host.sessions()[0]
    written: list[Word] = []
    session.feeds.words["self"].listen(written.append)
    page.get_by_label("Line").fill("Good morning, how are you today?")
    page.keyboard.press("Enter")
    until(page, text("speech-state", "speaking"))
    until(page, text("speech-state", ""))
    assert page.evaluate("document.querySelector('#speech-stop').disabled")
    assert [word.text for word in written] == ["Good", "morning,", "how", "are", "you", "today?"]
    starts = [word.start_ns / 1e9 for word in written]
    assert starts == sorted(starts) and 0.8 < starts[-1] - starts[0] < 2.5
    page.get_by_label("Line").fill("?!")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#speech-state').textContent.includes('without a word')")
    assert not page.faults


def test_without_its_token_the_page_says_so_and_does_not_try_again(page: Any, served: Served) -> None:
    access = Access(tokens={"0123456789abcdef": frozenset({"session"})})
    guarded = Server(served.host, "127.0.0.1:0", access, web_page=True)
    guarded.start()
    other = page.context.browser.new_page(viewport={"width": 390, "height": 844})
    try:
        other.goto(guarded.url.replace("ws://", "http://").removesuffix("session"))
        other.wait_for_selector("body[data-state=ended]", timeout=30_000)
        assert "/#token=" in other.inner_text("#veil")
        other.evaluate("location.hash = 'token=0123456789abcdef'")
        other.wait_for_selector("body[data-state=live]", timeout=30_000)
    finally:
        other.close()
        guarded.stop()


def test_it_fits_a_phone_and_has_names_for_everything(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, canvas, video')]
        .filter((each) => !each.textContent.trim() && !each.labels?.length && !each.getAttribute('aria-label'))
        .map((each) => each.outerHTML)"""
    )
    assert not unnamed
