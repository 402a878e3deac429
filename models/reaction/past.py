"""What the predictor knows of its own past: where its face is, how fast it moves, and how lively it has been.

Previous ids become the tokenizer's latents, their speeds and the last innovations, in units of their usual size, and
slow traces of activity, which reach back further than the attention's window (when did I last blink, am I a nodder?).
No embedding table: ids are numbers here, so rare ones need not be learnt one by one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors
from models.reaction.tokenizer import FaceTokenizer

TRACES = (1.0, 4.0, 16.0)
"""Time constants (s) of the activity traces."""
FRAME = 0.04


class OwnPast(nn.Module):
    """Features (B, T, ``width``) of previous ids (B, T, heads). ``tokenizer`` is shared with the decoder."""

    def __init__(self, tokenizer: FaceTokenizer) -> None:
        super().__init__()
        self.tokens = [tokenizer]  # in a list, so that the shared module is not registered twice
        self.latents = tokenizer.latents
        self.width = (3 + len(TRACES)) * self.latents
        self.start = max(tokenizer.codes)
        rates = torch.tensor([FRAME / tau for tau in TRACES])
        self.register_buffer("rates", rates[:, None], persistent=False)

    def state_specs(self) -> dict[str, StateSpec]:
        """The decoder's position and speed one frame ago, and the activity traces."""
        return {**self.tokens[0].state_specs(), "activity": StateSpec((len(TRACES), self.latents))}

    @torch.no_grad()
    def forward(self, previous: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Features, and the state after the last frame. The id before the first frame counts as no change."""
        tokenizer = self.tokens[0]
        begun = (previous < self.start).all(-1, keepdim=True)
        innovation = torch.where(begun, tokenizer.innovation(previous.clamp(max=self.start - 1)), 0.0)
        (latent, speed, new), walked = tokenizer.follow(innovation, state)
        pace = tokenizer.pace
        size = (speed / pace).abs().clamp(max=8.0)
        activity, traces = state["activity"], []
        for t in range(previous.shape[1]):
            activity = activity + self.rates * (size[:, t, None] - activity)
            traces.append(activity)
        lively = torch.stack(traces, 1).flatten(2)
        bounded = [(speed / pace).clamp(-8.0, 8.0), (new / pace).clamp(-8.0, 8.0)]
        return torch.cat([latent / tokenizer.spread, *bounded, lively], -1), {**walked, "activity": activity}
