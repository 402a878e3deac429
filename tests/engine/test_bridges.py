"""The program of bridges beside a session: asked first, logged, said and started again when it dies, never left behind.
Other programs stand for it here; tests/clients/test_bridges_live.py runs the real one."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import bridges as module
from engine.bridges import Bridges
from engine.errors import EngineError
from engine.serve import ServeOptions, serve

URLS = ("vmc://127.0.0.1:39539", "livelink://127.0.0.1")


def program(tmp_path: Path, text: str) -> list[str]:
    """A command that runs ``text``, with the arguments in ``said``, which are also appended to a file."""
    path = tmp_path / "program.py"
    head = (
        f"import sys, time\nsaid = sys.argv[1:]\nopen({str(tmp_path / 'runs')!r}, 'a').write(' '.join(said) + '\\n')\n"
    )
    path.write_text(head + "if '--check' in said: sys.exit(0)\n" + text)
    return [sys.executable, str(path)]


def runs(tmp_path: Path) -> list[str]:
    path = tmp_path / "runs"
    return path.read_text().splitlines() if path.exists() else []


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_it_is_asked_first_and_its_refusal_is_the_session_s(tmp_path: Path) -> None:
    for text, why in (
        ("print('error: bridge 1 is wrong', file=sys.stderr); sys.exit(2)", "--bridge: bridge 1 is wrong"),
        ("sys.exit(1)", "--bridge: it said nothing"),
        ("raise OSError('odd')", "--bridge: OSError: odd"),
    ):
        command = program(tmp_path, "")
        Path(command[1]).write_text(f"import sys\n{text}\n")
        with pytest.raises(EngineError, match=f"^{why}$"):
            Bridges(URLS, command=command)
    with pytest.raises(EngineError, match="--bridge: /no/such/program cannot be run"):
        Bridges(URLS, command=["/no/such/program"])


def test_its_lines_are_logged_and_it_ends_with_its_standard_input(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "engine")
    text = "print('\\x1b[2Jhello', file=sys.stderr, flush=True)\nsys.stdin.read()\n"
    made = Bridges(URLS, tmp_path, program(tmp_path, text))
    made.start("tcp://127.0.0.1:5570", 7)
    until(lambda: "bridge: ?[2Jhello" in caplog.messages)
    made.close()
    asked = f"--connect tcp://127.0.0.1:5570 --session 7 --attached --keys {tmp_path} -- {' '.join(URLS)}"
    assert runs(tmp_path) == [f"--check -- {' '.join(URLS)}", asked]
    assert made._process is not None and made._process.returncode == 0
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


def test_one_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "END_S", 0.2)
    made = Bridges(URLS, command=program(tmp_path, "time.sleep(600)"))
    made.start("tcp://127.0.0.1:1", 1)
    until(lambda: len(runs(tmp_path)) == 2)
    made.close()
    assert made._process is not None and made._process.returncode not in (0, None)
    assert made._thread is not None and not made._thread.is_alive()


def test_one_that_dies_is_said_with_its_reason_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.01)
    text = "print('the socket burst', file=sys.stderr)\nsys.exit(3)\n"
    made = Bridges(URLS, command=program(tmp_path, text))
    made.start("tcp://127.0.0.1:1", 1)
    until(lambda: len(runs(tmp_path)) >= 4)
    made.close()
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert told[0] == "bridges have ended (code 3): the socket burst; started again in 0.01 s"
    assert told[1].endswith("started again in 0.02 s")


def test_one_that_refuses_is_not_started_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = Bridges(URLS, command=program(tmp_path, "print('error: no keys', file=sys.stderr)\nsys.exit(2)\n"))
    made.start("tcp://127.0.0.1:1", 1)
    assert made._thread is not None
    made._thread.join(30)
    assert len(runs(tmp_path)) == 2
    assert caplog.messages == ["bridges have ended: no keys; the session goes on without"]
    made.close()


def test_closing_at_once_leaves_nothing_running(tmp_path: Path) -> None:
    before = set(threading.enumerate())  # other tests may have left some behind
    made = Bridges(URLS, command=program(tmp_path, "sys.stdin.read()"))
    made.start("tcp://127.0.0.1:1", 1)
    made.close()
    assert made._process is None or made._process.returncode is not None
    assert set(threading.enumerate()) <= before and made._thread is not None and not made._thread.is_alive()


def test_a_session_of_the_network_alone_has_nothing_to_hand_on() -> None:
    with pytest.raises(EngineError, match=r"--bridge: it hands on a session of this machine.*add a --source"):
        serve(ServeOptions(bundles=("rules",), bridges=URLS, local=False, listen="127.0.0.1:0"), [])
