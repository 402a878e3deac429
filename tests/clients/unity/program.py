"""The program of the C# tests, compiled and run, and what it prints of frames."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.clients.unity import toolchain

ROOT = Path(__file__).parents[3]


class Program:
    """The compiled tests' program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "tests.clients.unity.build", str(folder)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
        self.said, self.status = done.stdout + done.stderr, done.returncode

    def start(self, *arguments: str, given: str = "") -> Running:
        """The program while it runs."""
        command = [str(toolchain.dotnet() / "dotnet"), "exec", str(self.folder / "Tests.dll"), *arguments]
        return Running(command, toolchain.environment(self.folder / "libraries"), given)

    def run(self, *arguments: str, given: str = "") -> list[str]:
        """Its lines, when it ends well."""
        return self.start(*arguments, given=given).end()


class Running:
    """A program whose lines are read as they come, so that it never waits for a reader."""

    def __init__(self, command: list[str], environment: dict[str, str], given: str) -> None:
        pipe, out = subprocess.PIPE, subprocess.STDOUT
        self.process = subprocess.Popen(command, env=environment, text=True, stdin=pipe, stdout=pipe, stderr=out)
        self.lines: list[str] = []
        self._threads = [threading.Thread(target=work) for work in (self._read, lambda: self._write(given))]
        for thread in self._threads:
            thread.start()

    def is_running(self) -> bool:
        return self.process.poll() is None

    def end(self) -> list[str]:
        """All lines, when it ends well; it is killed where it does not end."""
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        for thread in self._threads:
            thread.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        assert status == 0, "\n".join(self.lines[-50:])
        return self.lines

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def _write(self, given: str) -> None:
        assert self.process.stdin is not None
        with self.process.stdin as pipe:
            pipe.write(given)


class Seen(NamedTuple):
    """What C# printed of a frame: how often the engine had begun anew, its header, its values."""

    codec: str
    run: int
    header: tuple[int, ...]
    values: bytes

    @property
    def key(self) -> tuple[int, int, int]:
        """Session, stream, number."""
        return self.header[0], self.header[1], self.header[4]


def header(frame: object) -> tuple[int, ...]:
    """A frame's fields in the order in which C# prints them."""
    names = ("session", "stream", "flags", "step_us", "seq", "capture_ns", "due_ns", "publish_ns", "layout")
    return tuple(int(getattr(frame, name)) for name in names)


def seen(lines: list[str]) -> list[Seen]:
    found = []
    for line in lines:
        if line.startswith("frame "):
            _, codec, run, *numbers, values = line.split(" ")
            found.append(Seen(codec, int(run), tuple(map(int, numbers)), decoded(values)))
    return found


def decoded(letters: str) -> bytes:
    """Little-endian float32 of the hexadecimal that C# prints."""
    return np.frombuffer(bytes.fromhex(letters), ">u4").astype("<u4").tobytes()
