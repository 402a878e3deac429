"""An export says what it is at: a bar where a person watches, lines in a log, nothing where nobody wants to hear it."""

from __future__ import annotations

import io
import json
from argparse import Namespace

import pytest

from engine import logs
from export.progress import stage


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work() -> None:
    with stage("tiny: parity", 3) as advance:
        for _ in range(3):
            advance()
    with stage("tiny: tracing"):
        pass


def told(monkeypatch: pytest.MonkeyPatch, where: io.StringIO, level: str = "info", as_json: bool = False) -> str:
    monkeypatch.setattr("sys.stderr", where)
    with logs.set_up(Namespace(log_level=level, log_json=as_json)):
        work()
    return where.getvalue()


def test_a_terminal_shows_a_bar_and_is_left_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = told(monkeypatch, Terminal())
    assert "tiny: parity   0%|" in shown and "| 0/3 [00:00<" in shown and "tiny: tracing ..." in shown
    assert not shown.split("\r")[-1].strip()  # the last bar was wiped away


def test_elsewhere_a_stage_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, io.StringIO()) == "tiny: parity ...\ntiny: tracing ...\n"
    lines = [json.loads(line) for line in told(monkeypatch, Terminal(), "debug", as_json=True).splitlines()]
    assert [(each["stage"], each.get("steps"), "seconds" in each) for each in lines] == [
        ("tiny: parity", 3, False),
        ("tiny: parity", None, True),
        ("tiny: tracing", 0, False),
        ("tiny: tracing", None, True),
    ]


def test_who_wants_warnings_alone_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, Terminal(), "warning") == told(monkeypatch, io.StringIO(), "warning") == ""
