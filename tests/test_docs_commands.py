"""Every command of the READMEs runs in a fresh clone as it is written: a test for each block of commands.

The commands of a block run in their order, by bash, in a copy of the project's folders. What is changed before they
run stands in :data:`SMALLER`, what is not run in :data:`LEFT_OUT`, each with its reason. A command that serves is
stopped by Ctrl-C when the next one that serves begins, or at the end of the block.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.train.dance.bodies import dancer, write_bvh

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("README.md", "train/README.md")
FOLDERS = ("benchmarks", "clients", "engine", "examples", "export", "models", "train")

LEFT_OUT = {
    r"^make (demo|web-demo|test)$": "sets up an environment of its own for minutes; CI runs `make test`",
    r"^engine serve$": "a microphone or a webcam is needed",
    r"^engine assets( --web)?$": "fetches a file from elsewhere",
}
SMALLER = {
    # Ports that nobody else on this machine uses.
    r"^engine (serve|doctor)\b": r"engine \1 --pub {pub} --control {control}",
    r"^engine (set|stats)\b": r"engine \1 --control {control}",
    r"^python -m clients\.opencv\b": r"python -m clients.opencv --control {control} --headless --seconds 1",
    r"127\.0\.0\.1:8080": r"127.0.0.1:{http}",
    r"^python -m train label (\w+)": r"python -m train label \1 --port 0",
    # A sound file that is there.
    r"--speech talk\.wav\b": r"--speech engine/data/partner/speech.flac",
    # Sizes that take seconds.
    r"--seconds 20\b": r"--seconds 2",
    r"--talks 90\b": r"--talks 10 --minutes 0.5",
    r"--listeners 6\b": r"--listeners 2",
    r"^python -m train (reaction|dance)\b": r"python -m train \1 --set config=tiny --set steps=4 --set rows=2 "
    r"--set check_every=2 --set threads=1",
    r"^(python -m train reaction)\b": r"\1 --set crop=25 --set check_minutes=0.1",
    r"^(python -m train dance)\b": r"\1 --set segment=60 --set finish=2",
    r"--minutes 30\b": r"--minutes 0",
    r"^python -m export\b": r"python -m export --seconds 2",
    r"^python -m train evaluate reaction\b": r"python -m train evaluate reaction --samples 1 --minutes 1",
    r"^python -m train evaluate dance\b": r"python -m train evaluate dance --dances 2 --seconds 4 --windows 40",
}
"""What is written, and what is run in its place: regular expressions."""
SERVES = re.compile(r"^engine serve\b(?!.*--(fast|seconds))|^python -m train label\b")
READY = re.compile(r"Ctrl-C (stops|ends)")
STOPPED = (0, 130)
LONGEST_S = 300.0
AT_ONCE = 2
"""Blocks that run side by side: exports take most of the time, on one core each."""


class Block(NamedTuple):
    """Commands that stand together in a document, under its heading; line numbers count from 1."""

    document: str
    heading: str
    lines: tuple[tuple[int, str], ...]


def blocks(document: str) -> Iterator[Block]:
    """The blocks marked ``sh`` of a document."""
    heading, lines, inside = "", [], False
    for number, line in enumerate((ROOT / document).read_text("utf-8").splitlines(), 1):
        if not inside and line.startswith("#"):
            heading = line.strip("# ")
        elif inside and line == "```":
            yield Block(document, heading, tuple(lines))
            lines, inside = [], False
        elif inside and line.strip():
            lines.append((number, line))
        elif line == "```sh":
            inside = True


BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]


def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def clone(root: Path) -> Path:
    """The project as somebody just got it, without tests and pictures, and a folder of takes."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    for level in range(3):
        for number in range(3):
            motion = dancer(level, frames=150, seed=7 * level + number)
            write_bvh(root / "takes" / "toy" / f"dance_{level}_{number}.bvh", motion)
    return root


