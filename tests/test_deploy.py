"""What a service is started with: settings that the engine takes, and a stop that waits long enough."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.cli_parser import parser
from engine.configuration import arguments

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"


def unit() -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None, strict=False)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(DEPLOY / "reaction-engine.service", "utf-8")
    return found


def test_the_settings_are_right_and_stopping_has_the_time_that_visitors_have() -> None:
    options = parser().parse_args(["serve", *arguments(DEPLOY / "engine.yaml")])
    assert options.listen and options.tokens and options.drain > 0
    assert float(unit()["Service"]["TimeoutStopSec"]) > options.drain
    stated = re.findall(r"--stop-timeout (\d+)", (DEPLOY / "Containerfile").read_text("utf-8"))
    assert stated and all(float(seconds) > options.drain for seconds in stated)
    command = unit()["Service"]["ExecStart"].split()[1:]
    assert parser().parse_args(command).command == "serve"


def test_the_image_starts_what_the_unit_starts() -> None:
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    words = re.findall(r'"([^"]+)"', text[text.index("\nENTRYPOINT") :])
    assert words[0] == "engine" and parser().parse_args(words[1:]).config == Path("/etc/reaction-engine/engine.yaml")
    port = re.findall(r"^EXPOSE (\d+)", text, re.M)[0]
    options = parser().parse_args(["serve", *arguments(DEPLOY / "engine.yaml")])
    assert options.listen.endswith(f":{port}") and f":{port}/live" in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    text = (
        (DEPLOY / "reaction-engine.service").read_text("utf-8").replace("/opt/reaction-engine/bin/engine", "/bin/true")
    )
    (tmp_path / "reaction-engine.service").write_text(text, "utf-8")
    line = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "reaction-engine.service")]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    said = [row for row in done.stderr.splitlines() if "reaction-engine" in row]
    assert done.returncode == 0 and not said, said
