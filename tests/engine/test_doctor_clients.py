"""The examination of the ways to clients: what arrives in each protocol, and what is said where it cannot."""

from __future__ import annotations

import importlib.util
import subprocess
from typing import Any

import pytest

from engine import bridges, doctor, doctor_clients
from engine.doctor_clients import UDP, ways
from engine.finding import Finding
from engine.serve import ServeOptions
from engine.speech.say import voices

FREE = "tcp://127.0.0.1:*"


def found(options: ServeOptions) -> dict[str, Finding]:
    return {one.part: one for one in ways(options)}


def test_every_way_is_tried_to_its_end_and_says_where_to_look_then() -> None:
    parts = found(ServeOptions(bundles=("rules",), pub=FREE, control=FREE))
    assert {one.part: one.state for one in parts.values()} == {"page": "ok", "bridges": "ok", "viewer": "ok"}
    assert "serves it" in parts["page"].said and "https" in parts["page"].said
    assert ("its avatar says what is typed" if voices() else "reaction-engine[voice]") in parts["page"].said
    said = parts["bridges"].said
    assert all(f"packets of {name}" in said and hint in said for name, hint in UDP.items())
    counts = [int(word) for word in said.split(" arrived")[0].replace(",", "").split() if word.isdigit()]
    assert len(counts) == 3 and min(counts) >= 3


def test_what_a_bundle_does_not_make_and_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    gone = {"aiohttp", "cv2"}
    monkeypatch.setattr(doctor_clients, "find_spec", lambda name: None if name in gone else real(name))
    parts = found(ServeOptions(bundles=("effort",), pub=FREE, control=FREE))
    assert parts["page"].said == "not installed: pip install 'reaction-engine[network]'"
    assert parts["viewer"].said == "not installed: pip install 'reaction-engine[viewer]'"
    assert "bundle effort makes no face or body" in parts["bridges"].said
    assert {one.state for one in parts.values()} == {"missing"}


def test_a_bridge_that_sends_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(bridges.Bridges):
        def start(self, pub: str, session: int) -> None:
            pass

    monkeypatch.setattr("engine.serve.Bridges", Silent)
    monkeypatch.setattr(doctor_clients, "START_S", 0.1)
    monkeypatch.setattr(doctor_clients, "SECONDS", 0.5)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "", ""))
    said = found(ServeOptions(bundles=("rules",), pub=FREE, control=FREE))["bridges"]
    assert said.state == "missing" and "nothing came by vmc, livelink, ifacialmocap" in said.said


def test_the_doctor_tells_them_after_its_own_parts(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    for name in ("_bundle", "_ports", "_frame", "_tracker", "devices", "_sound", "_feeds"):
        monkeypatch.setattr(doctor, name, lambda *_: "left out")
    monkeypatch.setattr(doctor, "ways", lambda _: iter([Finding("page", "missing", "is away")]))
    assert doctor.examine(ServeOptions(bundles=("rules",), pub=FREE, control=FREE)) == 0
    assert capsys.readouterr().out.splitlines()[-1].strip() == "page  missing: is away"
