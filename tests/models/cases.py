"""What the contract is tested on: every layer, the tiny models and every registered model, as stream models.

A :class:`ContractCase` also says how precisely and how long its model runs: the tolerance between two ways of computing
the same thing (sums in another order), and sizes small enough that all cases take minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from engine.spec import InputSpec, OutputSpec, StreamSpec
from models import layers
from models.contract import BAD_INPUT, StreamModel, Tensors, initial_state, named, part
from models.reaction.blocks import CrossModalBlock
from models.registry import create, registered
from models.sampling import TeacherForced
from tests.models.tiny import HOP, SAMPLE_RATE, TinyRecurrent, TinyRolling, TinySampler

LONG = 100_000
"""Frames of a long run: more than an hour. Models that loop over frames in Python walk fewer of them in every test run
and as many with ``-m slow``."""


@dataclass(frozen=True)
class ContractCase:
    """One model under the contract."""

    name: str
    build: Callable[[], StreamModel]
    atol: float = 1e-5
    rtol: float = 1e-4
    frames: int = 24
    examples: int = 8  #: chunkings drawn
    long_frames: int = LONG
    chunk: int = 500  #: frames a call in the long run
    prompt: bool = True  #: outputs answer a changed input within the stated look-ahead


class LayerModel(StreamModel):
    """One layer as a model: input ``x`` (and ``context``), outputs ``y0``, ``y1``, ..."""

    def __init__(self, layer: layers.Layer, shape: tuple[int, ...], context: int | None = None, bound: float = 8.0):
        super().__init__()
        self.layer = layer
        inputs = [InputSpec("x", "audio" if bound == 1.0 else "feature", shape, -bound, bound, of="partner")]
        if context is not None:
            inputs.append(InputSpec("context", "feature", (context,), -bound, bound, of="partner"))
        state = named("layer", layer.state_specs())
        with torch.no_grad():
            fresh = initial_state(state, 1)
            emitted, _ = self.frames({item.name: torch.zeros(1, 1, *item.shape) for item in inputs}, fresh)
        outputs = tuple(OutputSpec(name, tuple(value.shape[2:])) for name, value in emitted.items())
        self.spec = StreamSpec("layer", 25.0, tuple(inputs), (*outputs, BAD_INPUT), state, memory=layer.memory)

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """The layer itself."""
        x, *context = inputs.values()
        y, updates = self.layer(x, part(state, "layer"), *context)
        values = y if isinstance(y, tuple) else (y,)
        return {f"y{k}": value for k, value in enumerate(values)}, named("layer", updates)


def on_frames(name: str, make: Callable[[], layers.Layer], **settings: object) -> ContractCase:
    """A case of a layer on frames of eight channels."""
    return ContractCase(name, lambda: LayerModel(make(), (8,)), **settings)


def on_audio(name: str, make: Callable[[], layers.Layer], **settings: object) -> ContractCase:
    """A case of a layer on PCM hops of 40 ms at 8 kHz."""
    return ContractCase(name, lambda: LayerModel(make(), (HOP,), bound=1.0), **settings)


LAYERS = [
    on_frames("conv", lambda: layers.CausalConv1d(8, 6, 4, dilation=3)),
    on_frames("conv_pointwise", lambda: layers.CausalConv1d(8, 6, 1)),
    on_frames("attention", lambda: layers.WindowedAttention(8, 2, 11)),
    ContractCase("attention_cross", lambda: LayerModel(layers.WindowedAttention(8, 4, 9, 5), (8,), context=5)),
    on_frames("block", lambda: layers.TransformerBlock(8, 2, 6, 16)),
    ContractCase("block_cross", lambda: LayerModel(CrossModalBlock(8, 2, 6, 16), (8,), context=8), chunk=250),
    on_frames("lstm", lambda: layers.LSTM(8, 12, layers=2)),
    on_audio("energy", lambda: layers.Energy(HOP, 4)),
    # Logarithms of nearly empty bands and divisions by small energies enlarge rounding.
    on_audio("log_mel", lambda: layers.LogMel(SAMPLE_RATE, HOP, 16, 4), atol=1e-3),
    on_audio("mfcc", lambda: layers.MFCC(SAMPLE_RATE, HOP, 13, 16, 2), atol=3e-3),
    on_audio("pitch", lambda: layers.Pitch(SAMPLE_RATE, HOP, 4), atol=1e-3),
]
TINY = [
    ContractCase("tiny_recurrent", TinyRecurrent, atol=1e-4),
    ContractCase("tiny_sampler", TinySampler, long_frames=3_000),  # a Python loop over frames: 1 ms each
    ContractCase("tiny_sampler_forced", lambda: TeacherForced(TinySampler()), atol=1e-4),
    ContractCase("tiny_rolling", TinyRolling, atol=1e-4),
]
SETTINGS: dict[str, dict] = {
    # Random weights; ids are drawn, so a long run is a loop over single frames. Rings of 96 frames, 20 times round.
    "reaction": {"atol": 1e-3, "examples": 4, "long_frames": 2_000, "prompt": False},
    # Its own clock runs slower than the stream's where speed is below 1; a Python loop over frames.
    "dance": {"atol": 1e-3, "examples": 3, "long_frames": 1_000, "chunk": 250, "prompt": False},
    "dance_meter": {"atol": 1e-3, "examples": 3, "long_frames": 4_000},
    # A text acts from the next token on; what is held, drawn anew in every frame here, makes it chaotic.
    "text_motion": {"atol": 1e-3, "examples": 3, "long_frames": 400, "chunk": 100, "prompt": False},
    "pose_codes": {"atol": 1e-3, "examples": 3, "long_frames": 4_000},
    # Ids are drawn, and phases follow from them; a Python loop over frames.
    "gesture": {"atol": 1e-3, "examples": 3, "long_frames": 1_000, "chunk": 250, "prompt": False},
    # Plans are drawn, and what follows from them; a Python loop over frames.
    "conversation": {"atol": 1e-3, "examples": 3, "long_frames": 1_000, "chunk": 250, "prompt": False},
    # Its events answer pauses and cues, not the frame itself; a Python loop over frames, 2 ms each. Four minutes.
    "listener_rules": {"atol": 1e-3, "examples": 4, "long_frames": 6_000, "prompt": False},
}
SIZES = {name: f"{name}:tiny" for name in ("text_motion", "pose_codes", "gesture", "conversation")}
"""Models that are walked in a smaller size than the one they ship in."""
MODELS = [
    ContractCase(name, partial(create, SIZES[name]) if name in SIZES else build, **SETTINGS.get(name, {}))
    for name, build in registered().items()
]
CASES = LAYERS + TINY + MODELS


def draw_inputs(spec: StreamSpec, batch: int, frames: int, seed: int) -> Tensors:
    """Plausible random inputs: a voice-like buzz in noise for audio, flags, ids, uniforms, values in range."""
    generator = torch.Generator().manual_seed(seed)
    return {item.name: _draw(item, batch, frames, generator) for item in spec.inputs}


def _draw(item: InputSpec, batch: int, frames: int, generator: torch.Generator) -> Tensor:
    shape = (batch, frames, *item.shape)
    if item.role == "ids":
        return torch.randint(int(item.low), int(item.high) + 1, shape, generator=generator)
    if item.role == "audio":
        time = torch.arange(frames * item.shape[0]).reshape(shape[1:]) / (25.0 * item.shape[0])
        hertz = 90.0 + 150.0 * torch.rand(batch, 1, 1, generator=generator)
        buzz = sum(torch.sin(2 * torch.pi * k * hertz * time) / k for k in range(1, 5))
        loud = torch.rand(batch, frames, 1, generator=generator).square()
        return 0.3 * loud * buzz + 0.02 * torch.randn(shape, generator=generator)
    if item.role == "validity":
        return (torch.rand(shape, generator=generator) < 0.9).float()
    if item.choices:  # most of the elements free
        most = torch.tensor([len(labels) for labels in item.choices])
        value = (torch.rand(shape, generator=generator) * most).floor()
        return torch.where(torch.rand(shape, generator=generator) < 0.98, -1.0, value)
    if item.role in ("noise", "control"):
        return item.low + (item.high - item.low) * torch.rand(shape, generator=generator)
    if item.role == "age":
        return 0.2 * torch.rand(shape, generator=generator)
    return torch.randn(shape, generator=generator)
