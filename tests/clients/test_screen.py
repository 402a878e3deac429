"""The viewer's picture of sessions with bodies: what is announced is shown, what is missing is said."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest

from clients.opencv.body import AVATAR
from clients.opencv.panel import ALERT, draw_canvas
from clients.opencv.screen import HALF_STAGE, LARGE_FACE, LEVELS, SIDE, STAGE, TRACES, Screen, captions, figures_of
from clients.opencv.store import FrameStore, shown
from clients.opencv.strip import words
from clients.opencv.traces import body_rows, meter_rows, speed
from clients.python.waiting import about
from engine.body.skeleton import skeleton

from . import fake
from .test_video import filled, receive

PLAIN = skeleton("cmu").to_dict()


def dancing(frames: int = 40, monitor: bool = True, outputs: tuple[str, ...] = ("body", "effort")) -> FrameStore:
    store = FrameStore(fake.read(fake.dance("tcp://127.0.0.1:1", monitor, outputs)))
    for seq in range(frames):
        for number, stream in store.streams.items():
            receive(store, fake.frame(seq, fake.values(stream.name, seq), number), seq * 40_000_000)
    return store


def part(image: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    x, y, wide, tall = box
    return image[y : y + tall, x : x + wide]


def has(image: np.ndarray, colour: tuple[int, int, int]) -> int:
    """How many pixels have exactly this colour."""
    return int((image == np.array(colour, np.uint8)).all(2).sum())


def test_a_face_session_looks_as_it_always_did():
    store = filled([1, 2, 3])
    image = Screen(store).draw(store.recent(9), 25.0, 0)
    np.testing.assert_array_equal(image, draw_canvas(store, store.recent(9), 25.0, 0))


def test_avatar_and_partner_stand_on_one_stage():
    store = dancing()
    alone = dancing(monitor=False)
    both, one = (Screen(each).draw(each.recent(200), 30.0, 0) for each in (store, alone))
    assert both.shape == one.shape == (720, 1280, 3)
    assert [len(figures_of(each, each.recent(200))) for each in (store, alone)] == [2, 1]
    assert (part(both, STAGE) != part(one, STAGE)).mean() > 0.05


def test_the_camera_is_the_screen_s_own_and_follows():
    store = dancing(100)
    screen, other = Screen(store), Screen(store)
    moments = store.recent(200)
    targets = []
    for last in range(1, 100):
        screen.draw(moments[:last], 30.0, 0)
        targets.append(screen.camera.target)
    assert other.camera is None
    steps = [float(np.linalg.norm(np.subtract(b, a))) for a, b in pairwise(targets)]
    assert 0 < max(steps) < 0.1


def test_choices_values_and_meters_are_shown():
    store = dancing()
    moment = store.recent(1)[0]
    assert [shown(control) for control in moment.controls.values()] == ["high", "0.80"]
    assert words(moment) == "high"
    image = part(Screen(store).draw(store.recent(200), 30.0, 0), SIDE)
    controls, meters = image[:80], image[80:220]
    assert has(controls, LEVELS[2]) > 500 > has(controls, LEVELS[0]), "the choice in force is filled, the others not"
    bars = [has(meters, LEVELS[index]) for index in range(3)]
    assert bars[2] > 2.5 * bars[1] > 2.5 * bars[0] > 0, "bars of 0.7, 0.2 and 0.1"


def test_the_controls_of_a_moment_are_those_announced_before_it():
    store = dancing(5)
    about = fake.dance("tcp://127.0.0.1:1")
    about |= {"controls": [about["controls"][0] | {"value": 0.0}]}
    store.learn(fake.read(about, session=99))
    receive(store, fake.frame(5, fake.values("body", 5)))
    store.learn(fake.read(about))
    receive(store, fake.frame(6, fake.values("body", 6)))
    assert [words(store.moments[seq]) for seq in (4, 5, 6)] == ["high", "high", "low"]


@pytest.mark.parametrize("value", [None, float("nan"), "x", 7.5, 1e300, [], [0.1, 0.2], [None], 10**400])
def test_a_control_that_says_nothing_sensible_does_not_break_the_picture(value):
    store = dancing(3)
    odd = {"name": "odd", "low": None, "high": 2, "value": value, "choices": ["a"]}
    store.learn(fake.read(fake.dance("tcp://127.0.0.1:1"), controls=[odd, odd | {"name": "bar", "choices": []}]))
    receive(store, fake.frame(3, fake.values("body", 3)))
    assert Screen(store).draw(store.recent(9), 30.0, 0).shape == (720, 1280, 3)


def test_a_face_and_a_body_of_one_session_are_both_shown():
    store = dancing(outputs=("body", "face"))
    image = Screen(store).draw(store.recent(200), 30.0, 0)
    assert part(image, STAGE).std() > 15 and image[48:198, 864:1264].std() > 20
    assert store.lead == 0 and store.recent(1)[0].face["mouthSmileLeft"] == 0.5


def test_a_face_without_a_partner_s_body_is_as_large_as_the_body():
    stores = (dancing(monitor=False, outputs=outputs) for outputs in (("body", "face"), ("body",)))
    image, wide = (Screen(store).draw(store.recent(200), 30.0, 0) for store in stores)
    face, body = part(image, LARGE_FACE), part(image, HALF_STAGE)
    assert face.std() > 15 and body.std() > 12 and (face != part(wide, LARGE_FACE)).mean() > 0.5
    assert (image[48:112, 864:1264] == wide[48:112, 864:1264]).all(), "the face is not drawn once more beside"


def test_a_bundle_that_only_watches_shows_whom_it_watches():
    store = dancing(outputs=("effort",))
    image = Screen(store).draw(store.recent(200), 30.0, 0)
    assert len(figures_of(store, store.recent(9))) == 1 and part(image, STAGE).std() > 12


def test_a_partner_who_is_not_seen_is_not_drawn():
    """Without a partner the model is given zeros, which are published with --monitor."""
    nobody = np.zeros((27, 3), np.float32)
    for outputs in (("body", "effort"), ("effort",)):
        store = FrameStore(fake.read(fake.dance("tcp://127.0.0.1:1", True, outputs)))
        for seq in range(5):
            for number, stream in store.streams.items():
                value = nobody if stream.name == "partner_body" else fake.values(stream.name, seq)
                receive(store, fake.frame(seq, value, number), seq * 40_000_000)
        recent = store.recent(9)
        assert len(figures_of(store, recent)) == len(outputs) - 1
        assert "partner (darker): not shown yet" in captions(store, figures_of(store, recent))
        assert Screen(store).draw(recent, 30.0, 0).shape == (720, 1280, 3)


def test_what_is_missing_is_said():
    store = dancing(3)
    figures = figures_of(store, store.recent(9))
    assert captions(store, figures)[:2] == ["avatar", "partner (darker)"]
    broken = fake.values("body", 3)
    broken[4:6] = np.nan
    receive(store, fake.frame(3, broken))
    receive(store, fake.frame(3, fake.standing(x=60.0), 256))
    said = captions(store, figures_of(store, store.recent(9)))
    assert "avatar: 2 of 27 joints missing" in said and not any("under" in line for line in said)
    receive(store, fake.frame(4, fake.standing() - np.float32((0, 0.3, 0))))
    assert "avatar: 0.30 m under the floor" in captions(store, figures_of(store, store.recent(9)))
    assert any("partner is 60 m away" in line for line in said)
    early = FrameStore(fake.read(fake.dance("tcp://127.0.0.1:1")))
    receive(early, fake.frame(0, np.full((27, 3), np.nan)))
    assert "partner (darker): not shown yet" in captions(early, figures_of(early, early.recent(9)))
    assert Screen(early).draw(early.recent(9), 30.0, 0).shape == (720, 1280, 3)


def test_announcements_that_contradict_themselves_are_named():
    about = fake.dance("tcp://127.0.0.1:1")
    with pytest.raises(ValueError, match="skeleton 'cmu', which the engine does not announce"):
        FrameStore(fake.read(about, skeletons={}))
    with pytest.raises(ValueError, match=r"'body' has 81 values; the 1 joints of skeleton 'cmu' need 3"):
        one = {"name": "cmu", "joints": ["a"], "parents": [-1], "rest": [[0, 0, 0]]}
        FrameStore(fake.read(about, skeletons={"cmu": one}))
    with pytest.raises(ValueError, match=r"no face .arkit58., body .joints. or points"):
        FrameStore(fake.read(about, streams=about["streams"][1:2]))
    with pytest.raises(ValueError, match="'effort' is emotion25 and has 3 values"):
        FrameStore(fake.read(about, streams=[about["streams"][0], about["streams"][1] | {"codec": "emotion25"}]))


def test_traces_measure_the_motion():
    rate = 30.0
    seconds = np.arange(30) / rate
    motion = np.stack([fake.standing(x=0.5 * second) for second in seconds])
    motion[10:, skeleton("cmu").index("lFoot")] += (0, 0.3, 0)
    motion[10:, skeleton("cmu").index("lFoot.end")] += (0, 0.3, 0)
    rows = {row.label: row for row in body_rows(motion, PLAIN, seconds)}
    left, right = (line for line, _ in rows["hand speed"].lines)
    np.testing.assert_allclose(left[1:], 0.5, rtol=1e-3)
    assert np.isnan(left[0]) and rows["hand speed"].lines[0][1] == AVATAR.left
    (high, _), (low, _) = rows["foot height"].lines
    assert high[-1] == pytest.approx(0.3) and low[-1] == pytest.approx(0.0, abs=1e-6)
    (lifted, _), (down, _) = rows["foot slide"].lines
    assert lifted[-1] == 0.0 and down[-1] == pytest.approx(0.5, rel=1e-3)
    hips = rows["hip height"].lines[0][0]
    thighs = [skeleton("cmu").index(name) for name in ("lThigh", "rThigh")]
    np.testing.assert_allclose(hips, motion[:, thighs, 1].mean(1), rtol=1e-5)
    assert np.isnan(right[0]) and right[5] == pytest.approx(0.5, rel=1e-3)


def test_speed_counts_lost_frames_and_gaps():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [3, 0, 0], [np.nan, 0, 0], [5, 0, 0]])
    moved = speed(points, np.array([0.0, 1.0, 3.0, 4.0, 5.0]))
    np.testing.assert_array_equal(moved, [np.nan, 1.0, 1.0, np.nan, np.nan])


def test_meters_are_traced_with_a_line_each():
    store = dancing(20)
    (row,) = meter_rows(store, store.recent(50))
    assert row.label == "effort" and [round(float(line[-1]), 1) for line, _ in row.lines] == [0.1, 0.2, 0.7]
    image = Screen(store).draw(store.recent(50), 30.0, 0)
    assert part(image, TRACES)[120:].std() > 8


def test_skeletons_without_limbs_or_feet_have_traces_too():
    body = {"name": "two", "joints": ["a", "b"], "parents": [-1, -1], "rest": [[0, 0, 0], [0, 1, 0]], "edges": [[0, 1]]}
    motion = np.zeros((4, 2, 3))
    motion[:, :, 0] = np.arange(4)[:, None]
    labels = [row.label for row in body_rows(motion, body, np.arange(4.0))]
    assert labels == ["joint speed", "hip height"]


def test_the_viewer_records_a_dance_without_sound(tmp_path):
    video, png = tmp_path / "dance.mp4", tmp_path / "dance.png"
    with fake.Engine(dancing=True) as engine:
        command = [sys.executable, "-m", "clients.opencv", "--control", engine.endpoint, "--headless"]
        done = subprocess.run(
            [*command, "--seconds", "1.5", "--video", str(video), "--png", str(png)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    with av.open(str(video)) as file:
        frames = [frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)]
        assert not file.streams.audio
    assert 30 <= len(frames) <= 40 and part(frames[-1], STAGE).std() > 15
    sheet = cv2.imread(str(png))
    assert sheet.shape[1] > 8 * 132 and sheet[:190, :132].std() > 10


LATE = {"p50": 12.5, "p95": 31.0, "max": 80.0}


@pytest.mark.parametrize("made", [lambda: filled([1, 2, 3]), dancing], ids=["face", "body"])
def test_the_av_offset_is_one_line_more_where_one_is_announced(made):
    store = made()
    told = fake.dance("tcp://127.0.0.1:1") if store.bodies else fake.description("tcp://127.0.0.1:1")
    before = Screen(store).draw(store.recent(9), 25.0, 0)
    store.learn(fake.read(told, av_offset_ms=LATE))
    assert store.av_offset == LATE
    with_it = Screen(store).draw(store.recent(9), 25.0, 0)
    changed = np.argwhere((before != with_it).any(2))
    assert len(changed) and (changed.min(0) >= (430, 672)).all()
    wide = np.argwhere((with_it == np.array(ALERT, np.uint8)).all(2))
    store.learn(fake.read(told, av_offset_ms={"p50": 12.5, "p95": 46.0}))
    noticed = Screen(store).draw(store.recent(9), 25.0, 0)
    assert has(noticed, ALERT) > len(wide), "lips as late as that are noticed"
    store.learn(fake.read(told, av_offset_ms={}))
    np.testing.assert_array_equal(Screen(store).draw(store.recent(9), 25.0, 0), before)


@pytest.mark.parametrize("made", [lambda: filled([1, 2, 3]), dancing], ids=["face", "body"])
def test_a_session_that_is_recorded_is_shown_to_be(made):
    store = made()
    told = fake.dance("tcp://127.0.0.1:1") if store.bodies else fake.description("tcp://127.0.0.1:1")
    before = Screen(store).draw(store.recent(9), 25.0, 0)
    store.learn(fake.read(told, recording="talk.mcap"))
    shown = Screen(store).draw(store.recent(9), 25.0, 0)
    assert has(shown, ALERT) > has(before, ALERT) + 50
    assert "recorded" in about(fake.read(told, recording="talk.mcap")) and "recorded" not in about(fake.read(told))
    store.learn(fake.read(told, recording=""))
    np.testing.assert_array_equal(Screen(store).draw(store.recent(9), 25.0, 0), before)


@pytest.mark.parametrize("told", [[1], "late", {"p50": "soon"}, {"p50": None, "p95": float("nan")}])
def test_an_av_offset_that_is_none_is_not_shown(told):
    store = dancing()
    dance = fake.dance("tcp://127.0.0.1:1")
    if isinstance(told, dict):
        store.learn(fake.read(dance, av_offset_ms=told))
        assert store.av_offset == {}
    else:
        with pytest.raises(ValueError, match="av_offset_ms"):
            fake.read(dance, av_offset_ms=told)
