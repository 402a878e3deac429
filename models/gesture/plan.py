"""What a gesturer decides, frame by frame: to lift a hand, to strike, to let it rest; which stroke; and when to nod.

A gesture has phases (Kendon 2004; McNeill 1992): a preparation brings the hand to where the stroke begins, the stroke
carries the meaning and meets the stressed syllable, a hold may follow, a retraction ends at rest. The phase of a frame
is drawn given the one before, among those that may follow; with a preparation the kind of stroke is drawn. So the
network answers at each frame the one question that counts: now? What the hands then do follows from the answer.

What is heard and said is read by a network of its own, which also has to say where stresses fall. Speech has ten times
as many stresses as strokes, so it learns from many what the few strokes wait for.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors, finite, named, part
from models.gesture.config import RATE, GestureConfig
from models.layers import LSTM

PHASES = ("rest", "preparation", "stroke", "hold", "retraction")
REST, PREPARATION, STROKE, HOLD, RETRACTION = range(len(PHASES))
FOLLOWS = (
    (REST, PREPARATION),
    (PREPARATION, STROKE, RETRACTION),
    (STROKE, HOLD, PREPARATION, RETRACTION),
    (HOLD, PREPARATION, RETRACTION),
    (RETRACTION, REST, PREPARATION),
)
"""Phases that may follow each phase; the first of each row is the phase itself."""
HEADS = ("phase", "kind", "nod")
IMPOSSIBLE = -1e9
TRACES = (0.13, 0.4, 1.2, 4.0)
"""Time constants (s) of the traces of how long a phase has lasted, and how long ago the last nod began."""
LONGEST = 60.0
"""Seconds at which the times of a phase and since a nod stop counting."""
ACCENTS = ("now", "soon")
"""What is told of stresses: that the loudest moment of one was in this frame or the one before, or comes in the next
:data:`SOON_S`."""
TOLD = (*ACCENTS, "over")
"""What is told of the speech: where stresses are, and that no word is being said nor was in the last
:data:`OVER_S`."""
OVER_S = 0.2
SOON_S = 0.2
ACCENT_ODDS = -1.5
"""Log odds of a moment at which a stress would surprise nobody."""
GRACE_S = 0.3
"""Seconds of silence, beyond :data:`OVER_S`, through which a hand may wait for the next word."""
CLOCK = 4
"""Numbers of a :class:`Clock`."""


class Clock(NamedTuple):
    """Where a gesturer is, every entry (B,): the ``phase``, for how long (s), the ``kind`` of the stroke that is under
    way or was last, and seconds since the last nod began."""

    phase: Tensor
    lasted: Tensor
    kind: Tensor
    nodded: Tensor

    def packed(self) -> Tensor:
        """(B, 4) as float32; fresh state is zeros, so the time since a nod is held as its distance from the longest."""
        return torch.stack([self.phase.float(), self.lasted, self.kind.float(), LONGEST - self.nodded], -1)


def unpacked(state: Tensor) -> Clock:
    """The clock of its packed form (B, 4)."""
    phase, lasted, kind, nodded = state.unbind(-1)
    return Clock(phase.round().long(), lasted, kind.round().long(), LONGEST - nodded)


def advanced(clock: Clock, ids: Tensor) -> Clock:
    """The clock after a frame whose ids (B, 3) were drawn: phase, kind, nod."""
    phase, drawn, nod = ids.unbind(-1)
    phase = phase.clamp(REST, RETRACTION)
    begins = phase != clock.phase
    again = begins & (phase == PREPARATION)
    return Clock(
        phase,
        torch.where(begins, 0.0, (clock.lasted + 1.0 / RATE).clamp(max=LONGEST)),
        torch.where(again, drawn, clock.kind),
        torch.where(nod == 1, 0.0, (clock.nodded + 1.0 / RATE).clamp(max=LONGEST)),
    )


class ClockFeatures(nn.Module):
    """A clock as numbers (B, ``width``)."""

    def __init__(self, kinds: int, width: int = 12) -> None:
        super().__init__()
        self.kinds = nn.Embedding(kinds, width)
        self.width = len(PHASES) + 2 * len(TRACES) + width

    def forward(self, clock: Clock) -> Tensor:
        """Phase, traces of its length and of the time since a nod, and the kind."""
        phase = torch.nn.functional.one_hot(clock.phase, len(PHASES)).to(clock.lasted.dtype)
        traces = [torch.exp(-time / tau)[..., None] for time in (clock.lasted, clock.nodded) for tau in TRACES]
        return torch.cat([phase, *traces, self.kinds(clock.kind.clamp(0, self.kinds.num_embeddings - 1))], -1)


class Planner(nn.Module):
    """Logits (B, T, 3, codes) of the ids :data:`HEADS` from what is heard and said and what was decided before.

    ``strike`` (3,) is added to the log odds that a prepared hand strikes: a number, and weights of the log odds of
    :data:`ACCENTS` over :data:`ACCENT_ODDS`; ``lift`` (3,) likewise to those that a hand is prepared. ``settle`` (1,)
    is, for every second that nothing is said beyond :data:`GRACE_S`, added to the odds that a hand that is up sinks,
    and taken off those that one rises or strikes; ``patience`` (1,) is taken off those that a prepared hand sinks that
    did not strike. Zeros leave the odds as learned; calibration sets all of them after training
    (:mod:`train.gesture.calibrate`), so that hands wait for what stands out, but not for ever.
    """

    follows: Tensor
    strike: Tensor
    lift: Tensor
    settle: Tensor
    patience: Tensor

    def __init__(self, config: GestureConfig, context: int) -> None:
        super().__init__()
        self.codes = max(len(PHASES), config.kinds)
        self.kinds = config.kinds
        self.past = ClockFeatures(config.kinds)
        self.drop = nn.Dropout(config.dropout)
        self.listen = LSTM(context, config.hidden)
        self.tells = nn.Linear(config.hidden, len(TOLD))
        told = config.hidden + len(TOLD)
        self.lstm = LSTM(told + self.past.width, config.planner)
        self.out = nn.Linear(told + config.planner, len(PHASES) + 2)
        self.kind = nn.Sequential(nn.Dropout(0.5), nn.Linear(config.planner, config.kinds))
        self.register_buffer("strike", torch.zeros(1 + len(ACCENTS)))
        self.register_buffer("lift", torch.zeros(1 + len(ACCENTS)))
        self.register_buffer("settle", torch.zeros(1))
        self.register_buffer("patience", torch.zeros(1))
        allowed = torch.full((len(PHASES), len(PHASES)), IMPOSSIBLE)
        for row in FOLLOWS:
            allowed[row[0], list(row)] = 0.0
        self.register_buffer("follows", allowed, persistent=False)

    def state_specs(self) -> dict[str, StateSpec]:
        """The clock before the frame, seconds of silence, and the cells of both networks."""
        cells = named("listen", self.listen.state_specs()) | named("lstm", self.lstm.state_specs())
        return {"clock": StateSpec((CLOCK,)), "silent": StateSpec((1,)), **cells}

    def hear(self, context: Tensor, state: Tensors) -> tuple[Tensor, Tensor, Tensors]:
        """What is made of ``context`` (B, T, ...), the logits (B, T, 3) of :data:`TOLD`, and updates."""
        y, cells = self.listen(self.drop(context), part(state, "listen"))
        y = self.drop(y)
        tells = self.tells(y)
        told = torch.cat([y, tells], -1)
        return told, tells, named("listen", {name: finite(cell) for name, cell in cells.items()})

    def forward(
        self, told: Tensor, previous: Tensor, state: Tensors, odds: Tensor | None = None
    ) -> tuple[Tensor, Tensors]:
        """``told`` (B, T, ...) by :meth:`hear`, ``previous`` ids (B, T, 3), beyond the last code where none was drawn
        yet; ``odds`` (B, T) is added to the logit of beginning a preparation."""
        clock = unpacked(state["clock"])
        pasts, phases = [], []
        for t in range(previous.shape[1]):
            drawn = previous[:, t]
            begun = drawn[:, 0] < self.codes
            after = advanced(clock, torch.where(begun[:, None], drawn.clamp(max=self.codes - 1), 0))
            clock = Clock(*(torch.where(begun, new, old) for new, old in zip(after, clock, strict=True)))
            pasts.append(self.past(clock))
            phases.append(clock.phase)
        y, cells = self.lstm(torch.cat([told, torch.stack(pasts, 1)], -1), part(state, "lstm"))
        phase, nod = self.out(torch.cat([told, self.drop(y)], -1)).split([len(PHASES), 2], -1)
        kind = self.kind(y.detach())  # the choice of a stroke is not to shape what is heard
        before = torch.stack(phases, 1)
        *stands_out, over = told[..., -len(TOLD) :].unbind(-1)
        lifted, struck = (_urged(weights, stands_out) for weights in (self.lift, self.strike))
        silent, quiet_s = self._silence(over, state["silent"])
        quiet = self.settle * (silent - GRACE_S).clamp_min(0.0)
        begins = lifted - quiet if odds is None else lifted - quiet + odds
        prepared = before == PREPARATION
        shifts = {
            PREPARATION: torch.where(prepared, 0.0, begins),
            STROKE: torch.where(prepared, struck - quiet, 0.0),
            RETRACTION: torch.where(before == RETRACTION, 0.0, torch.where(prepared, quiet - self.patience, quiet)),
        }
        still = torch.zeros_like(quiet)
        phase = phase + torch.stack([shifts.get(number, still) for number in range(len(PHASES))], -1)
        phase = phase + self.follows[before]
        logits = torch.stack([self._padded(head) for head in (phase, kind, nod)], -2)
        kept = {"clock": clock.packed(), "silent": quiet_s}
        return logits, kept | named("lstm", {name: finite(cell) for name, cell in cells.items()})

    @staticmethod
    def _silence(over: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """For how long (s) nothing is said at each frame (B, T), by the logits ``over`` (B, T) and the time ``before``
        (B, 1), and the time (B, 1) after all of them."""
        found, now = [], before[:, 0]
        for frame in (over > 0.0).unbind(1):
            now = torch.where(frame, (now + 1.0 / RATE).clamp(max=LONGEST), 0.0)
            found.append(now)
        return torch.stack(found, 1), now[:, None]

    def _padded(self, logits: Tensor) -> Tensor:
        missing = self.codes - logits.shape[-1]
        return torch.nn.functional.pad(logits, (0, missing), value=IMPOSSIBLE)


def _urged(weights: Tensor, stands_out: list[Tensor]) -> Tensor:
    """What stresses add to log odds: a number, and weights of how far each logit is above the usual."""
    return weights[0] + ((torch.stack(stands_out, -1) - ACCENT_ODDS) * weights[1:]).sum(-1)
