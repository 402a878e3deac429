"""How the gesture model is trained: decisions by what was decided, poses by running on from its own."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from engine.spec import AGE
from models.contract import initial_state
from models.gesture.body import UPPER
from models.gesture.config import BODY
from models.gesture.model import Gesture
from models.gesture.plan import PREPARATION
from train.gesture.settings import Settings
from train.run.recipe import Batch, TermsRecipe

_NODDING = [UPPER.index(BODY.index(joint)) for joint in ("neck", "head")]
_HEAD = [6 * joint + number for joint in _NODDING for number in range(6)]


class GestureRecipe(TermsRecipe):
    """Trains a gesture model. ``check`` holds beside the loss its terms."""

    family = "gesture"
    model: Gesture
    settings: Settings

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """The weighed sum."""
        settings = self.settings
        decided = terms["phase"] + 0.1 * terms["kind"] + terms["nod"]
        moved = terms["pose"] + settings.joints * terms["joints"] + settings.velocity * terms["velocity"]
        moved = moved + settings.nods * terms["head"]
        heard = settings.told * terms["told"]
        return settings.plan * decided + heard + settings.pose * moved + settings.cluster * terms["cluster"]

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """Means over the frames that are judged, of decisions and of poses."""
        style = batch["style"][:, None].expand(-1, batch["ids"].shape[1])
        return self._decided(batch, style) | self._moved(batch, style)

    def _decided(self, batch: Batch, style: Tensor) -> dict[str, Tensor]:
        """Cross-entropies of what was decided, and of what is told of the speech."""
        model, settings = self.model, self.settings
        rows, length = batch["ids"].shape[:2]
        state = initial_state(model.plan_state, rows, self.device) | {"planner.clock": batch["clock_then"]}
        (logits, told), _ = model.plan(batch["raw"], batch["words"], style, batch["previous"], state)
        judged = batch["judged"].clone()
        begins = (batch["ids"][..., 0] == PREPARATION) & (batch["previous"][..., 0] != PREPARATION)
        judged[:, : settings.burn] = 0.0
        entropy = cross_entropy(logits.flatten(0, 2), batch["ids"].flatten(), reduction="none").unflatten(
            0, (rows, length, -1)
        )
        waits = torch.where(batch["previous"][..., 0] == PREPARATION, settings.waiting, 1.0) * judged
        heard = binary_cross_entropy_with_logits(told, batch["told"], reduction="none").mean(-1)
        kind = entropy[..., 1] * begins * judged
        return {
            "phase": (entropy[..., 0] * waits).sum() / waits.sum(),
            "told": (heard * judged).sum() / judged.sum(),
            "kind": kind.sum() / (begins * judged).sum().clamp_min(1.0),
            "nod": (entropy[..., 2] * judged).sum() / judged.sum(),
        }

    def _moved(self, batch: Batch, style: Tensor) -> dict[str, Tensor]:
        """Errors of poses that run on from the one before the piece."""
        model, judged = self.model, batch["judged"]
        poses = model.poses
        wanted = poses.standardised(batch["pose"])
        at_rest = poses.standardised(poses.rest[batch["style"]])
        before = torch.where(batch["pose_before"].isnan(), at_rest, poses.standardised(batch["pose_before"]))
        state = initial_state(model.move_state, len(judged), self.device)
        course = torch.where(batch["course"].isnan(), at_rest[:, None], batch["course"])
        state |= {
            "clock": batch["clock"],
            "pose": before,
            "course": course,
            "stand": at_rest,
            AGE: torch.ones_like(state[AGE]),
        }
        moved, _ = model.move(batch["ids"], batch["raw"], style, state)
        made, clusters = moved.poses, moved.clusters
        ours, theirs = (poses.joints(poses.turns(poses.restored(value))) for value in (made, wanted))
        weight = judged / judged.sum()
        pace = weight[:, 1:]
        nods = judged * batch["nodding"]
        nods = nods / nods.sum().clamp_min(1.0)
        cluster = cross_entropy(clusters.flatten(0, 1), batch["cluster"].flatten(), reduction="none")
        return {
            "pose": ((made - wanted).abs().mean(-1) * weight).sum(),
            "head": ((made - wanted)[..., _HEAD].abs().mean(-1) * nods).sum(),
            "joints": ((ours - theirs).abs().mean((-1, -2)) * weight).sum(),
            "velocity": ((ours - theirs).diff(dim=1).abs().mean((-1, -2)) * pace).sum(),
            "cluster": (cluster.unflatten(0, judged.shape) * weight).sum(),
        }
