"""Bridges (``--bridge``): a program of the clients, started beside a session as a process of its own, that hands its
frames on to avatar programs.

The engine knows of it what any program would: a command, the address of the frames, exit codes and lines on standard
error. It is asked first whether it understands the URLs, so that a session does not begin with one that is wrong. Then
it runs as long as the session: its lines are logged; one that dies is said with its reason and started again, and no
frame waits for it. It ends when its standard input does, so none is left behind, however the engine ends.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from engine.errors import EngineError, clean

log = logging.getLogger(__name__)
COMMAND = (sys.executable, "-m", "clients.bridges")
CHECK_S, END_S = 30.0, 5.0
"""For an answer to whether URLs are right; for it to end by itself."""
AGAIN_S, LONGEST_PAUSE_S = 1.0, 30.0
"""Before it is started again: at first, and at most, as it doubles every time."""
REFUSED = 2
"""Its exit code for what cannot be begun: starting it again would change nothing."""
LONGEST_LINE = 2000


class Bridges:
    """To ``urls``. ``keys``: the folder of a client's keys, where the engine's sockets want some. Raises
    :class:`EngineError` where a URL is wrong or a package is missing, in the program's own words."""

    def __init__(self, urls: Sequence[str], keys: Path | None = None, command: Sequence[str] = COMMAND) -> None:
        self._urls, self._keys, self._command = tuple(urls), keys, tuple(command)
        self._process: subprocess.Popen[str] | None = None
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._check()

    def start(self, pub: str, session: int) -> None:
        """Run it for a session whose frames go out at ``pub``."""
        options = ["--connect", pub, "--session", str(session), "--attached"]
        options += [] if self._keys is None else ["--keys", str(self._keys)]
        line = [*self._command, *options, "--", *self._urls]
        self._thread = threading.Thread(target=self._supervise, args=(line,), name="bridges", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it; by force, if it does not within :data:`END_S`."""
        self._closing.set()
        with self._lock:
            process = self._process
        if process is not None:
            _shut(process)
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._thread is not None:
            self._thread.join()

    def _check(self) -> None:
        try:
            asked = subprocess.run(
                [*self._command, "--check", "--", *self._urls],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=CHECK_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EngineError(f"--bridge: {' '.join(self._command)} cannot be run: {clean(error, 200)}") from None
        if asked.returncode:
            raise EngineError(f"--bridge: {_last(asked.stderr.splitlines())}")

    def _supervise(self, line: Sequence[str]) -> None:
        pause = AGAIN_S
        while not self._closing.is_set():
            code, last = self._once(line)
            if self._closing.is_set():
                return
            about = {"code": code, "bridges": list(self._urls)}
            if code in (0, REFUSED):
                log.error("bridges have ended: %s; the session goes on without", last, extra=about)
                return
            log.error("bridges have ended (code %d): %s; started again in %g s", code, last, pause, extra=about)
            self._closing.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _once(self, line: Sequence[str]) -> tuple[int, str]:
        """Exit code and last words of one run."""
        try:
            with self._lock:
                if self._closing.is_set():
                    return 0, ""
                self._process = process = subprocess.Popen(
                    line,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                    errors="replace",
                )
        except OSError as error:
            return REFUSED, clean(error, 200)
        last: list[str] = []
        assert process.stderr is not None
        with process.stderr:
            while said := process.stderr.readline(LONGEST_LINE):
                if said.strip():
                    last = [said]
                    log.info("bridge: %s", clean(said, LONGEST_LINE), extra={"bridges": list(self._urls)})
        code = process.wait()
        _shut(process)
        return code, _last(last)


def _shut(process: subprocess.Popen[str]) -> None:
    """Close its standard input, by which it ends."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()


def _last(lines: Sequence[str]) -> str:
    """The last line that says something, without the word that begins an error."""
    said = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    return clean(said.removeprefix("error: "), 400)
