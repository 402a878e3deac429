"""The learned listener: partner voice and face in, a listening face out, one id per part of the face and frame.

Streams of features (voice, partner's face, the own past) run through gated cross-modal blocks in two stages, as in the
AIS laboratory's REACT2024 system: the speaker's voice and face attend to each other, then the listener's own past
attends to the fused speaker. The logits of this frame's ids follow; ids are drawn, and a tokenizer turns them into the
58 numbers. Beside the face, each frame draws *plans*: whether to set out on a nod, a smile or a raise of the brows. The
decision to answer is a small choice made at the right moment and is hard to hear among ids that follow the sway of a
head; once drawn, the movement follows it as the own past. Unlike there everything is causal, frame by frame, over
windows in rings.

Training calls :meth:`Reaction.hear` once per recording and :meth:`Reaction.notice` on crops; serving calls
:meth:`Reaction.hear`, :meth:`Reaction.react` and :meth:`Reaction.decide` for every frame. What is noticed (that a
phrase has ended, that pitch is low) is taught beside the answers, so that the streams of the speaker carry it; a served
step leaves it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from engine.channels import EMOTION_NAMES, EMOTION_UNITS, FACE_NAMES, FACE_UNITS
from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from models.contract import BAD_INPUT, Tensors, finite, named, part
from models.emotion import emotion
from models.layers import Layer, LayerNorm, TransformerBlock
from models.listening import FRAME_RATE, SAMPLE_RATE, SELF_SPEAKING, partner_inputs
from models.listening.acknowledge import ACKNOWLEDGE, ACKNOWLEDGE_RATE, KINDS, counted, due
from models.listening.face import FaceFeatures, seen_now
from models.reaction.audio_features import AudioFeatures
from models.reaction.blocks import CrossModalBlock
from models.reaction.config import ReactionConfig, configuration
from models.reaction.odds import USUAL, PlanOdds
from models.reaction.past_features import PastFeatures
from models.reaction.resting import Resting
from models.reaction.tokenizer import FaceTokenizer
from models.sampling import DECODER, NOISE, AutoregressiveModel, sampling_spec

IMPOSSIBLE = -1e9
"""Logit of a code that its head does not have."""
CONTROLS = (
    InputSpec("expressiveness", "control", low=0.0, high=2.0, missing=1.0, about="size of every movement, as trained"),
    SELF_SPEAKING,
)
"""Controls that the network is trained with, in the order in which it reads them."""
NOD_RATE = InputSpec(
    "nod_rate", "control", low=0.0, high=3.0, missing=1.0, about="factor on the odds of setting out on a nod"
)
ANSWERS = "answers"
"""State of the vocal answers counted so far."""
LEAST_RATE = 1e-6
"""A rate of 0 stands for these odds."""
NOD_TIMING = InputSpec(
    "nod_timing",
    "control",
    low=0.0,
    high=1.0,
    missing=1.0,
    about="1: nods where listeners in simulated talks place them; 0: anywhere while the partner talks, as many",
)

CARD = """
A listener learned from simulated conversations and from the nods of meetings. It hears and sees a conversation partner
and draws, frame by frame, what a listening face does next: nods, smiles, brows, gaze, blinks and the sway of the head.
The same seed gives the same session, another seed another, equally plausible listener. `temperature` makes it calmer or
livelier, `expressiveness` sets the size of its movements, `self_speaking` tells it that its own avatar talks.

