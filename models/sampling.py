"""Models that choose ids one frame at a time: the sampler, and the base that turns one network into a stream.

The network of such a model maps inputs and the *previous* ids to logits, for any number of frames at once; training
gives it the true ids (:meth:`AutoregressiveModel.logits`). Serving must choose: the previous ids are state, one uniform
per frame and head comes in as the input ``noise``, and a step is network, :func:`sample`, ``decode``. That step is an
ordinary :class:`StreamModel`, so it exports, batches, rolls back and replays like any other, and running it over many
frames generates. :class:`TeacherForced` is the network alone as a stream, for parity between runtimes, where one
near-tie in a free run would hide all that follows.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from models.contract import BAD_INPUT, StreamModel, Tensors, commit

NOISE, TEMPERATURE, IDS, PREVIOUS, LOGITS = "noise", "temperature", "ids", "previous", "logits"
DECODER = "decoder."
"""Prefix of the state that belongs to ``decode``; the network does not see it change within a call."""
LEAST_TEMPERATURE, HOTTEST = 1e-6, 2.0
"""Divisor that stands for a temperature of 0, and the largest temperature that can be asked for."""
LARGEST_LOGIT = 1e30


def sample(logits: Tensor, noise: Tensor, temperature: Tensor) -> Tensor:
    """Ids (B, T, heads), int64, drawn from softmax(logits / temperature) by inverting its distribution function.

    ``logits`` (B, T, heads, codes), ``noise`` (B, T, heads) uniform in [0, 1), ``temperature`` (B, T). Towards
    temperature 0 this is the argmax. Infinite logits count as very large ones and NaN as impossible, so every id is one
    of the codes, and one that the softmax gives a chance.
    """
    bounded = torch.where(torch.isnan(logits), -LARGEST_LOGIT, logits).clamp(-LARGEST_LOGIT, LARGEST_LOGIT)
    relative = bounded - bounded.amax(-1, keepdim=True)
    chances = (relative / temperature.clamp_min(LEAST_TEMPERATURE)[..., None, None]).exp()
    reached = chances.cumsum(-1)
    total = reached[..., -1:]
    chosen = (reached <= noise[..., None] * total).sum(-1)
    # Where rounding (or a noise of 1) passes the end, take the last code that has any chance.
    return torch.minimum(chosen, (reached < total).sum(-1))


class AutoregressiveModel(StreamModel):
    """Base of sampling models: ``heads`` ids a frame, each one of ``codes``; a subclass writes :meth:`network`, and
    :meth:`decode` if it emits more than ids.

    ``heads`` of one frame are drawn independently given the past. ``self.spec`` comes from :func:`sampling_spec`, which
    adds the inputs ``noise`` and ``temperature``, the output ``ids`` and the state ``previous``. Before the first frame
    the previous ids are ``codes``, one past the last: an embedding needs ``codes + 1`` rows.
    """

    heads: int
    codes: int

    def network(self, inputs: Tensors, previous: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Logits (B, T, heads, codes) and state updates for clean ``inputs`` (without noise and temperature) and
        ``previous`` ids (B, T, heads); obeys the contract for any T."""
        raise NotImplementedError

    def decode(self, ids: Tensor, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Outputs besides ``ids`` and updates of the state under ``decoder.``, for ``ids`` (B, T, heads); ``inputs``
        are all there are, the noise that drew the ids as well."""
        return {}, {}

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Generate: at T = 1 the exported step, beyond it that step again and again."""
        seen = {name: value for name, value in inputs.items() if name not in (NOISE, TEMPERATURE)}
        owned = {name: spec for name, spec in self.spec.state.items() if not name.startswith(DECODER)}
        length = inputs[NOISE].shape[1]
        running, drawn, written = state, [], []
        for frame in range(length):
            here = {name: value[:, frame : frame + 1] for name, value in inputs.items()}
            given = {name: here[name] for name in seen}
            logits, updates = self.network(given, running[PREVIOUS][:, None], running)
            ids = sample(logits, here[NOISE], here[TEMPERATURE])
            updates = {**updates, PREVIOUS: ids[:, 0]}
            drawn.append(ids)
            written.append(updates)
            if frame + 1 < length:
                running = commit(owned, running, updates, 1)
        ids = torch.cat(drawn, 1)
        outputs, decoded = self.decode(ids, inputs, state)
        rings = {name for name, spec in owned.items() if spec.kind == "ring"}
        joined = {name: torch.cat([item[name] for item in written], 1) for name in rings}
        return {IDS: ids, **outputs}, {**written[-1], **joined, **decoded}

    def logits(self, inputs: Tensors, ids: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Logits of a whole sequence given its true ``ids`` (B, T, heads): what training fits. Frame t sees the ids
        before t; ``inputs`` need neither noise nor temperature. The second result updates the network's state."""
        previous = torch.cat([state[PREVIOUS][:, None], ids[:, :-1]], 1)
        outputs, updates = TeacherForced(self)({**inputs, PREVIOUS: previous}, state)
        return outputs[LOGITS], {**updates, PREVIOUS: ids[:, -1]}


class TeacherForced(StreamModel):
    """The network of an autoregressive model as a stream of its own: input ``previous``, output ``logits``."""

    def __init__(self, model: AutoregressiveModel) -> None:
        super().__init__()
        self.model = model
        shape = (model.heads, model.codes)
        ids = InputSpec(PREVIOUS, "ids", (model.heads,), low=0, high=model.codes, dtype="int64")
        kept = tuple(item for item in model.spec.inputs if item.name not in (NOISE, TEMPERATURE))
        carried = {k: v for k, v in model.spec.state.items() if k != PREVIOUS and not k.startswith(DECODER)}
        self.spec = dataclasses.replace(
            model.spec,
            name=f"{model.spec.name}.logits",
            inputs=(*kept, ids),
            outputs=(OutputSpec(LOGITS, shape), BAD_INPUT),
            state=carried,
        )

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Logits for given previous ids."""
        others = {name: value for name, value in inputs.items() if name != PREVIOUS}
        logits, updates = self.model.network(others, inputs[PREVIOUS], state)
        return {LOGITS: logits}, updates


def sampling_spec(spec: StreamSpec, heads: int, codes: int) -> StreamSpec:
    """``spec`` of network and decoder, completed by what sampling adds: noise, temperature, ids and previous ids."""
    labels = tuple(f"head{k}" for k in range(heads))
    noise = InputSpec(NOISE, "noise", (heads,), low=0.0, high=1.0, missing=0.5)
    about = "0: the likeliest choice every time; 1: as trained; above: more varied"
    temperature = InputSpec(TEMPERATURE, "control", low=0.0, high=HOTTEST, missing=1.0, about=about)
    return dataclasses.replace(
        spec,
        inputs=(*spec.inputs, noise, temperature),
        outputs=(
            OutputSpec(IDS, (heads,), labels, low=0, high=codes - 1, dtype="int64", codec=f"codes:{spec.name}"),
            *spec.outputs,
        ),
        state={**spec.state, PREVIOUS: StateSpec((heads,), dtype="int64", initial=codes)},
        memory=None,
    )
