"""The three networks of PirouNet (Papillon et al. 2022): encoder, decoder and classifier, at any size.

Kingma et al.'s M2 (2014): a classifier reads the effort of a window, an encoder its latent given the effort, and a
decoder dances a latent and an effort. Encoder and classifier see windows (canonical positions and travel); the decoder
runs over frames with its state carried, so one call makes a window, a whole dance or one live frame.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors, named, part
from models.dance.canonical import canonical, travelling
from models.dance.config import DanceConfig
from models.layers import LSTM
from models.layers.base import Layer

TRAVEL_SCALE = 30.0
"""Metres a frame to metres a second: travel weighs about as much as positions."""


def window_features(positions: Tensor, config: DanceConfig) -> Tensor:
    """Canonical positions and travel of windows (..., window, J, 3) in metres: (..., window, 3 J + 2)."""
    shape = canonical(positions, config.skeleton).flatten(-2)
    return torch.cat([shape, TRAVEL_SCALE * travelling(positions, config.skeleton)], -1)


def feature_count(config: DanceConfig) -> int:
    """Numbers per frame of :func:`window_features`."""
    return 3 * len(config.skeleton.joints) + 2


class Standardiser(nn.Module):
    """Numbers (..., width) brought to mean 0 and scale 1, as fitted on the training takes."""

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    def fit(self, values: Tensor, least: float = 0.02) -> None:
        """Take mean and scale from ``values`` (N, width); what hardly varies is not blown up beyond 1 / ``least``."""
        self.mean.copy_(values.mean(0))
        self.scale.copy_(values.std(0).clamp_min(least))

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (..., width)."""
        return (x - self.mean) / self.scale


class WindowFeatures(nn.Module):
    """What encoder and classifier see of windows (..., window, J, 3) in metres: (..., window, 3 J + 2), standardised
    canonical positions and travel."""

    def __init__(self, config: DanceConfig) -> None:
        super().__init__()
        self.config, self.standard = config, Standardiser(feature_count(config))

    def forward(self, positions: Tensor) -> Tensor:
        """``positions`` (..., window, J, 3)."""
        standard: Tensor = self.standard(window_features(positions, self.config))
        return standard


class MotionEncoder(nn.Module):
    """Mean and log variance (N, latent) of the latent of windows, given their effort."""

    def __init__(self, config: DanceConfig) -> None:
        super().__init__()
        width, hidden = feature_count(config), config.encoder_hidden
        self.lstm: nn.LSTM | None = None
        self.whole: nn.Sequential | None = None
        if config.encoder_layers:
            self.lstm = nn.LSTM(width + config.labels, hidden, config.encoder_layers, batch_first=True)
        else:
            wide = config.window * width + config.labels
            self.whole = nn.Sequential(nn.Linear(wide, 2 * hidden), nn.ReLU(), nn.Linear(2 * hidden, hidden), nn.ReLU())
        self.mean = nn.Linear(config.encoder_hidden, config.latent)
        self.log_variance = nn.Linear(config.encoder_hidden, config.latent)

    def forward(self, view: Tensor, effort: Tensor) -> tuple[Tensor, Tensor]:
        """``view`` (N, window, channels) of :class:`WindowFeatures`, ``effort`` (N, labels) as chances."""
        if self.whole is not None:
            last = self.whole(torch.cat([view.flatten(1), effort], -1))
        elif self.lstm is not None:
            repeated = effort[:, None].expand(-1, view.shape[1], -1)
            last = self.lstm(torch.cat([view, repeated], -1))[0][:, -1]
        return self.mean(last), self.log_variance(last).clamp(-12.0, 4.0)


class EffortClassifier(nn.Module):
    """Logits (N, labels) of a window's effort: a perceptron over the whole window."""

    def __init__(self, config: DanceConfig, dropout: float = 0.0) -> None:
        super().__init__()
        width, hidden = config.window * feature_count(config), config.classifier_hidden
        layers: list[nn.Module] = []
        for _ in range(config.classifier_layers):
            layers += [nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout)]
            width = hidden
        self.layers = nn.Sequential(*layers, nn.Linear(width, config.labels))

    def forward(self, view: Tensor) -> Tensor:
        """``view`` (N, window, channels) of :class:`WindowFeatures`."""
        logits: Tensor = self.layers(view.flatten(-2))
        return logits


class MotionDecoder(Layer):
    """Standardised pose vectors (B, T, width) of conditions (B, T, conditions): latent, effort, partner."""

    memory = None

    def __init__(self, config: DanceConfig, conditions: int, width: int) -> None:
        super().__init__()
        hidden, self.bounded = config.decoder_hidden, config.bounded
        self.enter = nn.Linear(conditions, hidden)
        self.below = LSTM(hidden, hidden, config.decoder_layers - 1)
        self.last = LSTM(hidden, width if config.bounded else hidden)
        self.leave = nn.Identity() if config.bounded else nn.Linear(2 * hidden, width)

    def state_specs(self) -> dict[str, StateSpec]:
        """Cells of both recurrent parts."""
        return named("below", self.below.state_specs()) | named("last", self.last.state_specs())

    def forward(self, x: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """``x`` (B, T, conditions)."""
        entered = torch.relu(self.enter(x))
        y, below = self.below(entered, part(state, "below"))
        y, last = self.last(y, part(state, "last"))
        vectors = self.leave(y if self.bounded else torch.cat([y, entered], -1))
        return vectors, named("below", below) | named("last", last)


def initialise(module: nn.Module) -> None:
    """Xavier weights and zero biases, as published; the decoders' LSTMs remember at first (forget bias 1)."""
    for name, parameter in module.named_parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)
        elif "bias" in name:
            nn.init.zeros_(parameter)
            if "bias_hh" in name:
                quarter = parameter.shape[0] // 4
                nn.init.ones_(parameter[quarter : 2 * quarter])
