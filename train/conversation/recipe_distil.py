"""One step instead of several: heads become consistency models of the flow they have learned (Song et al. 2023).

Everything but the heads stands still. A student is asked what a point on the flow's way ends at; it learns to give the
same answer as a slow copy of itself gives one step of the teacher's flow further on, at the end the point itself. The
student's one step from noise then lands where the teacher's many steps do.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor

from engine.errors import EngineError
from models.conversation.heads import FlowHead, RollingHead
from models.conversation.model import Conversation
from train.conversation.recipe import ConversationRecipe
from train.conversation.settings import Settings
from train.run.recipe import Batch

WAY = 8
"""Steps into which the flow is cut."""
SLOW = 0.99
"""Decay of the slow copy."""


class DistilRecipe(ConversationRecipe):
    """Distils the heads of a trained flow model."""

    def __init__(self, model: Conversation, settings: Settings, data: Mapping[str, str]) -> None:
        super().__init__(model, settings, data)
        self.teachers: dict[int, FlowHead] = {}
        self.slow: dict[int, FlowHead] = {}
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        for head in (model.lips.head, model.head):
            if not isinstance(head, FlowHead):
                raise EngineError("only a flow is distilled; train with head=flow first")
            # In dicts, so that Lightning takes neither for a part of what is trained.
            self.teachers[id(head)], self.slow[id(head)] = copy.deepcopy(head), copy.deepcopy(head)
            for parameter in head.parameters():
                parameter.requires_grad_(True)

    def on_train_batch_end(self, outputs: object, batch: Batch, index: int) -> None:
        """The slow copies follow."""
        for head in (self.model.lips.head, self.model.head):
            slow = self.slow[id(head)]
            for mine, theirs in zip(slow.parameters(), head.parameters(), strict=True):
                mine.lerp_(theirs.detach(), 1.0 - SLOW)

    def _head(
        self, head: FlowHead | RollingHead, wanted: Tensor, given: Tensor, judged: Tensor, known: Tensor | None = None
    ) -> Tensor:
        assert isinstance(head, FlowHead)
        keep = judged > 0.0
        known = torch.ones_like(wanted) if known is None else known
        wanted, given, known = (value[keep].repeat(self.settings.draws, 1) for value in (wanted, given, known))
        if not len(wanted):
            return given.sum() * 0.0
        teacher, slow = self.teachers[id(head)], self.slow[id(head)]
        noise = torch.randn_like(wanted)
        step = torch.randint(WAY, (len(wanted),))
        time = step / WAY
        wanted = torch.where(known > 0.0, wanted, noise)
        x = (1.0 - time[:, None]) * noise + time[:, None] * wanted
        with torch.no_grad():
            on = x + teacher.net(x, teacher.net.condition(given), time) / WAY
            after = (step + 1) / WAY
            there = on + (1.0 - after)[:, None] * slow.net(on, slow.net.condition(given), after)
        here = x + (1.0 - time)[:, None] * head.net(x, head.net.condition(given), time)
        return torch.as_tensor(((here - there).square() * known).sum() / known.sum().clamp_min(1.0))
