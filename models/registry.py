"""The families of models: the one list that training, labelling, evaluation, export and `make bundle` read.

A new family is one entry here, a folder beside this file and a folder of the same name in ``train/``.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError

if TYPE_CHECKING:  # so that the list is read without torch
    from models.contract import StreamModel


@dataclass(frozen=True)
class Family:
    """What one family is made of.

    ``about`` says in a line what it is. ``models`` are the streams that it exports, by name: ``module:attribute`` of
    what builds one, from the name of a size or from a checkpoint's configuration. ``bundles`` are those that ship with
    the engine, by name the model that each is an export of. ``learned`` families have a recipe in ``train/`` under the
    family's name and are exported from a checkpoint.
    """

    about: str
    models: Mapping[str, str]
    bundles: Mapping[str, str] = field(default_factory=dict)
    learned: bool = True


FAMILIES: dict[str, Family] = {
    "listener_rules": Family(
        "a listener by rules",
        {"listener_rules": "models.listener_rules:ListenerRules"},
        {"rules": "listener_rules"},
        learned=False,
    ),
    "reaction": Family(
        "the learned listener, on a folder of talks", {"reaction": "models.reaction:build"}, {"reaction": "reaction"}
    ),
    "dance": Family(
        "the dancer, on a folder of takes",
        {"dance": "models.dance:build", "dance_meter": "models.dance:build_meter"},
        {"dance": "dance", "effort": "dance_meter"},
    ),
    "text_motion": Family(
        "the body that does what a text says, on a folder of captioned motions",
        {"text_motion": "models.text_motion:build", "pose_codes": "models.text_motion:build_reader"},
        {"text_motion": "text_motion", "pose_codes": "pose_codes"},
    ),
    "gesture": Family(
        "the body that gestures with what its avatar says, on a set in PATS' layout",
        {"gesture": "models.gesture:build"},
        {"gesture": "gesture"},
    ),
    "conversation": Family(
        "the avatar that talks and listens, on a set in the layout talks",
        {"conversation": "models.conversation:build"},
        {"conversation": "conversation"},
    ),
}


def models() -> dict[str, str]:
    """The family of every model, by the model's name."""
    return {model: name for name, family in FAMILIES.items() for model in family.models}


def registered() -> dict[str, Callable[[], StreamModel]]:
    """Every model's constructor by name."""
    return {name: partial(create, name) for name in models()}


def create(name: str, checkpoint: str | Path | None = None) -> StreamModel:
    """The model of that name in evaluation mode. A family that comes in several sizes takes the name of one after a
    colon (``reaction:full``); with ``checkpoint``, a file of :mod:`models.checkpoint`, the size is the one it was
    trained in. Raises :class:`EngineError` naming what there is, or what does not fit."""
    from models import checkpoint as checkpoints

    model, _, size = name.partition(":")
    if checkpoint is None:
        return build(model, size or None).eval()
    family = family_of(model)
    kept = checkpoints.load(Path(checkpoint))
    if kept.family != family:
        raise EngineError(f"{checkpoint} holds weights of family {kept.family!r}, model {model} needs {family!r}")
    made = build(model, kept.config or None)
    try:
        made.load_state_dict(kept.state)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise EngineError(f"checkpoint {checkpoint} does not fit model {model}: {reason}; train it again") from error
    if size and build(model, size).config != made.config:
        raise EngineError(f"{checkpoint} was trained in another size than {name}: leave the size out")
    return made.eval()


def family_of(model: str) -> str:
    """The family of a model. Raises :class:`EngineError` naming what there is."""
    if model not in models():
        raise EngineError(f"no model {model!r}; there is {', '.join(models())}")
    return models()[model]


def build(model: str, config: str | Mapping[str, Any] | None = None) -> StreamModel:
    """The model of that name with random weights, in the size of that name or of that configuration. Raises
    :class:`EngineError` naming what there is."""
    module, _, attribute = FAMILIES[family_of(model)].models[model].partition(":")
    builder: Callable[..., StreamModel] = getattr(importlib.import_module(module), attribute)
    if config is None:
        return builder()
    if not inspect.signature(builder).parameters:
        raise EngineError(f"model {model} comes in one size, not {config!r}: leave it out")
    return builder(config)
