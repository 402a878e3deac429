"""The machine a number was measured on, and the one JSON line that every benchmark ends with."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "onnxruntime", "pyzmq", "torch", "mediapipe")


def machine() -> dict[str, Any]:
    """Processor, cores, load, versions and commit, as far as this system tells."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else [],
        "os": platform.platform(terse=True),
        "python": platform.python_version(),
        "versions": versions,
        "commit": _commit(),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
    }


def report(name: str, figures: dict[str, Any]) -> None:
    """Print the closing JSON line of benchmark ``name``."""
    print(json.dumps({"benchmark": name, **figures, "machine": machine()}, default=float), flush=True)


def resident_mib(pid: int | str = "self") -> float:
    """Resident memory of a process in MiB; NaN where /proc is not there to ask."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
