"""The command line: what a user gets wrong is one line and an exit code, and light commands load nothing heavy."""

from __future__ import annotations

import shutil
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from engine import cli_parser, serve
from engine.bundle import BUNDLES, DEFAULT
from engine.cli import main

ROOT = Path(__file__).resolve().parents[2]
FREE = "tcp://127.0.0.1:*"
PORTS = ("--pub", FREE, "--control", FREE)
HEAVY = ("torch", "cv2", "onnxruntime", "mediapipe", "av", "zmq", "numpy", "sounddevice")


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a command."""
    try:
        code = main(arguments)
    except SystemExit as error:
        code = int(error.code or 0)
    return (code, *capfd.readouterr())


def refused(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on stderr with which a command fails."""
    code, out, err = run(capfd, *arguments)
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert err.startswith("engine")
    return err


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """A second of a tone as a wav file."""
    path = tmp_path / "speech.wav"
    samples = 0.2 * np.sin(np.arange(16_000) * 0.08)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((samples * 32767).astype(np.int16).tobytes())
    return path


def film(path: Path) -> Path:
    """A second of grey pictures without sound."""
    av = pytest.importorskip("av", reason="PyAV is not installed")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for level in range(25):
            picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), level * 8, np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    "words",
    [
        ["live", "x"],
        ["demo", "x"],
        ["none", "x"],
        ["file"],
        ["body"],
        ["engine"],
        ["file", "a", "b"],
        ["tape"],
        ["tape", "x"],
    ],
)
def test_a_source_that_is_none(capfd: pytest.CaptureFixture[str], words: list[str]) -> None:
    error = refused(capfd, "serve", *PORTS, "--source", *words)
    kinds = "live, demo, file PATH (or an address), body FILE.bvh, engine ADDRESS or none"
    assert f"--source {' '.join(words)}: give {kinds}" in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seconds", "-1"], "'-1' is not a number of seconds above 0"),
        (["--seconds", "abc"], "'abc' is not a number of seconds above 0"),
        (["--seconds", "nan"], "'nan' is not a number"),
        (["--seconds", "inf"], "'inf' is not a number"),
        (["--seconds", "0"], "'0' is not a number"),
        (["--session", "-1"], "'-1' is not a whole number"),
        (["--seed", "4294967296"], "is not a whole number between 0"),
        (["--seed", "x"], "'x' is not a whole number"),
        (["--set", "nod_rate=9"], "control nod_rate = '9' is out of range: give a number from 0 to 3"),
        (["--set", "nod_rate=nan"], "out of range"),
        (["--set", "nod_rate="], "out of range"),
        (["--set", "foo=1"], "no control 'foo'; there is expressiveness"),
        (["--set", "x"], "'x': write NAME=VALUE"),
        (["--set", "=1"], "'=1': write NAME=VALUE"),
        (["--bundle", "nothing"], "no bundle 'nothing'"),
        (["--runtime", "onnx:cuda"], "cuda"),
        (["--runtime", "quantum"], "runtime 'quantum' is unknown"),
        (["--pub", "nonsense"], "cannot bind 'nonsense'"),
        (["--control", "tcp://127.0.0.1:70000"], "cannot bind 'tcp://127.0.0.1:70000'"),
        (["--camera", "front"], "--camera"),
        (["--mic"], "--mic"),
        (["--nonsense"], "unrecognized"),
    ],
)
def test_options_that_are_wrong(capfd: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert said in refused(capfd, "serve", "--source", "demo", *PORTS, *arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required: command"),
        (["dance"], "invalid choice: 'dance'"),
        (["set"], "nothing to set: write NAME=VALUE"),
        (["set", "x"], "write NAME=VALUE"),
        (["set", "a=1", "--control", "nonsense"], "is no address"),
        (["stats", "--control", "tcp://127.0.0.1"], "is no address"),
        (["serve", "--fast"], "--fast: a microphone cannot run faster than time"),
        (["assets", "/nowhere/at/all"], "/nowhere/at/all"),
        (["demo", "--out", f"{__file__}/out"], "cannot write into"),
    ],
)
def test_commands_that_are_wrong(capfd: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert said in refused(capfd, *arguments)


def test_a_microphone_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    assert "microphone" in refused(capfd, "serve", *PORTS, "--mic", "no such microphone")


def test_neither_microphone_nor_camera(capfd: pytest.CaptureFixture[str]) -> None:
    assert "--source demo" in refused(capfd, "serve", *PORTS, "--no-mic", "--no-camera")


@pytest.mark.parametrize("place", ["file/frames.npz", "folder"])
def test_a_place_that_cannot_be_written_is_refused_before_running(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    error = refused(capfd, "serve", "--source", "demo", *PORTS, "--save", str(tmp_path / place))  # or it never ends
    assert f"cannot write {tmp_path / place}" in error


def test_files_that_are_no_media(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("this is no film\n" * 100)
    (tmp_path / "empty.wav").touch()
    for name, said in (("nothing.wav", "no such file"), ("text.mp4", "cannot be opened"), ("empty.wav", "empty.wav")):
        assert said in refused(capfd, "serve", *PORTS, "--source", "file", str(tmp_path / name))
    assert "no such file" in refused(capfd, "serve", *PORTS, "--source", "file", str(tmp_path))


def test_a_file_plays_to_its_end(capfd: pytest.CaptureFixture[str], speech: Path) -> None:
    code, out, err = run(capfd, "serve", *PORTS, "--fast", "--source", "file", str(speech))
    assert code == 0
    assert "frames 25 " in out
    assert len(err.splitlines()) == 2  # a file without a picture asks for no tracker


def test_what_the_avatar_says_is_a_path_and_its_words_lie_beside(
    capfd: pytest.CaptureFixture[str], speech: Path
) -> None:
    partner = speech.with_name("partner.wav")
    partner.write_bytes(speech.read_bytes())
    served = ("serve", *PORTS, "--fast", "--source", "file", str(partner), "--speech")
    code, out, err = run(capfd, *served, str(speech))
    assert code == 0 and "frames 25 " in out and "speech speech.wav" in err
    words = speech.with_suffix(".csv")
    words.write_text("0.1;0.4;hello\n0.5;0.9;there\n")
    code, out, err = run(capfd, *served, str(speech), str(words))
    assert code == 0 and "speech speech.wav: 2 words of speech.csv" in err
    words.write_text("0.1;0.4;hello\n0.5;there\n")
    assert "line 2" in refused(capfd, *served, str(speech), str(words))
    assert "there is no file" in refused(capfd, *served, str(speech) + "x")
    assert "give beside, none, pocketsphinx" in refused(capfd, *served, str(speech), "--words", "vosk")


def test_a_file_that_is_cut_short_is_played_and_said(capfd: pytest.CaptureFixture[str], speech: Path) -> None:
    whole = speech.read_bytes()
    speech.write_bytes(whole[: len(whole) // 4])
    code, out, err = run(capfd, "serve", *PORTS, "--fast", "--source", "file", str(speech))
    assert code == 0
    assert "frames 7 " in out
    assert "cut short" in err


def test_a_film_without_sound_is_watched(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4")
    code, out, err = run(capfd, "serve", *PORTS, "--fast", "--no-tracker", "--source", "file", str(path))
    assert code == 0, err
    assert "frames 25 " in out
    assert "without voice 25 " in out


def test_a_bundle_that_was_changed_is_refused(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    copied = shutil.copytree(BUNDLES / "rules", tmp_path / "rules")
    graph = bytearray((copied / "step.onnx").read_bytes())
    graph[-1] ^= 1
    (copied / "step.onnx").write_bytes(graph)
    error = refused(capfd, "serve", "--source", "demo", *PORTS, "--bundle", str(copied))
    assert "step.onnx has SHA-256" in error


def test_controls_of_an_engine_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    assert "no engine answers" in refused(capfd, "stats", "--control", "tcp://127.0.0.1:1")


def test_version_and_help(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(capfd, "--version")[:2] == (0, "engine 0.1.0\n")
    for command in ("", "serve", "demo", "set", "controls", "ask", "stats", "devices", "doctor", "assets"):
        code, out, err = run(capfd, *command.split(), "--help")
        assert (code, err) == (0, "")
        assert "usage: engine" in out


def test_the_ports_of_the_command_line_are_those_of_a_session() -> None:
    assert (cli_parser.PUB, cli_parser.CONTROL) == (serve.DEFAULT_PUB, serve.DEFAULT_CONTROL)
    assert [cli_parser.BUNDLE] == list(serve.ServeOptions().bundles) == [DEFAULT]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("statement", ["import engine.cli", "from engine.cli import main; main(['--help'])"])
def test_light_commands_load_nothing_heavy(statement: str) -> None:
    tell = f"import atexit, sys; atexit.register(lambda: print('loaded', [m for m in {HEAVY} if m in sys.modules]))"
    done = python("-c", f"{tell}\n{statement}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded []"


def test_a_reader_that_leaves_is_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "engine", "devices"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 141
    assert err == b""


def test_an_interrupt_while_starting_is_no_traceback() -> None:
    # the interrupt comes while the bundle loads, before the session has handlers of its own
    late = "import os, signal, engine.bundle as b; b.Bundle.load = lambda *_: os.kill(os.getpid(), signal.SIGINT)"
    done = python("-c", f"{late}\nfrom engine.cli import main\nraise SystemExit(main(['serve', '--source', 'demo']))")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_while_modules_are_still_imported_ends_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.__main__ import entry

    class Interrupted:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "engine.cli":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "engine.cli", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    assert entry() == 130
