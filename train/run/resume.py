"""Runs that are begun and continued: what the folder of a run holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.errors import EngineError

LAST, BEST = "last.ckpt", "best.ckpt"
"""States of a run, to continue it: after the newest step, and at the best validation."""
BEST_WEIGHTS, MODEL = "best.safetensors", "model.safetensors"
"""Weights that say what they are (:mod:`models.checkpoint`): the best so far, and what the run hands out when it ends a
session."""
RECORD = "training.json"


def earlier(out: Path, resume: bool) -> dict[str, Any] | None:
    """The state of the run in ``out`` to continue, or None for a new run. Raises :class:`EngineError` where there is
    none to continue, or something in the way of a new one."""
    last = out / LAST
    if not resume:
        refuse_used(out)
        return None
    if not last.is_file():
        raise EngineError(f"there is no {last} to continue; leave --resume out to begin")
    return state(last)


def refuse_used(out: Path) -> None:
    """Raises :class:`EngineError` for a folder that holds something."""
    if out.is_dir() and any(out.iterdir()):
        raise EngineError(f"{out} is not empty; give --resume to continue what is there, or another --out")


def state(path: Path) -> dict[str, Any]:
    """The state of a run, read without executing anything. Raises :class:`EngineError` for a file that is none."""
    import torch

    try:
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds; all mean the same to the user
        raise EngineError(f"{path} is damaged or no state of a run; begin anew in another --out") from error
    return found


def weights_of(found: dict[str, Any]) -> dict[str, Any]:
    """The model's state dict out of the state of a run; where weights are averaged, the averaged ones."""
    return {
        name.removeprefix("model."): value for name, value in found["state_dict"].items() if name.startswith("model.")
    }
