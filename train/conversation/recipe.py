"""How the conversation model is trained: heads by flow matching or rolling diffusion, plans by what was begun."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, pad

from models.contract import initial_state
from models.conversation.heads import FlowHead, RollingHead
from models.conversation.model import Conversation, Heard, Manner
from train.conversation.settings import Settings
from train.run.recipe import Batch, TermsRecipe

MOST = 8.0
"""Innovations are learned within so many times their size."""


class ConversationRecipe(TermsRecipe):
    """Trains a conversation model. ``check`` holds beside the loss its terms."""

    family = "conversation"
    model: Conversation
    settings: Settings

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """The weighed sum."""
        weights = {name: getattr(self.settings, name) for name in ("lips", "closings", "acts", "plans", "sizes")}
        return torch.stack([weights[name] * value for name, value in terms.items()]).sum()

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """Means over the frames that are judged."""
        out: dict[str, Tensor] = {}
        if "lips.own" in batch:
            out |= self._lips(batch)
        if "acts.own" in batch:
            out |= self._acts(batch)
        return out

    def _lips(self, batch: Batch) -> dict[str, Tensor]:
        model = self.model.lips
        own, wanted, known = batch["lips.own"], batch["lips.mouth"], batch["lips.known"]
        capture = batch["lips.capture"][:, None].expand(-1, own.shape[1])
        state = initial_state(model.state_specs(), len(own), self.device)
        given, _ = model.listen(own, capture, state)
        shut, spelt = batch["lips.shut"], batch["lips.spelt"]
        entropy = binary_cross_entropy_with_logits(model.closings(own, state)[0][..., 0], shut, reduction="none")
        return {
            "lips": self._head(model.head, wanted, given, known.amax(-1), known),
            "closings": (entropy * spelt).sum() / spelt.sum().clamp_min(1.0),
        }

    def _acts(self, batch: Batch) -> dict[str, Tensor]:
        model = self.model
        rows, length = batch["acts.own"].shape[:2]
        heard = Heard(*(batch[f"acts.{name}"] for name in Heard._fields))
        mood, style = (batch[f"acts.{name}"].long()[:, None].expand(-1, length) for name in ("mood", "style"))
        manner = Manner(mood, style, batch["acts.present"][:, None].expand(-1, length))
        state = initial_state(model.sight_state | model.act_state, rows, self.device)
        context, _ = model.look(heard, manner, state)
        thought, _ = model.think(context, batch["acts.past"], state)
        judged, plans = batch["acts.judged"], batch["acts.plans"]
        before, earlier = batch["acts.before"].unbind(2)
        innovation = model.codec.innovation(batch["acts.wanted"], before, earlier).clamp(-12.0, 12.0)
        entropy = binary_cross_entropy_with_logits(model.decide(thought), plans, reduction="none").mean(-1)
        given = torch.cat([thought, plans], -1)
        size = model.size(context, model.past.planned(batch["acts.past"]), plans)
        # How likely innovations are whose mean without sign is the size (Laplace).
        unlikely = (size.log() + innovation.abs() / size).mean(-1)
        apart = (innovation / size.detach()).clamp(-MOST, MOST)
        mean = {"plans": entropy, "sizes": unlikely}
        counted = (judged > 0.0).float()
        return {"acts": self._head(model.head, apart, given, judged)} | {
            name: (value * counted).sum() / counted.sum().clamp_min(1.0) for name, value in mean.items()
        }

    def _head(
        self, head: FlowHead | RollingHead, wanted: Tensor, given: Tensor, judged: Tensor, known: Tensor | None = None
    ) -> Tensor:
        """The mean loss over several draws of noise for each judged frame, of the numbers (B, T, n) that are known."""
        draws = self.settings.draws
        known = torch.ones_like(wanted) if known is None else known
        if isinstance(head, RollingHead):
            wanted, known = (
                pad(value, (0, 0, 0, head.window - 1)).unfold(1, head.window, 1).transpose(-1, -2)
                for value in (wanted, known)
            )
            judged = pad(judged, (0, head.window - 1)).unfold(1, head.window, 1).amin(-1)
        keep = judged > 0.0
        weight = judged[keep].repeat(draws)
        wanted, known = (value[keep].repeat(draws, *[1] * (wanted.ndim - 2)) for value in (wanted, known))
        given = given[keep].repeat(draws, 1)
        if not len(wanted):
            return given.sum() * 0.0
        noise = torch.randn_like(wanted)
        if isinstance(head, RollingHead):
            loss = head.loss(wanted, given, noise, known)
        else:
            loss = head.loss(wanted, given, noise, torch.rand(len(wanted), device=wanted.device), known)
        return torch.as_tensor((loss * weight).sum() / weight.sum())
