"""After training: free runs are brought to move as much, and as far, as the talks do.

A network that is trained on the past as it was runs on a past of its own making; small mistakes add up, so that free
runs wander farther than people, or move less. Each round runs some talks freely and compares, number by number, how far
they go from rest, how fast they move and how much they tremble, and how often each plan is begun (of looks, how soon
gaze is seen to go away and to come back); then what leads back to rest
(:attr:`models.conversation.acts.ActCodec.leak`), how much is made of what is drawn (``vigour``), the noise it is drawn
with (``calm``) and the plans' odds are moved a little. The best round is kept, and nothing else is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from models.contract import initial_state
from models.conversation.config import ACTS, PLANS, RATE
from models.conversation.model import Conversation, Drawn, Heard, Manner
from train.conversation.settings import Settings
from train.conversation.streams import Stream, numbers_of
from train.report.events import looks_away

TALKS, FRAMES, SETTLE = 24, 900, 60
"""Talks that are run side by side, frames of each, and frames at the start that are not counted."""
LEAK_STEP, LEAST_LEAK, MOST_LEAK = 0.001, 0.003, 0.05
"""Share of the way back, in a frame, by which the leak grows where numbers go e times too far; the least of it, so that
runs forget their mistakes, and the most."""
VIGOUR_STEP, LEAST_VIGOUR, MOST_VIGOUR = 0.12, 0.6, 2.0
CALM_STEP, LEAST_CALM = 0.12, 0.2
ODDS_STEP, MOST_ODDS = 0.6, 4.0
"""Steps are small, and the best round is kept: free runs answer what is set late and strongly."""


def calibrate(model: Conversation, streams: Sequence[Stream], settings: Settings) -> str:
    """Set leak, vigour, calm and odds of ``model``, in place; how runs were before and are then, in words."""
    acted = [item for item in streams if item.face is not None and item.trunk is not None and item.frames >= 2 * SETTLE]
    acted = acted[:TALKS]
    if not acted or not settings.rounds:
        return ""
    frames = min(FRAMES, *(item.frames for item in acted))
    wanted = _truth(model, acted, frames)
    model.eval()
    told, shown, best = "", "", Best(float("inf"), "", {})
    for _ in range(settings.rounds + 1):
        numbers, plans = free_run(model, acted, frames, settings.seed)
        sizes = _sizes(model, acted, numbers, plans)
        off = Sizes(*(ours / theirs for ours, theirs in zip(sizes, wanted, strict=True)))
        parts = zip(("reach", "speed", "tremor", "plans"), off, strict=True)
        shown = ", ".join(f"{name} {value.median():.2f}" for name, value in parts) + " of the talks'"
        told = told or shown
        apart = sum(weight * float(value.log().abs().mean()) for weight, value in zip(WEIGHTS, off, strict=True))
        if apart < best.apart:
            kept = {name: getattr(owner, name).clone() for owner, name in _set(model)}
            best = Best(apart, shown, kept)
        leak = model.codec.leak + LEAK_STEP * off.far.log().clamp(-1.0, 1.0)
        model.codec.leak.copy_(leak.clamp(LEAST_LEAK, MOST_LEAK))
        vigour = model.codec.vigour * off.fast.clamp(0.25, 4.0) ** -VIGOUR_STEP
        model.codec.vigour.copy_(vigour.clamp(LEAST_VIGOUR, MOST_VIGOUR))
        calm = model.codec.calm * (off.tremor / off.fast).clamp(0.25, 4.0) ** -CALM_STEP
        model.codec.calm.copy_(calm.clamp(LEAST_CALM, 1.0))
        odds = model.odds - ODDS_STEP * off.begun.clamp(0.1, 10.0).log()
        model.odds.copy_(odds.clamp(-MOST_ODDS, MOST_ODDS))
    for owner, name in _set(model):
        getattr(owner, name).copy_(best.kept[name])
    return f"free runs before: {told}; after: {best.shown}"


class Sizes(NamedTuple):
    """How free runs are, or their ratio to the talks."""

    far: Tensor  #: (ACTS,) how far numbers go from rest
    fast: Tensor  #: (ACTS,) how fast they move
    tremor: Tensor  #: (ACTS,) how much that changes from frame to frame
    begun: Tensor  #: (PLANS,) how often in a second plans are begun; of looks, in a second at the partner and away


WEIGHTS = (1.0, 1.0, 1.0, 0.5)
"""How much each of :class:`Sizes` counts."""


class Best(NamedTuple):
    """The best round so far: how far apart its runs are from the talks, in words, and what was set in it."""

    apart: float
    shown: str
    kept: dict[str, Tensor]


def _set(model: Conversation) -> list[tuple[nn.Module, str]]:
    """What calibration sets: of which module, by name."""
    return [(model.codec, "leak"), (model.codec, "vigour"), (model.codec, "calm"), (model, "odds")]


@torch.no_grad()
def free_run(model: Conversation, acted: Sequence[Stream], frames: int, seed: int) -> tuple[Tensor, Tensor]:
    """Numbers (B, T, ACTS) and plans (B, T, PLANS) of the first frames of talks, each from its own past."""
    heard = Heard(*(torch.stack([getattr(item.heard, name)[:frames] for item in acted]) for name in Heard._fields))
    rows = len(acted)
    mood, style = (
        torch.tensor([getattr(item, name) for item in acted])[:, None].expand(-1, frames) for name in ("mood", "style")
    )
    ones = torch.ones(rows, frames)
    state = initial_state(model.sight_state | model.act_state | model.draw_state, rows)
    context, _ = model.look(heard, Manner(mood, style, ones), state)
    generator = torch.Generator().manual_seed(seed)
    drawn = Drawn(torch.rand(rows, frames, model.drawn, generator=generator), ones, model.rests[style])
    acts, _ = model.act(context, drawn, state)
    return acts.numbers, acts.plans


@torch.no_grad()
def _truth(model: Conversation, acted: Sequence[Stream], frames: int) -> Sizes:
    numbers = numbers_of(model, acted, frames)
    return _sizes(model, acted, numbers, torch.stack([item.plans[:frames] for item in acted]))


def _sizes(model: Conversation, acted: Sequence[Stream], numbers: Tensor, plans: Tensor) -> Sizes:
    rests = torch.stack([model.rests[item.style] for item in acted])[:, None]
    late = numbers[:, SETTLE:]
    far = (late - rests).square().mean((0, 1)).sqrt().clamp_min(0.05)
    fast = late.diff(dim=1).abs().mean((0, 1)).clamp_min(1e-4)
    tremor = late.diff(n=2, dim=1).abs().mean((0, 1)).clamp_min(1e-4)
    begun = plans[:, SETTLE:].mean((0, 1)) * RATE
    faces, _ = model.codec.shown(late)
    away = torch.from_numpy(np.stack([looks_away(face.numpy()) for face in faces]))
    for name, on in (("away", ~away), ("back", away)):
        left = (on[:, :-1] & ~on[:, 1:]).sum()
        begun[PLANS.index(name)] = left / (on.sum() / RATE).clamp_min(1.0)
    begun = begun.clamp_min(0.2 / 60.0)
    assert len(far) == ACTS and len(begun) == len(PLANS)
    return Sizes(far, fast, tremor, begun)
