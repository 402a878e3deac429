"""Clients whose stdout or stderr is closed, full, or read by nobody; and files that no longer fit on the disk."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from clients.opencv.video import OutputError, playable, write_gif, write_picture, write_video

from . import fake

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


def command(name: str, engine: fake.Engine, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"clients.{name}", "--control", engine.endpoint, *map(str, arguments)]


def noise(frames: int):
    draw = np.random.default_rng(0)
    for _ in range(frames):
        yield draw.integers(0, 255, (240, 320, 3), np.uint8)


@pytest.fixture
def small_disk():
    """No file may be longer than 2 MB; writing more fails as on a full disk (Python ignores SIGXFSZ)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("sound", [True, False], ids=["sound", "mute"])
def test_a_film_that_fills_the_disk_can_be_played_as_far_as_it_goes(tmp_path, small_disk, sound):
    path = tmp_path / "out.mp4"
    voice = np.zeros(8 * fake.SAMPLE_RATE, np.float32) if sound else None
    with pytest.raises(OutputError, match=r"out\.mp4: File too large after \d+ frames; its first \d+ frames") as caught:
        write_video(path, noise(200), 25.0, voice, fake.SAMPLE_RATE)
    kept = playable(path)
    assert f"its first {kept} frames can be played" in str(caught.value) and 20 <= kept < 200


def test_a_whole_film_has_its_index_as_players_want_it(tmp_path):
    path = tmp_path / "out.mp4"
    assert write_video(path, noise(120), 25.0, None, 0) == 120 == playable(path)
    with av.open(str(path)) as file:
        assert file.streams.video[0].frames == 120 and file.streams.video[0].duration is not None


@needs_full
def test_a_film_of_which_nothing_is_kept_says_so(tmp_path):
    path = tmp_path / "out.mp4"
    path.symlink_to(FULL)
    with pytest.raises(
        OutputError, match=r"out\.mp4: No space left on device after \d+ frames; nothing of it was kept"
    ):
        write_video(path, noise(120), 25.0, None, 0)


def test_a_folder_that_has_gone_is_said(tmp_path):
    with pytest.raises(OutputError, match=r"out\.mp4: No such file or directory after 3 frames; nothing"):
        write_video(tmp_path / "gone" / "out.mp4", noise(3), 25.0, None, 0)
    with pytest.raises(OutputError, match=r"out\.png: No such file or directory"):
        write_picture(tmp_path / "gone" / "out.png", next(noise(1)))


def test_a_gif_that_fills_the_disk_is_said(tmp_path, small_disk):
    with pytest.raises(OutputError, match=r"out\.gif: File too large; it is not whole"):
        write_gif(tmp_path / "out.gif", noise(30), 25.0)  # some 3 MB


def test_half_a_picture_is_not_left(tmp_path, small_disk):
    path = tmp_path / "out.png"
    big = np.random.default_rng(0).integers(0, 255, (1500, 1500, 3), np.uint8)
    with pytest.raises(OutputError, match=r"out\.png: File too large; nothing of the picture was kept"):
        write_picture(path, big)
    assert not path.exists()
    write_picture(path, big[:200, :200])
    np.testing.assert_array_equal(cv2.imread(str(path)), big[:200, :200])


@needs_full
def test_the_viewer_says_a_full_disk_and_writes_the_rest(tmp_path):
    png, video = tmp_path / "out.png", tmp_path / "out.mp4"
    png.symlink_to(FULL)
    with fake.Engine() as engine:
        arguments = command("opencv", engine, "--headless", "--seconds", 1, "--video", video, "--png", png)
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.endswith(f"error: {png}: No space left on device; nothing of the picture was kept\n")
    assert playable(video) > 20 and "out.png" not in done.stdout


def test_a_viewer_whose_terminal_has_gone_keeps_what_it_recorded(tmp_path):
    video = tmp_path / "out.mp4"
    with fake.Engine() as engine:
        arguments = command("opencv", engine, "--headless", "--seconds", 1, "--video", video)
        for closed in (["sh", "-c", '"$@" <&- >&- 2>&-', "sh"], ["sh", "-c", '"$@" >/dev/full 2>/dev/full', "sh"]):
            video.unlink(missing_ok=True)
            assert subprocess.run([*closed, *arguments], timeout=100, check=False).returncode == 0
            assert playable(video) > 20


def test_a_reader_who_has_read_enough_is_no_error():
    with fake.Engine() as engine:
        arguments = command("python", engine)
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert "session 5" in process.stdout.readline()
            process.stdout.close()
            assert process.wait(30) == 0 and process.stderr.read() == ""


@needs_full
def test_a_full_stdout_is_said():
    with fake.Engine() as engine, FULL.open("w") as full:
        done = subprocess.run(
            command("python", engine), stdout=full, stderr=subprocess.PIPE, text=True, timeout=30, check=False
        )
    assert done.returncode == 1 and done.stderr == "error: stdout: No space left on device\n"
