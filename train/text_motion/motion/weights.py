"""The tokenizer that an edit needs: of a training run, or put together of two bundles.

What a graph does not need is not in a bundle: the one that moves by texts has the decoder, the one that reads bodies
the encoder. Of one training both have the same embeddings, codebooks and standardisation.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch

from engine.bundle import STEP, Bundle
from engine.errors import EngineError
from models import registry
from models.graph import held
from models.text_motion import TextMotion
from models.text_motion.config import named
from models.text_motion.tokenizer import Tokenizer

MODEL, READER = "text_motion", "pose_codes"
PART = "tokenizer."


def of_checkpoint(path: Path) -> Tokenizer:
    """The tokenizer of a training run's file. Raises :class:`EngineError`."""
    model = cast(TextMotion, registry.create(MODEL, path))
    if not model.config.servable:
        raise EngineError(
            f"{path}: a yardstick (causal={model.config.causal}, layout {model.config.layout}); edits are made by "
            "causal ones of humanml3d"
        )
    return model.tokenizer


def of_bundles(mover: Path | str, reader: Path | str) -> Tokenizer:
    """The tokenizer with the decoder of bundle ``mover`` and the encoder of bundle ``reader``. Raises
    :class:`EngineError` where one is none of these, or they are of two trainings."""
    parts = {}
    for which, model in ((mover, MODEL), (reader, READER)):
        origin, weights = held(Bundle.load(which).read(STEP))
        if origin is None or origin.model != model or not isinstance(origin.config, dict):
            told = "does not say which model it is of" if origin is None else f"is one of model {origin.model!r}"
            raise EngineError(f"bundle {which} {told}; give one of {model!r}, or a training run by --checkpoint")
        parts[model] = {name.removeprefix(PART): item for name, item in weights.items() if name.startswith(PART)}
        if model == MODEL:
            tokenizer = Tokenizer(named(origin.config))
    state = tokenizer.state_dict()
    for name, own in state.items():
        found = [part[name] for part in parts.values() if name in part]
        if not found or found[0].shape != own.shape or not all(torch.equal(found[0], item) for item in found):
            why = "differ in" if len(found) > 1 else "do not hold"
            raise EngineError(
                f"bundles {mover} and {reader} {why} {PART}{name}: export both from one training run, or give that "
                "run's model.safetensors by --checkpoint"
            )
        state[name] = found[0]
    tokenizer.load_state_dict(state)
    return tokenizer.eval()
