"""Standard streams that are closed, full, stuck or left by their reader, with real processes: sessions go on, end with
their own exit code, and keep what they recorded."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.record.reading import Recording

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="streams as Linux has them")
ROOT = Path(__file__).resolve().parents[2]
ENGINE = [sys.executable, "-m", "engine"]
FRAMES = 25


def serve(folder: Path, *more: str) -> list[str]:
    ports = ["--pub", "tcp://127.0.0.1:*", "--control", "tcp://127.0.0.1:*"]
    kept = ["--record", str(folder / "r.mcap"), "--save", str(folder / "r.npz")]
    return [*ENGINE, "serve", "--bundle", "rules", "--source", "demo", *ports, *kept, *(more or ("--seconds", "60"))]


def shell(redirections: str, command: Sequence[str]) -> list[str]:
    """The command with its streams as the shell makes them."""
    return ["sh", "-c", f'exec "$@" {redirections}', "sh", *command]


def whole(folder: Path) -> int:
    """Frames of a recording that was finished, with nothing else in it or beside it."""
    recording = Recording(folder / "r.mcap")
    frames = len(list(recording.steps()))
    assert not recording.cut
    assert {path.name for path in folder.iterdir()} == {"r.mcap", "r.npz"}
    return frames


def run(command: Sequence[str], **options: Any) -> int:
    return subprocess.run(command, cwd=ROOT, timeout=100, check=False, **options).returncode


def started(command: Sequence[str], folder: Path, **options: Any) -> subprocess.Popen[bytes]:
    """A session that has recorded a second or more."""
    process = subprocess.Popen(command, cwd=ROOT, **options)
    part, pause = folder / "r.mcap.part", threading.Event()
    while not part.exists() or part.stat().st_size < 50_000:
        assert process.poll() is None
        pause.wait(0.05)
    return process


@pytest.mark.parametrize("streams", ["<&- >&- 2>&-", "2>&-", ">/dev/full 2>/dev/full"])
def test_a_session_without_streams_runs_to_its_end(tmp_path: Path, streams: str) -> None:
    nothing = subprocess.DEVNULL
    assert run(shell(streams, serve(tmp_path, "--seconds", "1")), stdout=nothing, stderr=nothing) == 0
    assert whole(tmp_path) == FRAMES


def test_a_reader_that_has_seen_enough_ends_no_session(tmp_path: Path) -> None:
    command = serve(tmp_path, "--seconds", "1")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        assert b"serving rules" in process.stdout.readline()
        process.stdout.close()  # as `2>&1 | head -1` does
        assert process.wait(100) == 0
    assert whole(tmp_path) == FRAMES


def test_a_terminal_that_takes_nothing_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Its reader is stopped and the pipe full: the thread that writes the log never comes back."""
    there, full = os.pipe()
    try:
        fcntl.fcntl(full, fcntl.F_SETFL, os.O_NONBLOCK)
        for size in (4096, 1):
            try:
                while True:
                    os.write(full, b"." * size)
            except BlockingIOError:
                continue
        fcntl.fcntl(full, fcntl.F_SETFL, 0)
        assert run(serve(tmp_path, "--seconds", "1"), stdout=subprocess.DEVNULL, stderr=full) == 0
    finally:
        os.close(there)
        os.close(full)
    assert whole(tmp_path) == FRAMES


def test_a_terminal_that_hangs_up_is_a_wish_to_stop(tmp_path: Path) -> None:
    master, slave = pty.openpty()

    def lead() -> None:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    process = started(serve(tmp_path), tmp_path, stdin=slave, stdout=slave, stderr=slave, preexec_fn=lead)
    os.close(slave)
    os.close(master)  # the window is closed
    assert process.wait(100) == 0
    assert whole(tmp_path) >= FRAMES


def test_a_stop_signal_ends_it_as_well_when_nobody_reads(tmp_path: Path) -> None:
    process = started(shell(">&- 2>&-", serve(tmp_path)), tmp_path)
    process.send_signal(signal.SIGTERM)
    assert process.wait(100) == 0
    assert whole(tmp_path) >= FRAMES


