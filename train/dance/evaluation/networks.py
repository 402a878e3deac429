"""The classifiers that look at dances: one whose last hidden layer is a space to measure in, one to recognise with.

PirouNet's own (Papillon et al. 2022, after Action2Motion, Guo et al. 2020) is :class:`FeatureNet`: all positions of a
window into a linear layer of 250, 13 hidden layers of 250, LeakyReLU of slope 0.4295, the last hidden layer being the
features; it is trained on the training takes. :class:`Recogniser` sees how fast each joint moves as well as where it
is, is smaller, since it is trained on few takes, and drops out half of what it sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.body.skeleton import Skeleton
from models.dance.canonical import canonical
from train.dance.evaluation.rows import Array
from train.dance.labels import LEVELS
from train.dance.takes import RATE

SLOPE = 0.4295
BATCH = 128
CHUNK = 2048
Labels = NDArray[np.int8]


Net = TypeVar("Net", bound="FeatureNet | Recogniser")


@dataclass(frozen=True)
class Sizes:
    """Width and number of hidden layers of the feature network, passes over its data of each network's training."""

    width: int = 250
    layers: int = 13
    epochs: int = 12
    recogniser_width: int = 64
    recogniser_epochs: int = 20


def seen(windows: Array, skeleton: Skeleton) -> Tensor:
    """Windows (N, 40, J, 3) as classifiers see them: centred, turned to face +Z in their newest frame."""
    with torch.no_grad():
        parts = [canonical(torch.from_numpy(part.astype(np.float32)), skeleton) for part in _chunks(windows)]
    return torch.cat(parts)


class _Classifier(nn.Module):
    """Windows, canonical, to scores of the levels; what comes in is brought to zero mean and unit size first."""

    mean: Tensor
    scale: Tensor

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))

    def measure(self, windows: Tensor) -> Tensor:
        """What of windows (N, T, J, 3) goes in, (N, inputs)."""
        raise NotImplementedError

    def settle(self, windows: Tensor) -> None:
        """Take mean and size of the inputs from the training windows."""
        values = self.measure(windows)
        self.mean.copy_(values.mean(0))
        # One size for positions and one for speeds would do; a joint that hardly moves must not become all noise.
        self.scale.copy_(values.std(0).clamp_min(0.25 * values.std(0).mean()))

    def normal(self, windows: Tensor) -> Tensor:
        """The inputs, normalised."""
        return (self.measure(windows) - self.mean) / self.scale


class FeatureNet(_Classifier):
    """PirouNet's classifier for FID, diversity and multimodality."""

    def __init__(self, frames: int, joints: int, sizes: Sizes) -> None:
        super().__init__(frames * joints * 3)
        layers = [nn.Linear(frames * joints * 3, sizes.width)]
        layers += [nn.Linear(sizes.width, sizes.width) for _ in range(sizes.layers)]
        gain = nn.init.calculate_gain("leaky_relu", SLOPE)
        for layer in layers:
            nn.init.xavier_uniform_(layer.weight, gain)
            nn.init.zeros_(layer.bias)
        self.hidden = nn.Sequential(*(step for layer in layers for step in (layer, nn.LeakyReLU(SLOPE))))
        self.head = nn.Linear(sizes.width, len(LEVELS))

    def measure(self, windows: Tensor) -> Tensor:
        """All positions."""
        return windows.flatten(1)

    def features(self, windows: Tensor) -> Tensor:
        """The last hidden layer, (N, width)."""
        hidden: Tensor = self.hidden(self.normal(windows))
        return hidden

    def forward(self, windows: Tensor) -> Tensor:
        """Scores (N, levels) of canonical windows (N, T, J, 3)."""
        scores: Tensor = self.head(self.features(windows))
        return scores


class Recogniser(_Classifier):
    """A small classifier of positions and speeds."""

    def __init__(self, frames: int, joints: int, sizes: Sizes) -> None:
        inputs = joints * (3 * frames + frames - 1)
        super().__init__(inputs)
        self.layers = nn.Sequential(
            nn.Dropout(0.5),
            nn.Linear(inputs, sizes.recogniser_width),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(sizes.recogniser_width, len(LEVELS)),
        )

    def measure(self, windows: Tensor) -> Tensor:
        """Positions, and the speeds of the joints in m/s."""
        speeds = windows.diff(dim=1).square().sum(-1).sqrt() * RATE
        return torch.cat([windows.flatten(1), speeds.flatten(1)], 1)

    def forward(self, windows: Tensor) -> Tensor:
        """Scores (N, levels) of canonical windows (N, T, J, 3)."""
        scores: Tensor = self.layers(self.normal(windows))
        return scores


def fit(network: FeatureNet | Recogniser, windows: Tensor, labels: Labels, epochs: int, seed: int) -> None:
    """Train on canonical windows (N, T, J, 3) and levels (N,), every level weighing the same; Adam, its rate falling to
    nothing. The same seed gives the same network."""
    network.settle(windows)
    wanted = torch.from_numpy(labels.astype(np.int64))
    counts = torch.bincount(wanted, minlength=len(LEVELS)).clamp_min(1)
    loss = nn.CrossEntropyLoss(weight=len(wanted) / (len(LEVELS) * counts.float()))
    steps = epochs * max(1, len(wanted) // BATCH)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-4, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-3, total_steps=steps, pct_start=0.2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network.train()
        for _ in range(epochs):
            order = torch.randperm(len(wanted))
            for batch in order.tensor_split(max(1, len(wanted) // BATCH)):
                optimiser.zero_grad()
                loss(network(windows[batch]), wanted[batch]).backward()
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
                schedule.step()
    network.eval()


def made(kind: type[Net], windows: Tensor, sizes: Sizes, seed: int) -> Net:
    """A network for windows (N, T, J, 3), freshly initialised by ``seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(windows.shape[1], windows.shape[2], sizes)


@torch.no_grad()
def chances(network: FeatureNet | Recogniser, windows: Tensor) -> NDArray[np.float32]:
    """Chances (N, levels) that the network gives to canonical windows."""
    return torch.cat([network(part).softmax(-1) for part in windows.split(CHUNK)]).numpy()


@torch.no_grad()
def features(network: FeatureNet, windows: Tensor) -> NDArray[np.float64]:
    """The last hidden layer (N, width) of canonical windows."""
    return torch.cat([network.features(part) for part in windows.split(CHUNK)]).double().numpy()


def _chunks(windows: Array) -> list[Array]:
    return [windows[start : start + CHUNK] for start in range(0, len(windows), CHUNK)]
