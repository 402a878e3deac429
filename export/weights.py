"""The weights of a bundle, taken back out of its graph: a bundle is exported again from itself.

So weights stand in the repository once. What a graph does not need (a tokenizer's analysis, an encoder that serves
training alone) is not in it: a model that is read back serves and is exported as it was, but is not trained further.
"""

from __future__ import annotations

from pathlib import Path

from engine.bundle import STEP, Bundle
from export.errors import ExportError
from models import registry
from models.contract import StreamModel
from models.graph import held


def from_bundle(name: str, folder: Path) -> StreamModel:
    """The model ``name`` with the weights of the bundle in ``folder``, in evaluation mode. Raises
    :class:`ExportError` where the bundle is one of another model, or does not say."""
    origin, weights = held(Bundle.load(folder).read(STEP))
    if origin is None:
        raise ExportError(f"bundle {folder} does not say which model it was made of; give the checkpoint instead")
    if origin.model != name:
        raise ExportError(f"bundle {folder} is one of model {origin.model!r}, not {name!r}; give that name")
    model = registry.build(name, origin.config)
    own = model.state_dict()
    for weight, value in own.items():
        if weight in origin.unused:
            continue
        if weight not in weights or weights[weight].shape != value.shape:
            raise ExportError(f"bundle {folder} does not hold {weight} of the model as it is today; give a checkpoint")
        own[weight] = weights[weight]
    model.load_state_dict(own)
    return model.eval()
