"""``--session``: a session of one's own that the clients' programs open, play a partner into, and follow."""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from clients.python.announced import Received
from clients.python.following import Visit, add_session, address
from clients.python.sounding import AFTER_S, FACE, HOP_S, PARTNER, RATE, SELF, Played, read_sound, sounding
from clients.python.waiting import add_arguments, seconds
from engine.sources.demo import PARTNER as DEMO
from engine.sources.demo import load_face
from tests.engine.network.stage import Hall, until
from tests.engine.test_serve import PORTS, ROOT


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    add_session(parser)
    parser.add_argument("--seconds", type=seconds, default=float("inf"))
    return parser.parse_args(words)


@contextmanager
def served(*more: str) -> Iterator[SimpleNamespace]:
    """An engine for sessions alone, as a process; ``url`` of them."""
    line = [sys.executable, "-m", "engine", "serve", *PORTS, "--listen", "127.0.0.1:0", "--capacity", "2", *more]
    process = subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    try:
        told = next(line for line in process.stderr if "network sessions on" in line)
        yield SimpleNamespace(url=told.split(" on ")[1].split(",")[0])
    finally:
        process.kill()
        process.communicate()


def tone(path: Path, length_s: float, level: float = 0.25, rate: int = 48_000) -> Path:
    """A file of two channels at another rate than is sent."""
    sound = level * np.sin(2 * np.pi * 220 * np.arange(round(length_s * rate)) / rate)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat((sound * 32767).astype("<i2"), 2).tobytes())
    return path


def test_a_file_is_read_as_it_sounds(tmp_path: Path) -> None:
    sound = read_sound(tone(tmp_path / "a.wav", 1.0), "--source") / 32768
    assert abs(len(sound) - RATE) < 50
    wanted = 0.25 * np.sin(2 * np.pi * 220 * np.arange(len(sound)) / RATE)
    assert np.abs(sound - wanted)[200:-200].max() < 0.02


def test_sounds_are_played_in_step_and_then_silence() -> None:
    size = round(RATE * HOP_S)
    partner, own = np.arange(1, 2 * size + 11, dtype=np.int16), np.full(3 * size, 7, np.int16)
    played = Played({PARTNER: partner, SELF: own})
    assert played.lasts == pytest.approx(3 * HOP_S + AFTER_S) and played.gives == [PARTNER, SELF]
    hops = [hop for hop, _ in zip(played.hops(), range(4), strict=False)]
    heard = {name: np.concatenate([dict(hop.items)[name] for hop in hops]) for name in played.gives}
    assert heard[PARTNER].tolist() == [*partner, *[0] * (2 * size - 10)]
    assert heard[SELF].tolist() == [*own, *[0] * size]
    assert {round((b.end_ns - a.end_ns) / 1e6) for a, b in pairwise(hops)} == {20}


def test_the_built_in_partner_keeps_voice_and_face_in_step_from_lap_to_lap() -> None:
    face, size = load_face(DEMO / "face.npz"), round(RATE * HOP_S)
    played = sounding("demo", None)
    assert isinstance(played, Played) and played.gives == [PARTNER, FACE]
    lap = 2 * len(face)
    played._sounds = {PARTNER: played._sounds[PARTNER]}
    hops = played.hops()
    first = [next(hops) for _ in range(6)]
    faces = [dict(hop.items).get(FACE) for hop in first]
    assert [one is None for one in faces] == [True, False] * 3
    assert all((one == face[index]).all() for index, one in enumerate(faces[1::2]))
    assert (played._piece(PARTNER, lap * size, size) == played._piece(PARTNER, 0, size)).all()
    assert len(played._sounds[PARTNER]) == lap * size


