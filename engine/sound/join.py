"""Channels become one voice at its own level: opposite polarity, one channel of two, the centre of 5.1.

The mean of the channels is wrong wherever they differ: it cancels what has opposite polarity and takes 6 dB from a
voice on one of two, 16 dB from one in the centre of six. Here a channel counts by how far its voice stands above its
own floor, with the sign that agrees with the strongest, and the sum is scaled such that it is as loud as the loudest
channel. So two people on a channel each are both heard at their own level, and the hiss of a dead channel is not.

All of it is learnt from the past, over frames in which somebody speaks; weights move within one frame of 20 ms. At
first it is the mean.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.sound.level import FRAME_S, SILENT, VOICE_ABOVE_FLOOR_DB, Floor, decibels

Array = NDArray[np.float64]
MEMORY_S = 2.0
"""Memory of how channels go together."""
SAME, OPPOSITE, SURELY_OPPOSITE = 0.3, -0.3, -0.7
"""Correlation with the strongest channel from which a sign is believed."""
APART_DB = 20.0
"""By which the others are below a voice that is on one channel only."""


class ChannelJoin:
    """The weights of ``channels`` channels; ``weights`` (channels,) for the next frame."""

    def __init__(self, channels: int) -> None:
        self.weights = np.full(channels, 1.0 / channels)
        self.signs = np.ones(channels)
        self.voice_s = 0.0
        self._floors = [Floor() for _ in range(channels)]
        self._together = np.zeros((channels, channels))  # mean products of channels, in frames with a voice
        self._loudest = 0.0  # mean power of the loudest channel of each frame

    def add(self, frame: Array) -> Array:
        """The next ``frame`` (n, channels); the weights of the frame after."""
        products = np.einsum("ni,nj->ij", frame, frame) / len(frame)
        powers = products.diagonal().tolist()
        heard = [power > SILENT for power in powers]
        for floor, power, there in zip(self._floors, powers, heard, strict=True):
            if there:
                floor.add(power)
        floors = [floor.value for floor in self._floors]
        above = [decibels(powers[place]) - decibels(floors[place]) for place, there in enumerate(heard) if there]
        if above and max(above) > VOICE_ABOVE_FLOOR_DB:
            self._learn(products, max(powers))
            self._weigh(floors)
        return self.weights

    @property
    def alone(self) -> bool:
        """Whether the voice is on one channel, and next to nothing of it on any other."""
        power = np.sort(self._together.diagonal())
        return len(power) > 1 and decibels(power[-1]) - decibels(power[-2]) > APART_DB

    @property
    def opposite(self) -> bool:
        """Whether a channel that has much of the voice has it upside down."""
        power = self._together.diagonal()
        strongest = int(np.argmax(power))
        like = self._together[strongest] / np.sqrt(power * power[strongest] + SILENT**2)
        return bool((like < SURELY_OPPOSITE).any())

    def _learn(self, products: Array, loudest: float) -> None:
        self.voice_s += FRAME_S
        share = max(FRAME_S / self.voice_s, FRAME_S / MEMORY_S)
        self._together += (products - self._together) * share
        self._loudest += (loudest - self._loudest) * share

    def _weigh(self, floors: list[float]) -> None:
        power = self._together.diagonal()
        strongest = int(np.argmax(power))
        like = self._together[strongest] / np.sqrt(power * power[strongest] + SILENT**2)
        own = self.signs[strongest]  # which it keeps, so that nothing turns over when another becomes the strongest
        self.signs = np.where(like > SAME, own, np.where(like < OPPOSITE, -own, self.signs))
        # How far a channel's voice stands above its floor: 1 where it is clear, 0 where there is only floor.
        floor = np.minimum(np.asarray(floors), power)
        weights = self.signs * (1.0 - floor / np.maximum(power, SILENT))
        joined = float(weights @ self._together @ weights)
        if joined > SILENT:
            self.weights = weights * np.sqrt(self._loudest / joined)
