"""The log: what people and programs read of it, what cannot reach a terminal, and that nobody waits to write it."""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine import logs

ROOT = Path(__file__).resolve().parents[2]
PORTS = ("--pub", "tcp://127.0.0.1:*", "--control", "tcp://127.0.0.1:*")
HOSTILE = "a\x1b[2Jb\r\nwarning: c\u202ed"
log = logging.getLogger("engine.made_up")


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    logs.add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize("queued", [False, True])
def test_people_read_lines_with_the_level_from_warning_on(queued: bool, capfd: pytest.CaptureFixture[str]) -> None:
    with logs.set_up(options(), queued):
        log.debug("not shown")
        log.info("%s frames", 3, extra={"session": 1})
        log.warning("no camera")
        logs.refused("engine serve", ValueError("too\nmuch"))
    assert capfd.readouterr() == ("", "3 frames\nwarning: no camera\nengine serve: too much\n")


@pytest.mark.parametrize("queued", [False, True])
def test_programs_read_one_object_a_line(queued: bool, capfd: pytest.CaptureFixture[str]) -> None:
    with logs.set_up(options("--log-json", "--log-level", "debug"), queued):
        log.debug("%s", HOSTILE, extra={"session": 7, "bundles": ["rules"], "late_ms": float("nan"), "of": Path("x")})
        logs.refused("engine serve", ValueError("no"))
    lines = capfd.readouterr().err.splitlines()
    first, second = map(json.loads, lines)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    about = {"level": "debug", "logger": "engine.made_up", "message": HOSTILE}
    assert first == {**about, "session": 7, "bundles": ["rules"], "late_ms": None, "of": "x"}
    assert (second["level"], second["message"]) == ("error", "no")
    assert all(line.isascii() and line.isprintable() for line in lines)


@pytest.mark.parametrize("queued", [False, True])
def test_what_strangers_write_does_nothing_to_a_terminal(queued: bool, capfd: pytest.CaptureFixture[str]) -> None:
    with logs.set_up(options(), queued):
        log.info("%s", HOSTILE)
        try:
            raise ValueError(HOSTILE)
        except ValueError:
            log.exception("failed")
    shown = capfd.readouterr().err
    assert shown.startswith("a?[2Jb warning: c?d\nerror: failed\n  Traceback (most recent call last):\n    File ")
    lines = shown.splitlines()
    assert all(line.isprintable() for line in lines)
    assert all(line.startswith("  ") for line in lines[2:])  # no line of a message is taken for one of the log


def test_levels_hold_for_this_project_and_are_put_back(capfd: pytest.CaptureFixture[str]) -> None:
    other = logging.getLogger("somebody.else")
    before = logging.getLogger("engine").level, list(logging.getLogger().handlers)
    with logs.set_up(options("--log-level", "error")):
        log.warning("not shown")
        other.warning("of others")
        with logs.set_up(options("--log-level", "info")):  # takes the other's place
            other.info("not shown")
            log.info("once")
        log.error("no one listens any more")
    assert capfd.readouterr().err == "warning: of others\nonce\n"
    assert (logging.getLogger("engine").level, list(logging.getLogger().handlers)) == before


def test_nobody_waits_for_a_terminal_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its buffer is full: whoever logs goes on, the queue stays bounded, and what was left out is counted."""
    goes_on = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            assert goes_on.wait(60)
            return super().write(text)

    terminal = Stuck()
    monkeypatch.setattr(sys, "stderr", terminal)
    with logs.set_up(options(), queued=True):
        for number in range(logs.MOST_WAITING + 100):
            log.info("%d", number)  # would never come back
        goes_on.set()
    shown = terminal.getvalue().splitlines()
    numbers = [int(line) for line in shown if line.isdecimal()]
    left_out = sum(map(int, re.findall(r"warning: (\d+) messages were left out", terminal.getvalue())))
    assert numbers[: logs.MOST_WAITING] == list(range(logs.MOST_WAITING)) and sorted(set(numbers)) == numbers
    assert left_out and len(numbers) + left_out == logs.MOST_WAITING + 100


def test_serving_logs_json_and_answers_on_stdout() -> None:
    words = [sys.executable, "-m", "engine", "serve", "--source", "demo", "--seconds", "0.2", *PORTS, "--log-json"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, env={**os.environ})
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 0 and "capture to publish" in done.stdout
    assert [each["logger"] for each in told[:2]] == ["engine.serve", "engine.serve"]
    assert told[0]["bundles"] == ["reaction"], "the listener that is served where none is named"
    assert re.fullmatch(r"tcp://127\.0\.0\.1:\d+", told[1]["pub"]) and told[1]["control"] != told[1]["pub"]


def test_a_command_that_is_refused_says_so_in_json_too() -> None:
    words = [sys.executable, "-m", "engine", "serve", *PORTS, "--source", "demo", "--bundle", "no", "--log-json"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    (told,) = map(json.loads, done.stderr.splitlines())
    assert (done.returncode, told["level"]) == (2, "error")
    assert told["message"].startswith("no bundle 'no'")
