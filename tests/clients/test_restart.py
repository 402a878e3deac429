"""Clients through the end of an engine and the beginning of another: nothing is mixed, lost or miscounted."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from clients.opencv.recording import LONGEST_GAP_S, Recording
from clients.opencv.viewer import record
from clients.python import NoEngine, Received, Subscriber, describe, waiting
from clients.python.announced import Announced, decode
from clients.python.waiting import Presence, find

from . import fake

FACE = fake.read(fake.description("tcp://127.0.0.1:1"))
BODY = fake.read(fake.dance("tcp://127.0.0.1:1"))


def client(name: str, engine: fake.Engine, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"clients.{name}", "--control", engine.endpoint, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def pictures(path: Path) -> int:
    with av.open(str(path)) as file:
        return sum(1 for _ in file.decode(video=0))


def received(engine: Announced, seq: int, run: int = 0, number: int = 0) -> Received:
    stream = next(each for each in engine.streams if each.number == number)
    sent = decode(fake.frame(seq, fake.values(stream.name, seq), number, engine.session, stream.layout))
    assert sent is not None
    return Received.of(sent, stream, engine, run, seq * 40_000_000 + run * 10**12)


def filled(engine: Announced, runs: list[tuple[Announced, range]], keep: int | None = None) -> Recording:
    recording = Recording(engine, keep)
    for run, (each, seqs) in enumerate(runs):
        for seq in seqs:
            for stream in each.streams:
                recording.add(received(each, seq, run, stream.number))
    return recording


def test_a_recording_keeps_every_run_with_its_own_names():
    recording = filled(FACE, [(FACE, range(100, 175)), (BODY, range(3, 30, 2)), (BODY, range(5))])
    assert (recording.received, recording.missed, recording.restarts) == (75 + 14 + 5, 13, 2)
    assert [len(store.moments) for store in recording.stores] == [75, 14, 5]
    face, body, _ = recording.stores
    assert not face.bodies and list(face.moments[174].controls) == []
    assert body.bodies["body"]["name"] == "cmu" and list(body.moments[3].controls) == ["effort", "speed"]
    assert not body.moments[3].faces and body.moments[3].values["body"].shape == (27, 3)


def test_the_parts_of_a_recording_have_names_that_nobody_has(tmp_path):
    recording = filled(FACE, [(FACE, range(10, 20)), (FACE, range(0)), (BODY, range(3)), (FACE, range(2))])
    (tmp_path / "out-2.mp4").write_text("somebody's")
    parts = list(recording.parts(tmp_path / "out.mp4"))
    assert [part.path.name for part in parts] == ["out.mp4", "out-3.mp4", "out-4.mp4"]
    bundles = [part.words().split("bundle ")[1] for part in parts]
    assert bundles == ["listener_rules", "dance", "listener_rules"]
    assert parts[0].after_s == 0 and parts[1].after_s == pytest.approx(2000 - 19 * 0.04)


def test_a_recording_goes_on_when_an_engine_with_nothing_to_draw_comes_between():
    bare = fake.read(fake.dance("tcp://127.0.0.1:1", monitor=False, outputs=("effort",)))
    recording = filled(FACE, [(FACE, range(4)), (bare, range(3)), (FACE, range(2))])
    assert [len(store.moments) for store in recording.stores] == [4, 2]
    assert (recording.received, recording.undrawn, recording.restarts) == (6, 3, 2)


def test_a_gap_of_minutes_in_a_run_is_no_still_picture():
    late = round(LONGEST_GAP_S * fake.RATE) + 2
    recording = filled(FACE, [(FACE, range(2))])
    recording.add(received(FACE, late))
    assert [list(store.moments) for store in recording.stores] == [[0, 1], [late]] and recording.restarts == 0


def test_a_window_keeps_the_last_run_alone():
    recording = filled(FACE, [(FACE, range(0, 20, 2)), (BODY, range(9))], keep=4)
    assert [list(store.moments) for store in recording.stores] == [[5, 6, 7, 8]]
    assert (recording.received, recording.missed, recording.restarts) == (19, 9, 1)


def test_the_viewer_records_over_a_restart_with_another_bundle_and_session(tmp_path):
    video, png = tmp_path / "out.mp4", tmp_path / "out.png"
    with fake.Engine() as first:
        viewer = client("opencv", first, "--headless", "--video", video, "--png", png)
        assert "session 5, bundle listener_rules" in viewer.stdout.readline()
        joined = first.sent
        until(lambda: first.sent > joined + 40)
    with fake.Engine(dancing=True, after=first, session=9) as second:
        until(lambda: second.sent > 60)
        viewer.send_signal(signal.SIGTERM)
        said, errors = viewer.communicate(timeout=100)
    assert viewer.returncode == 0, errors
    assert "the engine has begun anew: session 9, bundle dance" in errors
    counts = {word: int(count) for word, count in re.findall(r"^(received|missed|restarts) +(\d+)", said, re.M)}
    assert counts["restarts"] == 1
    films = [video, tmp_path / "out-2.mp4"]
    assert [pictures(film) for film in films] == [int(n) for n in re.findall(r"out\S*\.mp4: (\d+) frames", said)]
    assert sum(map(pictures, films)) == counts["received"] + counts["missed"] >= 85
    assert png.exists() and (tmp_path / "out-2.png").exists()


def test_ctrl_c_in_the_wait_writes_what_there_is(tmp_path):
    with fake.Engine() as engine:
        viewer = client("opencv", engine, "--headless", "--png", tmp_path / "out.png", "--wait", "inf")
        viewer.stdout.readline()
        joined = engine.sent
        until(lambda: engine.sent > joined + 20)
    assert viewer.stderr.readline() == "nothing comes from the engine: waiting inf s for it (--wait)\n"
    viewer.send_signal(signal.SIGINT)
    said, _ = viewer.communicate(timeout=60)
    assert viewer.returncode == 0 and "wrote" in said and (tmp_path / "out.png").exists()


@pytest.mark.parametrize("name", ["python", "opencv"])
def test_an_engine_that_does_not_run_yet_is_waited_for(name):
    with fake.Engine() as first:
        pass
    options = {"python": ["--seconds", "30"], "opencv": ["--seconds", "1", "--headless"]}[name]
    process = client(name, first, "--wait", "20", *options)
    assert process.stderr.readline() == f"no engine at {first.endpoint} yet: waiting 20 s for it (--wait)\n"
    with fake.Engine(after=first):
        assert "session 5, bundle listener_rules" in process.stdout.readline()
        if name == "python":
            assert "mouthSmileLeft" in process.stdout.readline()
            process.terminate()
        said, errors = process.communicate(timeout=30)
    assert process.returncode == 0 and errors == "" and (name == "python" or "restarts  0" in said)


def test_the_python_client_goes_on_with_another_engine():
    with fake.Engine() as first:
        process = client("python", first)
        until(lambda: "mouthSmileLeft" in process.stdout.readline())
    with fake.Engine(dancing=True, after=first, session=6):
        lines = []
        until(lambda: lines.append(process.stdout.readline()) or "hip.x" in lines[-1])
        told = process.stderr.readline()  # which comes after the line: who ends it at once may miss it
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert told == "the engine has begun anew: session 6, bundle dance\n"
    assert process.returncode == 0 and errors == ""
    assert not any("mouthSmileLeft" in line and "hip" in line for line in lines)


def test_an_engine_that_stays_away_ends_it():
    with fake.Engine() as engine:
        process = client("python", engine, "--wait", "0")
        until(lambda: "mouthSmileLeft" in process.stdout.readline())
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.endswith(f"error: the engine at {engine.endpoint} has sent nothing for 3 s\n")


def test_what_goes_and_comes_is_said_once(monkeypatch):
    monkeypatch.setattr(waiting, "SILENCE_S", 0.4)
    said: list[str] = []
    with fake.Engine() as first:
        subscriber = Subscriber(first.about["pub"])
        presence = Presence(subscriber, 60.0, said.append)
        assert subscriber.receive(10.0) and not presence.over() and said == []
    with subscriber:
        until(lambda: presence.over() or presence.gone)
        for _ in range(3):
            assert not presence.over()
        assert said == ["nothing comes from the engine: waiting 60 s for it (--wait)"]
        with fake.Engine(after=first, session=8):
            until(lambda: presence.over() or not presence.gone)
            until(lambda: subscriber.run == 1 and subscriber.settled)
            assert not presence.over()
        assert len(said) == 2 and re.fullmatch(r"the engine is back after [\d.]+ s: session 8, bundle .*", said[1])
        impatient = Presence(subscriber, 0.0, said.append)
        until(impatient.over)


def test_record_ends_where_the_engine_stays_away(monkeypatch):
    monkeypatch.setattr(waiting, "SILENCE_S", 0.4)
    with fake.Engine() as engine:
        subscriber = Subscriber(engine.about["pub"], announced=fake.read(engine.about))
        until(lambda: engine.sent > 30)
    recording = Recording(fake.read(engine.about))
    run = record(subscriber, recording, 1000.0, wait=0.0)
    subscriber.close()
    assert len(run.delays) == recording.received > 10
    assert max(run.delays) < 10_000 and np.isfinite(run.delays).all()


def test_describe_waits_for_an_engine():
    with fake.Engine() as first:
        pass
    with pytest.raises(NoEngine, match=r"within 0\.1 s"):
        describe(first.endpoint, timeout=0.1, wait=0.2)
    said: list[str] = []
    with pytest.raises(NoEngine, match=r"\(waited 0\.1 s\)"):
        find(first.endpoint, "", None, 0.1, said.append)
    assert said == [f"no engine at {first.endpoint} yet: waiting 0.1 s for it (--wait)"]
