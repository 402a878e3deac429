"""How the five stages are trained, each by its published objective.

Optimiser and schedule are AdamW under a linear warm-up; the guide's rate falls to a tenth at steps 50 000 and 400 000,
the others' stays. As in all recipes here weight decay is of matrices alone (published: of everything; only the guide
has any).

Mended here: nothing is sent to a GPU by name (``.cuda()`` was hard-coded in the codec's and the guide's trainers).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from train.conversation.a2p.codec import codec_loss
from train.conversation.a2p.config import Stage
from train.conversation.a2p.denoiser import Keys
from train.conversation.a2p.diffusion import Diffusion, masked_square, motion_loss
from train.conversation.a2p.layout import FPS
from train.conversation.a2p.models import FAMILY, A2PModel, CodecModel, DiffusionModel, GuideModel, LipModel
from train.conversation.a2p.settings import Settings
from train.run.recipe import LOG_EVERY, Batch, Recipe

MILESTONES, FALL = (50_000, 400_000), 0.1


class A2PRecipe(Recipe):
    """Base: a stage gives :meth:`loss` of a batch (B,) or ()."""

    family = FAMILY
    model: A2PModel
    settings: Settings
    milestones: tuple[int, ...] = ()

    def __init__(self, model: A2PModel, settings: Settings, data: Mapping[str, str]) -> None:
        super().__init__(model, settings, data)
        self._checked: list[tuple[float, int]] = []

    def loss(self, batch: Batch) -> Tensor:
        """What is made smaller."""
        raise NotImplementedError

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """One batch of crops."""
        torch.manual_seed(batch["seed"])
        loss = self.loss(batch).mean()
        self.model.trained += 1
        if self.global_step % LOG_EVERY == 0:
            self.write({"train/loss": loss, "train/rate": self.current_rate})
        return self.finite(loss)

    def on_validation_start(self) -> None:
        """Forget the last validation."""
        self._checked = []

    def validation_step(self, batch: Batch, _: int) -> None:
        """The same loss under the same draws each time, without dropout."""
        torch.manual_seed(batch["seed"])
        self._checked.append((float(self.loss(batch).mean()), len(batch["target"])))

    def on_validation_epoch_end(self) -> None:
        """The mean over the windows."""
        count = sum(rows for _, rows in self._checked)
        self.checked({"loss": sum(loss * rows for loss, rows in self._checked) / count})
        self.write({"val/loss": self.check["loss"]})

    def _share_of_rate(self, step: int) -> float:
        risen = min(1.0, (step + 1) / (self.settings.warmup + 1))
        return risen * FALL ** sum(step >= milestone for milestone in self.milestones)

    def _kept(self, rows: int) -> Tensor:
        """Which rows (B,) keep a condition: all but a share, in training."""
        share = self.settings.condition_dropout if self.training else 0.0
        return torch.rand(rows, device=self.device) >= share


class LipRecipe(A2PRecipe):
    """Squared error of lips, in units of their deviation."""

    model: LipModel

    def loss(self, batch: Batch) -> Tensor:
        """(B,)."""
        made = self.model.net(batch["rows"], batch["target"].shape[1])
        return masked_square(made, batch["target"], batch["mask"]) / self.model.net.scale.square()


class DiffusionRecipe(A2PRecipe):
    """Clean frames out of noised ones, with what is heard and, for poses, true guide poses."""

    model: DiffusionModel

    def __init__(self, model: DiffusionModel, settings: Settings, data: Mapping[str, str]) -> None:
        super().__init__(model, settings, data)
        self.diffusion = Diffusion(settings.diffusion_steps)

    def loss(self, batch: Batch) -> Tensor:
        """(B,)."""
        clean, mask = batch["target"], batch["mask"]
        rows, frames = clean.shape[:2]
        step = torch.randint(self.diffusion.steps, (rows,), device=clean.device)
        noise = torch.randn_like(clean)
        keep, keep_keys = self._kept(rows), self._kept(rows)
        keys = keys_of(clean, mask) if self.model.net.guided else None
        given = self.model.net.given(self.model.hear(batch["rows"], frames), keep, keys, keep_keys)
        made = self.model.net(self.diffusion.noised(clean, step, noise), step, given)
        return motion_loss(made, clean, mask, self.settings.velocity)


class CodecRecipe(A2PRecipe):
    """A pose each second there and back."""

    model: CodecModel
    betas = (0.9, 0.99)

    def loss(self, batch: Batch) -> Tensor:
        """()."""
        keys, settings = keys_of(batch["target"], batch["mask"]), self.settings
        found = self.model.net.quantise(self.model.net.encode(keys.poses), keys.known)
        made = self.model.net.decode(found.values)
        return codec_loss(made, keys.poses, keys.known, found.commitment, settings.commit, settings.velocity)


class GuideRecipe(A2PRecipe):
    """Cross-entropy of the codec's tokens."""

    model: GuideModel
    milestones = MILESTONES

    def __init__(self, model: GuideModel, settings: Settings, data: Mapping[str, str], codec: CodecModel) -> None:
        super().__init__(model, settings, data)
        self._codec = [codec.eval().requires_grad_(False)]  # in a list: it is no part of what is trained and kept

    def loss(self, batch: Batch) -> Tensor:
        """(B,)."""
        net, keys = self.model.net, keys_of(batch["target"], batch["mask"])
        with torch.no_grad():
            codec = self._codec[0].to(self.device)
            tokens = codec.net.tokens(self._in_units_of(codec, keys.poses)).flatten(1)
        heard = net.hear(
            self.model.hearing(batch["rows"]), self._kept(len(tokens)), self.model.known(keys.poses.shape[1])
        )
        logits = net(tokens, heard)
        entropy = functional.cross_entropy(
            logits.transpose(1, 2), tokens, reduction="none", label_smoothing=self.settings.smoothing
        )
        known = keys.known.repeat_interleave(net.depth, 1)
        return (entropy * known).sum(1) / known.sum(1).clamp_min(1)

    def _in_units_of(self, codec: CodecModel, poses: Tensor) -> Tensor:
        """Poses as the codec has them, which may have been trained on another person."""
        return codec.standard(self.model.restored(poses))


RECIPES: dict[Stage, type[A2PRecipe]] = {
    "lips": LipRecipe,
    "face": DiffusionRecipe,
    "codec": CodecRecipe,
    "guide": GuideRecipe,
    "pose": DiffusionRecipe,
}


def keys_of(frames: Tensor, mask: Tensor) -> Keys:
    """A pose each second of frames (B, T, 104), and which are known."""
    return Keys(frames[:, ::FPS], mask[:, ::FPS])
