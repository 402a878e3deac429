"""Mouths of whole windows, offline: the diffusion of audio2photoreal at a small size, which sees what comes.

It is the yardstick of the streaming lips, and it labels voices whose mouth nobody captured. Schedule, target, loss and
sampler are those of :mod:`train.conversation.a2p`. Its network is smaller and told frame by frame what is heard:
audio2photoreal's attends to all sound and has to find out by itself which of it belongs to a frame, for which a
quarter of an hour of captured speech is too little (it overfits and reaches half the correlation).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.errors import EngineError
from models import checkpoint
from models.conversation.config import CAPTURES, MOUTH
from models.conversation.lips import MouthCodec
from models.layers import LayerNorm
from train.conversation.a2p.diffusion import Diffusion, motion_loss
from train.conversation.a2p.layers import sinusoids
from train.conversation.streams import Stream

DILATIONS = (1, 2, 4, 8, 1, 2, 4)
"""Of the convolutions: 22 frames to either side are seen."""
OVERLAP = 32
"""Frames that a window shares with the next; they are faded."""
RESPACING = "ddim10"
FAMILY = "conversation"


@dataclass(frozen=True)
class WindowedConfig:
    """``heard`` features a frame, windows of ``segment`` frames."""

    windowed: bool = True
    heard: int = 51
    segment: int = 96
    width: int = 128
    dropout: float = 0.2
    diffusion_steps: int = 1000

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return asdict(self)


class WindowNet(nn.Module):
    """Clean mouth numbers (B, T, 27) of noisy ones and what is heard: residual convolutions that see both ways, each
    scaled and shifted by the diffusion's step (FiLM)."""

    def __init__(self, heard: int, config: WindowedConfig) -> None:
        super().__init__()
        width = config.width
        self.width = width
        self.enter, self.leave = nn.Linear(len(MOUTH) + heard, width), nn.Linear(width, len(MOUTH))
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU())
        self.norms = nn.ModuleList(LayerNorm(width) for _ in DILATIONS)
        self.films = nn.ModuleList(nn.Linear(width, 2 * width) for _ in DILATIONS)
        self.convs = nn.ModuleList(nn.Conv1d(width, width, 3, dilation=d, padding=d) for d in DILATIONS)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, step: Tensor, heard: Tensor) -> Tensor:
        """Of ``x`` (B, T, 27) at steps (B,) with ``heard`` (B, T, F)."""
        time = self.time(sinusoids(step, self.width))[:, None]
        y = self.enter(torch.cat([x, heard], -1))
        for norm, film, conv in zip(self.norms, self.films, self.convs, strict=True):
            scale, shift = film(time).chunk(2, -1)
            shaped = functional.gelu(norm(y) * (1.0 + scale) + shift)
            y = y + self.dropout(conv(shaped.transpose(1, 2)).transpose(1, 2))
        return torch.as_tensor(self.leave(y))


class WindowedLips(nn.Module):
    """Mouth numbers of windows."""

    def __init__(self, config: WindowedConfig) -> None:
        super().__init__()
        self.config, self.diffusion = config, Diffusion(config.diffusion_steps)
        self.net = WindowNet(config.heard + len(CAPTURES), config)
        self.codec = MouthCodec()

    def heard(self, raw: Tensor, capture: Tensor) -> Tensor:
        """What is heard (B, T, F) of raw features (B, T, heard) and ``capture`` (B,)."""
        kinds = functional.one_hot(capture, len(CAPTURES)).to(raw.dtype)[:, None].expand(-1, raw.shape[1], -1)
        return torch.cat([raw, kinds], -1)

    def loss(self, raw: Tensor, capture: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
        """Squared error (B,) of the clean mouth numbers (B, T, 27) where the ``mask`` (B, T, 27) knows them. What is
        not known is noise to the network."""
        step = torch.randint(self.config.diffusion_steps, (len(raw),))
        noise = torch.randn_like(wanted)
        noised = torch.where(mask, self.diffusion.noised(wanted, step, noise), noise)
        made = self.net(noised, step, self.heard(raw, capture))
        wanted = torch.where(mask, wanted, made.detach())
        rows = mask.flatten(1).float().mean(1).clamp_min(1.0 / mask[0].numel())
        return motion_loss(made, wanted, torch.ones_like(mask[..., 0]), 1.0) / rows

    def _clean(self, heard: Tensor, x: Tensor, step: Tensor) -> Tensor:
        return torch.as_tensor(self.net(x, step, heard))

    @torch.no_grad()
    def mouths(self, raw: Tensor, capture: int, seed: int = 0, temperature: float = 1.0) -> Tensor:
        """Mouths (T, 27) of raw features (T, heard) of a whole voice."""
        segment = self.config.segment
        frames = len(raw)
        count = 1 + max(0, -(-(frames - segment) // (segment - OVERLAP)))
        length = segment + (count - 1) * (segment - OVERLAP)
        raw = functional.pad(raw[None], (0, 0, 0, length - frames), mode="replicate")[0]
        # One field of noise for all windows, so that those which overlap begin alike.
        noise = torch.randn(length, len(MOUTH), generator=torch.Generator().manual_seed(seed)) * temperature
        firsts = [number * (segment - OVERLAP) for number in range(count)]
        made = []
        for few in range(0, count, 64):
            here = firsts[few : few + 64]
            pieces = torch.stack([raw[first : first + segment] for first in here])
            heard = self.heard(pieces, torch.full((len(here),), capture))
            start = torch.stack([noise[first : first + segment] for first in here])
            made.append(self.diffusion.sample(functools.partial(self._clean, heard), start, RESPACING))
        fade = torch.ones(segment)
        fade[:OVERLAP] = torch.arange(1, OVERLAP + 1) / (OVERLAP + 1)
        fade[-OVERLAP:] = fade[:OVERLAP].flip(0)
        total, weight = torch.zeros(length, len(MOUTH)), torch.zeros(length, 1)
        for first, window in zip(firsts, torch.cat(made), strict=True):
            total[first : first + segment] += fade[:, None] * window
            weight[first : first + segment] += fade[:, None]
        return self.codec.weights((total / weight)[:frames])


def load(path: Path) -> WindowedLips:
    """The windowed lips of a file that training wrote. Raises :class:`EngineError`."""
    kept = checkpoint.load(path)
    config: Mapping[str, Any] = kept.config
    if kept.family != FAMILY or not config.get("windowed"):
        raise EngineError(f"{path} holds no windowed lips; train them with --set stage=windowed")
    model = WindowedLips(WindowedConfig(**config))
    model.load_state_dict(kept.state)
    return model.eval()


def labelled(streams: Sequence[Stream], windowed: WindowedLips, share: float, seed: int) -> list[Stream]:
    """Streams whose unknown mouths are those that the windowed lips make of their voice; a ``share`` of them as a
    tracker would tell them."""
    out: list[Stream] = []
    for number, item in enumerate(streams):
        told = item.known.any(-1, keepdim=True)
        if bool(told.all()):
            out.append(item)
            continue
        draw = torch.rand(1, generator=torch.Generator().manual_seed(seed + number)).item()
        capture = int(draw < share)
        made = windowed.mouths(item.heard.own, capture, seed + number)
        out.append(replace(item, mouth=torch.where(told, item.mouth, made), known=item.known | ~told, capture=capture))
    return out
