"""Blocks of the seed's networks (Ahuja et al. 2020, "No Gestures Left Behind"): convolutions, encoders, the mixture.

All run over (batch, channels, frames). A block is convolution, batch norm, leaky ReLU of .2. They look into the past
and the future alike: this is the offline form, the streaming one is `models.gesture`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

LEAK = 0.2
DEPTH = 5
"""Halvings of the U-Net."""
MULTIPLE = 2**DEPTH
"""Frames come in multiples of this."""
BANDS = 64
"""Mel bands that the audio encoder hears."""


def block(inputs: int, outputs: int, down: bool = False, groups: int = 1) -> nn.Sequential:
    """A convolution over frames, kernel 3; ``down``: kernel 4, every second frame. ``inputs`` and ``outputs`` are those
    of all groups together."""
    kernel, stride = (4, 2) if down else (3, 1)
    conv = nn.Conv1d(inputs, outputs, kernel, stride, padding=1, groups=groups)
    return nn.Sequential(conv, nn.BatchNorm1d(outputs), nn.LeakyReLU(LEAK))


def picture_block(inputs: int, outputs: int, down: bool = False) -> nn.Sequential:
    """The same over a spectrogram (B, C, frames, bands)."""
    kernel, stride = (4, 2) if down else (3, 1)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=1), nn.BatchNorm2d(outputs), nn.LeakyReLU(LEAK)
    )


class AudioEncoder(nn.Module):
    """Log-mel rows (B, T, 64) to (B, ``width``, T), T a multiple of 8; 3.91 M numbers at width 256.

    The last convolution, 3 frames by 8 bands, sees all bands that are left. As published it slides over seven places
    and the resize to one keeps the middle one; only that is computed here.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        low, mid = width // 4, width // 2
        sizes = [(1, low), (low, low), (low, mid), (mid, mid), (mid, width), (width, width), (width, width)]
        self.layers = nn.Sequential(
            *(picture_block(one, other, down=place in (1, 3, 5)) for place, (one, other) in enumerate(sizes))
        )
        self.last = nn.Sequential(
            nn.Conv2d(width, width, (3, BANDS // 8), padding=(1, 0)), nn.BatchNorm2d(width), nn.LeakyReLU(LEAK)
        )

    def forward(self, mel: Tensor) -> Tensor:
        """Eight frames become one on the way, and are drawn out again by straight lines."""
        picture = mel[:, None].contiguous(memory_format=torch.channels_last)
        coarse = self.last(self.layers(picture)).squeeze(-1)
        result: Tensor = nn.functional.interpolate(coarse, size=mel.shape[1], mode="linear")
        return result


class UNet(nn.Module):
    """(B, C, T) to (B, C, T), T a multiple of 32: five halvings, five doublings, what was before a halving added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before = nn.Sequential(block(width, width), block(width, width))
        self.down = nn.ModuleList(block(width, width, down=True) for _ in range(DEPTH))
        self.up = nn.ModuleList(block(width, width) for _ in range(DEPTH))

    def forward(self, values: Tensor) -> Tensor:
        """Raises ValueError for a length that five halvings do not divide."""
        if values.shape[-1] % MULTIPLE:
            raise ValueError(f"{values.shape[-1]} frames are no multiple of {MULTIPLE}")
        values = self.before(values)
        passed = []
        for layer in self.down:
            passed.append(values)
            values = layer(values)
        for layer in self.up:
            values = layer(nn.functional.interpolate(values, scale_factor=2.0, mode="nearest") + passed.pop())
        return values


class Clusters(nn.Sequential):
    """Logits (B, ``clusters``, T) of which cluster of poses a frame belongs to."""

    def __init__(self, width: int, clusters: int) -> None:
        super().__init__(*(block(width, width) for _ in range(6)), nn.Conv1d(width, clusters, 1))


class Decoders(nn.Module):
    """``clusters`` decoders side by side as groups of the same convolutions, mixed frame by frame."""

    def __init__(self, width: int, features: int, clusters: int) -> None:
        super().__init__()
        every = width * clusters
        self.clusters = clusters
        # every group's first layer sees the same input, so it is one convolution without groups
        self.layers = nn.Sequential(block(width, every), *(block(every, every, groups=clusters) for _ in range(3)))
        self.pose = nn.Conv1d(every, features * clusters, 1, groups=clusters)

    def forward(self, values: Tensor, share: Tensor) -> Tensor:
        """Poses (B, F, T): the decoders' weighted by ``share`` (B, clusters, T)."""
        made = self.pose(self.layers(values)).unflatten(1, (self.clusters, -1))
        mixed: Tensor = (made * share[:, :, None]).sum(1)
        return mixed


def places(frames: int, width: int, like: Tensor) -> Tensor:
    """Sinusoidal positions (frames, width) (Vaswani et al. 2017), of the type of ``like``."""
    at = torch.arange(frames, device=like.device, dtype=torch.float64)[:, None]
    rates = torch.exp(torch.arange(0, width, 2, device=like.device, dtype=torch.float64) * (-math.log(1e4) / width))
    return torch.stack([torch.sin(at * rates), torch.cos(at * rates)], -1).flatten(1).to(like.dtype)


class Discriminator(nn.Module):
    """Velocities (B, T, F) to logits (B, T / 4 - 4, ``classes``), a patch each: class 0 made, 1 real."""

    def __init__(self, features: int, width: int, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(features, width, 4, 2, padding=1),
            nn.LeakyReLU(LEAK),
            block(width, 2 * width, down=True),
            nn.Conv1d(2 * width, 4 * width, 4, padding=1),
            nn.BatchNorm1d(4 * width),
            nn.LeakyReLU(LEAK),
            nn.Conv1d(4 * width, classes, 4),
        )

    def forward(self, velocity: Tensor) -> Tensor:
        """64 frames give 12 patches."""
        logits: Tensor = self.layers(velocity.transpose(1, 2))
        return logits.transpose(1, 2)


def velocity(pose: Tensor) -> Tensor:
    """Differences (B, T, F) from frame to frame, zeros in the first."""
    return torch.cat([torch.zeros_like(pose[:, :1]), pose[:, 1:] - pose[:, :-1]], 1)
