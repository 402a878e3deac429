"""`python -m train label` as a program: killed in the middle, started again, ended by Ctrl-C, and wrong options."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.train.dance.bodies import dancer, write_bvh
from train.__main__ import main
from train.dance.labels import read_labels

CLIPS = 15


@pytest.fixture
def take(tmp_path: Path) -> Path:
    return write_bvh(tmp_path / "takes" / "dance.bvh", dancer(1, frames=CLIPS * 40 + 1))


def start(take: Path, out: Path, port: str = "0") -> tuple[subprocess.Popen[str], str]:
    """The program and the address of its page."""
    command = [sys.executable, "-m", "train", "label", "dance", str(take), "--out", str(out), "--port", port]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    for line in running.stdout:
        if found := re.search(r"http://[\d.:]+/", line):
            return running, found[0]
    raise AssertionError(f"the program ended with {running.wait()} and served no page")


def ask(url: str, body: dict[str, object] | None = None) -> dict[str, object]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return dict(json.loads(answer.read()))


def test_killed_in_the_middle_it_keeps_every_confirmed_label_and_goes_on(take: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.csv"
    running, url = start(take, out)
    session = ask(f"{url}api/task")["session"]
    confirmed: dict[int, int] = {}

    def work() -> None:
        for number in range(100_000):
            clip, value = number % CLIPS, 1 + number % 4
            try:
                ask(f"{url}api/labels", {"session": session, "clip": clip, "values": {"time": value, "space": 1}})
            except (OSError, http.client.HTTPException):
                return
            confirmed[clip] = value

    worker = threading.Thread(target=work)
    worker.start()
    while len(confirmed) < CLIPS:
        time.sleep(0.01)
    running.kill()
    running.communicate()
    worker.join()
    labels = {label.start // 40: label.time for label in read_labels(out)}
    differ = [clip for clip in confirmed if labels[clip] != confirmed[clip]]
    assert len(labels) == CLIPS and len(differ) <= 1, "at most the one that was on its way is newer than confirmed"

    again, url = start(take, out)
    state = ask(f"{url}api/labels")
    assert state["rows"] == CLIPS
    again.send_signal(signal.SIGINT)
    told, _ = again.communicate(timeout=20)
    assert again.returncode == 0 and f"{CLIPS} labels in" in told
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix not in (".lock", ".part")) == [
        "labels.csv",
        "takes",
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--by", "computed"], "give the name of a person"),
        (["--by", " "], "give the name of a person"),
        (["--blind", "-1"], "give a seed of 0 or more"),
        (["--port", "99999"], "port 99999 cannot be used (ports are 0 to 65535)"),
        (["--unit", "furlong"], "unit 'furlong': give metres"),
    ],
)
def test_wrong_options_are_told_in_one_line(
    take: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    assert main(["label", "dance", str(take), "--out", str(tmp_path / "labels.csv"), *options]) == 2
    told = capsys.readouterr().err
    assert says in told and told.count("\n") == 1
