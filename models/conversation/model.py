"""An avatar that talks and listens: own voice, partner's voice and face in; face and upper body out, frame by frame.

audio2photoreal (Ng et al. 2024) makes twenty seconds at a time from two voices that are known whole. Here both are
heard as they come, and a frame is drawn every thirtieth of a second. The mouth of speech follows the own voice through
a narrow window (:mod:`.lips`); everything else (brows, eyes, head, smiles, trunk, hands) follows both voices, the
partner's face and the own past through a wide one: a transformer with cached keys gives one vector a frame, whether to
begin a nod, a smile, a look away and so on is drawn, and a small network draws the rest (:mod:`.heads`), in units of
how much each number is about to move: a head that listens is far calmer than one that speaks.

Training calls the parts on many frames at once; serving calls all of them for every one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from engine.spec import AGE, StateSpec
from models.contract import StreamModel, Tensors, commit, finite, named, part
from models.conversation.acts import ActCodec, PastActs, gains
from models.conversation.body import TalkingBody
from models.conversation.config import (
    ACTS,
    MOODS,
    MOUTH,
    PLANS,
    RATE,
    SAMPLE_RATE,
    ConversationConfig,
    configuration,
)
from models.conversation.floor import FloorTraces
from models.conversation.heads import even, gaussian, head
from models.conversation.lips import LipNetwork
from models.conversation.spec import (
    CAPTURE,
    EXPRESSIVENESS,
    FACE_SEEN,
    LIPS,
    MOOD,
    NOISE,
    OWN,
    OWN_HEARD,
    PARTNER,
    PARTNER_HEARD,
    PRESENT,
    STYLE,
    TEMPERATURE,
    conversation_spec,
)
from models.conversation.stack import ConvStack
from models.layers import LayerNorm, TransformerBlock
from models.listening.face import FaceFeatures
from models.listening.voice import VoiceFeatures

MOOD_WIDTH, STYLE_WIDTH = 8, 8
KEEN = {"nod": 2.5, "smile": 2.0, "brow": 1.5}
"""How many times as far as learned, in log odds, the chance of an answer is from the usual one. A network that is
unsure spreads its answers over all moments; so as many of them come where they are likelier. In 46 talks
of training and validation skill of nods is 0.22 at 1, 0.35 at 1.5, 0.55 at 2.2, of smiles 0.69, 1.03, 1.24."""
SIZE_WIDTH, SMALLEST, LARGEST = 64, -4.0, 2.0
"""Width of the network that tells how much numbers are about to move, and bounds of its logarithms."""
EASE = 1.0 - math.exp(-1.0 / (0.4 * RATE))
"""Share of the way that sizes go in a frame to what is asked for: 0.4 s, so that no control makes a jump."""
LOCAL = (1, 2)
"""Dilations of the convolutions over what is heard and seen, before the transformer."""
SPEECH = -2
"""Where the trace of speech stands among a voice's features."""

CARD = """
An avatar that talks and listens: it moves its lips to its own voice, and listens to its partner's with nods, smiles,
looks and blinks; trunk and hands go along. It hears both voices as they come and may see the partner's face.
`mood` says how much it smiles, `expressiveness` how large it moves, `lip_strength` how large its mouth;
`articulation` chooses whose numbers the lips have, `temperature` how varied it is.

What it is not: nobody was filmed in conversation. Lips were learned from one woman's captured speech in Mandarin and
from short tracked clips of a man and few others; how one listens, looks and gestures from simulated people who
were laid on the turns of real meetings. It knows no words: no gesture depicts anything. Nobody has rated it in a study.
"""


class Heard(NamedTuple):
    """What is heard and seen of every frame."""

    own: Tensor  #: (B, T, features) of the own voice
    partner: Tensor  #: (B, T, features)
    face: Tensor  #: (B, T, features) of the partner's face
    floor: Tensor  #: (B, T, traces) of both voices' speech


class Manner(NamedTuple):
    """How the avatar is asked to be, (B, T) each."""

    mood: Tensor  #: number among MOODS
    style: Tensor  #: number among the configuration's styles
    present: Tensor  #: 1 where there is a partner


class Drawn(NamedTuple):
    """What acts are drawn by, (B, T, ...)."""

    uniforms: Tensor  #: (B, T, drawn) uniform numbers
    temperature: Tensor  #: (B, T)
    rest: Tensor  #: (B, T, ACTS) where a free run is led back to


class Acts(NamedTuple):
    """What was drawn."""

    numbers: Tensor  #: (B, T, ACTS)
    plans: Tensor  #: (B, T, PLANS), 1 where a movement was begun


