"""The diffusion: a cosine schedule (Nichol & Dhariwal 2021), clean frames as the target, DDIM (Song et al. 2021) with
eta 0 to sample, guidance without a classifier (Ho & Salimans 2022).

Mended here: ``diffusion_steps`` was ignored, 1000 always; a guidance of 1 was refused, which is the condition alone and
saves the other half of the work.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from engine.errors import EngineError

OFFSET, MOST = 0.008, 0.999
Predict = Callable[[Tensor, Tensor], Tensor]
"""Clean frames of noised frames (B, T, F) at steps (B,)."""


def cosine_betas(steps: int) -> Tensor:
    """The variances (steps,) that are added, in 64 bits."""

    def left(share: float) -> float:
        return math.cos((share + OFFSET) / (1.0 + OFFSET) * math.pi / 2) ** 2

    return torch.tensor(
        [min(1.0 - left((step + 1) / steps) / left(step / steps), MOST) for step in range(steps)], dtype=torch.float64
    )


def allowed(steps: int) -> list[int]:
    """How many steps may be taken of ``steps``: those that lie evenly among them."""
    return [count for count in range(steps, 0, -1) if steps % count == 0]


def stride_of(respacing: str, steps: int) -> int:
    """Every how manieth of ``steps`` is taken by ``ddimN``; "" takes all. Raises :class:`EngineError`."""
    if not respacing:
        return 1
    text = respacing.removeprefix("ddim")
    counts = allowed(steps)
    if respacing == text or not text.isdecimal() or len(text) > 9 or int(text) not in counts:
        told = ", ".join(map(str, counts))
        raise EngineError(f"respacing {respacing!r}: give ddimN where N divides the {steps} steps evenly: {told}")
    return steps // int(text)


class Diffusion:
    """A schedule of ``steps``; ``left`` (steps,) is the share of the signal's variance that is left after each."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.left = torch.cumprod(1.0 - cosine_betas(steps), 0)

    def noised(self, clean: Tensor, step: Tensor, noise: Tensor) -> Tensor:
        """Frames (B, T, F) with the noise of their steps (B,)."""
        left = self.left.to(clean.device)[step][:, None, None]
        return (left.sqrt() * clean + (1.0 - left).sqrt() * noise).to(clean.dtype)

    @torch.no_grad()
    def sample(self, predict: Predict, noise: Tensor, respacing: str) -> Tensor:
        """Clean frames out of noise (B, T, F), the same for the same noise."""
        stride = stride_of(respacing, self.steps)
        x = noise
        for step in range(self.steps - stride, -1, -stride):
            # Steps 0, stride, 2 stride ... stand for all: what is before step 0 is clean.
            left, before = float(self.left[step]), float(self.left[step - stride]) if step else 1.0
            clean = predict(x, torch.full((len(x),), step, device=x.device))
            rest = (x - left**0.5 * clean) / max(1.0 - left, 1e-20) ** 0.5
            x = before**0.5 * clean + (1.0 - before) ** 0.5 * rest
        return x


def guided(conditioned: Predict, unconditioned: Predict, scale: float) -> Predict:
    """out_u + scale (out_c - out_u); at scale 1 the first alone is asked."""
    if scale == 1.0:
        return conditioned

    def predict(x: Tensor, step: Tensor) -> Tensor:
        free = unconditioned(x, step)
        return free + scale * (conditioned(x, step) - free)

    return predict


def masked_square(made: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference (B,) of frames (B, T, F) where ``mask`` (B, T) is true; 0 where it nowhere is."""
    apart = ((made - truth).square().mean(-1) * mask).sum(1)
    return apart / mask.sum(1).clamp_min(1)


def motion_loss(made: Tensor, truth: Tensor, mask: Tensor, velocity: float) -> Tensor:
    """Masked squared error (B,) plus ``velocity`` times that of the differences of frames, where both are known."""
    loss = masked_square(made, truth, mask)
    if velocity:
        both = mask[:, 1:] & mask[:, :-1]
        loss = loss + velocity * masked_square(made.diff(dim=1), truth.diff(dim=1), both)
    return loss
