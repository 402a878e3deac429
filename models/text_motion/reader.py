"""Reads a body as it moves: pose codes of every frame, and the residual ids of every token, live.

This is the tokenizer's causal encoder as a stream: a partner's body, or one's own, as the codes that a model can go by.
A frame's codes are known with the frame; the ids of a token with its last frame, and they stand until the next ones.
While no body is seen, the last one stands still.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from engine.spec import AGE, StateSpec
from models.contract import StreamModel, Tensors, finite, named, part
from models.text_motion.config import LEVELS, TOKEN, Config, TextMotionConfig
from models.text_motion.config import named as configuration
from models.text_motion.features import encode
from models.text_motion.posecodes.codes import bins, measures
from models.text_motion.posecodes.table import GROUPS
from models.text_motion.spec import BODY, BODY_IN, BODY_THERE, FREE, codes_spec
from models.text_motion.stage import LocalPose
from models.text_motion.tokenizer import Tokenizer


class PoseCodes(StreamModel):
    """Inputs: ``body_in`` (22, 3) metres and its validity. Outputs: ``codes`` (70), the bin of each group (-1 before a
    body was seen), and ``residual`` (6)."""

    licence = "Apache-2.0"

    def __init__(self, config: TextMotionConfig) -> None:
        super().__init__()
        self.config = config
        self.tokenizer, self.pose = Tokenizer(config), LocalPose()
        state = {
            "last": StateSpec((len(BODY.joints), 3)),
            "seen": StateSpec((1,)),
            "first": StateSpec((len(GROUPS),), dtype="int64", initial=FREE),
            "ids": StateSpec((LEVELS,), dtype="int64"),
        }
        self.spec = codes_spec(config, state | named("encoder", self.tokenizer.encoder.state_specs()))

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **options: Any) -> Any:
        """Take weights of a reader, or the tokenizer of a whole text-to-motion model."""
        own = self.state_dict().keys()
        return super().load_state_dict({k: v for k, v in state_dict.items() if k in own}, *args, **options)

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Bodies to codes, all frames at once but for what is held while none is seen."""
        given, there = self.pose.walked(inputs[BODY_IN]), inputs[BODY_THERE] > 0.5
        last, seen = state["last"], state["seen"][:, 0] > 0.5
        bodies, known = [], []
        for frame in range(given.shape[1]):
            now = there[:, frame]
            # Before the first body there is none to stand still, and the first has no step.
            last = torch.where(now[:, None, None], given[:, frame], last)
            seen = seen | now
            bodies.append(last)
            known.append(seen)
        body, was = torch.stack(bodies, 1), torch.stack(known, 1)
        before = torch.cat([state["last"][:, None], body[:, :-1]], 1)
        knew = torch.cat([state["seen"] > 0.5, was[:, :-1]], 1)
        before = torch.where(knew[..., None, None], before, body)
        rows = encode(torch.stack([before, body], 2), self.config.body, backward=True)[:, :, 1]
        codes = torch.where(was[..., None], bins(measures(body)), FREE)
        tokenizer = self.tokenizer
        scaled = torch.where(was[..., None], (rows - tokenizer.mean) / tokenizer.std, 0.0)
        latents, encoder = tokenizer.encoder(finite(scaled), part(state, "encoder"))
        first, ids, shown = state["first"], state["ids"], []
        for frame in range(body.shape[1]):
            phase = ((state[AGE] + frame) % TOKEN)[:, None]
            first = torch.where(phase == 0, codes[:, frame], first)
            residual = latents[:, frame] - tokenizer.pose_latent(first)
            made = tokenizer.quantizer(residual[:, None]).ids[:, 0]
            ids = torch.where(phase == TOKEN - 1, made, ids)
            shown.append(ids)
        updates = {"last": finite(last), "seen": seen[:, None].float(), "first": first, "ids": ids}
        return {"codes": codes, "residual": torch.stack(shown, 1)}, updates | named("encoder", encoder)


def build_reader(config: Config = "small") -> PoseCodes:
    """The reader of a configuration, as plain values or by name, with random weights."""
    return PoseCodes(configuration(config))
