"""A real PulseAudio under a real PortAudio, killed and started again under a session; where this machine has both."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.record.reading import RecordedStep, Recording
from engine.wire import Flag

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
TONE = 500
ALSA = 'pcm.!default { type pulse hint { show on description "Server" } }\nctl.!default { type pulse }\n'
PULSE = (
    "load-module module-null-sink sink_name=null\nload-module module-native-protocol-unix\n"
    f"load-module module-sine sink=null frequency={TONE}\nset-default-source null.monitor\n"
)


class Server:
    """A sound server of our own, whose microphone hears a tone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "alsa").write_text(ALSA)
        (folder / "pulse").write_text(PULSE)
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder / "run"),
            "ALSA_CONFIG_PATH": str(folder / "alsa"),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["pulseaudio", "-n", "-F", str(self._folder / "pulse"), "--exit-idle-time=-1", "--daemonize=no"]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(words, env=self.environment, stdout=quiet, stderr=quiet)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)

    def inputs(self) -> str:
        """What `engine devices` lists."""
        words = [sys.executable, "-m", "engine", "devices"]
        return subprocess.run(words, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if shutil.which("pulseaudio") is None:
        pytest.skip("there is no pulseaudio here")
    made = Server(tmp_path)
    made.start()
    try:
        pause = threading.Event()
        if not any(" default (" in made.inputs() or pause.wait(0.5) for _ in range(10)):
            pytest.skip(f"PortAudio has no way to pulseaudio here: {made.inputs()}")
        yield made
    finally:
        made.kill()


def steps(path: Path) -> list[RecordedStep]:
    """What is recorded so far."""
    part = path.with_name(f"{path.name}.part")
    return list(Recording(part).steps()) if part.exists() and part.stat().st_size > 20_000 else []


def heard(some: list[RecordedStep]) -> list[RecordedStep]:
    return [step for step in some if Flag.SILENT not in step.flags]


def test_a_real_sound_server_is_killed_and_heard_again(server: Server, tmp_path: Path) -> None:
    path, pause = tmp_path / "r.mcap", threading.Event()
    ports = ["--pub", "tcp://127.0.0.1:*", "--control", "tcp://127.0.0.1:*"]
    words = ["serve", "--mic", "default", "--no-camera", *ports, "--record", str(path)]
    session = subprocess.Popen([sys.executable, "-m", "engine", *words], cwd=ROOT, env=server.environment)
    try:
        before = 0
        while not before:
            assert session.poll() is None
            pause.wait(0.5)
            before = len(steps(path)) if len(heard(steps(path))) > 50 else 0
        server.kill()
        pause.wait(3.0)
        server.start()
        while len(heard(steps(path)[before + 100 :])) < 50:
            assert session.poll() is None
            pause.wait(0.5)
        session.terminate()
        assert session.wait(60) == 0
    finally:
        session.kill()
    found = list(Recording(path).steps())
    lost = [step for step in found[before:] if Flag.SILENT in step.flags]
    assert len(lost) > 50 and all(Flag.DEGRADED in step.flags for step in lost)
    sound = np.concatenate([np.ravel(step.inputs["partner_audio"]) for step in heard(found)[-25:]])
    assert float(np.abs(np.fft.rfft(sound)).argmax()) == pytest.approx(TONE * len(sound) / 16_000, abs=2)