What it is not: it never saw two people talk. Its teachers are drawn from published findings by the simulation of this
project, but for when people at meetings nodded, and it can be no better a listener than they are. It knows no words.
Nobody has rated it in a study. Skin, age, sex and culture of listeners are not modelled; nod rates are those of the
literature on English and Dutch. The 25 emotion numbers describe the shape of its own face, not a feeling.
"""


class Noticed(NamedTuple):
    """What :meth:`Reaction.notice` gives."""

    logits: Tensor  #: (B, T, heads, codes)
    cues: Tensor  #: log-odds (B, T, cues) that a cue became known in this frame
    updates: Tensors


class Reaction(AutoregressiveModel):
    """See the module docstring; ``config`` gives the sizes, ``spec`` inputs, outputs and state."""

    card = CARD
    licence = "Apache-2.0"
    gain: Tensor
    offset: Tensor
    offset_seen: Tensor
    usual: Tensor
    where: Tensor
    nods: Tensor
    steered: Tensor

    def __init__(self, config: ReactionConfig) -> None:
        super().__init__()
        self.config, c = config, config.channels
        self.tokenizer = FaceTokenizer(config.groups)
        self.levels = (*self.tokenizer.codes, *(2 for _ in config.plans))
        self.heads, self.codes = len(self.levels), max(self.levels)
        self.hearing = AudioFeatures(config.bands)
        self.sight, self.past = FaceFeatures(), PastFeatures(self.tokenizer, len(config.plans))
        self.voice_in = nn.Linear(self.hearing.width + 1, c)
        self.face_in = nn.Linear(self.sight.width, c)
        self.past_in = nn.Linear(self.past.width + len(CONTROLS), c)
        single = [
            TransformerBlock(c, config.heads, config.window, config.hidden, config.dropout)
            for _ in range(4 * config.single_blocks)
        ]
        self.single = nn.ModuleList(single)
        crossing = 2 * config.speaker_blocks + config.listener_blocks
        blocks = [
            CrossModalBlock(c, config.heads, config.window, config.hidden, config.dropout) for _ in range(crossing)
        ]
        self.voice_blocks = nn.ModuleList(blocks[: config.speaker_blocks])
        self.face_blocks = nn.ModuleList(blocks[config.speaker_blocks : 2 * config.speaker_blocks])
        self.own_blocks = nn.ModuleList(blocks[2 * config.speaker_blocks :])
        self.fuse = nn.Linear(2 * c, c)
        self.norm, self.out = LayerNorm(c), nn.Linear(c, sum(self.levels))
        self.cues = nn.Linear(c, len(config.cues))
        # What calibration sets after training (`python -m train calibrate`); until then logits are as trained.
        self.register_buffer("gain", torch.ones(sum(self.levels)))
        self.register_buffer("offset", torch.zeros(sum(self.levels)))
        self.register_buffer("offset_seen", torch.zeros(sum(self.levels)))  # and this while the partner is seen
        self.register_buffer("usual", torch.zeros(len(USUAL)))
        self.odds, self.resting = PlanOdds(), Resting()
        self.register_buffer("where", _columns(self.levels), persistent=False)
        nods, steered = torch.zeros(sum(self.levels)), torch.zeros(2, self.heads, self.codes)
        for row, plan in enumerate(("nod", "smile")):
            if plan in config.plans:
                steered[row, self.tokenizer.heads + config.plans.index(plan), 1] = 1.0
        if "nod" in config.plans:
            nods[self.where[self.tokenizer.heads + config.plans.index("nod"), 1]] = 1.0
        self.register_buffer("nods", nods, persistent=False)
        self.register_buffer("steered", steered.flatten(1), persistent=False)
        self.hear_state = self.hearing.state_specs()
        self.react_state = named("sight", self.sight.state_specs()) | named("past", self.past.state_specs())
        for name, layer in self.layers().items():
            self.react_state |= named(name, layer.state_specs())
        self.spec = self._spec()

    def layers(self) -> dict[str, Layer]:
        """The blocks by the name of their state in ``react_state``."""
        stacks = {"single": self.single, "voice": self.voice_blocks, "face": self.face_blocks, "own": self.own_blocks}
        return {
            f"{name}.{index}": cast(Layer, block) for name, stack in stacks.items() for index, block in enumerate(stack)
        }

    def _spec(self) -> StreamSpec:
        spec = StreamSpec(
            name="reaction",
            rate=FRAME_RATE,
            sample_rate=SAMPLE_RATE,
            inputs=(*partner_inputs(), *CONTROLS, NOD_RATE, NOD_TIMING, ACKNOWLEDGE_RATE),
            outputs=(
                OutputSpec("face", (58,), FACE_NAMES, FACE_UNITS, -3.2, 3.2, codec="arkit58"),
                OutputSpec("emotion", (25,), EMOTION_NAMES, EMOTION_UNITS, -1.0, 1.0, codec="emotion25"),
                ACKNOWLEDGE,
                BAD_INPUT,
            ),
            state={
                **named("hearing", self.hear_state),
                **named("react", self.react_state),
                "odds": self.odds.state_spec(),
                **named(
                    DECODER[:-1],
                    self.tokenizer.state_specs() | self.resting.state_specs() | {ANSWERS: StateSpec((len(KINDS),))},
                ),
            },
        )
        return sampling_spec(spec, self.heads, self.codes)

    def network(self, inputs: Tensors, previous: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Logits (B, T, heads, codes) of clean inputs and previous ids."""
        heard, hearing = self.hear(inputs, part(state, "hearing"))
        streams = {name: value for name, value in inputs.items() if name != "partner_audio"}
        streams["heard"] = heard
        logits, updates = self.react(streams, previous, part(state, "react"))
        logits, odds = self.decide(logits, streams, state["odds"])
        return logits, {**named("hearing", hearing), **named("react", updates), "odds": odds}

    def decode(self, ids: Tensor, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Face (B, T, 58), emotion (B, T, 25) and counts of vocal answers (B, T, 2) of ids."""
        own, heads = part(state, DECODER[:-1]), self.tokenizer.heads
        never = torch.zeros_like(ids[..., 0]) > 0
        plans = dict.fromkeys(("nod", "brow"), never)
        plans |= dict(zip(self.config.plans, (ids[..., heads:] > 0).unbind(-1), strict=True))
        folded, coded = self.tokenizer.course(ids[..., :heads], own)
        shown, rested = self.resting(folded, plans, own)
        face = self.tokenizer.unfolded(shown)
        # Modulo 1 the sum of all draws is uniform, and tells nothing about those that drew the plans.
        draw = inputs[NOISE].sum(-1).remainder(1.0)
        rate, speaking = inputs[ACKNOWLEDGE_RATE.name], inputs[SELF_SPEAKING.name]
        events = due(plans["nod"], plans["brow"], draw, rate, speaking)
        counts = counted(events, own[ANSWERS])
        outputs = {"face": face, "emotion": emotion(face), ACKNOWLEDGE.name: counts}
        return outputs, named(DECODER[:-1], {**coded, **rested, ANSWERS: counts[:, -1]})

    def hear(self, inputs: Tensors, state: Tensors) -> tuple[Tensor, Tensors]:
        """Audio features (B, T, F) of ``partner_audio`` and ``partner_audio_valid``: no parameters, so training does it
        once per recording. State specs: ``hear_state``. It loops over frames, so hear many recordings as one batch."""
        heard: Tensor
        heard, updates = self.hearing(inputs["partner_audio"], inputs["partner_audio_valid"], state)
        return heard, updates

    def react(
        self, streams: Tensors, previous: Tensor, state: Tensors, own: Tensor | None = None
    ) -> tuple[Tensor, Tensors]:
        """Logits (B, T, heads, codes) and updates of ``react_state``.

        ``streams``: ``heard`` (B, T, F) and the other inputs of the spec by name; ``previous`` (B, T, heads): the ids
        before each frame. ``own`` (B, T), 0 where the listener's own past is to be hidden (training).
        """
        mine, _, updates = self.attend(streams, previous, state, own)
        return self.answer(mine, streams), updates

    def decide(self, logits: Tensor, streams: Tensors, state: Tensor) -> tuple[Tensor, Tensor]:
        """The logits (B, T, heads, codes) of which ids are drawn, of those that :meth:`react` gives, as
        :mod:`models.reaction.odds` tells; and the state of :attr:`odds`. Without plans for nods they are as they were.
        """
        if "nod" not in self.config.plans:
            return logits, state
        head = self.tokenizer.heads + self.config.plans.index("nod")
        rate = _log_rate(streams)
        said = logits[..., head, 1] - logits[..., head, 0] - rate
        talks, shown = self.hearing.talks(streams["heard"]), seen_now(streams)
        added = []
        for t in range(logits.shape[1]):
            odds, state = self.odds(
                said[:, t],
                streams[NOD_TIMING.name][:, t],
                talks[:, t],
                streams["partner_face"][:, t],
                shown[:, t] > 0.0,
                self.usual,
                state,
            )
            added.append(torch.stack([odds.nod - said[:, t], odds.smile], -1))
        return logits + (torch.stack(added, 1) @ self.steered).unflatten(-1, logits.shape[2:]), state

    def notice(self, streams: Tensors, previous: Tensor, state: Tensors, own: Tensor | None = None) -> Noticed:
        """As :meth:`react`, and which cues have just become known."""
        mine, speaker, updates = self.attend(streams, previous, state, own)
        return Noticed(self.answer(mine, streams), self.cues(speaker), updates)

    def answer(self, mine: Tensor, streams: Tensors) -> Tensor:
        """Logits (B, T, heads, codes) of the listener's stream (B, T, channels)."""
        rate, seen = _log_rate(streams)[..., None], streams["partner_face_valid"][..., None]
        flat = self.out(self.norm(mine)) * self.gain + self.offset + seen * self.offset_seen + rate * self.nods
        padded: Tensor = torch.cat([flat, torch.full_like(flat[..., :1], IMPOSSIBLE)], -1)
        chosen: Tensor = padded.index_select(-1, self.where.flatten()).unflatten(-1, self.where.shape)
        return chosen

    def attend(
        self, streams: Tensors, previous: Tensor, state: Tensors, own: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensors]:
        """The listener's and the speaker's streams (B, T, channels), and the updates."""
        valid = streams["partner_audio_valid"][..., None]
        voice = self.voice_in(torch.cat([finite(streams["heard"]) * valid, valid], -1))
        seen, sight = self.sight(streams, part(state, "sight"))
        face = self.face_in(seen)
        past, walked = self.past(previous, part(state, "past"))
        if own is not None:
            past = past * own[..., None]
        controls = torch.stack([streams[item.name] for item in CONTROLS], -1)
        mine = self.past_in(torch.cat([past, controls], -1))
        updates = named("sight", sight) | named("past", walked)

        def run(name: str, layer: nn.Module, x: Tensor, *context: Tensor) -> Tensor:
            y: Tensor
            y, fresh = layer(x, part(state, name), *context)
            updates.update(named(name, fresh))
            return y

        depth = self.config.single_blocks
        for k in range(depth):
            voice = run(f"single.{k}", self.single[k], voice)
            face = run(f"single.{depth + k}", self.single[depth + k], face)
            mine = run(f"single.{2 * depth + k}", self.single[2 * depth + k], mine)
        for k, (hearing, seeing) in enumerate(zip(self.voice_blocks, self.face_blocks, strict=True)):
            voice, face = run(f"voice.{k}", hearing, voice, face), run(f"face.{k}", seeing, face, voice)
        speaker = self.fuse(torch.cat([voice, face], -1))
        for k in range(depth):
            speaker = run(f"single.{3 * depth + k}", self.single[3 * depth + k], speaker)
        for k, block in enumerate(self.own_blocks):
            mine = run(f"own.{k}", block, mine, speaker)
        return mine, speaker, updates


def _log_rate(streams: Tensors) -> Tensor:
    """What the control adds to the log-odds of a nod, (B, T)."""
    return streams[NOD_RATE.name].clamp(min=LEAST_RATE).log()


def _columns(levels: tuple[int, ...]) -> Tensor:
    """(heads, codes): where each head's logits stand in the flat output; one past its end for codes it lacks."""
    total, start, rows = sum(levels), 0, []
    for count in levels:
        rows.append(torch.cat([torch.arange(start, start + count), torch.full((max(levels) - count,), total)]))
        start += count
    return torch.stack(rows)


def build(config: str | Mapping[str, Any] = "small") -> Reaction:
    """The listener of a configuration, as plain values or by name, with random weights."""
    return Reaction(configuration(config))