@dataclass
class Shell:
    """Runs commands in the clone; of those that serve one is running at a time."""

    clone: Path
    ports: dict[str, str] = field(init=False)
    environment: dict[str, str] = field(init=False)
    serving: subprocess.Popen[bytes] | None = None
    served: str = ""
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.ports = {name: f"tcp://127.0.0.1:{port()}" for name in ("pub", "control")} | {"http": str(port())}
        self.log = self.clone / f"serving-{self.ports['http']}.log"
        kept = {name: value for name, value in os.environ.items() if name != "ENGINE_DATA"}
        path = os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", "")))
        self.environment = {**kept, "PATH": path, "PYTHONPATH": str(self.clone)}

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        if self.serving is not None:
            self.serving.kill()
            self.serving.wait()

    def run(self, where: str, line: str) -> None:
        """One line of a document."""
        command = line.split("  #")[0].strip()
        if any(re.search(pattern, command) for pattern in LEFT_OUT):
            return
        serves = SERVES.search(command) is not None
        for pattern, instead in SMALLER.items():
            command = re.sub(pattern, instead, command)
        command = command.format(**self.ports)
        if serves or command.startswith("engine serve"):
            self.stop()
        if serves:
            self._serve(where, command)
            return
        try:
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=self.clone,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=LONGEST_S,
            )
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{where}: `{command}` did not end: {_tail(error.stdout or b'')}") from error
        assert done.returncode == 0, f"{where}: `{command}` gave {done.returncode}: {_tail(done.stdout)}"

    def _serve(self, where: str, command: str) -> None:
        self.served = f"{where}: `{command}`"
        with self.log.open("wb") as log:
            self.serving = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self.clone,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + LONGEST_S
        while not READY.search(self.log.read_text("utf-8", "replace")):
            assert self.serving.poll() is None, f"{self.served} ended: {_tail(self.log.read_bytes())}"
            assert time.monotonic() < until, f"{self.served} announced nothing: {_tail(self.log.read_bytes())}"
            time.sleep(0.05)

    def stop(self) -> None:
        """Ctrl-C for what serves, if anything does; it has to be still there, and to end in good order."""
        serving, self.serving = self.serving, None
        if serving is None:
            return
        try:
            assert serving.poll() is None, f"{self.served} ended by itself: {_tail(self.log.read_bytes())}"
            serving.send_signal(signal.SIGINT)
            assert serving.wait(LONGEST_S) in STOPPED, f"{self.served}: {_tail(self.log.read_bytes())}"
        finally:
            if serving.poll() is None:
                serving.kill()
                serving.wait()


def _tail(output: bytes) -> str:
    return output.decode("utf-8", "replace")[-2000:]


@pytest.fixture(scope="module")
def clones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One for each document: whoever follows one has not followed the other."""
    return {document: clone(tmp_path_factory.mktemp("clone")) for document in DOCUMENTS}


@pytest.fixture
def shell(clones: dict[str, Path]) -> Iterator[Shell]:
    with Shell(clones[DOCUMENTS[0]]) as shell:
        yield shell


def run_block(block: Block, clone: Path) -> None:
    """All commands of a block."""
    with Shell(clone) as shell:
        for number, line in block.lines:
            shell.run(f"{block.document}:{number}", line)
        shell.stop()


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, clones: dict[str, Path]) -> Iterator[dict[Block, Future[None]]]:
    """The blocks that were asked for, begun side by side."""
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    given = [call.params.get("block") for call in calls if call is not None]
    asked = [block for block in given if isinstance(block, Block)]  # other tests have parameters of that name
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {block: pool.submit(run_block, block, clones[block.document]) for block in asked}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.document} {block.heading}".replace(" ", "-"))
def test_commands_run_as_written(block: Block, running: dict[Block, Future[None]]) -> None:
    if any("curl" in line for _, line in block.lines) and shutil.which("curl") is None:
        pytest.skip("curl is not here")
    running[block].result()


PROGRAMS = {
    document: re.findall(r"```python\n(.*?)```", (ROOT / document).read_text("utf-8"), re.S)
    for document in ("clients/python/README.md", "engine/README.md")
}
ELSEWHERE = {
    "describe()": 'describe("{control}")',
    "Subscriber(": 'Subscriber("{pub}", ',
    "127.0.0.1:8080": "127.0.0.1:{http}",
}
"""What the programs say of addresses, and what is run in its place."""


def test_programs_run_as_written(shell: Shell) -> None:
    shell.run("here", "engine serve --source demo --listen 127.0.0.1:8080")
    assert [len(programs) for programs in PROGRAMS.values()] == [3, 1]
    for document, program in ((document, each) for document, programs in PROGRAMS.items() for each in programs):
        for written, instead in ELSEWHERE.items():
            program = program.replace(written, instead.format(**shell.ports)) if written in program else program
        (shell.clone / "program.py").write_text(program)
        shell.run(document, "python program.py > program.txt && test -s program.txt")
    shell.stop()


def test_every_exception_is_still_in_use() -> None:
    commands = [line.split("  #")[0].strip() for block in BLOCKS for _, line in block.lines]
    assert len(commands) > 20
    unused = [pattern for pattern in (*LEFT_OUT, *SMALLER) if not any(re.search(pattern, line) for line in commands)]
    assert not unused


@pytest.mark.parametrize("line", ["engine set nod_rate=nine", "engine serve --source nowhere"])
def test_a_command_that_is_wrong_is_noticed(line: str, shell: Shell) -> None:
    with pytest.raises(AssertionError, match=r"gave 2|ended"):
        shell.run("here", line)
