"""The labelling page in a real headless browser: it plays, is labelled by key and by click, undoes and reloads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browsers import launched
from tests.train.dance.bodies import dancer, write_bvh
from tests.train.label.test_command import start
from train.dance.labelling import task
from train.dance.labels import Label, read_labels
from train.label.labels import Labels
from train.label.server import LabelServer
from train.label.task import Task

sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")

CHECKS = "() => document.querySelector('#figure').toDataURL()"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as made:
        yield made


@pytest.fixture(scope="module")
def dances(tmp_path_factory: pytest.TempPathFactory) -> Task:
    """Two takes of three blocks."""
    folder = tmp_path_factory.mktemp("takes")
    for level, name in ((0, "calm"), (2, "wild")):
        write_bvh(folder / f"{name}.bvh", dancer(level, frames=130))
    return task([folder])


class Desk:
    """A served page, the csv it writes, and browser windows on it."""

    def __init__(self, browser: Any, dances: Task, out: Path) -> None:
        self.out, self.faults, self.asked = out, [], set[str]()
        self.labels = Labels(out, dances, "me").__enter__()
        self.server = LabelServer(dances, self.labels, 0)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.context = browser.new_context(viewport={"width": 1280, "height": 800})

    def open(self) -> Any:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda line: self.faults.append(line.text) if line.type == "error" else None)
        page.on("request", lambda request: self.asked.add(request.url))
        page.goto(self.server.url)
        page.wait_for_selector("body[data-ready]")
        return page

    def close(self) -> None:
        self.context.close()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        self.labels.__exit__(None, None, None)


@pytest.fixture
def desk(browser: Any, dances: Task, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(browser, dances, tmp_path / "labels.csv")
    yield made
    made.close()


def said(page: Any, where: str, text: str) -> None:
    sync.expect(page.locator(where)).to_contain_text(text, timeout=5000)


def keys(page: Any, *pressed: str) -> None:
    for key in pressed:
        page.keyboard.press(key)


def test_it_plays_and_is_moved_by_hand(desk: Desk) -> None:
    page = desk.open()
    frames = {page.inner_text("#frame") for _ in range(8) if page.wait_for_timeout(60) is None}
    assert len(frames) > 3, "it plays when it opens"
    keys(page, " ")
    still, picture = page.inner_text("#frame"), page.evaluate(CHECKS)
    page.wait_for_timeout(150)
    assert page.inner_text("#frame") == still and page.evaluate(CHECKS) == picture
    place = 27 if "frame 19 " in still else 17  # another frame than the one it stopped at
    page.locator("#scrub").fill(str(place))
    said(page, "#frame", f"frame {place + 1} / 40")
    keys(page, ".", ".", ",")
    said(page, "#frame", f"frame {place + 2} / 40")
    page.wait_for_timeout(150)  # it is drawn with the next picture of the screen
    poses = [page.evaluate(CHECKS)]
    assert poses[0] != picture
    box = page.locator("#figure").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 420, box["y"] + 230, steps=4)
    page.mouse.up()
    poses.append(page.evaluate(CHECKS))
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(100)
    poses.append(page.evaluate(CHECKS))
    keys(page, "t")
    poses.append(page.evaluate(CHECKS))
    assert len(set(poses)) == 4, "turning, zooming and trails each change the picture"
    page.mouse.dblclick(box["x"] + 300, box["y"] + 200)
    keys(page, "t")
    assert page.evaluate(CHECKS) == poses[0]
    keys(page, "+", " ")
    assert page.locator("#speeds button[aria-pressed=true]").inner_text() == "2×"
    page.wait_for_function("() => { window.seen ??= new Set(); seen.add(document.querySelector('#frame').textContent);"
                           " return seen.size > 30 }")  # fmt: skip
    said(page, "#where", "calm block 1 of 3")
    assert not desk.faults and all(url.startswith(desk.server.url) for url in desk.asked)


def test_labels_by_key_and_by_click_reach_the_csv_and_come_back(desk: Desk) -> None:
    page = desk.open()
    keys(page, "3")
    said(page, "#saved", "not saved yet: space is missing")
    assert read_labels(desk.out) == []
    keys(page, "e")
    said(page, "#where", "calm block 2 of 3")  # of itself
    assert read_labels(desk.out) == [Label("calm", 0, space=3, time=3, by="me")]
    page.click("[data-level=time-1]")
    page.click("[data-level=space-4]")
    said(page, "#where", "calm block 3 of 3")
    page.uncheck("#auto")
    page.click("[data-cell='2-3']")
    said(page, "#saved", "saved in labels.csv")
    said(page, "#count", "3 of 6 blocks labelled")
    assert [page.inner_text(f"[data-cell='{cell}']") for cell in ("2-3", "3-3", "1-1")] == ["1", "1", ""]
    said(page, "#none", "space n/a: 1")
    keys(page, "ArrowDown")
    said(page, "#where", "wild block 1 of 3")
    keys(page, "2", "w", "ArrowRight", "0", "q")
    said(page, "#count", "5 of 6 blocks labelled")
    assert read_labels(desk.out)[-2:] == [Label("wild", 0, 2, 2, "me"), Label("wild", 40, 1, 4, "me")]
    keys(page, "ArrowLeft", "ArrowLeft", "Delete")
    said(page, "#saved", "not labelled yet")
    assert [label.start for label in read_labels(desk.out) if label.take == "calm"] == [0, 40]
    before = desk.out.read_bytes()
    page.reload()
    page.wait_for_selector("body[data-ready]")
    said(page, "#where", "calm block 3 of 3")
    assert page.locator("#blocks .done").count() == 2
    keys(page, "n")
    said(page, "#where", "wild block 3 of 3")
    keys(page, "z")
    said(page, "#where", "calm block 3 of 3")
    said(page, "#saved", "saved in labels.csv")
    keys(page, "Control+z")
    said(page, "#saved", "not saved yet: space is missing")
    for _ in range(8):
        page.click("#undo")
    sync.expect(page.locator("#undo")).to_be_disabled()
    assert read_labels(desk.out) == [] and before.count(b"\n") == 5
    assert not desk.faults


def test_two_windows_are_merged(desk: Desk) -> None:
    one, other = desk.open(), desk.open()
    keys(one, "1", "q")
    said(one, "#count", "1 of 6")
    keys(other, "ArrowRight", "2", "w")
    said(other, "#count", "2 of 6")
    said(one, "#count", "2 of 6")
    assert len(read_labels(desk.out)) == 2
    page = desk.open()
    said(page, "#where", "calm block 3 of 3")  # the first that is not labelled
    page.select_option("#take", label="wild (0 of 3)")
    said(page, "#where", "wild block 1 of 3")
    assert not desk.faults


def test_a_lost_program_is_told_and_one_that_comes_back_is_joined(browser: Any, tmp_path: Path) -> None:
    take, out = write_bvh(tmp_path / "dance.bvh", dancer(1, frames=90)), tmp_path / "labels.csv"
    running, url = start(take, out)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector("body[data-ready]")
        keys(page, "1", "q")
        said(page, "#where", "dance block 2 of 2")
        running.kill()
        running.communicate()
        keys(page, "3")
        said(page, "#alarm", "labels are not saved")
        assert [label.start for label in read_labels(out)] == [0]
        running, _ = start(take, out, port=url.rsplit(":", 1)[1].strip("/"))
        page.wait_for_function(  # it loads itself anew
            "() => document.body.dataset.ready && document.querySelector('#alarm').hidden", timeout=10_000
        )
        said(page, "#count", "1 of 2 blocks labelled")
        keys(page, "3", "e")
        said(page, "#saved", "all labelled")
        assert [label.time for label in read_labels(out)] == [1, 3]
    running.kill()
    running.communicate()


def test_a_blind_page_names_nothing(browser: Any, dances: Task, tmp_path: Path) -> None:
    desk = Desk(browser, dances.blinded(1), tmp_path / "blind.csv")
    try:
        page = desk.open()
        said(page, "#where", "Block 1 of 6")
        keys(page, "2", "w")
        said(page, "#where", "Block 2 of 6")
        assert not page.locator("#takes").is_visible()
        assert "calm" not in page.content() and "wild" not in page.content()
        (label,) = read_labels(desk.out)
        assert (label.take, label.start) == dances.blinded(1).key(0)
        assert not desk.faults
    finally:
        desk.close()
