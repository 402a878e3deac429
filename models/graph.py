"""The weights in a bundle's graph, under the names that they have in the model, and which model they are of.

An export writes both, so that a bundle is exported again from itself and its parts serve offline too: weights stand in
the repository once. What a graph does not need (a tokenizer's analysis, an encoder that serves training alone) is not
in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from models.contract import StreamModel

WEIGHTS = "model."
"""What the names of a model's own tensors begin with in the graph."""
ORIGIN = "model"
"""Key of the file's metadata under which it says, as JSON, which model it is the step of, its configuration, and which
of its weights the step does not need and the file does not hold."""


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


class Held(NamedTuple):
    """What a graph holds: its origin, None where it does not say, and the model's tensors by name."""

    origin: Origin | None
    weights: dict[str, Tensor]


def held(content: bytes) -> Held:
    """Of the bytes of a graph that a bundle lists (and whose hash was checked)."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_model_from_string(content)
    told = {item.key: item.value for item in graph.metadata_props}.get(ORIGIN)
    weights = {
        item.name.removeprefix(WEIGHTS): torch.from_numpy(numpy_helper.to_array(item).copy())
        for item in graph.graph.initializer
        if item.name.startswith(WEIGHTS)
    }
    return Held(None if told is None else Origin(**json.loads(told)), weights)
