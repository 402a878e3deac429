"""The seed's blocks have its sizes, and what is computed at once equals what it stands for."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from train.gesture.aisle.generator import SIZES, Fusion, Generator, Heard, Speech2Gesture
from train.gesture.aisle.layers import AudioEncoder, Decoders, Discriminator, UNet, places, velocity
from train.gesture.aisle.text import Text, Vectors

torch.set_num_threads(1)


def numbers(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


def test_sizes_are_the_papers() -> None:
    size = SIZES["paper"]
    assert numbers(AudioEncoder(size.width)) == 3_912_384  # 3.91 M
    assert numbers(Discriminator(96, size.critic, 2)) == 191_682  # 0.19 M
    words = Vectors(768, size.width)
    made = Generator("aisle", size._replace(feedforward=2), words, 1, 0.1)
    assert numbers(made.decoders) == 4 * (8 * 256 * (3 * 256 + 1) + 2 * 8 * 256) + 8 * 96 * 257
    assert made.fusion is not None and made.fusion.decoder.layers[0].linear1.out_features == 2
    assert len(made.unet.down) == len(made.unet.up) == 5
    assert numbers(Speech2Gesture(size, 1)) == 7_422_752


def heard(batch: int, frames: int, tokens: int = 4, width: int = 5) -> Heard:
    torch.manual_seed(3)
    at = torch.randint(0, tokens, (batch, frames)).sort(1).values
    text = Text(torch.randn(batch, tokens, width), at, torch.full((batch,), tokens))
    return Heard(torch.randn(batch, frames, 64), text, torch.arange(batch) % 2)


@pytest.mark.parametrize("kind", ["aisle", "no_attention"])
def test_the_generator_gives_poses_and_chances_of_clusters(kind: str) -> None:
    model = Generator(kind, SIZES["tiny"], Vectors(5, 16), 2, 0.1).eval()  # type: ignore[arg-type]
    given = heard(2, 64)
    made = model(given)
    assert made.pose.shape == (2, 64, 96) and made.logits is not None and made.logits.shape == (2, 64, 8)
    other = model(given._replace(style=given.style.flip(0)))
    assert not torch.allclose(made.pose, other.pose)


def test_grouped_decoders_are_eight_separate_ones() -> None:
    torch.manual_seed(0)
    width, features, count = 6, 10, 8
    together = Decoders(width, features, count).eval()
    for layer in together.layers:
        nn.init.normal_(layer[1].running_mean)
        nn.init.uniform_(layer[1].running_var, 0.5, 2.0)
    values, share = torch.randn(2, width, 12), torch.randn(2, count, 12).softmax(1)
    total = torch.zeros(2, features, 12)
    for number in range(count):
        one, hidden = slice(number * width, (number + 1) * width), values
        for layer in together.layers:
            conv, norm = layer[0], layer[1]
            hidden = nn.functional.conv1d(hidden, conv.weight[one], conv.bias[one], padding=1)
            spread = (norm.running_var[one] + norm.eps).sqrt()[:, None]
            hidden = (hidden - norm.running_mean[one, None]) / spread * norm.weight[one, None] + norm.bias[one, None]
            hidden = nn.functional.leaky_relu(hidden, 0.2)
        own = slice(number * features, (number + 1) * features)
        pose = nn.functional.conv1d(hidden, together.pose.weight[own], together.pose.bias[own])
        total += share[:, number, None] * pose
    torch.testing.assert_close(together(values, share), total)


def test_the_middle_column_is_all_that_the_published_resize_keeps() -> None:
    torch.manual_seed(0)
    encoder = AudioEncoder(16).eval()
    mel = torch.randn(2, 64, 64)
    picture = encoder.layers(mel[:, None])
    wide = nn.Conv2d(16, 16, (3, 8), padding=(1, 3))
    wide.load_state_dict(encoder.last[0].state_dict())
    slid = encoder.last[2](encoder.last[1](wide(picture)))
    published = nn.functional.interpolate(slid, size=(64, 1), mode="bilinear").squeeze(-1)
    torch.testing.assert_close(encoder(mel), published)


def test_a_word_changes_the_frames_at_which_it_is_spoken_alone() -> None:
    torch.manual_seed(1)
    fusion = Fusion(16, 32, 0.1).eval()
    audio, tokens = torch.randn(1, 32, 16), torch.randn(1, 4, 16)
    at = torch.tensor([[0] * 5 + [1] * 10 + [2] * 9 + [0] * 8])
    text = Text(tokens, at, torch.tensor([3]))
    layer = fusion.decoder.layers[0]

    def fused(values: torch.Tensor) -> torch.Tensor:
        return layer(audio, values, memory_mask=text.blocked(8), memory_key_padding_mask=text.filling())

    before = fused(tokens)
    for place in range(3):
        changed = tokens.clone()
        changed[0, place] += 1.0
        moved = (fused(changed) - before).abs().amax(-1)[0] > 1e-6
        assert torch.equal(moved, at[0] == place)
    changed = tokens.clone()
    changed[0, 3] += 1.0  # fills up
    assert torch.equal(fused(changed), before)


def test_lengths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        UNet(4)(torch.zeros(1, 4, 48))


def test_the_discriminator_sees_velocities_in_twelve_patches() -> None:
    pose = torch.arange(64.0)[None, :, None].expand(2, 64, 96)
    moving = velocity(pose)
    assert not moving[:, 0].any() and bool((moving[:, 1:] == 1).all())
    assert Discriminator(96, 4, 2)(moving).shape == (2, 12, 2)


def test_positions_are_sines_of_falling_rates() -> None:
    made = places(40, 8, torch.zeros(1))
    assert made[0].tolist() == [0, 1] * 4
    assert made[7, 2].item() == pytest.approx(math.sin(7 / 1e4 ** (2 / 8)), abs=1e-6)
    assert made[7, 7].item() == pytest.approx(math.cos(7 / 1e4 ** (6 / 8)), abs=1e-6)
