"""Settings in a file: what they stand for, what is refused and how, and that a service lets its visitors finish."""

from __future__ import annotations

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

from clients.python.session import Refused, Session
from engine.bundle.plain_yaml import parse
from engine.cli_parser import parser, serve_parser
from engine.configuration import LONGEST, arguments, explained
from engine.errors import EngineError

ROOT = Path(__file__).resolve().parents[2]
GOOD = """
bundle: [rules, reaction]
source: [file, talk.wav]
listen: "127.0.0.1:8080"
capacity: 3
window: 2.5
monitor: true
fast: false
seed:
set: {nod_rate: 1.5, smile_gain: 2}
origin: [https://a.example, https://b.example]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "engine.yaml"
    path.write_text(text, "utf-8")
    return path


def test_a_file_stands_for_options_and_the_command_line_wins(tmp_path: Path) -> None:
    given = arguments(written(tmp_path, GOOD))
    options = parser().parse_args(["serve", *given, "--capacity", "5", "--set", "nod_rate=0.5", "--bundle", "rules"])
    assert options.bundle == ["rules"] and options.capacity == 5 and options.window == 2.5
    assert options.source == ["file", "talk.wav"] and options.listen == "127.0.0.1:8080"
    assert options.monitor and not options.fast and options.seed == 0
    assert options.set == ["nod_rate=1.5", "smile_gain=2", "nod_rate=0.5"], "both count, the command line's last"
    assert options.origin == ["https://a.example", "https://b.example"]
    assert arguments(written(tmp_path, "# nothing\n")) == []
    assert arguments(written(tmp_path, "web: true\nno-browser: true")) == ["--web", "--no-browser"]
    assert arguments(written(tmp_path, "web: 127.0.0.1:9000")) == ["--web=127.0.0.1:9000"]
    assert arguments(written(tmp_path, "web: false")) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("bundel: rules", r"'bundel' is no setting; did you mean bundle\?"),
        ("xyz: 1", r"'xyz' is no setting `engine config --explain` lists all"),
        ("config: other.yaml", "'config' is no setting"),
        ("capacity: 0", "capacity: '0': give 1 to 1024"),
        ("capacity: [1, 2]", "capacity: 2 values where one value is meant"),
        ("fast: 1", "fast: 1: give true or false"),
        ("fast: 'true'", "fast: 'true': give true or false"),
        ("window: {a: 1}", "window: a mapping where one value is meant"),
        ("bundle: {a: 1}", "bundle: a mapping where a list is meant"),
        ("echo: maybe", "echo: invalid choice: 'maybe'"),
        ("source: [file, --fast]", "source: '--fast': a value here may not begin with -"),
        ("set: {mood: true}", "set: True: give a text or a number; put quotes"),
        ("listen: [[a]]", r"listen: \['a'\]: give a text"),
        ("set: [a", "YAML as `engine config --explain`"),
        ("- a", "holds a list, not keys with values"),
        ("a: &x 1", "an anchor"),
        ("#" * (LONGEST + 1), f"more than {LONGEST} bytes"),
    ],
)
def test_what_is_not_right_is_named_with_its_key(tmp_path: Path, text: str, why: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(EngineError, match=why) as refused:
        arguments(path)
    assert str(path) in str(refused.value)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"nothing\.yaml cannot be read \(No such file"):
        arguments(tmp_path / "nothing.yaml")
    (tmp_path / "engine.yaml").write_bytes(b"bundle: \xff")
    with pytest.raises(EngineError, match="no UTF-8"):
        arguments(tmp_path / "engine.yaml")


def test_every_option_is_explained_and_the_explanation_is_itself_a_file(tmp_path: Path) -> None:
    told = explained()
    keys = re.findall(r"^#([a-z-]+):", told, re.M)
    options = {name[2:] for action in serve_parser()._actions for name in action.option_strings if name[:2] == "--"}
    assert set(keys) == options - {"help", "config"} and len(keys) == len(set(keys))
    assert all(line.startswith("#") and len(line) <= 120 for line in told.splitlines() if line)
    uncommented = re.sub(r"^#([a-z-]+):", r"\1:", told, flags=re.M)
    assert parse(uncommented)["capacity"] == 16
    defaults = parser().parse_args(["serve", *arguments(written(tmp_path, uncommented))])
    expected = parser().parse_args(["serve"])
    assert defaults == expected, "the defaults that are shown are those that hold"


def command(*words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "engine", *words]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_the_command_line_checks_explains_and_refuses_in_one_line(tmp_path: Path) -> None:
    path = written(tmp_path, "bundle: rules\nset: {nod_rate: 1.5}")
    good = command("config", str(path))
    assert good.returncode == 0 and "engine serve --bundle rules --set=nod_rate=1.5" in good.stdout
    assert command("config", "--explain").stdout.strip() == explained()
    for words in (("config",), ("config", "--explain", str(path)), ("serve", "--config", str(tmp_path / "no.yaml"))):
        bad = command(*words)
        assert bad.returncode == 2 and len(bad.stderr.splitlines()) == 1 and not bad.stdout


def ready(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)


def test_a_service_that_is_stopped_takes_nobody_new_and_lets_visitors_finish(tmp_path: Path) -> None:
    path = written(
        tmp_path, "bundle: rules\nlisten: 127.0.0.1:0\npub: 'tcp://127.0.0.1:*'\ncontrol: 'tcp://127.0.0.1:*'"
    )
    line = [sys.executable, "-m", "engine", "serve", "--config", str(path), "--drain", "60"]
    engine = subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert engine.stderr is not None
        url = next(found[0] for row in engine.stderr if (found := re.search(r"ws://\S+/session", row)))
        health = url.replace("ws://", "http://").replace("/session", "/ready")
        with Session(url, gives=["audio/partner"]) as session:
            assert ready(health) == 200
            engine.send_signal(signal.SIGTERM)
            said = next(row for row in engine.stderr if "stopping within" in row)
            assert "when 1 sessions are over" in said and ready(health) == 503
            with pytest.raises(Refused, match="about to stop"):
                Session(url, gives=["audio/partner"])
            got = 0
            end = time.monotonic() + 30.0
            while got < 10 and time.monotonic() < end:  # and this one goes on
                session.push(("audio/partner", [0.0] * 320))
                threading.Event().wait(0.02)
                got += len(session.receive(timeout=0.0))
            assert got >= 10 and engine.poll() is None
        assert engine.wait(20) == 0
    finally:
        engine.kill()
        engine.communicate()
