"""An upper body that gestures with what its own avatar says: own voice and words in, a body out, frame by frame.

AISLe (Ahuja, Lee, Ishii & Morency, EMNLP Findings 2020) makes windows of 64 frames from sound and words that are all
known beforehand. Here the voice is heard as it comes, and a word counts from the moment it begins or becomes known. A
planner draws, frame by frame, whether a hand is lifted, strikes or rests, which kind of stroke it is, and nods; a
decoder, a causal mixture of eight as AISLe's, moves the body accordingly from the pose before. Breathing, sway and
looks are added on top. With silence the learned phases lead to rest.

Training calls the parts (:meth:`Gesture.plan`, :meth:`Gesture.move`) on many frames; serving calls both for every one.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from engine.spec import AGE, StateSpec, StreamSpec
from models.contract import Tensors, finite, named, part
from models.gesture.body import WIDTH, Poses
from models.gesture.config import RATE, GestureConfig, configuration
from models.gesture.course import Course, Courses
from models.gesture.decoder import PoseDecoder
from models.gesture.hearing import SUBFRAMES, Hearing
from models.gesture.idle import DRAWS, Idle
from models.gesture.plan import CLOCK, HEADS, Planner, advanced, unpacked
from models.gesture.spec import AMPLITUDE, HAND, HEARD, PACE, STYLE, VOICE, WORDS, gesture_spec
from models.gesture.words import WordFeatures, vocabulary
from models.sampling import DECODER, NOISE, AutoregressiveModel, sampling_spec

STYLE_WIDTH = 8
EASE = 1.0 - math.exp(-1.0 / (0.4 * RATE))
"""Share of the way that size and stance go in a frame to what is asked for: 0.4 s, so that no control makes a jump."""
FELT = 2 * SUBFRAMES + 3
"""Of what is heard the decoder is told the last numbers: levels, rises, peak, speech, validity."""
PREFERENCE = 4.0
"""Logit by which a handedness of 1 prefers a hand."""
SLOWEST = 1e-6
"""Least factor of the odds of a gesture; at a rate of 0 hardly one an hour begins."""
RAW, DRIFT = "raw", "drift"

CARD = """
An upper body that gestures with what its own avatar says. It hears the avatar's voice as it is spoken and, if it is
given them, its words as they begin; a word that comes late counts from then on; without words the voice alone is gone
by. It decides frame by frame whether a hand is lifted, strikes or rests, draws which stroke, and nods on accents.
`style` chooses among the gesturers it learned, `amplitude`, `rate` and `handedness` shape them, the seed makes each
session its own. The body comes as joints and as quaternions of the skeleton `cmu` (fingers, legs and collars at rest)
and as the 52 points of PATS in the plane.

