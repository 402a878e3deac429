"""A stranger's bundle is tried in a process of its own, with limits of time and memory, before the engine loads it.

A graph is a program: it may loop without end, ask for all memory, fail or crash at its first step. ``python -m
engine.bundle.trial FOLDER ...`` opens the step for 1 and for 4 rows, runs some frames of each with what inputs are when
nothing is there, with their least and largest values and with values between, and encodes a text with every encoder. A
bundle that passed is noted in the user's cache by its hash, so it is tried once for each version of engine and runtime;
one that did not is tried again the next time, since the machine may have been busy or full. Bundles that ship with the
engine, and those that this process wrote itself, are not tried.

On Linux the limits are the kernel's: processor time, memory beyond that of an idle engine (address space), no file may
be written, no core dumped. macOS does not hold address space to a limit, Windows has no such limits at all: there the
time on the wall is what ends a trial. What a graph does only later, in a frame that no trial has seen, is not found
here; a slow or failing step then is what the engine's loop reports.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import engine
from engine.assets import cache_folder
from engine.bundle.bundle import BUNDLES, Bundle
from engine.bundle.errors import BundleError
from engine.errors import EngineError

if TYPE_CHECKING:
    from engine.runtime.protocol import Runtime

VERSION = 1
"""Of what a trial does: another one tries again what passed this one."""
ROWS = (1, 4)
_FOLDER = "tried"
_MEMORY, _MEMORY_EACH = 1 << 30, 8  # bytes, and of each byte of a graph: read, parsed, packed anew by the runtime
_CPU_S, _CPU_EACH = 20.0, 64 << 20  # seconds, and one more for so many bytes of graphs
_PATIENCE = 6.0  # the wall's time for a second of the processor's: a machine may be busy
_LONGEST = 300
_PASSED = "passed"
_FULL = ("bad_alloc", "Failed to allocate memory", "Unable to allocate")  # how numpy and ONNX Runtime say it


@dataclass(frozen=True)
class Limits:
    """Of a trial: ``memory`` in bytes beyond what an idle engine has, ``cpu_s`` seconds of the processor, ``wall_s``
    seconds in all."""

    memory: int
    cpu_s: float
    wall_s: float

    @classmethod
    def of(cls, bundle: Bundle) -> Limits:
        """More for larger graphs."""
        size = sum(bundle.files[name][1] for name in bundle.graphs)
        cpu_s = _CPU_S + size / _CPU_EACH
        return cls(_MEMORY + _MEMORY_EACH * size, cpu_s, _PATIENCE * cpu_s)


def trusted(bundle: Bundle) -> None:
    """Return where a bundle may be run here: it ships with the engine, was written by this process, has passed a trial
    before or passes one now. Raises :class:`BundleError` saying what its trial showed. Takes seconds the first time."""
    if bundle.ours or bundle.path.resolve().parent == BUNDLES.resolve():
        return
    note = cache_folder() / _FOLDER / _key(bundle)
    if note.is_file():
        return
    reason = trial(bundle, Limits.of(bundle))
    if reason:
        raise BundleError(f"{bundle.path}: refused after a trial in a process of its own: {reason}")
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()
    except OSError:
        return  # it will be tried again the next time, which costs seconds and nothing else


def trial(bundle: Bundle, limits: Limits) -> str:
    """Try a bundle in a process of its own. What is wrong with it, in one line; empty where it passed."""
    asked = {"path": str(bundle.path.resolve()), "digest": bundle.digest, "memory": limits.memory, "cpu": limits.cpu_s}
    with tempfile.TemporaryDirectory(prefix="engine-trial-", ignore_cleanup_errors=True) as empty:
        try:
            done = subprocess.run(
                [sys.executable, "-B", "-m", "engine.bundle.trial", json.dumps(asked)],
                cwd=empty,  # where nothing lies that a graph could find by a relative name
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=limits.wall_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"it did not end within {limits.wall_s:g} s"
        except OSError as error:
            return f"the process cannot be started ({error.strerror or error})"
    said = " ".join(done.stdout.decode(errors="replace").split())[:_LONGEST]
    if done.returncode == 0 and said == _PASSED:
        return ""
    return said if done.returncode == 1 and said else _ended(done.returncode, limits)


def _ended(code: int, limits: Limits) -> str:
    """Of a process that could not say what happened."""
    if code in (-getattr(signal, "SIGXCPU", 0), -getattr(signal, "SIGKILL", 0)) and code:
        return f"it did not end within {limits.cpu_s:g} s of processor time"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else str(code)
    return f"it ended the process ({name}), within {limits.memory >> 20} MiB of memory"


def _environment() -> dict[str, str]:
    """That of this process, with the engine where the child finds it, and one thread for each library."""
    root = str(Path(engine.__file__).parent.parent)
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **threads, "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": path}


def _key(bundle: Bundle) -> str:
    import onnxruntime

    parts = (str(VERSION), bundle.digest, engine.__version__, onnxruntime.__version__, sys.platform)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def main(arguments: list[str]) -> int:
    """The child: print ``passed`` and return 0, or print what is wrong in a line and return 1."""
    asked = json.loads(arguments[0])
    path, memory = str(asked["path"]), int(asked["memory"])
    try:
        import onnxruntime  # noqa: F401 - before the limits, so that they count what the bundle takes

        import engine.runtime.onnx
        import engine.text.encoder  # noqa: F401

        _limit(memory, float(asked["cpu"]))
        bundle = Bundle.load(path)
        if bundle.digest != asked["digest"]:
            raise BundleError("it changed while it was tried; try again when nobody writes to it")
        rehearse(bundle)
    except Exception as error:  # whatever it is: it has to be said to the process that waits
        text = str(error) if isinstance(error, EngineError) else f"{type(error).__name__}: {error}"
        if isinstance(error, MemoryError) or any(sign in text for sign in _FULL):
            text = f"it needs more than {memory >> 20} MiB of memory"
        text = text.replace(f"{path}: ", "")[: 2 * _LONGEST]
        print("".join(letter if letter.isprintable() else " " for letter in text))
        return 1
    print(_PASSED)
    return 0


def rehearse(bundle: Bundle) -> None:
    """Run a bundle's step and encoders as the engine will. Raises what they raise."""
    from engine.runtime.onnx import OnnxRuntime
    from engine.text.encoder import text_encoders

    random = np.random.default_rng(0)
    for rows in ROWS:
        runtime = OnnxRuntime(bundle, rows)
        for share in (None, 0.0, 1.0, *random.random(3)):
            if share is not None:
                _set(runtime, share)
            runtime.run()
            runtime.commit()
    for encoder in text_encoders(bundle).values():
        encoder.encode("a text to try")


def _set(runtime: Runtime, share: float) -> None:
    """Every input at so much of the way from its least to its largest value; a bound that is none counts as 1."""
    for item in runtime.spec.inputs:
        low, high = (bound if np.isfinite(bound) else np.sign(bound) for bound in (item.low, item.high))
        value = low + share * (high - low)
        runtime.inputs[item.name][...] = value if item.dtype == "float32" else round(value)


def _limit(memory: int, cpu_s: float) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    seconds = max(1, round(cpu_s))
    wanted = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)]
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        wanted.append((resource.RLIMIT_AS, pages * resource.getpagesize() + memory))
    except OSError:  # no Linux
        wanted.append((resource.RLIMIT_DATA, memory))
    for kind, most in wanted:
        _lower(resource, kind, most, most)
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    _lower(resource, resource.RLIMIT_CPU, round(used) + seconds, round(used) + seconds + 1)


def _lower(resource: Any, kind: int, soft: int, hard: int) -> None:
    """Set a limit, no higher than what is allowed."""
    highest = resource.getrlimit(kind)[1]
    if highest != resource.RLIM_INFINITY:
        soft, hard = min(soft, highest), min(hard, highest)
    resource.setrlimit(kind, (soft, hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
