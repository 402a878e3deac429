"""The weights of a bundle, taken back out of its graph: a bundle is exported again from itself.

So weights stand in the repository once. What a graph does not need (a tokenizer's analysis, an encoder that serves
training alone) is not in it: a model that is read back serves and is exported as it was, but is not trained further.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine.bundle import STEP, Bundle
from export.errors import ExportError
from export.step import ORIGIN, WEIGHTS
from models import registry
from models.contract import StreamModel


@dataclass(frozen=True)
class Origin:
    """Which model a graph is the step of: its name in the registry, and its configuration as plain values. ``unused``
    names the weights that the graph does not hold."""

    model: str
    config: Mapping[str, Any] | None
    unused: Sequence[str] = ()

    @classmethod
    def of(cls, name: str, model: StreamModel) -> Origin:
        """The origin of a ``model`` that the registry calls ``name``; its size is in the configuration."""
        config = getattr(model, "config", None)
        return cls(name.partition(":")[0], None if config is None else config.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the file, but for what only the graph tells."""
        return {"model": self.model, "config": self.config}


def from_bundle(name: str, folder: Path) -> StreamModel:
    """The model ``name`` with the weights of the bundle in ``folder``, in evaluation mode. Raises
    :class:`ExportError` where the bundle is one of another model, or does not say."""
    import onnx
    from onnx import numpy_helper

    bundle = Bundle.load(folder)
    graph = onnx.load_model_from_string(bundle.read(STEP))
    told = {item.key: item.value for item in graph.metadata_props}.get(ORIGIN)
    if told is None:
        raise ExportError(f"bundle {folder} does not say which model it was made of; give the checkpoint instead")
    origin = Origin(**json.loads(told))
    if origin.model != name:
        raise ExportError(f"bundle {folder} is one of model {origin.model!r}, not {name!r}; give that name")
    model = registry.build(name, origin.config)
    held = {
        item.name.removeprefix(WEIGHTS): torch.from_numpy(numpy_helper.to_array(item).copy())
        for item in graph.graph.initializer
        if item.name.startswith(WEIGHTS)
    }
    own = model.state_dict()
    for weight, value in own.items():
        if weight in origin.unused:
            continue
        if weight not in held or held[weight].shape != value.shape:
            raise ExportError(f"bundle {folder} does not hold {weight} of the model as it is today; give a checkpoint")
        own[weight] = held[weight]
    model.load_state_dict(own)
    return model.eval()
