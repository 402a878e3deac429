"""Three very small models, one per way of carrying state that the contract must hold: recurrence, sampling, rolling
diffusion. Random weights; they exist to be walked, exported and read as examples."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from models.contract import BAD_INPUT, StreamModel, Tensors, named, part
from models.layers import LSTM, CausalConv1d, LogMel, TransformerBlock
from models.sampling import AutoregressiveModel, sampling_spec

RATE, HOP, SAMPLE_RATE = 25.0, 320, 8000


class TinyRecurrent(StreamModel):
    """Audio to a few numbers through an LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.mel = LogMel(SAMPLE_RATE, HOP, bands=12)
        self.lstm, self.out = LSTM(12, 16, layers=2), nn.Linear(16, 5)
        self.spec = StreamSpec(
            name="tiny_recurrent",
            rate=RATE,
            sample_rate=SAMPLE_RATE,
            inputs=(
                InputSpec("audio", "audio", (HOP,), -1.0, 1.0, validity="audio_valid", of="partner"),
                InputSpec("audio_valid", "validity", low=0.0, high=1.0),
            ),
            outputs=(OutputSpec("pose", (5,)), BAD_INPUT),
            state=named("mel", self.mel.state_specs()) | named("lstm", self.lstm.state_specs()),
        )

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Log-mel, LSTM, linear; a frame without audio counts as average."""
        mel, heard = self.mel(inputs["audio"], part(state, "mel"))
        y, carried = self.lstm((mel[:, :, 0] / 10 + 1) * inputs["audio_valid"][..., None], part(state, "lstm"))
        return {"pose": self.out(y).tanh()}, named("mel", heard) | named("lstm", carried)


class TinySampler(AutoregressiveModel):
    """Two heads of eleven codes from a windowed transformer; ids become a smoothed pose."""

    heads, codes = 2, 11

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(self.heads * (self.codes + 1), 16)
        self.drive, self.to_logits = nn.Linear(4, 16), nn.Linear(16, self.heads * self.codes)
        self.low, self.high = (TransformerBlock(16, 2, 6, 32) for _ in range(2))
        self.smooth = CausalConv1d(self.heads, 3, 3)
        spec = StreamSpec(
            name="tiny_sampler",
            rate=RATE,
            inputs=(InputSpec("x", "feature", (4,), -8.0, 8.0, of="partner"),),
            outputs=(OutputSpec("pose", (3,)), BAD_INPUT),
            state=named("low", self.low.state_specs())
            | named("high", self.high.state_specs())
            | named("decoder", self.smooth.state_specs()),
        )
        self.spec = sampling_spec(spec, self.heads, self.codes)

    def network(self, inputs: Tensors, previous: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Logits from the driving signal and the previous ids."""
        rows = previous + torch.arange(self.heads) * (self.codes + 1)
        y, low = self.low(self.drive(inputs["x"]) + self.embed(rows).sum(-2), part(state, "low"))
        y, high = self.high(y, part(state, "high"))
        return 4 * self.to_logits(y).unflatten(-1, (self.heads, self.codes)), named("low", low) | named("high", high)

    def decode(self, ids: Tensor, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Ids as numbers in [-1, 1], smoothed over three frames."""
        pose, updates = self.smooth(2.0 * ids / (self.codes - 1) - 1.0, part(state, "decoder"))
        return {"pose": pose}, named("decoder", updates)


class TinyRolling(StreamModel):
    """Rolling diffusion (Ruhe et al. 2024): ``window`` frames wait at rising noise levels, each call lowers all of
    them by one level, the front comes out clean and a frame of pure noise joins at the back.

    A frame is emitted ``window`` frames after it joined, so it has seen the inputs of that time: the look-ahead.
    """

    channels, window = 3, 4

    def __init__(self) -> None:
        super().__init__()
        flat = self.window * self.channels
        self.net = nn.Sequential(nn.Linear(flat + 4, 24), nn.SiLU(), nn.Linear(24, flat), nn.Tanh())
        levels = torch.arange(1, self.window + 1, dtype=torch.float32) / self.window
        self.register_buffer("levels", levels[:, None], persistent=False)
        self.spec = StreamSpec(
            name="tiny_rolling",
            rate=RATE,
            inputs=(
                InputSpec("x", "feature", (4,), -8.0, 8.0, of="partner"),
                InputSpec("noise", "noise", (2 * self.channels,), 0.0, 1.0, missing=0.5),
            ),
            outputs=(OutputSpec("pose", (self.channels,)), BAD_INPUT),
            state={"plan": StateSpec((self.window, self.channels))},
            lookahead=self.window,
        )

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """One network call a frame; many frames are a loop, for each needs the plan that the last one left."""
        plan, emitted = state["plan"], []
        lower = self.levels - 1.0 / self.window
        for frame in range(inputs["x"].shape[1]):
            guess = self.net(torch.cat([plan.flatten(1), inputs["x"][:, frame]], -1)).view_as(plan)
            residue = (plan - (1.0 - self.levels) * guess) / self.levels
            plan = (1.0 - lower) * guess + lower * residue
            emitted.append(plan[:, 0])
            plan = torch.cat([plan[:, 1:], gaussian(inputs["noise"][:, frame])[:, None]], 1)
        return {"pose": torch.stack(emitted, 1)}, {"plan": plan}


def gaussian(uniforms: Tensor) -> Tensor:
    """Standard normals (..., n) from uniforms in [0, 1], (..., 2 n) (Box & Muller 1958)."""
    radius, turn = uniforms.chunk(2, -1)
    return (-2.0 * radius.clamp_min(1e-7).log()).sqrt() * (2.0 * math.pi * turn).cos()
