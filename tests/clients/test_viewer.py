"""The viewer as a user runs it: a process of its own against a publisher that behaves as the engine does."""

from __future__ import annotations

import subprocess
import sys
import time

import av
import cv2
import pytest

from clients.opencv.recording import Recording
from clients.opencv.viewer import show
from clients.python.subscriber import Subscriber

from . import fake

VIEWER = (sys.executable, "-m", "clients.opencv")


def viewer(*arguments):
    return subprocess.run(
        [*VIEWER, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("monitor", [True, False], ids=["partner", "alone"])
def test_headless_writes_video_and_sheet(tmp_path, monitor):
    video, png = tmp_path / "out" / "demo.mp4", tmp_path / "demo.png"
    with fake.Engine(monitor) as engine:
        done = viewer(
            *("--control", engine.endpoint, "--headless", "--seconds", 2, "--video", video, "--png", png),
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "capture to receive, ms   p50" in done.stdout
    with av.open(str(video)) as file:
        frames = sum(1 for _ in file.decode(video=0))
        assert len(file.streams.audio) == int(monitor)
    assert 40 <= frames <= 53
    sheet = cv2.imread(str(png))
    assert sheet.shape == (900, 1440, 3) and sheet[:300, :360].std() > 20
    missed = int(done.stdout.split("missed")[1].split()[0])
    assert 2 <= missed <= 3, "one frame in twenty is lost"


def test_window_shows_the_newest_frame_and_q_closes_it(monkeypatch):
    shown, keys = [], iter([-1] * 12 + [ord("q")])
    monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr(cv2, "imshow", lambda _, image: shown.append(image))
    monkeypatch.setattr(cv2, "waitKey", lambda _: next(keys))
    with fake.Engine() as engine:
        subscriber = Subscriber(engine.about["pub"], fake.SESSION, announced=fake.read(engine.about))
        recording = Recording(fake.read(engine.about), keep=5)
        run = show(subscriber, recording, 30.0)
        subscriber.close()
    assert next(keys, None) is None, "every key was read, the last of them q"
    assert shown and all(image.shape == (720, 1280, 3) for image in shown)
    assert len(run.delays) >= len(shown) and len(recording.store.moments) <= 5


def test_a_window_goes_on_with_another_engine(monkeypatch):
    """The picture follows: first a face, then a stage with the body of the next engine, as that announced it."""
    first = fake.Engine()
    engines, shown, calls = [first], [], iter(range(10**6))
    subscriber = Subscriber(first.about["pub"])

    def key(_: int) -> int:
        call = next(calls)
        if len(engines) == 1 and len(shown) > 5:
            first.__exit__()
            engines.append(fake.Engine(dancing=True, after=first, session=9))
            engines[1].__enter__()
        return ord("q") if (len(shown) > 12 and recording.restarts) or call > 2000 else -1

    monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr(cv2, "imshow", lambda _, image: shown.append(image))
    monkeypatch.setattr(cv2, "waitKey", key)
    recording = Recording(fake.read(first.about), keep=50)
    with first, subscriber:
        show(subscriber, recording, 30.0)
        engines[1].__exit__()
    assert recording.restarts == 1 and len(recording.stores) == 1 and recording.store.bodies
    assert recording.store.engine.session == 9
    before, after = shown[3], shown[-1]
    assert (before[60:540, 20:840] != after[60:540, 20:840]).mean() > 0.5


def test_a_closed_window_ends_it(monkeypatch):
    for name, result in (
        ("namedWindow", None),
        ("destroyAllWindows", None),
        ("waitKey", -1),
        ("getWindowProperty", 0.0),
    ):
        monkeypatch.setattr(cv2, name, lambda *_, result=result: result)
    with fake.Engine() as engine:
        subscriber = Subscriber("tcp://127.0.0.1:1", fake.SESSION)
        began = time.monotonic()
        show(subscriber, Recording(fake.read(engine.about)), 30.0)
        subscriber.close()
    assert time.monotonic() - began < 2


def test_without_an_engine_it_says_so_in_one_line():
    done = viewer("--control", "tcp://127.0.0.1:1", "--headless", "--wait", 0)
    assert done.returncode == 1
    assert done.stderr.startswith("error: no engine answers at tcp://127.0.0.1:1")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("package", ["cv2", "av"])
def test_without_its_packages_it_says_so_in_one_line(package):
    code = (
        f"import runpy, sys; sys.modules['{package}'] = None; runpy.run_module('clients.opencv', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: the viewer needs OpenCV and PyAV: ") and ".[viewer]" in done.stderr


def test_a_bad_output_name_is_refused_before_connecting(tmp_path):
    done = viewer("--control", "tcp://127.0.0.1:1", "--headless", "--video", tmp_path / "a.gif")
    assert (
        done.returncode == 1 and "must end in .csv, .npz, .bvh or .mp4" in done.stderr and done.stderr.count("\n") == 1
    )


def test_sigterm_ends_the_recording_and_still_writes(tmp_path):
    png = tmp_path / "demo.png"
    with fake.Engine() as engine:
        process = subprocess.Popen(
            [sys.executable, "-m", "clients.opencv", "--control", engine.endpoint, "--headless", "--png", str(png)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert "session 5" in process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1.5)
        process.terminate()
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and errors == "stopped\n", errors
    assert "received" in output
    assert png.exists()


def test_the_end_of_the_stream_ends_it():
    engine = fake.Engine()
    with engine:
        process = subprocess.Popen(
            [*VIEWER, "--control", engine.endpoint, "--headless", "--wait", "0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert "session 5" in process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1.0)
    output, _ = process.communicate(timeout=15)
    assert process.returncode == 0 and "received" in output
