"""The page's microphone and camera in mid-session: lost, held back, late and back again; the same session goes on, and
the engine is told. In a real Chromium, with devices that the test plugs in, and with its own whose service is killed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.session.live import LiveSession
from engine.sources.pictures import Trackers
from tests.browsers import launched
from tests.clients.test_web import FLAGS, Served, serving, text, until
from tests.engine.network.pictured import Reds

BENCH = (Path(__file__).parent / "devices.js").read_text("utf-8")
SIZE = {"width": 390, "height": 320}
"""Small: what is drawn without a graphics card takes the processor from all else."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("cache"), Trackers(1, Reds)) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched(*FLAGS) as made:
        yield made


def opened(browser: Any, served: Served, bench: bool = True) -> Any:
    page = browser.new_page(viewport=SIZE)
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    if bench:
        page.add_init_script(BENCH)
    page.goto(served.address)
    page.wait_for_selector("body[data-state=live]", timeout=60_000)
    page.get_by_role("switch", name="Send pictures to the engine instead").check()
    page.get_by_role("button", name="Allow camera and microphone").click()
    return page


@pytest.fixture
def page(browser: Any, served: Served) -> Iterator[Any]:
    """A page that hears a tone and sends pictures to the engine."""
    made = opened(browser, served)
    until(made, text("model-text", "hears you"))
    until(made, text("seen", "found by the engine"))
    session = served.host.sessions()[0]
    yield made
    assert served.host.sessions() == [session] and not made.faults  # whatever was lost, the session was not
    made.close()
    assert session.done.wait(30.0), "the session outlives its page"


def state(name: str, wanted: str) -> str:
    return f"document.body.dataset.{name} === '{wanted}'"


def notices(page: Any) -> str:
    return str(page.inner_text("#notices"))


def flagged(session: LiveSession) -> int:
    """Frames so far that were made without a partner's sound."""
    return int(session.slots[0].stats.to_dict()["silent"])


def frames_more(page: Any, many: int = 10) -> None:
    """Until so many frames more are there."""
    before = page.evaluate("Number(document.body.dataset.frames)")
    until(page, f"Number(document.body.dataset.frames) > {before + many}")


@pytest.mark.parametrize("silently", [False, True])
def test_a_microphone_that_is_pulled_out_is_said_and_heard_again(page: Any, served: Served, silently: bool) -> None:
    page.evaluate(f"bench.pull('audio', {str(silently).lower()})")
    until(page, state("microphone", "gone"))
    until(page, text("model-text", "silence"))
    assert "the microphone is gone" in notices(page)
    before = flagged(served.host.sessions()[0])
    frames_more(page)
    assert flagged(served.host.sessions()[0]) > before  # frames go on, and say what they lack
    until(page, "document.querySelector('#state-text').textContent.includes('no microphone')")
    page.evaluate("bench.plug('audio')")
    until(page, state("microphone", "here"))
    until(page, text("model-text", "hears you"))
    assert "the microphone is back (a tone)" in notices(page)
    until(page, "!document.querySelector('#state-text').textContent.includes('no microphone')")


def test_it_is_tried_again_where_no_device_says_that_it_came(page: Any) -> None:
    page.evaluate("bench.pull('audio')")
    until(page, state("microphone", "gone"))
    page.evaluate("bench.plug('audio', true)")
    until(page, text("model-text", "hears you"))


def test_one_that_the_system_holds_back_is_no_silence(page: Any) -> None:
    page.evaluate("bench.hold('audio', true)")
    until(page, state("microphone", "held"))
    until(page, text("model-text", "silence"))
    assert "held back by the system" in notices(page)
    page.evaluate("bench.hold('audio', false)")
    until(page, text("model-text", "hears you"))


def test_one_that_stays_held_back_is_opened_anew(page: Any) -> None:
    asked = page.evaluate("bench.asked.audio")
    page.evaluate("bench.hold('audio', true)")
    until(page, f"bench.asked.audio > {asked}")
    until(page, text("model-text", "hears you"))


def test_a_bluetooth_microphone_that_starts_late_is_waited_for(page: Any, served: Served) -> None:
    session = served.host.sessions()[0]
    page.evaluate("bench.turn(0); bench.pull('audio')")
    until(page, state("microphone", "gone"))
    page.wait_for_timeout(500)  # what was on its way of the tone is over: the first that comes are zeros
    page.evaluate("bench.plug('audio')")
    until(page, state("microphone", "late"))
    until(page, text("you-text", "no sound yet"))
    before = flagged(session)
    frames_more(page, 25)
    assert flagged(session) > before and "gone" not in page.inner_text("#state-text")
    page.evaluate("bench.turn(0.3)")
    until(page, text("model-text", "hears you"))
    until(page, state("microphone", "here"))