@pytest.mark.parametrize(
    ("source", "speech", "why"),
    [
        ("nothing.wav", None, "--source nothing.wav: No such file"),
        (str(ROOT / "README.md"), None, r"--source .*README\.md: Invalid data found.*give a sound file"),
        ("demo", Path("gone.wav"), "--speech gone.wav: No such file"),
        ("mic", Path("x.wav"), "--speech goes with a recorded partner"),
    ],
)
def test_what_cannot_be_heard_is_named(source: str, speech: Path | None, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        sounding(source, speech)


def test_addresses_of_sessions() -> None:
    assert address("ws://a:1") == address("ws://a:1/") == address("ws://a:1/session") == "ws://a:1/session"
    for word in ("tcp://a:1", "7", "ws:///session"):
        with pytest.raises(argparse.ArgumentTypeError, match="write it as ws://HOST:PORT/session"):
            address(word)
    parser = argparse.ArgumentParser()
    add_session(parser, numbered=True)
    told = [parser.parse_args(["--session", word]).session for word in ("7", "4294967295", "wss://a")]
    assert told == [7, 2**32 - 1, "wss://a/session"]
    for word in ("4294967296", "-1", "\u0663", "seven"):
        with pytest.raises(SystemExit):
            parser.parse_args([f"--session={word}"])


def test_the_engine_hears_the_file_that_is_played(tmp_path: Path) -> None:
    """A session tells what its model was given: that is the file's sound, at the engine's rate, and nothing else."""
    path = DEMO / "speech.flac"
    with (
        served("--bundle", "rules", "--raw-sound") as engine,
        Visit(options("--session", engine.url, "--source", str(path)), print, 10.0) as visit,
    ):
        frames: list[Received] = []
        while sum(frame.info.name == "partner_audio" for frame in frames) < 60:
            frames += visit.receive(1.0)
        assert visit.run == 0 and visit.announced.bundle == "rules"
    sound = read_sound(path, "--source") / 32768
    hops = [frame.values for frame in frames if frame.info.name == "partner_audio" and "silent" not in frame.words()]
    loud = [hop for hop in hops if np.abs(hop).max() > 0.05]
    assert len(loud) > 20
    windows = np.lib.stride_tricks.sliding_window_view(sound[: RATE * 8], len(loud[0]))
    places = [int(np.argmin(((windows[:, ::64] - hop[::64]) ** 2).sum(1))) for hop in loud]
    near = [np.abs(windows[place] - hop).max() < 2e-3 for place, hop in zip(places, loud, strict=True)]
    assert np.mean(near) > 0.5 and np.mean(np.diff(places) > 0) > 0.8  # at a gap of the real time a hop is two halves


def test_another_session_is_opened_when_the_engine_is_back() -> None:
    said: list[str] = []
    with Hall(idle_s=1e9) as first:
        address_ = first.server.url.split("/")[2]
        visit = Visit(options("--session", first.server.url, "--wait", "20"), said.append, 0.0)
    with visit:
        until(lambda: said)
        assert said == ["the session is over: the engine stops"] and visit.receive(0.05) == []
        with Hall(address_, idle_s=1e9):
            until(lambda: visit.run == 1)
            assert visit._session.ended is None


def test_an_engine_that_stays_away_is_an_error() -> None:
    with Hall(idle_s=1e9) as first:
        visit = Visit(options("--session", first.server.url, "--wait", "0"), lambda _: None, 0.0)
    with visit:
        until(lambda: visit._error is not None)
        with pytest.raises(ConnectionError, match="no session at ws://"):
            while True:
                visit.receive(0.05)


def test_both_programs_open_a_session_and_save_it(tmp_path: Path) -> None:
    with served("--bundle", "rules", "dance") as engine:
        url = engine.url
        for program, more in (("python", ()), ("opencv", ("--headless",))):
            out = tmp_path / f"{program}.csv"
            line = [sys.executable, "-m", f"clients.{program}", "--session", url, "--seconds", "2", "--save", str(out)]
            done = subprocess.run([*line, *more], cwd=ROOT, capture_output=True, text=True, timeout=90)
            assert done.returncode == 0 and "bundle rules" in done.stdout, done.stderr
            with out.open(newline="", encoding="utf-8") as file:
                _, *rows = csv.reader(file)
            # The built-in partner is seen and heard; on a busy machine not in every frame.
            assert len(rows) > 20 and sum("no_face" in row[2] or "silent" in row[2] for row in rows) < len(rows) / 2
        for words, why in (
            (["--bundle", "dance"], "dance takes body/partner; `--source none` sends it nothing"),
            (["--bundle", "nobody"], "bundles nobody: give one or several"),
        ):
            line = [sys.executable, "-m", "clients.python", "--session", url, "--seconds", "2", *words]
            done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)
            assert done.returncode == 1 and why in done.stderr and done.stderr.count("\n") == 1, done.stderr
