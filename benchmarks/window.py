"""The learned listener's predictor twice, from the same layers and weights: as a stream, and as the AIS laboratory's
REACT2024 system runs its own.

That system gives its predictor the last 256 frames of every stream whenever it wants ids, attends over the whole window
in both directions, keeps nothing from call to call, and samples the last 32 positions (``ais-lab/FaceAIS_REACT24``,
``p2_react_predictor.py``). Here both are :class:`StreamModel`, so that one exporter and one runtime serve them: a frame
of :class:`Windowed` is a whole window.

Features are given to both, since both need the same: what is heard, what is seen and what is known of the own past.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from engine.spec import InputSpec, OutputSpec, StreamSpec
from models.contract import BAD_INPUT, StreamModel, Tensors, named, part
from models.layers import WindowedAttention
from models.reaction.model import CONTROLS, NOD_RATE, Reaction
from models.sampling import LOGITS, PREVIOUS

SPAN, CHUNK = 256, 32
"""Frames that the AIS predictor sees in a call, and frames it emits for them."""
PART = 8
"""Emitted frames in one output: more numbers than a frame on the wire holds are no output of a spec."""
SEEN, PAST, HEARD, VALID, IN_VIEW = "seen", "past", "heard", "partner_audio_valid", "partner_face_valid"


class Given(nn.Module):
    """Stands where features are computed and hands on the ones that are there: ``pick`` of the call's first argument,
    or that argument itself."""

    def __init__(self, pick: str | None = None) -> None:
        super().__init__()
        self.pick = pick

    def forward(self, given: Any, state: Tensors) -> tuple[Tensor, Tensors]:
        """Features (B, T, width), and no state."""
        return (given if self.pick is None else given[self.pick]), {}


class WholeWindow(nn.Module):
    """Attention of ``layer``, with its weights, over all ``span`` frames of a window at once: no rings.

    The bias is that of the distance in either direction; distances beyond the layer's window share its last entry.
    ``causal`` masks what is later or further back than the layer's own window, so that the layer itself must answer
    the same.
    """

    def __init__(self, layer: WindowedAttention, span: int, causal: bool) -> None:
        super().__init__()
        self.layer = layer
        steps = torch.arange(span)
        distance = steps[:, None] - steps
        with torch.no_grad():
            table = layer.bias[distance.abs().clamp(max=layer.window)].movedim(-1, 0).clone()
        if causal:
            table.masked_fill_((distance < 0) | (distance > layer.window), -torch.inf)
        self.register_buffer("table", table, persistent=False)

    def forward(self, x: Tensor, state: Tensors, context: Tensor | None = None) -> tuple[Tensor, Tensors]:
        """Attended values (B, span, channels), and no state."""
        layer, source = self.layer, x if context is None else context
        query = layer.split(layer.query(x)) * layer.width**-0.5
        keys, values = layer.split(layer.key(source)), layer.split(layer.value(source))
        weights = (query @ keys.transpose(-1, -2) + self.table).softmax(-1)
        return layer.out(layer.joined(weights @ values)), {}


class Streaming(StreamModel):
    """The predictor of ``model`` as it is served, features given: logits of this frame's ids. ``window`` widens the
    rings to so many frames (the bias table goes on with its last entry)."""

    def __init__(self, model: Reaction, window: int | None = None) -> None:
        super().__init__()
        self.core = _core(model)
        for layer in self.core.modules():
            if isinstance(layer, WindowedAttention) and window is not None:
                more = max(0, window - layer.window)
                table = torch.cat([layer.bias.detach(), layer.bias.detach()[-1:].expand(more, -1)])[: window + 1]
                layer.window, layer.bias = window, nn.Parameter(table.clone())
        state = {}
        for name, layer in self.core.layers().items():
            state |= named(name, layer.state_specs())
        outputs = (OutputSpec(LOGITS, (model.heads, model.codes)), BAD_INPUT)
        self.spec = StreamSpec("reaction.predictor", model.spec.rate, _inputs(model, ()), outputs, state)

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Logits (B, T, heads, codes)."""
        logits, updates = self.core.react(inputs, inputs[PAST], state)
        return {LOGITS: logits}, updates


