"""Runs that are begun and continued: the folder of a run, and that one goes on with the settings it was begun with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.errors import EngineError


def begun(out: Path, resume: bool) -> dict[str, Any] | None:
    """The checkpoint of the run in ``out`` to continue, or None for a new run, whose folder is made. Raises
    :class:`EngineError` where there is none to continue, or something in the way of a new one."""
    import torch

    from train.run.callbacks import LAST

    last = out / LAST
    if not resume:
        if out.is_dir() and any(out.iterdir()):
            raise EngineError(f"{out} is not empty; give --resume to continue what is there, or another --out")
        out.mkdir(parents=True, exist_ok=True)
        return None
    if not last.is_file():
        raise EngineError(f"there is no {last} to continue; leave --resume out to begin")
    checkpoint: dict[str, Any] = torch.load(last, map_location="cpu", weights_only=True)
    return checkpoint


def must_equal(
    mine: Mapping[str, Any], other: Mapping[str, Any], path: object, shown: Callable[[str], str] = str
) -> None:
    """Raises :class:`EngineError` naming what differs between my settings and those of the run at ``path``; ``shown``
    turns a setting's name into what a user writes."""
    differing = [
        f"{shown(name)} was {other.get(name)!r} and is {mine.get(name)!r}"
        for name in sorted(mine.keys() | other.keys())
        if mine.get(name) != other.get(name)
    ]
    if differing:
        raise EngineError(
            f"{path} was begun with other settings: {'; '.join(differing)}. Continue with those it was begun with, "
            "or give another --out"
        )
