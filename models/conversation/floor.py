"""Who has had the floor, and for how long: traces of both voices' speech and silence, by which one listens for minutes.

Timers become decaying traces, so that a pause of a minute looks like one of ten seconds.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors
from models.conversation.config import RATE

QUIET_S, SPEECH_S = (0.15, 0.5, 1.5, 5.0), (0.5, 2.0, 8.0)
"""Time constants (s) of the traces since speech and of the length of speech."""
HERE, OVER = 0.9, 0.25
"""Trace of speech (:mod:`models.listening.voice`) from which somebody speaks, and under which a stretch is over."""
LONGEST_S = 60.0
VOICES = 2


class FloorTraces(nn.Module):
    """Traces (B, T, ``width``) of both voices' speech (B, T, 2)."""

    width = VOICES * (1 + len(QUIET_S) + len(SPEECH_S))
    quiet: Tensor
    speech: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("quiet", torch.tensor(QUIET_S), persistent=False)
        self.register_buffer("speech", torch.tensor(SPEECH_S), persistent=False)

    def state_specs(self) -> dict[str, StateSpec]:
        """Seconds since each voice spoke, and for which it has spoken."""
        return {"since": StateSpec((VOICES,), initial=LONGEST_S), "spoken": StateSpec((VOICES,))}

    @torch.no_grad()
    def forward(self, speech: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Frame by frame; ``speech`` is 1 while somebody speaks and fades after it."""
        since, spoken, rows = state["since"], state["spoken"], []
        for t in range(speech.shape[1]):
            here = speech[:, t] > HERE
            since = torch.where(here, 0.0, since + 1.0 / RATE).clamp(max=LONGEST_S)
            spoken = torch.where(speech[:, t] > OVER, spoken + 1.0 / RATE, 0.0).clamp(max=LONGEST_S)
            quiet = (-since[..., None] / self.quiet).exp()
            long = 1.0 - (-spoken[..., None] / self.speech).exp()
            rows.append(torch.cat([here[..., None].to(quiet.dtype), quiet, long], -1).flatten(1))
        return torch.stack(rows, 1), {"since": since, "spoken": spoken}
