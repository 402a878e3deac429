"""The examples run as they stand, on a recording, with nothing but the public API; importing that is cheap."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import engine
from tests.test_imports import imports

ROOT = Path(__file__).resolve().parents[3]
SPEECH = ROOT / "engine" / "data" / "partner" / "speech.flac"
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(ROOT / "examples" / name), *arguments]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=100)


def test_a_recording_is_listened_to(tmp_path: Path) -> None:
    done = run("listen.py", str(SPEECH), str(tmp_path / "out.npz"))
    assert (done.returncode, done.stderr) == (0, "")
    frames = int(re.match(r"(\d+) frames, nods at [\d., ]+ s\n", done.stdout)[1])  # type: ignore[index]
    with np.load(tmp_path / "out.npz") as stored:
        assert stored["face"].shape == (frames, 58) and stored["rate"] == 25.0
        assert stored["names"].tolist()[-6] == "headPitch"


def test_sound_is_pushed_as_it_comes() -> None:
    done = run("live.py", str(SPEECH), "1.2")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^frame 0: pitch [+-]\d\.\d{3} rad$", done.stdout, re.M)
    assert 0 < int(re.search(r"^(\d+) frames$", done.stdout, re.M)[1]) <= 30  # type: ignore[index]


def test_spoken_answers_are_listed() -> None:
    few, many = (run("acknowledge.py", str(SPEECH), rate) for rate in ("0", "6"))
    assert few.returncode == many.returncode == 0 and few.stdout.startswith("0 in ")
    *lines, last = many.stdout.splitlines()
    assert lines and last.startswith(f"{len(lines)} in ")
    assert all(re.fullmatch(r" *\d+\.\d\d s  (continuer: mm-hm|assessment: oh\?)", line) for line in lines)


def test_what_is_wrong_is_one_line() -> None:
    for name in ("listen.py", "live.py", "acknowledge.py"):
        done = run(name, "none.wav")
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "no such file" in done.stderr
        assert "python examples/" in run(name).stderr


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_use_the_public_api_alone(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 45
    used = {name for name, _ in imports(path) if name.split(".")[0] == "engine"}
    assert used == {"engine"}


def test_importing_the_engine_loads_nothing_heavy() -> None:
    tell = "import sys, engine; print(dir(engine), 'numpy' in sys.modules, 'onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", tell], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == f"{sorted(engine.__all__)} False False\n"
    assert all(callable(getattr(engine, name)) for name in engine.__all__ if name != "__version__")
    with pytest.raises(AttributeError, match="no attribute 'listen'"):
        engine.listen  # noqa: B018
