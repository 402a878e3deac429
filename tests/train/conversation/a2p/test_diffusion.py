"""The schedule against closed forms, DDIM with a model that knows the answer, guidance, and masked losses."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from engine.errors import EngineError
from train.conversation.a2p.diffusion import (
    Diffusion,
    allowed,
    cosine_betas,
    guided,
    masked_square,
    motion_loss,
    stride_of,
)


def test_the_schedule_is_a_squared_cosine() -> None:
    diffusion = Diffusion(1000)

    def cosine(step: int) -> float:
        return math.cos((step / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2

    for step in (0, 1, 250, 500, 900):  # the last betas are bounded
        assert float(diffusion.left[step]) == pytest.approx(cosine(step + 1) / cosine(0), rel=1e-9)
    betas = cosine_betas(1000)
    assert len(betas) == 1000 and float(betas[-1]) == 0.999 and float(betas[0]) == pytest.approx(4.13e-5, rel=0.01)


def test_noised_frames_keep_their_variance() -> None:
    diffusion = Diffusion(1000)
    clean, noise = torch.randn(2, 4000, 3), torch.randn(2, 4000, 3)
    found = diffusion.noised(clean, torch.tensor([0, 500]), noise)
    left = diffusion.left[500]
    assert torch.allclose(found[0], clean[0], atol=0.05)
    assert torch.allclose(found[1], (left.sqrt() * clean[1] + (1 - left).sqrt() * noise[1]).float(), atol=1e-6)


@pytest.mark.parametrize("respacing", ["", "ddim100", "ddim8", "ddim1"])
def test_ddim_with_a_perfect_model_finds_the_clean_frames(respacing: str) -> None:
    clean, asked = torch.randn(2, 5, 3), []

    def perfect(x: Tensor, step: Tensor) -> Tensor:
        asked.append(int(step[0]))
        return clean

    found = Diffusion(1000).sample(perfect, torch.randn(2, 5, 3), respacing)
    assert torch.allclose(found, clean, atol=1e-6)
    count = int(respacing.removeprefix("ddim") or 1000)
    assert asked == list(range(1000 - 1000 // count, -1, -1000 // count))


def test_ddim_goes_along_the_noise_that_is_left() -> None:
    """With one point as the data, x = sqrt(a) clean + sqrt(1 - a) noise holds for the same noise at every step."""
    clean, noise, diffusion, seen = torch.randn(1, 4, 2), torch.randn(1, 4, 2), Diffusion(1000), []

    def perfect(x: Tensor, step: Tensor) -> Tensor:
        seen.append((int(step[0]), x))
        return clean

    first = 800
    start = diffusion.noised(clean, torch.tensor([first]), noise)
    diffusion.sample(perfect, start, "ddim5")
    for step, x in seen[1:]:
        assert torch.allclose(x, diffusion.noised(clean, torch.tensor([step]), noise), atol=1e-4)


@pytest.mark.parametrize("respacing", ["ddim3", "ddim0", "ddim", "100", "ddim2000", "ddim-5", "ddim99999999999"])
def test_other_strides_are_refused_with_those_allowed(respacing: str) -> None:
    with pytest.raises(EngineError, match=r"500, 250, 200, 125, 100, 50, 40, 25, 20, 10, 8, 5, 4, 2, 1$"):
        stride_of(respacing, 1000)


def test_allowed_strides_follow_the_steps() -> None:
    assert allowed(12) == [12, 6, 4, 3, 2, 1] and stride_of("ddim4", 12) == 3


def test_guidance_is_an_extrapolation_and_one_saves_the_other_half() -> None:
    calls = []

    def conditioned(x: Tensor, _: Tensor) -> Tensor:
        calls.append("c")
        return x + 2

    def free(x: Tensor, _: Tensor) -> Tensor:
        calls.append("u")
        return x - 1

    x, step = torch.zeros(1), torch.zeros(1)
    assert float(guided(conditioned, free, 10.0)(x, step)) == -1 + 10 * 3
    assert float(guided(conditioned, free, 0.0)(x, step)) == -1
    calls.clear()
    assert float(guided(conditioned, free, 1.0)(x, step)) == 2 and calls == ["c"]


def test_losses_are_of_what_counts() -> None:
    truth = torch.zeros(2, 4, 2)
    made = torch.ones(2, 4, 2)
    made[0, 3] = 100.0
    mask = torch.tensor([[True, True, True, False], [False] * 4])
    assert masked_square(made, truth, mask).tolist() == [1.0, 0.0]
    made[0, 1] = 3.0  # differences 2 and -2 between known frames, none towards the unknown one
    assert motion_loss(made, truth, mask, 0.0)[0] == pytest.approx(11 / 3)
    assert motion_loss(made, truth, mask, 2.0)[0] == pytest.approx(11 / 3 + 2.0 * 4.0)
    mask[0, 1] = False
    assert motion_loss(made, truth, mask, 2.0)[0] == pytest.approx(1.0)
