"""The convolutions of wav2vec (Schneider et al. 2019), fairseq's version 1, from a user's file: frozen features of
speech at 16 kHz, one each 10 ms.

Eight convolutions, each normalised over all channels and the whole clip (GroupNorm of one group), then log(|x| + 1).
Statistics of a whole clip are the one thing here that looks ahead, and make a loud end change a soft beginning; so as
the default *running* statistics stand in their place (:class:`ClipNorm`), measured once on the clips that are trained
on. The published form stays as ``literal``. The large model, of which the lip regressor hears, has seven convolutions
and an aggregator of twelve that look back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from train.conversation.a2p.pickles import load_torch
from train.files import FileError

SPEECH_RATE = 16_000
EXTRACTOR, AGGREGATOR = "feature_extractor.", "feature_aggregator."
WIDTH = 512
KERNELS = tuple(range(2, 14))
"""Of the aggregator's convolutions."""
RESIDUAL = math.sqrt(0.5)
"""By what the aggregator shortens the sum of a layer and its input."""


class Conv(NamedTuple):
    """A convolution: taps and stride."""

    kernel: int
    stride: int


SMALL = (Conv(10, 5), Conv(8, 4), *[Conv(4, 2)] * 3, *[Conv(1, 1)] * 3)
"""Of vq-wav2vec: stride 160, 465 samples (29 ms) to a feature."""
LARGE = SMALL[:-1]


class ClipNorm(nn.Module):
    """Zero mean and unit variance over channels and time together, then a scale and a shift for each channel.

    ``literal``: of the clip at hand. Otherwise of all that :meth:`measure` was shown.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int, literal: bool) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("variance", torch.ones(()))
        self.literal = literal
        self._seen: list[Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """For ``x`` (B, channels, T)."""
        if self._seen is not None:
            wide = x.double()
            self._seen.append(torch.stack([torch.tensor(float(x.numel())), wide.sum(), wide.square().sum()]))
        if self.literal or self._seen is not None:
            return functional.group_norm(x, 1, self.weight, self.bias)
        scaled = (x - self.mean) * torch.rsqrt(self.variance + 1e-5)
        return scaled * self.weight[:, None] + self.bias[:, None]

    def measure(self, begin: bool) -> None:
        """Begin to look at what passes, each clip under its own statistics, or end and keep what was found."""
        if begin:
            self._seen = []
        elif self._seen:
            count, total, squares = torch.stack(self._seen).sum(0)
            self.mean.copy_(total / count)
            self.variance.copy_((squares / count - (total / count).square()).clamp_min(0.0))
        if not begin:
            self._seen = None


class Convs(nn.Module):
    """Layers under fairseq's name for them."""

    def __init__(self, layers: Iterable[nn.Module]) -> None:
        super().__init__()
        self.conv_layers = nn.ModuleList(layers)


class Wav2Vec(nn.Module):
    """Features (B, N, width) of speech (B, samples) at 16 kHz; frozen. ``aggregated``: the large model's."""

    def __init__(self, width: int = WIDTH, aggregated: bool = False, literal: bool = False) -> None:
        super().__init__()
        self.convs = LARGE if aggregated else SMALL
        self.feature_extractor = Convs(
            nn.Sequential(
                nn.Conv1d(width if number else 1, width, conv.kernel, conv.stride, bias=False),
                nn.Identity(),
                ClipNorm(width, literal),
                nn.ReLU(),
            )
            for number, conv in enumerate(self.convs)
        )
        self.feature_aggregator = Convs(
            nn.Sequential(
                nn.ReplicationPad1d((kernel - 1, 0)),
                nn.Conv1d(width, width, kernel),
                nn.Identity(),
                ClipNorm(width, literal),
                nn.ReLU(),
            )
            for kernel in (KERNELS if aggregated else ())
        )
        self.requires_grad_(False)

    @torch.no_grad()
    def forward(self, speech: Tensor) -> Tensor:
        """Features of speech (B, samples)."""
        x = speech[:, None]
        for layer in self.feature_extractor.conv_layers:
            x = layer(x)
        x = (x.abs() + 1.0).log()
        for layer in self.feature_aggregator.conv_layers:
            x = (layer(x) + x) * RESIDUAL
        return x.transpose(1, 2)

    def measure(self, clips: Iterable[Tensor]) -> None:
        """Take the running statistics of clips (samples,)."""
        norms = [part for part in self.modules() if isinstance(part, ClipNorm)]
        for norm in norms:
            norm.measure(True)
        for clip in clips:
            self(clip[None])
        for norm in norms:
            norm.measure(False)

    def load(self, path: Path) -> None:
        """The weights of a fairseq file. Raises :class:`FileError` naming what it lacks."""
        found = load_torch(path, options=True)
        state = _weights(found)
        wanted = {name: value for name, value in self.state_dict().items() if name.endswith(("weight", "bias"))}
        lacking = sorted(name for name in wanted if name not in state)
        if lacking:
            raise FileError(f"{path}: lacks {lacking[0]} and {len(lacking) - 1} more; give a wav2vec (version 1) file")
        for name, value in wanted.items():
            if state[name].shape != value.shape:
                raise FileError(
                    f"{path}: {name} has shape {tuple(state[name].shape)}, {tuple(value.shape)} is due; give "
                    f"{'wav2vec_large' if self.convs is LARGE else 'vq-wav2vec'} weights"
                )
        self.load_state_dict({name: state[name] for name in wanted}, strict=False)


def _weights(found: Any) -> dict[str, Tensor]:
    """The tensors of a file, which stand under ``model`` or at the top."""
    inner = found.get("model", found) if isinstance(found, Mapping) else {}
    return {str(name): value for name, value in inner.items() if isinstance(value, Tensor)}


def features_of(samples: int, convs: tuple[Conv, ...]) -> int:
    """How many features so many samples give."""
    for conv in convs:
        samples = max(0, (samples - conv.kernel) // conv.stride + 1)
    return samples
