"""A camera that misbehaves, on a fake clock: bad pictures, frozen, grey and dark ones, stalls, losses; and fast."""

from __future__ import annotations

import numpy as np
import pytest

from engine.feeds.latest import STALE_S
from engine.sources.camera import BAD_RUN_S, GONE_S
from engine.sources.picture_checks import FROZEN_S
from tests.engine.pretended_camera import SECOND, Rig, kinds

FAST = [(60, 25, {2, 3}), (120, 25, {4, 5}), (60, 30, {2}), (50, 25, {2}), (30, 25, {1, 2}), (90, 25, {3, 4})]


def test_a_camera_that_misbehaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day in its life: what is said when, what is tracked, and that it is opened again only when it was gone."""
    rig = Rig(monkeypatch, fps=30, rate=25)
    camera = rig.camera
    assert kinds(rig.run(20)) == [None]
    assert len(rig.tracker.looked_ns) == pytest.approx(500, abs=3)

    camera.bad = 60
    assert kinds(rig.run(60)) == [None]
    assert rig.source.describe()["bad_pictures"] == pytest.approx(25, abs=6)  # those that were not due are not decoded
    assert rig.source.describe()["tracked_per_s"] == pytest.approx(25, abs=1)
    camera.bad = 0

    camera.shows = "frozen"
    looked = len(rig.tracker.looked_ns)
    assert kinds(rig.run(5)) == [None, "camera frozen"]
    assert len(rig.tracker.looked_ns) == looked
    camera.shows = "face"
    assert kinds(rig.run(5)) == [None]

    camera.shows = "dark"  # a hand on the lens
    assert kinds(rig.run(5)) == [None, "camera dark"]
    assert not rig.newest().valid
    camera.shows = "face"
    assert kinds(rig.run(5)) == [None]

    camera.shows = "bad"
    assert kinds(rig.run(0.8 * BAD_RUN_S)) == [None]
    camera.shows = "face"
    assert kinds(rig.run(5)) == [None]
    assert (camera.opened, camera.released) == (1, 0)

    camera.shows = "silent"
    assert kinds(rig.run(30))[-1] == "camera stalled"
    camera.shows = "face"
    assert kinds(rig.run(5 + 8))[-1] is None
    opened = camera.opened
    assert opened > 1

    camera.shows = "unplugged"
    said = rig.run(40)
    assert kinds(said) == [None, "camera stalled"]
    assert "no picture for 40" in (said[-1] or "")
    camera.shows = "face"
    assert kinds(rig.run(10))[-1] is None
    assert camera.released == camera.opened - 1  # each but the present one was released
    assert rig.newest().valid
    assert rig.age_s() < STALE_S


def test_one_bad_picture_in_sixty_costs_that_picture_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, fps=30)
    rig.camera.bad = 60
    assert kinds(rig.run(60)) == [None]
    assert rig.camera.opened == 1
    assert rig.camera.released == 0
    told = rig.source.describe()
    assert told["bad_pictures"] == 30
    assert len(rig.tracker.looked_ns) == pytest.approx(1770, abs=2)
    assert told["tracked_per_s"] == pytest.approx(29.5, abs=1)


@pytest.mark.parametrize("shows", ["bad", "unplugged"])
def test_only_a_run_of_failures_opens_the_camera_again_and_it_takes_few_turns(
    monkeypatch: pytest.MonkeyPatch, shows: str
) -> None:
    rig = Rig(monkeypatch)
    rig.run(1)
    rig.camera.shows, rig.turns = shows, 0
    rig.run(0.9 * BAD_RUN_S)
    assert rig.camera.released == 0
    rig.run(0.3 * BAD_RUN_S)
    assert rig.camera.released == 1
    assert rig.turns < 30
    assert rig.source.describe()["bad_pictures"] >= 5


def test_a_driver_that_takes_seconds_to_fail_is_opened_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    rig.run(1)
    rig.camera.shows = "silent"
    rig.run(GONE_S)
    assert rig.camera.released == 1


def test_what_is_no_picture_is_a_bad_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    rig.run(1)
    wrong = [np.zeros((0, 0, 3), np.uint8), np.zeros((48, 64), np.uint8), np.zeros((48, 64, 3), np.float32)]
    for picture in wrong:
        with monkeypatch.context() as patch:
            patch.setattr(rig.camera, "picture", lambda picture=picture: picture)
            rig.source._grab()
    rig.source._grab()
    rig.source._track()
    assert rig.source.describe()["bad_pictures"] == 3
    assert rig.source.problem is None


def test_a_frozen_picture_is_not_tracked_and_its_face_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    rig.run(2)
    rig.camera.shows = "frozen"
    rig.run(0.9 * FROZEN_S)
    assert rig.source.problem is None
    assert rig.age_s() > STALE_S  # so no frame takes it for a face that is there
    rig.run(0.5 * FROZEN_S)
    assert (rig.source.problem or "").startswith("camera frozen: the same picture for 2.")
    assert rig.source.describe()["repeated_pictures"] > 60
    rig.camera.shows = "face"
    rig.source._grab()
    rig.source._track()
    assert rig.source.problem is None
    assert rig.age_s() < 0.1


def test_a_picture_now_and_then_repeated_is_nothing_to_speak_of(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    for _ in range(60):
        rig.camera.shows = "face"
        rig.source._grab()
        rig.source._track()
        rig.camera.shows = "frozen"
        assert kinds(rig.run(0.1)) == [None]
    assert len(rig.tracker.looked_ns) == 60


@pytest.mark.parametrize(
    ("shows", "words"),
    [
        ("dark", "camera dark: next to nothing can be seen (lens covered, shutter closed, or too little light)"),
        ("grey", "camera plain: the picture is one colour (a virtual camera without a source, or the lens covered)"),
        ("room", "no face since 2"),
    ],
)
def test_what_a_picture_without_a_face_shows_is_said(monkeypatch: pytest.MonkeyPatch, shows: str, words: str) -> None:
    rig = Rig(monkeypatch)
    rig.run(2)
    rig.camera.shows = shows
    assert kinds(rig.run(0.8)) == [None]
    assert (rig.run(2)[-1] or "").startswith(words)
    rig.camera.shows = "face"
    rig.source._grab()
    rig.source._track()
    assert rig.source.problem is None


def test_a_face_in_the_dark_is_no_covered_lens(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    monkeypatch.setattr(rig.tracker, "track", lambda rgb, time_ns: np.zeros(58, np.float32))
    rig.camera.shows = "dark"
    assert kinds(rig.run(10)) == [None]


# --- faster than the model -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fps", "rate", "steps"), FAST)
def test_a_fast_camera_is_tracked_at_the_models_rate_and_evenly(
    monkeypatch: pytest.MonkeyPatch, fps: int, rate: int, steps: set[int]
) -> None:
    rig = Rig(monkeypatch, fps, rate)
    rig.run(10)
    looked = np.array(rig.tracker.looked_ns)
    assert rate * 10 - 2 <= len(looked) <= rate * 10 + 1
    assert set(np.round(np.diff(looked)[2:] * fps / SECOND).astype(int)) == steps
    assert rig.camera.decoded == len(looked)  # what is not tracked costs no decoding
    assert rig.age_s() <= 1 / rate
    told = rig.source.describe()
    assert told["pictures_per_s"] == pytest.approx(fps, abs=1)
    assert told["tracked_per_s"] == pytest.approx(rate, abs=1)
    assert told["tracked_per_s_at_most"] == rate
    assert rig.source.problem is None


def test_a_camera_as_fast_as_the_model_keeps_all_its_pictures_in_spite_of_jitter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig(monkeypatch, 25, 25)
    rig.camera.jitter_ns = np.random.default_rng(1).integers(0, 12_000_000, 97)
    rig.run(20)
    assert len(rig.tracker.looked_ns) == rig.camera.grabs


def test_a_camera_slower_than_the_model_is_tracked_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, 15, 25)
    rig.run(10)
    assert len(rig.tracker.looked_ns) == rig.camera.grabs


def test_while_the_tracker_is_busy_the_newest_picture_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, 60, 25)
    rig.run(1)
    for _ in range(20):
        for _ in range(6):  # a tracker that takes a tenth of a second
            rig.source._grab()
        newest_ns = rig.clock.now_ns()
        rig.source._track()
        assert rig.tracker.looked_ns[-1] == newest_ns
    assert rig.source.skipped_pictures > 60


def test_a_bad_picture_that_was_due_is_made_up_for_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, 60, 20)
    rig.run(2)
    with monkeypatch.context() as patch:
        patch.setattr(rig.camera, "picture", lambda: None)
        while rig.source.bad_pictures == 0:
            rig.source._grab()
            rig.source._track()
    bad_ns = rig.clock.now_ns()
    rig.run(0.1)
    after = next(at_ns for at_ns in rig.tracker.looked_ns if at_ns > bad_ns - SECOND // 200)
    assert after - bad_ns < 1.1 * SECOND / 60


def test_after_a_stall_the_pace_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, 60, 25)
    rig.run(2)
    rig.clock.advance(2 * SECOND)
    before = len(rig.tracker.looked_ns)
    rig.run(2)
    assert len(rig.tracker.looked_ns) - before <= 51  # nothing is made up for
