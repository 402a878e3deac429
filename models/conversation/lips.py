"""The mouth of speech: from the own voice alone, through a narrow window in time, and not from its own past.

Talking needs a narrow window, listening a wide one (Beyond Monologue, arXiv:2604.10367). A mouth that sees its own past
learns to go on as before and to listen less; one that does not cannot drift and is closed where there is no voice. That
its frames still hang together comes from the noise, which wanders slowly: near noise gives near mouths.

What sound says of a mouth is mostly how wide it is open. That lips meet for b, p and m is heard otherwise, in how the
spectrum moves towards a gap or a murmur; whether they do is told apart from the rest, learned from phones whose times
are known, and laid on the mouth.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.spec import AGE, StateSpec
from models.contract import Tensors, finite, named, part
from models.conversation.config import CAPTURES, MOUTH, MOUTH_NAMES, RATE, ConversationConfig
from models.conversation.heads import even, gaussian, head
from models.conversation.stack import ConvStack

CAPTURE_WIDTH = 8
JAW = MOUTH_NAMES.index("jawOpen")
WANDER_S = 0.5
"""Correlation time (s) of the noise."""
CALM = 0.45
"""Share of the noise at a temperature of 1: a mouth is better told than guessed. Much below it mouths move less than
captured ones, above it they err more."""
INERTIA_S = 0.028
"""Time constant (s) in which a mouth follows what is drawn: it has a mass. Less, and it trembles; more, and it lags."""
OPENING_NAMES = ("jawOpen", "mouthFunnel", "mouthLowerDown", "mouthUpperUp")
OPENING = torch.tensor([float(name.startswith(OPENING_NAMES)) for name in MOUTH_NAMES])
"""1 for each channel that parts the lips."""
UNTOLD = -3.0
"""Log odds of b, p or m before any is learned."""
JAW_RISES = 0.5
"""Share of its opening by which the jaw rises for closed lips; of tracked mouths (GRID) it is about a third."""
PARTING = ("mouthLowerDown", "mouthUpperUp")
CLOSES = torch.tensor([JAW_RISES if n == "jawOpen" else float(n.startswith(PARTING)) for n in MOUTH_NAMES])
MEETS = torch.tensor([float(name == "mouthClose") for name in MOUTH_NAMES])
UNSURE, SURE = 0.35, 0.65
"""Chances of b, p or m under which lips do not close for it, and from which they close whole."""
REACH = 0.85
"""Share of the frames with an open mouth in which it is not open wide; its reach is how wide it is open there."""
MOST_GAIN, FIRST_GAIN, OPENS, EDGE = 3.0, 1.3, 0.1, 0.2
"""Bounds of how much wider a voice's mouth is opened, the share of its reach around which it comes to count as open,
and over how much of its reach it comes to count as wide."""
FOLLOW, FOLLOW_FIRST, FOLLOW_FRAMES = 0.02, 0.075, 8.0
"""Steps, as logarithms, by which the reach of a voice is followed in a frame with an open mouth, later and at first,
and frames after which first steps are half as large."""
MOST_OPENED = 1000.0
"""Frames beyond which open ones need not be counted."""
LEAST = 0.1
"""Share of the largest deviation that every channel is scaled by at least: what hardly moves counts less."""


class MouthCodec(nn.Module):
    """Mouths (..., 27) as numbers (..., 27) around nought, and back. Channel by channel, so that one which a recording
    did not solve can be left out there."""

    mean: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(len(MOUTH)))
        self.register_buffer("scale", torch.ones(len(MOUTH)))

    def fit(self, mouths: Tensor, known: Tensor) -> None:
        """Mean and deviation of each channel of mouths (N, 27) where it is ``known`` (N, 27), the deviation no less
        than a tenth of the largest. A channel that is known nowhere stays shut, whatever is drawn for it."""
        count = known.sum(0).clamp_min(1.0)
        mean = (mouths * known).sum(0) / count
        spread = ((mouths - mean).square() * known).sum(0).div(count).sqrt()
        self.mean.copy_(mean)
        scale = spread.clamp_min(LEAST * float(spread.max())) * known.any(0)
        self.scale.copy_(scale.clamp_min(1e-6))

    def numbers(self, mouths: Tensor) -> Tensor:
        """Of mouths."""
        return (mouths - self.mean) / self.scale

    def weights(self, numbers: Tensor) -> Tensor:
        """The inverse of :meth:`numbers`, within 0 and 1."""
        return (numbers * self.scale + self.mean).clamp(0.0, 1.0)


class LipNetwork(nn.Module):
    """Mouths of raw features of the own voice (B, T, ``heard``)."""

    reach: Tensor
    opening: Tensor
    closes: Tensor
    meets: Tensor

    def __init__(self, heard: int, config: ConversationConfig) -> None:
        super().__init__()
        self.config = config
        width, count = config.lips, len(MOUTH)
        self.enter = nn.Linear(heard, width)
        self.stack = ConvStack(width, config.dilations, config.dropout)
        self.capture = nn.Embedding(len(CAPTURES), CAPTURE_WIDTH)
        self.given = width + CAPTURE_WIDTH
        self.head = head(count, self.given, config)
        self.hear_closing = nn.Linear(heard, config.closing)
        self.closing_stack = ConvStack(config.closing, config.dilations, config.dropout)
        self.closing = nn.Linear(config.closing, 1)
        nn.init.constant_(self.closing.bias, UNTOLD)  # of talks that do not tell closings none are learned
        self.codec = MouthCodec()
        # How far a mouth of each capture's numbers opens when it opens wide; taken from captured ones.
        self.register_buffer("reach", torch.full((len(CAPTURES),), 0.3))
        self.register_buffer("opening", OPENING, persistent=False)
        self.register_buffer("closes", CLOSES, persistent=False)
        self.register_buffer("meets", MEETS, persistent=False)
        self.draws = even(count)

    def state_specs(self) -> dict[str, StateSpec]:
        """What is convolved, where the noise is, and what the head carries."""
        specs = named("stack", self.stack.state_specs()) | named("head", self.head.state_specs())
        specs |= named("closing", self.closing_stack.state_specs())
        specs |= {"wander": StateSpec((len(MOUTH),)), "mouth": StateSpec((len(MOUTH),))}
        # The reach so far over the one that is wanted, and in how many frames the mouth was open.
        return specs | {"reached": StateSpec((1,), initial=1.0 / FIRST_GAIN), "opened": StateSpec((1,))}

    def listen(self, raw: Tensor, capture: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """What the head is given (B, T, given) for raw features and ``capture`` (B, T), and updates of the convs."""
        y, kept = self.stack(self.enter(raw), part(state, "stack"))
        return torch.cat([y, self.capture(capture)], -1), named("stack", kept)

    def closings(self, raw: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Log odds (B, T, 1) that a frame of raw features (B, T, heard) is one of b, p or m, and updates."""
        y, kept = self.closing_stack(self.hear_closing(raw), part(state, "closing"))
        return self.closing(y), named("closing", kept)

    def forward(
        self, raw: Tensor, capture: Tensor, uniforms: Tensor, temperature: Tensor, state: Tensors
    ) -> tuple[Tensor, Tensors]:
        """Mouths (B, T, 27) for raw features (B, T, heard), ``capture`` and ``temperature`` (B, T), and ``uniforms``
        (B, T, draws)."""
        given, updates = self.listen(raw, capture, state)
        keep = math.exp(-1.0 / (RATE * WANDER_S))
        fresh = gaussian(uniforms)[..., : len(MOUTH)]
        wander, carried = state["wander"], part(state, "head")
        drawn = []
        for t in range(raw.shape[1]):
            moved = keep * wander + math.sqrt(1.0 - keep * keep) * fresh[:, t]
            begins = (state[AGE] == 0)[:, None] & (t == 0)
            wander = torch.where(begins, fresh[:, t], moved)
            numbers, kept = self.head(CALM * temperature[:, t, None] * wander, given[:, t], carried)
            carried = {**carried, **kept}
            drawn.append(numbers)
        numbers = torch.stack(drawn, 1)
        updates |= {"wander": finite(wander)} | named("head", {name: finite(carried[name]) for name in kept})
        mouths, widened = self.widened(self.codec.weights(numbers), capture, state)
        mouths = self.followed(mouths, state["mouth"])
        odds, kept = self.closings(raw, state)
        updates |= kept | widened | {"mouth": finite(mouths[:, -1])}
        return self.closed(mouths, odds.sigmoid()), updates

    def followed(self, mouths: Tensor, before: Tensor) -> Tensor:
        """Mouths (B, T, 27) that follow, from ``before`` (B, 27) on, in :data:`INERTIA_S`."""
        keep, out = math.exp(-1.0 / (RATE * INERTIA_S)), []
        for t in range(mouths.shape[1]):
            before = keep * before + (1.0 - keep) * mouths[:, t]
            out.append(before)
        return torch.stack(out, 1)

    def closed(self, mouths: Tensor, chance: Tensor) -> Tensor:
        """Mouths (B, T, 27) whose lips meet where the ``chance`` (B, T, 1) of b, p or m is high: what parts them goes,
        and the jaw rises halfway, with lips that meet over the rest."""
        share = ((chance - UNSURE) / (SURE - UNSURE)).clamp(0.0, 1.0)
        shut = mouths * (1.0 - self.closes * share)
        missing = share * shut[..., JAW : JAW + 1] - shut
        return shut + self.meets * missing.clamp_min(0.0)

    def widened(self, mouths: Tensor, capture: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Mouths (B, T, 27) that open as wide as captured ones, and updates. The less a voice is like those that were
        learned from, the less a network opens its mouth. How wide this one does so far is a running quantile of its
        open jaw: a step up for each frame above it, so much smaller a one down for each below that both hold the
        balance where :data:`REACH` of them are below (Robbins & Monro 1951)."""
        wanted, out = self.reach[capture].clamp_min(0.05), []
        reached, opened = state["reached"], state["opened"]
        for t in range(mouths.shape[1]):
            now = mouths[:, t, JAW : JAW + 1] / wanted[:, t, None]
            # Both thresholds are ramps: a hard one turns a difference of rounding into one that lasts.
            share = now / reached
            is_open = (share / OPENS - 0.5).clamp(0.0, 1.0)
            step = is_open * (FOLLOW_FIRST / (1.0 + opened / FOLLOW_FRAMES)).clamp_min(FOLLOW)
            above = ((share - 1.0) / EDGE + 0.5).clamp(0.0, 1.0)
            reached = (reached * (step * (above + REACH - 1.0)).exp()).clamp(1.0 / MOST_GAIN, 1.0)
            opened = (opened + is_open).clamp(max=MOST_OPENED)
            # What is nearly closed stays so.
            gain = 1.0 + self.opening * (1.0 / reached - 1.0) * (now / reached).clamp(max=1.0)
            out.append((gain * mouths[:, t]).clamp(max=1.0))
        return torch.stack(out, 1), {"reached": finite(reached), "opened": opened}
