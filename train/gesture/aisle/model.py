"""A generator, its discriminator and what was measured for them: what ``PREFIX_weights.p`` holds."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from train.gesture.aisle.data import Measured
from train.gesture.aisle.generator import FEATURES, SIZES, Generator, Speech2Gesture
from train.gesture.aisle.gesticulator import Gesticulator
from train.gesture.aisle.layers import Discriminator
from train.gesture.aisle.settings import Settings
from train.gesture.aisle.words import Source


class Aisle(nn.Module):
    """``G`` makes poses, ``D`` judges their velocities (None without), ``measured`` brings them to pixels."""

    def __init__(self, settings: Settings, speakers: Sequence[str], source: Source) -> None:
        super().__init__()
        size, count = SIZES[settings.size], len(speakers)
        if settings.feedforward:
            size = size._replace(feedforward=settings.feedforward)
        self.G: nn.Module
        if settings.model == "speech2gesture":
            self.G = Speech2Gesture(size, count)
        elif settings.model == "gesticulator":
            self.G = Gesticulator(size, source.encoder(size.width), count)
        else:
            self.G = Generator(settings.model, size, source.encoder(size.width), count, settings.dropout)
        classes = 1 if settings.scores else 2
        self.D = Discriminator(FEATURES, size.critic, classes) if settings.adversarial else None
        self.measured = Measured(speakers)
        if settings.double:
            self.double()

    @property
    def device(self) -> torch.device:
        """Where its numbers are."""
        return self.measured.centres.device