@pytest.mark.parametrize(
    ("words", "streams", "code", "said"),
    [
        (["devices"], ">/dev/full", 2, "engine devices: the answer cannot be written: No space left on device"),
        (["devices"], ">&-", 0, ""),
        (["--help"], ">/dev/full", 0, ""),
        (["--help"], ">&-", 0, ""),
        (["serve", "--bundle", "none such"], "2>/dev/full", 2, ""),
        (["serve", "--bundle", "none such"], "2>&-", 2, ""),
    ],
)
def test_answers_that_cannot_be_written(words: list[str], streams: str, code: int, said: str) -> None:
    done = subprocess.run(shell(streams, [*ENGINE, *words]), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert done.stderr.startswith(said) and len(done.stderr.splitlines()) == bool(said)


def python(text: str, streams: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    command = shell(streams, [sys.executable, "-c", text])
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )


def test_a_closed_stream_is_taken_by_nothing_else(tmp_path: Path) -> None:
    text = (
        "import os, sys; from engine.stdio import stand_in; stand_in()\n"
        f"mine = open({str(tmp_path / 'file')!r}, 'wb')\n"
        "os.write(2, b'of a library'); print('told', file=sys.stderr); sys.exit(mine.fileno() < 3)"
    )
    assert python(text, "<&- >&- 2>&-").returncode == 0
    assert (tmp_path / "file").read_bytes() == b""


def test_a_line_is_seen_while_a_library_has_sent_standard_error_elsewhere() -> None:
    text = (
        "import os, logging, argparse; from engine import logs\n"
        "with logs.set_up(argparse.Namespace()):\n"
        "    kept = os.dup(2); os.dup2(os.open(os.devnull, os.O_WRONLY), 2)\n"
        "    logging.getLogger('engine').warning('the microphone is gone')\n"
    )
    assert python(text).stderr == "warning: the microphone is gone\n"


def test_letters_that_a_terminal_does_not_know_are_no_traceback() -> None:
    text = "from engine.stdio import stand_in; stand_in(); print('K\\ufffdpfh\\xf6rer')"
    done = python(text, PYTHONIOENCODING="ascii")
    assert (done.stdout, done.stderr) == ("K?pfh?rer\n", "")


def test_a_terminal_may_hang_up_twice(tmp_path: Path) -> None:
    """The system tells the processes of a closed window, and the shell in it tells them once more."""
    process = started(serve(tmp_path), tmp_path)
    process.send_signal(signal.SIGHUP)
    threading.Event().wait(0.02)
    process.send_signal(signal.SIGHUP)
    assert process.wait(100) == 0
    assert whole(tmp_path) >= FRAMES


def test_under_nohup_a_terminal_may_go(tmp_path: Path) -> None:
    ignoring = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"]  # what nohup does
    process = started([*ignoring, *serve(tmp_path)], tmp_path)
    process.send_signal(signal.SIGHUP)
    threading.Event().wait(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(100) == 0
    assert whole(tmp_path) >= FRAMES


def test_on_a_full_disk_the_session_goes_on_and_the_older_files_stay(tmp_path: Path) -> None:
    for name in ("r.mcap", "r.npz"):
        (tmp_path / name).write_bytes(b"of last time")
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
    text = f"{limit}from engine.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", text, *serve(tmp_path, "--seconds", "3")[len(ENGINE) :]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    part = tmp_path / "r.mcap.part"
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"warning: recording: {tmp_path / 'r.mcap'}: cannot be written any more (File too large)" in done.stderr
    assert f"engine serve: the recording is not whole: {tmp_path / 'r.mcap'}" in done.stderr
    assert all((tmp_path / name).read_bytes() == b"of last time" for name in ("r.mcap", "r.npz"))
    assert 10 <= len(list(Recording(part).steps())) < 3 * FRAMES
