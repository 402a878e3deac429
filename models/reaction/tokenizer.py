"""A face as a few ids a frame, one frame at a time, and back.

The 58 numbers are folded (signed gaze that tells where is looked, :func:`models.listening.folding.gaze_in_space`),
split into groups, and each group is projected on its leading principal axes: the latents. An id codes, for the latents
of its group, the *innovation*: the difference between this frame and what the decoder, which knows the past ids only,
foretells from its own last position and speed. So the decoder sees past ids, errors do not add up, and smooth movement
costs codes near zero: differential coding (Cutler 1952) around FSQ. No block, no look-ahead: frame t's ids depend on
frames up to t. Groups that are not ``predictive`` are coded absolutely, as the AIS system does.

Axes, speeds and steps are found in closed form plus a small search (:mod:`train.reaction.fitting`); nothing is trained
by gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors
from models.listening.folded_names import FOLDED_NAMES
from models.listening.folding import gaze_in_space
from models.reaction.config import Group
from models.reaction.quantizer import Quantizer

LARGEST = 12.0
"""Latents are kept within so many standard deviations."""
LEASH, LEASH_RATE = 1.5, 0.05
"""Standard deviations from which a leashed latent is drawn back, and the share of what is beyond that a frame takes."""


class LatentTrack(NamedTuple):
    """Latents over frames and their change from the frame before, (B, T, latents) both."""

    latent: Tensor
    speed: Tensor


class Tracked(NamedTuple):
    """What coding a face's latents gives, (B, T, latents) both."""

    levels: Tensor  #: level numbers, int64
    reached: Tensor  #: the latents that the decoder shows


class FaceTokenizer(nn.Module):
    """Ids (B, T, heads) from faces (B, T, 58) and back; one head per group.

    State, both ways: ``latent`` (where the decoder stands) and ``speed`` (its last change), both (latents,) small; for
    encoding also ``wanted``, the latents of the frame before.
    """

    fold: Tensor
    unfold: Tensor
    predictive: Tensor
    leashed: Tensor
    mean: Tensor
    analysis: Tensor
    synthesis: Tensor
    momentum: Tensor
    pull: Tensor
    blend: Tensor
    spread: Tensor
    pace: Tensor

    def __init__(self, groups: Sequence[Group]) -> None:
        super().__init__()
        self.groups = tuple(groups)
        self.quantizer = Quantizer([group.levels for group in groups])
        count = self.quantizer.latents
        self.heads, self.codes, self.latents = len(groups), self.quantizer.codes, count
        for name, matrix in zip(("fold", "unfold"), gaze_in_space(), strict=True):
            self.register_buffer(name, matrix, persistent=False)
        for name in ("predictive", "leashed"):
            flags = [float(getattr(group, name)) for group in groups for _ in group.levels]
            self.register_buffer(name, torch.tensor(flags), persistent=False)
        self.register_buffer("mean", torch.zeros(len(FOLDED_NAMES)))
        self.register_buffer("analysis", torch.zeros(len(FOLDED_NAMES), count))
        self.register_buffer("synthesis", torch.zeros(count, len(FOLDED_NAMES)))
        self.register_buffer("momentum", torch.zeros(count))
        self.register_buffer("pull", torch.ones(count))
        self.register_buffer("blend", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))
        self.register_buffer("pace", torch.ones(count))

    def state_specs(self) -> dict[str, StateSpec]:
        """``latent`` and ``speed``."""
        return {name: StateSpec((self.latents,)) for name in ("latent", "speed")}

    def initial_state(self, batch: int) -> Tensors:
        """A face at its mean, at rest; serves both ways."""
        return {name: self.mean.new_zeros(batch, self.latents) for name in ("latent", "speed", "wanted")}

    def encode(self, face: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Ids (B, T, heads), int64, of ``face`` (B, T, 58), and the state after them."""
        tracked, state = self.track(self.analyse(face), state)
        return self.quantizer.pack(tracked.levels), state

    def decode(self, ids: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Faces (B, T, 58) in the channels' ranges from ids (B, T, heads), and the state after them."""
        folded, state = self.course(ids, state)
        return self.unfolded(folded), state

    def course(self, ids: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """What ids (B, T, heads) show: folded faces (B, T, folded) as distances from their mean; and the state."""
        track, state = self.follow(self.innovation(ids), state)
        return self.smoothed(track.latent, track.speed) @ self.synthesis, state

    def track(self, wanted: Tensor, state: Tensors) -> tuple[Tracked, Tensors]:
        """Level numbers and the decoder's latents for ``wanted`` latents (B, T, latents), and the state.

        What is coded is the change of speed plus a share ``pull`` of the distance left over from the frame before. At
        1 every error is corrected at once, which puts white noise on the position; below it errors are let go slowly,
        and a slow movement stays smooth.
        """
        latent, speed, before = state["latent"], state["speed"], state["wanted"]
        chosen, reached = [], []
        for t in range(wanted.shape[1]):
            missed = self.pull * (before - latent) + (wanted[:, t] - before) - self.momentum * speed
            levels = self.quantizer.quantise(torch.where(self.predictive > 0.0, missed, wanted[:, t]))
            latent, speed = self.advance(self.quantizer.value(levels), latent, speed)
            before = wanted[:, t]
            chosen.append(levels)
            reached.append(self.smoothed(latent, speed))
        state = {"latent": latent, "speed": speed, "wanted": before}
        return Tracked(torch.stack(chosen, -2), torch.stack(reached, -2)), state

    def innovation(self, ids: Tensor) -> Tensor:
        """What ids (B, T, heads) add to the latents, (B, T, latents)."""
        return self.quantizer.value(self.quantizer.unpack(ids))

    def follow(self, innovation: Tensor, state: Tensors) -> tuple[LatentTrack, Tensors]:
        """The course of the latents under ``innovation`` (B, T, latents), and the state after it."""
        latent, speed = state["latent"], state["speed"]
        latents, speeds = [], []
        for t in range(innovation.shape[1]):
            latent, speed = self.advance(innovation[:, t], latent, speed)
            latents.append(latent)
            speeds.append(speed)
        return LatentTrack(torch.stack(latents, 1), torch.stack(speeds, 1)), {"latent": latent, "speed": speed}

    def foretell(self, latent: Tensor, speed: Tensor) -> Tensor:
        """Where the latents (B, latents) are expected next."""
        return self.predictive * (latent + self.momentum * speed)

    def smoothed(self, latent: Tensor, speed: Tensor) -> Tensor:
        """What is shown: the position, or for a latent with ``blend`` 0.5 its mean with the frame before."""
        return latent - self.blend * speed

    def advance(self, innovation: Tensor, latent: Tensor, speed: Tensor) -> tuple[Tensor, Tensor]:
        """Position and speed one frame on."""
        bound, leash = LARGEST * self.spread, LEASH * self.spread
        reached = torch.minimum(torch.maximum(self.foretell(latent, speed) + innovation, -bound), bound)
        beyond = reached - torch.minimum(torch.maximum(reached, -leash), leash)
        reached = reached - LEASH_RATE * self.leashed * beyond
        return reached, reached - latent

    def analyse(self, face: Tensor) -> Tensor:
        """Latents (..., latents) of faces (..., 58)."""
        return (face @ self.fold - self.mean) @ self.analysis

    def unfolded(self, folded: Tensor) -> Tensor:
        """Faces (..., 58) of folded ones (..., folded), told as distances from their mean: weights within 0 and 1."""
        signed = (folded + self.mean) @ self.unfold
        return torch.cat([signed[..., :52].clamp(0.0, 1.0), signed[..., 52:].clamp(-3.2, 3.2)], -1)
