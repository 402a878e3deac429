"""``python -m clients.python`` as a user runs it."""

from __future__ import annotations

import subprocess
import sys

from . import fake


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "clients.python", *arguments], capture_output=True, text=True, timeout=30, check=False
    )


def test_command_prints_a_line_a_second():
    with fake.Engine() as engine:
        done = command("--control", engine.endpoint, "--seconds", "2")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "session 5" in lines[0]
    assert sum("capture to here" in line and "mouthSmileLeft +0.50" in line for line in lines) >= 1


def test_command_without_an_engine_fails_in_one_line():
    done = command("--control", "tcp://127.0.0.1:1", "--wait", "0")
    assert done.returncode == 1
    assert done.stderr.startswith("error: no engine answers") and done.stderr.count("\n") == 1


def test_command_ends_cleanly_on_sigterm():
    with fake.Engine() as engine:
        process = subprocess.Popen(
            [sys.executable, "-m", "clients.python", "--control", engine.endpoint],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert "session" in process.stdout.readline()
        process.terminate()
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 0 and errors == ""


def test_command_shows_a_body_s_first_numbers():
    with fake.Engine(dancing=True) as engine:
        done = command("--control", engine.endpoint, "--seconds", "1.5")
    assert done.returncode == 0, done.stderr
    assert "hip.x" in done.stdout and "hip.z" in done.stdout
