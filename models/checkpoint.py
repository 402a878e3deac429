"""Trained weights as one file that says what it is: safetensors, with the family and the configuration in its header.

Reading executes nothing: the format holds numbers and text alone. Training writes these files, ``python -m export`` and
the evaluations read them, and nobody has to repeat on a command line which size of which model they belong to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.errors import EngineError

FORMAT = "reaction-engine checkpoint 1"
SUFFIX = ".safetensors"


class CheckpointError(EngineError):
    """A checkpoint cannot be used; the message names the file, what is wrong and the remedy."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights of a model of ``family`` (:data:`models.registry.FAMILIES`). ``config`` holds the plain values the model
    is built from, ``state`` its state dict."""

    family: str
    config: Mapping[str, Any]
    state: dict[str, Tensor]


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; the file at ``path`` is whole at every moment. Raises :class:`CheckpointError`."""
    from safetensors import torch as safetensors

    header = {"format": FORMAT, "family": checkpoint.family, "config": json.dumps(checkpoint.config)}
    # Copies: the format refuses tensors that share memory, which tied or sliced parameters do.
    state = {name: value.detach().cpu().clone().contiguous() for name, value in checkpoint.state.items()}
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(safetensors.save(state, header))
        os.replace(beside, path)
    except OSError as error:
        reason = error.strerror or "the disk refused it"
        raise CheckpointError(f"cannot write {path}: {reason}; make room or give another place") from error


def load(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises :class:`CheckpointError`."""
    from safetensors import SafetensorError, safe_open

    again = "train again, or give the model.safetensors of a training run"
    if not path.is_file():
        raise CheckpointError(f"no checkpoint {path}; give the file that training wrote")
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise CheckpointError(f"{path} holds weights but does not say of which model; {again}")
            config = json.loads(header["config"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            return Checkpoint(header["family"], config, state)
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise CheckpointError(f"{path} is no checkpoint of this project; {again}") from error
