"""What a listening face does not do unless it decided to: look away, smile, lean out of the picture.

Ids drawn one by one let a face stray: eyes drift from the partner, a smile comes up by itself, a head leans further
than anybody leans. So what is shown stays near rest until a plan was drawn, and goes on from the ids as they are then.

- **Gaze** stays within :data:`NEAR` of its usual place, to the side and up, as fixations of a listener's partner do,
  until a look away is planned *and* the eyes are :data:`AWAY_FROM` off for more than :data:`SURE` frames: a look that
  turns out to be none would be a twitch. It is over when looking back is planned, or the eyes are back.
- **Corners of the mouth** stay within :data:`FAINT` of their mean until a smile is planned; once it is let go they come
  back over :data:`FADES_S`.
- **Place of the head**: bounded softly, at :data:`LEANS` from its mean.

Only what is shown is held: ids, and the past that the network knows, are as drawn.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.channels import HEAD_NAMES
from engine.spec import StateSpec
from models.contract import Tensors
from models.listening.cell import DT
from models.listening.folded_names import FOLDED_NAMES
from models.listening.folding import EYE_DOWN, EYE_SIDE, EYE_UP
from models.listening.smiles import CORNERS

NEAR, AWAY_FROM, AWAY_UNTIL, SURE = math.radians(3.0), math.radians(8.0), math.radians(5.5), 2.0
FAINT, RISES_S, FADES_S = 0.08, 0.12, 1.2
LEANS, KNEE = 0.025, 4.0
"""Metres, and how sharply what is beyond them is bent back."""
FIELDS = ("planned", "off_for", "away", "smiling", "shown")
"""State: a look away is planned; frames for which the eyes have been off; it is shown; a smile is planned; and how far
it is shown."""


class Resting(nn.Module):
    """Folded faces, as distances from their mean, to those that are shown."""

    gaze: Tensor
    place: Tensor
    corners: Tensor

    def __init__(self) -> None:
        super().__init__()
        reach = {"gazeOut": EYE_SIDE, "gazeDown": 0.5 * (EYE_UP + EYE_DOWN)}
        full = [next((angle for axis, angle in reach.items() if name.startswith(axis)), 0.0) for name in FOLDED_NAMES]
        self.register_buffer("gaze", torch.tensor(full), persistent=False)
        for label, names in (("place", HEAD_NAMES[3:]), ("corners", CORNERS)):
            flags = torch.tensor([float(name in names) for name in FOLDED_NAMES])
            self.register_buffer(label, flags, persistent=False)

    def state_specs(self) -> dict[str, StateSpec]:
        """One small tensor of :data:`FIELDS`."""
        return {"rest": StateSpec((len(FIELDS),))}

    def forward(self, folded: Tensor, plans: Tensors, state: Tensors) -> tuple[Tensor, Tensors]:
        """``folded`` (B, T, folded) as it is shown; ``plans`` (B, T), bool, by name, where ``away``, ``back``,
        ``smile`` and ``ease`` are drawn. What of it no plan can let go is not held."""
        away, smiling, after = self._let_go(self._off(folded), plans, state["rest"])
        sizes = (folded * self.place).square().sum(-1, keepdim=True).sqrt()
        bent = (1.0 + (sizes / LEANS) ** KNEE) ** (-1.0 / KNEE)
        shown = folded * (1.0 - self.place * (1.0 - bent))
        if {"away", "back"} <= set(plans):
            near = torch.where(self.gaze > 0.0, NEAR / self.gaze.clamp(min=1e-3), 1.0)
            held = near * torch.tanh(folded / near)
            shown = torch.where((away[..., None] > 0.0) | (self.gaze == 0.0), shown, held)
        if {"smile", "ease"} <= set(plans):
            up = shown.clamp(min=0.0) * self.corners
            shown = shown - (1.0 - smiling[..., None]) * (up - FAINT * torch.tanh(up / FAINT))
        return shown, {"rest": after}

    def _off(self, folded: Tensor) -> Tensor:
        """How far the eyes, in the mean, are from their usual place, (B, T) rad."""
        return (0.5 * (folded * self.gaze).square().sum(-1)).sqrt()

    @staticmethod
    def _let_go(off: Tensor, plans: Tensors, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """1 where a look away is shown, how far a smile is (both (B, T)), and the state after them."""
        planned, off_for, away, smiling, shown = state.unbind(-1)
        never = torch.zeros_like(off) > 0.0
        begins, ends, smiles, eases = (plans.get(name, never) for name in ("away", "back", "smile", "ease"))
        looks, smiled = [], []
        for t in range(off.shape[1]):
            planned = torch.where(begins[:, t], 1.0, torch.where(ends[:, t], 0.0, planned))
            off_for = torch.where((off[:, t] > AWAY_FROM) & (planned > 0.0), (off_for + 1.0).clamp(max=SURE + 1.0), 0.0)
            goes_on = (away > 0.0) & (off[:, t] > AWAY_UNTIL)
            away = ((planned > 0.0) & (goes_on | (off_for > SURE))).to(off.dtype)
            smiling = torch.where(smiles[:, t], 1.0, torch.where(eases[:, t], 0.0, smiling))
            rate = torch.where(smiling > shown, DT / RISES_S, DT / FADES_S)
            shown = shown + rate * (smiling - shown)
            looks.append(away)
            smiled.append(shown)
        after = torch.stack([planned, off_for, away, smiling, shown], -1)
        return torch.stack(looks, 1), torch.stack(smiled, 1), after
