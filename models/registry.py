"""The models by name. A new family adds one line here and a folder beside this file.

A family that comes in several sizes takes the name of one after a colon: ``reaction:full``.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.errors import EngineError
from models.contract import StreamModel

MODELS: dict[str, str] = {
    "listener_rules": "models.listener_rules:ListenerRules",
    "reaction": "models.reaction:build",
    "dance": "models.dance:build",
    "dance_meter": "models.dance:build_meter",
}


def registered() -> dict[str, Callable[[], StreamModel]]:
    """Every model's constructor by name."""
    return {name: partial(create, name) for name in MODELS}


def create(name: str, checkpoint: str | Path | None = None) -> StreamModel:
    """The model of that name in evaluation mode, with the weights of ``checkpoint`` where one is given: a state dict
    saved by ``torch.save``, or ``config`` and ``state`` of a model that was built as its data asked for; read without
    executing anything. Raises :class:`EngineError` naming what there
    is, or what does not fit."""
    import torch

    family, _, size = name.partition(":")
    if family not in MODELS:
        raise EngineError(f"no model {name!r}; there is {', '.join(MODELS)}")
    module, _, attribute = MODELS[family].partition(":")
    build = getattr(importlib.import_module(module), attribute)
    if size and not inspect.signature(build).parameters:
        raise EngineError(f"model {family} comes in one size, not {size!r}: leave it out")
    if checkpoint is None:
        return (build(size) if size else build()).eval()
    try:
        loaded = torch.load(checkpoint, map_location="cpu", weights_only=True)
        own = loaded.keys() == {"config", "state"}
        # Built the way it was trained; a configuration of its own comes before a size by name.
        model: StreamModel = build(loaded["config"]) if own else build(size) if size else build()
        model.load_state_dict(loaded["state"] if own else loaded)
    except FileNotFoundError as error:
        raise EngineError(f"no checkpoint {checkpoint}; give the file that training wrote") from error
    except EngineError:
        raise
    except Exception as error:  # torch raises many kinds; all mean the same to the user
        reason = " ".join(str(error).split())[:300]
        raise EngineError(f"checkpoint {checkpoint} does not fit model {name}: {reason}") from error
    return model.eval()
