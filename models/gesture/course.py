"""The course of a body through its phases: each kind of stroke as a way through a few poses, joined by least jerk.

A phase says what a hand does and a kind which stroke it is. From both follows a course: a preparation leads from
wherever the body is to where the stroke begins, a stroke goes its way, a hold stays where that ends, and a retraction
leads to rest, each as a movement of least jerk (Flash & Hogan 1985). An arm that takes no part goes to rest. Ways and
usual lengths are means over training strokes (:mod:`train.gesture.courses`). The decoder departs from the course by
what bodies do beside it, so that an average over many strokes never stands in for one of them.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, one_hot

from models.gesture.body import WIDTH
from models.gesture.config import RATE
from models.gesture.plan import HOLD, PHASES, PREPARATION, REST, RETRACTION, STROKE, TRACES, Clock

STEPS = 5
"""Poses of a way, evenly spaced in time from where the stroke begins to where it ends."""
NODDING = 10
"""Frames after a nod begins that are told apart: the longest nods last about so long."""
SECONDS = {REST: 0.3, PREPARATION: 0.4, STROKE: 0.3, HOLD: 0.15, RETRACTION: 0.65}
"""How long the movement of each phase takes, before training sets it by kind."""


class Course(NamedTuple):
    """Where a body is on its course: the pose (B, WIDTH) that is ``now`` its turn, and the one as the phase ``begun``,
    standardised."""

    now: Tensor
    begun: Tensor


class Courses(nn.Module):
    """What a clock says of the pose of a frame. ``ways`` (kinds, STEPS, WIDTH) standardised; ``takes`` (kinds, WIDTH)
    is 1 for the numbers of joints that take part; ``seconds`` (kinds, phases) that movements take."""

    ways: Tensor
    takes: Tensor
    seconds: Tensor

    def __init__(self, kinds: int) -> None:
        super().__init__()
        self.register_buffer("ways", torch.randn(kinds, STEPS, WIDTH))
        self.register_buffer("takes", torch.ones(kinds, WIDTH))
        self.register_buffer("seconds", torch.tensor([SECONDS[phase] for phase in range(len(PHASES))]).repeat(kinds, 1))
        self.width = len(PHASES) + 2 * len(TRACES) + NODDING + 1

    def forward(self, clock: Clock, rest: Tensor, course: Course) -> tuple[Course, Tensor]:
        """The course of a frame after the one before, and numbers (B, ``width``) of phase, times and nod; ``rest``
        (B, WIDTH) is how the body stands at rest, standardised."""
        kind = clock.kind.clamp(0, len(self.seconds) - 1)
        usual = embedding(kind, self.seconds).gather(1, clock.phase[:, None])
        done = ((clock.lasted[:, None] + 1.0 / RATE) / usual).clamp(0.0, 1.0)
        begun = torch.where((clock.lasted < 0.5 / RATE)[:, None], course.now, course.begun)
        phase = one_hot(clock.phase, len(PHASES)).to(rest.dtype)
        up = phase[:, PREPARATION, None] + phase[:, STROKE, None] + phase[:, HOLD, None]
        takes = embedding(kind, self.takes) * up
        first, last = self._way(kind, torch.zeros_like(done)), self._way(kind, torch.ones_like(done))
        goal = takes * torch.where(phase[:, PREPARATION, None] > 0, first, last) + (1.0 - takes) * rest
        moved = begun + least_jerk(done) * (goal - begun)
        # A stroke that begins elsewhere than its way comes back to it.
        stroke = self._way(kind, done) + (1.0 - done) * (begun - first)
        now = torch.where((takes * phase[:, STROKE, None]) > 0, stroke, moved)
        traces = [torch.exp(-time / tau)[:, None] for time in (clock.lasted, clock.nodded) for tau in TRACES]
        since = (clock.nodded * RATE).round().clamp(0, NODDING).long()
        nod = one_hot(since, NODDING + 1)[:, :NODDING].to(rest.dtype)
        return Course(now, begun), torch.cat([phase, *traces, nod, done], -1)

    def _way(self, kind: Tensor, done: Tensor) -> Tensor:
        """The pose (B, WIDTH) of each kind's way when a share (B, 1) of its time is done."""
        along = done * (STEPS - 1)
        step = along.detach().floor().clamp(max=STEPS - 2)
        at = kind * STEPS + step[:, 0].long()
        table, share = self.ways.flatten(0, 1), along - step
        return (1.0 - share) * embedding(at, table) + share * embedding(at + 1, table)


def least_jerk(share: Tensor) -> Tensor:
    """How much of a movement of least jerk is done after a share of its time (Flash & Hogan 1985)."""
    return share**3 * (10.0 - 15.0 * share + 6.0 * share**2)