def test_a_browser_that_holds_sound_back_is_waited_for(page: Any, served: Served) -> None:
    # The page's own context, as a phone call suspends it.
    page.evaluate(
        """() => { const ask = AudioContext.prototype.resume; window.released = () => {
        AudioContext.prototype.resume = ask; }; AudioContext.prototype.resume = async () => {}; }"""
    )
    cdp = page.context.new_cdp_session(page)
    found = cdp.send("Runtime.evaluate", {"expression": "AudioContext.prototype"})["result"]["objectId"]
    held = cdp.send("Runtime.queryObjects", {"prototypeObjectId": found})["objects"]["objectId"]
    suspend = "function() { for (const each of this) if (each.sampleRate === 16000) each.suspend(); }"
    cdp.send("Runtime.callFunctionOn", {"objectId": held, "functionDeclaration": suspend})
    until(page, state("microphone", "stopped"))
    until(page, text("model-text", "silence"))
    until(page, "document.querySelector('#notices').textContent.includes('click the page, or press a key')")
    ring = served.host.sessions()[0].feeds.samples["partner"]
    told = ring.written
    frames_more(page)
    assert ring.written > told  # that nothing is heard is told, as time goes on
    page.evaluate("released()")
    page.keyboard.press("Shift")
    until(page, text("model-text", "hears you"))
    until(page, state("microphone", "here"))


@pytest.mark.parametrize("silently", [False, True])
def test_a_camera_that_is_pulled_out_is_said_and_looks_again(page: Any, silently: bool) -> None:
    page.evaluate(f"bench.pull('video', {str(silently).lower()})")
    until(page, state("camera", "gone"))
    until(page, text("seen", "camera gone"))
    assert "the camera is gone" in notices(page)
    frames_more(page)
    page.evaluate("bench.plug('video')")
    until(page, text("seen", "found by the engine"))
    until(page, state("camera", "here"))
    assert "the camera is back (a picture)" in notices(page)
    assert page.evaluate("document.querySelector('#mirror').srcObject.getTracks()[0].readyState") == "live"


def test_a_camera_that_falls_silent_is_opened_anew(page: Any) -> None:
    asked = page.evaluate("bench.asked.video")
    page.wait_for_timeout(500)
    page.evaluate("bench.stall()")
    until(page, f"bench.asked.video > {asked}")
    assert "the camera gives no pictures; nobody is seen until it is back" in notices(page)
    until(page, "document.querySelector('#notices').textContent.includes('the camera is back (a picture)')")
    until(page, text("seen", "found by the engine"))


def test_a_covered_camera_is_said_to_be_dark_and_no_face_is_another_thing(page: Any) -> None:
    state_text = "document.querySelector('#state-text').textContent"
    page.evaluate("bench.covered = 'a little'")
    until(page, text("seen", "no face seen by the engine"))
    page.wait_for_timeout(2500)
    assert page.inner_text("#seen") == "no face seen by the engine" and "dark" not in page.inner_text("#state-text")
    page.evaluate("bench.covered = true")
    until(page, text("seen", "the picture is dark (camera covered?)"))
    until(page, f"{state_text}.includes('picture is dark')")
    assert notices(page).count("the camera's picture is dark: is it covered?") == 1
    page.get_by_role("button", name="Camera off").click()
    until(page, text("seen", "camera off"))
    until(page, f"!{state_text}.includes('dark')")
    page.evaluate("bench.covered = false")
    page.get_by_role("button", name="Camera off").click()
    until(page, text("seen", "found by the engine"))
    frames_more(page)
    assert "dark" not in page.inner_text("#state-text")


def descendants() -> dict[int, str]:
    """Command lines of the processes that this one has started, and those that they have."""
    lines, parents = dict[int, str](), dict[int, int]()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                lines[int(folder.name)] = (folder / "cmdline").read_text(errors="replace")
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue

    def ours(number: int) -> bool:
        return number == os.getpid() or (number in parents and number > 1 and ours(parents[number]))

    return {number: line for number, line in lines.items() if ours(number)}


def service(name: str) -> int | None:
    """The process of a service of our browser."""
    return next((number for number, line in descendants().items() if f"--utility-sub-type={name}" in line), None)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are looked up in /proc")
def test_the_browsers_own_services_are_killed(browser: Any, served: Served) -> None:
    page = opened(browser, served, bench=False)
    until(page, text("model-text", "hears you"))  # Chromium's test device beeps
    until(page, text("seen", "found by the engine"))
    session = served.host.sessions()[0]
    for name, kind, back in (
        ("audio.mojom.AudioService", "microphone", text("model-text", "hears you")),
        ("video_capture.mojom.VideoCaptureService", "camera", text("seen", "found by the engine")),
    ):
        number = service(name)
        if number is None:
            pytest.skip(f"this browser has no process of its own for {name}")
        os.kill(number, signal.SIGKILL)
        until(page, f"document.querySelector('#notices').textContent.includes('the {kind} is gone')")
        until(page, f"document.querySelector('#notices').textContent.includes('the {kind} is back')")
        until(page, state(kind, "here"))
        until(page, back)
        assert served.host.sessions() == [session]
    assert not page.faults
    page.close()