class Windowed(StreamModel):
    """The predictor of ``model`` over the last ``span`` frames at once: logits of the last ``emit`` of them. One frame
    of this stream is one call; it carries no state."""

    def __init__(self, model: Reaction, emit: int = CHUNK, span: int = SPAN, causal: bool = False) -> None:
        super().__init__()
        self.core = _core(model)
        for parent in list(self.core.modules()):
            for name, layer in list(parent.named_children()):
                if isinstance(layer, WindowedAttention):
                    setattr(parent, name, WholeWindow(layer, span, causal))
        self.emit = emit
        parts = [min(PART, emit - first) for first in range(0, emit, PART)]
        logits = [OutputSpec(f"{LOGITS}_{index}", (size, model.heads, model.codes)) for index, size in enumerate(parts)]
        outputs = (*logits, BAD_INPUT)
        self.spec = StreamSpec("reaction.window", model.spec.rate, _inputs(model, (span,)), outputs, {}, memory=0)

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Logits of T windows, (B, T, :data:`PART`, heads, codes) a part."""
        calls = {name: value.flatten(0, 1) for name, value in inputs.items()}
        mine, _, _ = self.core.attend(calls, calls[PAST], {}, None)
        last = {name: value[:, -self.emit :] for name, value in calls.items()}
        logits = self.core.answer(mine[:, -self.emit :], last)
        parts = logits.unflatten(0, inputs[VALID].shape[:2]).split(PART, dim=2)
        return {f"{LOGITS}_{index}": piece for index, piece in enumerate(parts)}, {}


class Features(StreamModel):
    """What both are given, computed frame by frame as the served step does: heard, seen and past."""

    def __init__(self, model: Reaction) -> None:
        super().__init__()
        self.model = model
        ids = InputSpec(PREVIOUS, "ids", (model.heads,), low=0, high=model.codes, dtype="int64")
        kept = tuple(item for item in model.spec.inputs if item.role not in ("noise", "control"))
        widths = {HEARD: model.hearing.width, SEEN: model.sight.width, PAST: model.past.width}
        self.parts = {"sight": model.sight, "past": model.past}
        state = named(HEARD, model.hear_state)
        for name, layer in self.parts.items():
            state |= named(name, layer.state_specs())
        outputs = (*(OutputSpec(name, (width,)) for name, width in widths.items()), BAD_INPUT)
        self.spec = StreamSpec(
            "reaction.features", model.spec.rate, (*kept, ids), outputs, state, sample_rate=model.spec.sample_rate
        )

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """The three features, each (B, T, width)."""
        heard, listened = self.model.hear(inputs, part(state, HEARD))
        seen, looked = self.model.sight(inputs, part(state, "sight"))
        past, walked = self.model.past(inputs[PREVIOUS], part(state, "past"))
        updates = named(HEARD, listened) | named("sight", looked) | named("past", walked)
        return {HEARD: heard, SEEN: seen, PAST: past}, updates


def _core(model: Reaction) -> Reaction:
    """The model with features given, its parameters shared and not copied."""
    core: Reaction = copy.deepcopy(model, {id(value): value for value in model.parameters()})
    core.sight, core.past = Given(SEEN), Given()
    return core


def _inputs(model: Reaction, before: tuple[int, ...]) -> tuple[InputSpec, ...]:
    """Inputs of a predictor whose features are given, with ``before`` in front of each shape."""
    widths = {
        HEARD: (model.hearing.width,),
        SEEN: (model.sight.width,),
        PAST: (model.past.width,),
        VALID: (),
        IN_VIEW: (),
    }
    features = [InputSpec(name, "feature", (*before, *shape), of="partner") for name, shape in widths.items()]
    controls = [
        InputSpec(item.name, "feature", before, item.low, item.high, item.missing, of="partner")
        for item in (*CONTROLS, NOD_RATE)
    ]
    return (*features, *controls)
