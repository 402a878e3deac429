"""The seed's files of an experiment: all begin with the same PREFIX, and are written and read here.

``PREFIX_args.args`` (JSON: settings and what was found in the data), ``PREFIX_name.name`` (JSON here, a pickle in the
seed, which is never read: the name stands in the file names), ``PREFIX_res.json`` (lists, a number an epoch),
``PREFIX_log.log``, ``PREFIX_weights.p`` (a state dict; nothing in it is executed), ``PREFIX/keypoints/...`` and
``PREFIX_metrics.json``, ``PREFIX_cummMetrics.json`` of samples. ``PREFIX_state.p`` is ours, to continue.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.errors import EngineError
from train.files import FileError, read_json, read_text, reason
from train.gesture.aisle.settings import Settings

COUNTER = ".experiments"
WEIGHTS, STATE = "weights.p", "state.p"
LARGEST = 2 << 30
"""Bytes of a weights file that is read; the paper's model with BERT has half a gigabyte."""
LONGEST = 150
"""Letters of a PREFIX; speakers that do not fit become their number."""
SUBSET = ("exp", "cpk", "speaker", "model", "note")


class Book:
    """The files of an experiment in ``folder``, called ``prefix``."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.folder, self.prefix = Path(folder), prefix

    @classmethod
    def begin(cls, folder: Path, settings: Settings, model: str) -> Book:
        """A new experiment in a folder: the next number of its ``.experiments``, and a PREFIX of it and the settings;
        ``model`` is the seed's name of the model."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            number = _next(folder / COUNTER)
        except OSError as error:
            raise FileError(f"{folder}: cannot be written, {reason(error)}; give another --save") from error
        values = {"exp": number, "cpk": settings.cpk, "speaker": "-".join(settings.speaker) or "all", "model": model}
        values["note"] = settings.note or None
        prefix = named(values)
        if len(prefix) > LONGEST:
            prefix = named({**values, "speaker": len(settings.speaker)})
        book = cls(folder, prefix)
        book.write_json("name.name", {"name": prefix, "args": list(SUBSET)})
        return book

    @classmethod
    def of(cls, weights: Path) -> Book:
        """The experiment of a ``PREFIX_weights.p``, or of another file of it. Raises :class:`EngineError`."""
        prefix, _, kind = weights.name.rpartition("_")
        if not prefix or kind not in (WEIGHTS, STATE, "args.args", "res.json"):
            raise EngineError(f"{weights} is no PREFIX_weights.p; give that file of an experiment")
        return cls(weights.parent, prefix)

    def path(self, kind: str) -> Path:
        """``PREFIX_kind``."""
        return self.folder / f"{self.prefix}_{kind}"

    @property
    def samples(self) -> Path:
        """The folder of what is sampled."""
        return self.folder / self.prefix / "keypoints"

    def write_json(self, kind: str, values: Any) -> None:
        """JSON into ``PREFIX_kind``."""
        self._write(kind, (json.dumps(values, indent=1) + "\n").encode())

    def args(self) -> dict[str, Any]:
        """What ``PREFIX_args.args`` holds. Raises :class:`FileError` where it is not there or no JSON mapping."""
        found = read_json(self.path("args.args"))
        if not isinstance(found, dict):
            raise FileError(f"{self.path('args.args')}: is no mapping of settings; give the file that training wrote")
        return found

    def log(self, line: str) -> None:
        """A line with the time into ``PREFIX_log.log``."""
        with self.path("log.log").open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now().isoformat(timespec='seconds')} {line}\n")

    def save(self, kind: str, values: Mapping[str, Any]) -> None:
        """Tensors and plain values into ``PREFIX_kind``, whole or not at all."""
        path = self.path(kind)
        fresh = path.with_name(path.name + ".new")
        try:
            torch.save(dict(values), fresh)
            fresh.replace(path)
        except OSError as error:
            raise FileError(f"{path}: cannot be written, {reason(error)}; check the rights and the space") from error

    def load(self, kind: str = WEIGHTS) -> dict[str, Any]:
        """What :meth:`save` wrote. Raises :class:`FileError` for a file that is none or holds more than numbers and
        plain values: a pickle may run any program."""
        path = self.path(kind)
        try:
            size = path.stat().st_size
            if size > LARGEST:
                raise FileError(f"{path}: has {size} bytes, {LARGEST} at most are read; give the weights alone")
            found = torch.load(path, map_location="cpu", weights_only=True)
        except OSError as error:
            raise FileError(f"{path}: cannot be read, {reason(error)}; give the file that training wrote") from error
        except FileError:
            raise
        except Exception:  # torch raises many kinds; all mean the same to the user
            raise FileError(
                f"{path}: holds no plain weights (damaged, or a pickle that names programs, which are not run); "
                "train anew, or save its state dict with torch.save"
            ) from None
        if not isinstance(found, dict):
            raise FileError(f"{path}: holds a {type(found).__name__}, no state dict; give the file that training wrote")
        return found

    def _write(self, kind: str, content: bytes) -> None:
        path = self.path(kind)
        try:
            path.write_bytes(content)
        except OSError as error:
            raise FileError(f"{path}: cannot be written, {reason(error)}; check the rights and the space") from error


def named(values: Mapping[str, Any]) -> str:
    """A PREFIX of names and values, as the seed's: no point, and nothing that is no name of a file."""
    parts = []
    for name, value in values.items():
        text = "".join("-" if letter in "./\\:\0|" else letter for letter in str(value))
        parts.append(f"{name}_{text}")
    return "_".join(parts)


def state_of(found: Mapping[str, Any], name: str, where: Path) -> dict[str, Tensor]:
    """The state dict ``name`` of a file. Raises :class:`FileError` where it is no mapping of tensors."""
    state = found.get(name) if name else found
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise FileError(f"{where}: holds no state dict{f' {name}' if name else ''}; give the file that training wrote")
    return state


def _next(counter: Path) -> int:
    """The number of a new experiment, counted in a file, from 0."""
    number = 0
    if counter.exists():
        line = read_text(counter).strip()
        if not line.isdecimal() or len(line) > 9:
            raise FileError(f"{counter}: holds {line[:40]!r}, no number; write the last experiment's number into it")
        number = int(line) + 1
    counter.write_text(f"{number}\n", "utf-8")
    return number
