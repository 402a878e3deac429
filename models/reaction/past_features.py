"""What the predictor knows of its own past: where its face is, how fast it moves, what it decided, how lively it was.

Previous ids become the tokenizer's latents, their speeds and the last innovations, in units of their usual size, and
slow traces of activity, which reach back further than the attention's window (when did I last blink, am I a nodder?).
The plans drawn one frame ago come as they are and as traces. No embedding table: ids are numbers here, so rare ones
need not be learnt one by one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors
from models.listening.cell import DT
from models.reaction.tokenizer import FaceTokenizer

TRACES, PLAN_TRACES = (1.0, 4.0, 16.0), (0.2, 0.6, 2.0, 8.0)
"""Time constants (s) of the traces of activity and of plans."""


class PastFeatures(nn.Module):
    """Features (B, T, ``width``) of previous ids (B, T, heads): those of ``tokenizer``, which is shared with the
    decoder, then one for each of ``plans``."""

    rates: Tensor
    plan_rates: Tensor

    def __init__(self, tokenizer: FaceTokenizer, plans: int) -> None:
        super().__init__()
        self.tokens = [tokenizer]  # in a list, so that the shared module is not registered twice
        self.latents, self.plans = tokenizer.latents, plans
        self.width = (3 + len(TRACES)) * self.latents + (1 + len(PLAN_TRACES)) * plans
        self.start = max(tokenizer.codes)
        for name, taus in (("rates", TRACES), ("plan_rates", PLAN_TRACES)):
            self.register_buffer(name, torch.tensor([DT / tau for tau in taus])[:, None], persistent=False)

    def state_specs(self) -> dict[str, StateSpec]:
        """The decoder's position and speed one frame ago, and the traces."""
        traces = {
            "activity": StateSpec((len(TRACES), self.latents)),
            "planned": StateSpec((len(PLAN_TRACES), self.plans)),
        }
        return self.tokens[0].state_specs() | traces

    @torch.no_grad()
    def forward(self, previous: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Features, and the state after the last frame. The id before the first frame counts as no change."""
        tokenizer = self.tokens[0]
        begun = (previous < self.start).all(-1, keepdim=True)
        shown, plans = previous[..., : tokenizer.heads], previous[..., tokenizer.heads :]
        innovation = torch.where(begun, tokenizer.innovation(shown.clamp(max=self.start - 1)), 0.0)
        decided = (plans == 1).to(innovation.dtype)
        track, walked = tokenizer.follow(innovation, state)
        pace = tokenizer.pace
        size = (track.speed / pace).abs().clamp(max=8.0)
        activity, planned, rows = state["activity"], state["planned"], []
        for t in range(previous.shape[1]):
            activity = activity + self.rates * (size[:, t, None] - activity)
            # A decision sets its traces to 1 and they fade from there.
            planned = torch.maximum(planned * (1.0 - self.plan_rates), decided[:, t, None])
            rows.append(torch.cat([activity.flatten(1), planned.flatten(1)], -1))
        bounded = [(track.speed / pace).clamp(-8.0, 8.0), (innovation / pace).clamp(-8.0, 8.0)]
        features = torch.cat([track.latent / tokenizer.spread, *bounded, decided, torch.stack(rows, 1)], -1)
        return features, {**walked, "activity": activity, "planned": planned}