class Conversation(StreamModel):
    """See the module docstring; ``config`` gives the sizes, ``spec`` inputs, outputs and state."""

    card = CARD
    licence = "Apache-2.0"
    odds: Tensor
    gains: Tensor
    rests: Tensor
    usual: Tensor
    keen: Tensor

    def __init__(self, config: ConversationConfig) -> None:
        super().__init__()
        self.config = config
        self.voice = VoiceFeatures(SAMPLE_RATE, RATE, config.bands)
        self.face, self.floor = FaceFeatures(RATE), FloorTraces()
        self.lips = LipNetwork(self.voice.raw_width, config)
        self.codec, self.past, self.body = ActCodec(), PastActs(), TalkingBody()
        seen = 2 * self.voice.raw_width + self.face.width + self.floor.width + 1 + MOOD_WIDTH + STYLE_WIDTH
        self.mood, self.style = nn.Embedding(len(MOODS), MOOD_WIDTH), nn.Embedding(len(config.styles), STYLE_WIDTH)
        self.enter, self.remember = nn.Linear(seen, config.channels), nn.Linear(self.past.width, config.channels)
        self.stack = ConvStack(config.channels, LOCAL, 0.0)
        self.blocks = nn.ModuleList(
            TransformerBlock(config.channels, config.heads, config.window, config.hidden, config.dropout)
            for _ in range(config.blocks)
        )
        self.leave = LayerNorm(config.channels)
        self.decide = nn.Linear(config.channels, len(PLANS))
        self.head = head(ACTS, config.channels + len(PLANS), config)
        told = config.channels + self.past.plan_width + len(PLANS)
        usual = nn.Linear(SIZE_WIDTH, ACTS)
        nn.init.zeros_(usual.weight)
        nn.init.zeros_(usual.bias)
        self.sizes = nn.Sequential(nn.Linear(told, SIZE_WIDTH), nn.SiLU(), usual)
        # Log odds of each plan in any frame; taken from the training talks.
        self.register_buffer("usual", torch.zeros(len(PLANS)))
        self.register_buffer("keen", torch.tensor([KEEN.get(name, 1.0) for name in PLANS]), persistent=False)
        # How much likelier than learned each plan is, as log odds. Zero in training, set by calibration.
        self.register_buffer("odds", torch.zeros(len(PLANS)))
        self.register_buffer("gains", gains(), persistent=False)
        # How each style stands at rest; taken from the training talks.
        self.register_buffer("rests", torch.zeros(len(config.styles), ACTS))
        self.drawn = len(PLANS) + even(ACTS)
        self.hearing_state = {
            **named("own", self.voice.state_specs()),
            **named("partner", self.voice.state_specs()),
            **named("face", self.face.state_specs()),
            **named("floor", self.floor.state_specs()),
        }
        self.sight_state = self.stack.state_specs()
        self.act_state: dict[str, StateSpec] = {}
        for number in range(config.blocks):
            ring = StateSpec((config.window, config.channels), kind="ring")
            self.act_state |= {f"block{number}.self.{name}": ring for name in ("keys", "values")}
        drawn = {"acts": StateSpec((ACTS,)), "plans": StateSpec((len(PLANS),))}
        self.draw_state = named("past", self.past.state_specs()) | named("head", self.head.state_specs()) | drawn
        state = (
            named("hearing", self.hearing_state)
            | named("lips", self.lips.state_specs())
            | named("sight", self.sight_state)
            | named("act", self.act_state | self.draw_state)
            | {"size": StateSpec((2,))}
        )
        self.spec = conversation_spec(config, self.lips.draws + self.drawn, state)

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Hear all frames at once, then act frame by frame."""
        heard, listened = self.hear(inputs, part(state, "hearing"))
        noise = inputs[NOISE]
        capture, mood, style = (inputs[name].round().long() for name in (CAPTURE, MOOD, STYLE))
        mouths, spoken = self.lips(
            heard.own, capture, noise[..., : self.lips.draws], inputs[TEMPERATURE], part(state, "lips")
        )
        context, looked = self.look(heard, Manner(mood, style, inputs[PRESENT]), part(state, "sight"))
        drawn = Drawn(noise[..., self.lips.draws :], inputs[TEMPERATURE], self.rests[style])
        acts, acted = self.act(context, drawn, part(state, "act"))
        outputs, size = self.show(mouths, acts.numbers, inputs, state)
        return outputs, {
            **named("hearing", listened),
            **named("lips", spoken),
            **named("sight", looked),
            **named("act", acted),
            "size": size,
        }

    def hear(self, inputs: Tensors, state: Tensors) -> tuple[Heard, Tensors]:
        """Features without parameters of clean inputs, and updates of ``hearing_state``."""
        own, first = self.voice.features(inputs[OWN], inputs[OWN_HEARD], part(state, "own"))
        partner, second = self.voice.features(inputs[PARTNER], inputs[PARTNER_HEARD], part(state, "partner"))
        face, third = self.face({name: inputs[name] for name in FACE_SEEN}, part(state, "face"))
        speech = torch.stack([own[..., SPEECH], partner[..., SPEECH]], -1)
        floor, fourth = self.floor(speech, part(state, "floor"))
        updates = named("own", first) | named("partner", second) | named("face", third) | named("floor", fourth)
        return Heard(own, partner, face, floor), updates

    def look(self, heard: Heard, manner: Manner, state: Tensors) -> tuple[Tensor, Tensors]:
        """What is heard and seen as one vector a frame (B, T, channels), and updates of ``sight_state``. Without a
        partner nothing of it is heard or seen."""
        there = manner.present[..., None]
        own_floor, partner_floor = heard.floor.chunk(2, -1)
        seen = [heard.own, there * heard.partner, there * heard.face, own_floor, there * partner_floor, there]
        seen += [self.mood(manner.mood), self.style(manner.style)]
        looked: tuple[Tensor, Tensors] = self.stack(self.enter(torch.cat(seen, -1)), state)
        return looked

    def think(self, context: Tensor, past: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """One vector a frame (B, T, channels) of ``context`` and features ``past`` (B, T, F) of the own past, and the
        new rows of ``act_state``."""
        y, updates = context + self.remember(past), Tensors()
        for number, block in enumerate(self.blocks):
            y, kept = block(y, part(state, f"block{number}"))
            updates |= named(f"block{number}", kept)
        return self.leave(y), updates

    def act(self, context: Tensor, drawn: Drawn, state: Tensors) -> tuple[Acts, Tensors]:
        """What is drawn frame by frame, each from all before it, and updates."""
        running, written = state, []
        owned = self.act_state | self.draw_state
        for t in range(context.shape[1]):
            updates = self._next(context[:, t : t + 1], Drawn(*(value[:, t] for value in drawn)), running)
            written.append(updates)
            if t + 1 < context.shape[1]:
                running = commit(owned, running, updates, 1)
        joined = {
            name: torch.cat([item[name] for item in written], 1) for name, spec in owned.items() if spec.kind == "ring"
        }
        acts = Acts(*(torch.stack([item[name] for item in written], 1) for name in ("acts", "plans")))
        return acts, {**written[-1], **joined}

    def _next(self, context: Tensor, drawn: Drawn, state: Tensors) -> Tensors:
        """The updates of one frame: what is drawn in it among them."""
        before, earlier = state["acts"], state["past.earlier"]
        past, remembered = self.past(before[:, None], state["plans"][:, None], self.codec.speed, part(state, "past"))
        thought, rows = self.think(context, past, state)
        thought, planned = thought[:, 0], self.past.planned(past)[:, 0]
        chances = (self.usual + self.keen * (self.decide(thought) - self.usual) + self.odds).sigmoid()
        plans = (drawn.uniforms[:, : len(PLANS)] < chances).to(chances.dtype)
        given = torch.cat([thought, plans], -1)
        noise = drawn.temperature[:, None] * self.codec.calm * gaussian(drawn.uniforms[:, len(PLANS) :])[:, :ACTS]
        innovation, kept = self.head(noise, given, part(state, "head"))
        size = self.size(context[:, 0], planned, plans)
        acts = finite(self.codec.following(size * innovation, before, earlier, drawn.rest))
        return {
            **rows,
            **named("past", remembered),
            **named("head", {name: finite(value) for name, value in kept.items()}),
            "acts": acts,
            "plans": plans,
        }

    def size(self, context: Tensor, planned: Tensor, plans: Tensor) -> Tensor:
        """How much innovations (..., ACTS) are about to be, their mean without sign, by what is heard and what was and
        is ``planned``. Not by how the avatar moves: what moves much would go on to move more and more."""
        told = torch.cat([context, planned, plans], -1)
        return torch.as_tensor(self.sizes(told).clamp(SMALLEST, LARGEST).exp())

    def show(self, mouths: Tensor, numbers: Tensor, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensor]:
        """Face, joints and quaternions of what was drawn, at the sizes asked for, and the eased sizes (B, 2)."""
        wanted = torch.stack([inputs[EXPRESSIVENESS], inputs[LIPS]], -1)
        size = torch.where((state[AGE] == 0)[:, None], wanted[:, 0], state["size"])
        sizes = []
        for t in range(wanted.shape[1]):
            size = size + EASE * (wanted[:, t] - size)
            sizes.append(size)
        large, wide = torch.stack(sizes, 1).split(1, -1)
        expression, trunk = self.codec.shown(numbers * (1.0 + self.gains * (large - 1.0)))
        face = spoken(expression, (mouths * wide).clamp(max=1.0))
        joints, rotations = self.body(trunk, face)
        return {"face": face, "body": joints, "rotations": rotations}, size


def spoken(expression: Tensor, mouths: Tensor) -> Tensor:
    """Faces (..., 58) of expressions and mouths of speech (..., 27). Two movements of one channel add up like veils:
    both are seen, and the sum stays below 1."""
    first, last = MOUTH[0], MOUTH[-1] + 1
    under = expression[..., first:last]
    return torch.cat([expression[..., :first], under + mouths - under * mouths, expression[..., last:]], -1)


def build(config: str | Mapping[str, Any] | ConversationConfig = "small") -> Conversation:
    """The conversation model of a configuration, as plain values or by name, with random weights."""
    return Conversation(configuration(config))
