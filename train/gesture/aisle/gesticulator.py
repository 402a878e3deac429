"""A model after Gesticulator (Kucherenko et al. 2020): frame by frame from sound, words and its own last three poses.

Feed-forward layers over 22 frames of sound (7 before, 14 after) and the word spoken now with its times; the last poses
scale and shift what comes out (FiLM, Perez et al. 2018). It is trained in stages: without poses, with the true last
poses, with fewer and fewer of them, with its own. Unlike the seed's copy no ``tanh`` bounds the poses, which are
z-normalised and reach beyond 1, and layers have a nonlinearity between them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from train.gesture.aisle.generator import FEATURES, Heard, Made, Size
from train.gesture.aisle.layers import BANDS, LEAK

BEFORE, AFTER, POSES = 7, 14, 3
TIMES = 4
"""Numbers of when a word is: frames since its beginning, share of it that is over, frames to its end, its length."""
FIRST, FORCED, FREE = 6, 7, 11
"""Epochs: before the first poses are not used; before the second all that are fed back are true; from the last on all
are its own. Between, one in 16, 8, 4, 2 is its own, as in the seed."""
DROPOUT, POSE_DROPOUT = 0.2, 0.8


class Gesticulator(nn.Module):
    """``epoch`` is set by who trains it. ``words`` encodes tokens (B, L) as vectors of ``size.width``."""

    epoch: int = 0

    def __init__(self, size: Size, words: nn.Module, styles: int) -> None:
        super().__init__()
        width = size.width
        first, second, last, past = (max(width * part // 256, 4) for part in (612, 256, 45, 512))
        self.words = words
        self.style = nn.Embedding(styles, width) if styles > 1 else None
        inputs = BANDS * (BEFORE + 1 + AFTER) + width + TIMES
        layers: list[nn.Module] = []
        for one, other in ((inputs, first), (first, second), (second, last)):
            layers += [nn.Linear(one, other), nn.LeakyReLU(LEAK), nn.Dropout(DROPOUT)]
        self.speech = nn.Sequential(*layers)
        self.past = nn.Sequential(nn.Linear(FEATURES * POSES, past), nn.LeakyReLU(LEAK), nn.Dropout(POSE_DROPOUT))
        self.film = nn.Linear(past, 2 * last)
        self.pose = nn.Linear(last, FEATURES)

    def forward(self, heard: Heard, truth: Tensor | None = None) -> Made:
        """Any T. ``truth`` (B, T, 96) is what may be fed back in training; without it all is the model's own."""
        told = self.speech(self._inputs(heard))
        if truth is not None and self.epoch < FIRST:
            return Made(self.pose(told), None)
        own_every = 1 if truth is None or self.epoch >= FREE else _own(self.epoch, told.shape[1])
        fed = [told.new_zeros(len(told), FEATURES)] * POSES
        made = []
        for frame in range(told.shape[1]):
            scale, shift = self.film(self.past(torch.cat(fed[-POSES:], -1))).chunk(2, -1)
            made.append(self.pose(told[:, frame] * (1.0 + scale) + shift))
            fed.append(made[-1] if truth is None or frame % own_every == own_every - 1 else truth[:, frame])
        return Made(torch.stack(made, 1), None)

    def _inputs(self, heard: Heard) -> Tensor:
        padded = nn.functional.pad(heard.mel, (0, 0, BEFORE, AFTER))
        sound = padded.unfold(1, BEFORE + 1 + AFTER, 1).flatten(2)
        tokens = self.words(heard.text)
        said = tokens.gather(1, heard.text.at[:, :, None].expand(-1, -1, tokens.shape[-1]))
        if self.style is not None:
            said = said + self.style(heard.style)[:, None]
        return torch.cat([sound, said, word_times(heard.text.at).to(sound.dtype)], -1)


def _own(epoch: int, frames: int) -> int:
    """In which frames, one in so many, the own pose is fed back."""
    return frames + 1 if epoch < FORCED else 2 ** (4 - (epoch - FORCED))


def word_times(at: Tensor) -> Tensor:
    """(B, T, :data:`TIMES`) of the word of each frame, of the places ``at`` (B, T) of :class:`.text.Text`, in seconds;
    zeros where nothing is said."""
    frames = at.shape[1]
    new = torch.ones_like(at, dtype=torch.bool)
    new[:, 1:] = at[:, 1:] != at[:, :-1]
    place = torch.arange(frames, device=at.device).expand_as(at)
    begun = torch.where(new, place, 0).cummax(1).values
    last = torch.ones_like(new)
    last[:, :-1] = new[:, 1:]
    end = torch.where(last, place, frames).flip(1).cummin(1).values.flip(1) + 1
    since, length = (place - begun + 1).float(), (end - begun).float()
    told = torch.stack([since / 15, since / length, (length - since) / 15, length / 15], -1)
    return told * (at > 0)[..., None]