What it is not: it never saw a person talk. Its teachers are simulated: strokes from motion capture of other movements,
laid on speech by the timing that was measured on the people of the AMI corpus. It knows a word by its meaning in a
table, not what a sentence says: no gesture depicts anything. Nobody has rated it in a study.
"""


class Plan(NamedTuple):
    """What the planner says of every frame."""

    logits: Tensor  #: (B, T, 3, codes) of phase, kind and nod
    told: Tensor  #: (B, T, 3) logits of :data:`models.gesture.plan.TOLD`


class Moved(NamedTuple):
    """Poses of every frame, standardised."""

    poses: Tensor  #: (B, T, WIDTH)
    clusters: Tensor  #: (B, T, 8) logits of the mixture's decoders
    stands: Tensor  #: (B, T, WIDTH) how the gesturer stands at rest, eased where another begins


class Gesture(AutoregressiveModel):
    """See the module docstring; ``config`` gives the sizes, ``spec`` inputs, outputs and state. Ids (B, T, 3) are the
    phase, the kind of stroke and whether a nod begins."""

    card = CARD
    licence = "Apache-2.0"
    hands: Tensor
    liking: Tensor

    def __init__(self, config: GestureConfig) -> None:
        super().__init__()
        self.config = config
        self.hearing = Hearing(config.bands, config.hearing)
        self.words = WordFeatures(config.words, config.word)
        self.style = nn.Embedding(len(config.styles), STYLE_WIDTH)
        self.planner = Planner(config, config.hearing + self.words.width + STYLE_WIDTH)
        self.heads, self.codes = len(HEADS), self.planner.codes
        self.poses = Poses(len(config.styles))
        self.courses = Courses(config.kinds)
        self.decoder = PoseDecoder(config, self.courses.width + STYLE_WIDTH + FELT, WIDTH)
        self.idle = Idle()
        # Which hand a kind of stroke is made with, 1 the right, -1 the left, 0 both; and how much likelier than others
        # each gesturer makes it, as log odds. Set when training begins.
        self.register_buffer("hands", torch.zeros(config.kinds))
        self.register_buffer("liking", torch.zeros(len(config.styles), config.kinds))
        self.plan_state = named("hearing.conv", self.hearing.conv.state_specs())
        self.plan_state |= named("planner", self.planner.state_specs())
        self.move_state = {"clock": StateSpec((CLOCK,)), "course": StateSpec((2, WIDTH))}
        self.move_state |= {name: StateSpec((WIDTH,)) for name in ("pose", "stand")} | self.decoder.state_specs()
        self.spec = self._spec()

    @property
    def vocabulary(self) -> bytes:
        """The list by which words are numbered, a file of the bundle."""
        return "\n".join(vocabulary()).encode()

    def _spec(self) -> StreamSpec:
        heard = {name: spec for name, spec in self.hearing.state_specs().items() if not name.startswith("conv.")}
        decoder = self.move_state | named("idle", self.idle.state_specs())
        decoder |= {"size": StateSpec((1,))}
        state = {**named("hearing", heard), **named("plan", self.plan_state), **named(DECODER[:-1], decoder)}
        spec = sampling_spec(gesture_spec(self.config, state), self.heads, self.codes)
        inputs = tuple(
            dataclasses.replace(item, shape=(self.heads + DRAWS,)) if item.name == NOISE else item
            for item in spec.inputs
        )
        return dataclasses.replace(spec, inputs=inputs)

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Hear all frames once, then draw and move frame by frame."""
        raw, heard = self.hearing.features(inputs[VOICE], inputs[HEARD], part(state, "hearing"))
        noise = inputs[NOISE]
        told = {name: value for name, value in inputs.items() if name != VOICE}
        told |= {RAW: raw, NOISE: noise[..., : self.heads], DRIFT: noise[..., self.heads :]}
        outputs, updates = super().frames(told, state)
        return outputs, updates | named("hearing", heard)

    def network(self, inputs: Tensors, previous: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Logits (B, T, 3, codes) of clean inputs and previous ids."""
        heard = {name: value for name, value in state.items() if name.startswith("hearing.")}
        if RAW in inputs:
            raw = inputs[RAW]  # heard already: its state is written by who heard it
        else:
            raw, hearing = self.hearing.features(inputs[VOICE], inputs[HEARD], part(state, "hearing"))
            heard = named("hearing", hearing)
        style = inputs[STYLE].round().long()
        odds = inputs[PACE].clamp_min(SLOWEST).log()
        (logits, _), updates = self.plan(raw, inputs[WORDS], style, previous, part(state, "plan"), odds)
        hands = torch.nn.functional.pad(self.hands, (0, self.codes - self.config.kinds))
        wished = logits + PREFERENCE * inputs[HAND][..., None, None] * hands * self._kind_alone(logits)
        return wished, heard | named("plan", updates)

    @staticmethod
    def _kind_alone(logits: Tensor) -> Tensor:
        """1 (heads, 1) for the kind, 0 for the other heads."""
        return logits.new_tensor([float(head == "kind") for head in HEADS])[:, None]

    def plan(
        self, raw: Tensor, words: Tensor, style: Tensor, previous: Tensor, state: Tensors, odds: Tensor | None = None
    ) -> tuple[Plan, Tensors]:
        """What is decided, and updates of ``plan_state``: ``raw`` (B, T, F) of :meth:`Hearing.features`,
        ``words`` (B, T, count, 4), ``style`` (B, T), ``previous`` ids (B, T, 3); ``odds`` (B, T): log of how much
        likelier than learned a gesture begins."""
        heard, conv = self.hearing(raw, part(state, "hearing"))
        context = torch.cat([heard, self.words(words), self.style(style)], -1)
        own = part(state, "planner")
        heard, told, listened = self.planner.hear(context, own)
        logits, planned = self.decide(heard, style, previous, own, odds)
        return Plan(logits, told), named("hearing", conv) | named("planner", listened | planned)

    def decide(
        self, heard: Tensor, style: Tensor, previous: Tensor, state: Tensors, odds: Tensor | None = None
    ) -> tuple[Tensor, Tensors]:
        """Logits (B, T, 3, codes) of what :meth:`Planner.hear` made of what is heard, and updates of the planner's
        state."""
        logits, planned = self.planner(heard, previous, state, odds)
        liked = torch.nn.functional.pad(self.liking[style], (0, self.codes - self.config.kinds))
        return logits + liked[..., None, :] * self._kind_alone(logits), planned

    def decode(self, ids: Tensor, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """The body, its quaternions and PATS' points (B, T, ...) of ids."""
        own = part(state, DECODER[:-1])
        style = inputs[STYLE].round().long()
        moved, updates = self.move(ids, inputs[RAW], style, own)
        idle, turned, sized = part(own, "idle"), [], []
        wanted, speaking = inputs[AMPLITUDE][..., None], inputs[RAW][..., -2]
        size = torch.where((own[AGE] == 0)[:, None], wanted[:, 0], own["size"])
        vectors, stands = (self.poses.restored(value) for value in (moved.poses, moved.stands))
        for t in range(ids.shape[1]):
            angles, idle = self.idle(inputs[DRIFT][:, t], speaking[:, t], idle)
            turned.append(angles)
            size = size + EASE * (wanted[:, t] - size)
            sized.append(stands[:, t] + size * (vectors[:, t] - stands[:, t]))
        shown = self.poses.shown(self.poses.turns(torch.stack(sized, 1), torch.stack(turned, 1)))
        outputs = {"body": shown.joints, "rotations": shown.rotations, "pats": shown.points}
        kept = {"size": size, **named("idle", idle)}
        return outputs, named(DECODER[:-1], updates | {name: finite(value) for name, value in kept.items()})

    def move(self, ids: Tensor, raw: Tensor, style: Tensor, state: Tensors) -> tuple[Moved, Tensors]:
        """Poses, and updates of ``move_state``: ``ids`` (B, T, 3) as drawn or as labelled, ``raw`` as for :meth:`plan`,
        ``style`` (B, T)."""
        clock = unpacked(state["clock"])
        cells = {name: value for name, value in state.items() if name.startswith("lstm.")}
        fresh = (state[AGE] == 0)[:, None]
        rest = self.poses.standardised(self.poses.rest[style])
        stand, pose = (torch.where(fresh, rest[:, 0], state[name]) for name in ("stand", "pose"))
        course = Course(*torch.where(fresh[:, None], rest[:, :1], state["course"]).unbind(1))
        named_style, poses, logits, stands = self.style(style), [], [], []
        for t in range(ids.shape[1]):
            clock = advanced(clock, ids[:, t])
            felt = raw[:, t, -FELT:]
            stand = stand + EASE * (rest[:, t] - stand)
            course, told = self.courses(clock, stand, course)
            conditions = torch.cat([told, named_style[:, t], felt], -1)
            pose, cluster, cells = self.decoder(conditions, pose, course.now, cells)
            pose = pose.clamp(-8.0, 8.0)
            poses.append(pose)
            logits.append(cluster)
            stands.append(stand)
        kept = {"pose": pose, "stand": stand, "course": torch.stack(course, 1)}
        updates = {"clock": clock.packed(), **{name: finite(value) for name, value in kept.items()}, **cells}
        return Moved(*(torch.stack(values, 1) for values in (poses, logits, stands))), updates


def build(config: str | Mapping[str, Any] | GestureConfig = "small") -> Gesture:
    """The gesture model of a configuration, as plain values or by name, with random weights."""
    return Gesture(configuration(config))
