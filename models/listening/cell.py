"""What the parts of a listener are made of: packed per-frame state, past-only filters and random draws.

A :class:`RecurrentCell` is one part of a listener (prosody, nods, blinks, ...): a pure function of one frame and a
small state tensor (B, n) with named columns. All state starts at zero, so a reset row needs nothing but zeros; where a
quantity has another natural start, the column holds its distance from that start. All times are seconds, all angles
radians.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from engine.spec import StateSpec
from models.listening.inputs import FRAME_RATE

DT = 1.0 / FRAME_RATE
FOREVER = 600.0
"""Where timers stop counting, seconds: keeps them finite and exact over days."""
UNIT_VARIANCE = 3.4641016
"""Width of a uniform distribution whose variance is 1, the root of 12."""
LOGISTIC = 0.5513
"""Scale of a logistic variable whose standard deviation is 1."""


class RecurrentCell:
    """Named columns of one packed state tensor, and the number of uniforms a frame of this part consumes."""

    fields: tuple[str, ...] = ()
    draws: int = 0

    def state_spec(self) -> StateSpec:
        """One small tensor with a column per field."""
        return StateSpec((len(self.fields),))

    def unpack(self, state: Tensor) -> dict[str, Tensor]:
        """Columns (B,) by name."""
        return dict(zip(self.fields, state.unbind(-1), strict=True))

    def pack(self, values: Mapping[str, Tensor]) -> Tensor:
        """The state tensor (B, n) of the given columns."""
        return torch.stack([values[name] for name in self.fields], -1)


def follow(value: Tensor, target: Tensor, tau: Tensor | float) -> Tensor:
    """One-pole low-pass: ``value`` after one frame on its way to ``target`` with time constant ``tau`` seconds."""
    if isinstance(tau, Tensor):
        return value + (target - value) * (1.0 - torch.exp(-DT / tau))
    return value + (target - value) * (1.0 - math.pow(math.e, -DT / tau))


def spring(position: Tensor, velocity: Tensor, target: Tensor, omega: float) -> tuple[Tensor, Tensor]:
    """A critically damped spring after one frame (exact solution for a constant target, so stable at any ``omega``
    rad/s): starts and ends without a jump of speed, never overshoots from rest. Returns position and velocity."""
    decay = math.pow(math.e, -omega * DT)
    offset = position - target
    pull = (velocity + omega * offset) * DT
    return target + (offset + pull) * decay, (velocity - omega * pull) * decay


def timer(value: Tensor, running: Tensor) -> Tensor:
    """Seconds for which ``running`` (bool) has held without a break."""
    return torch.where(running, (value + DT).clamp(max=FOREVER), 0.0)


def lognormal(uniform: Tensor, median: Tensor | float, sigma: float) -> Tensor:
    """A positive draw with the given median and log-standard deviation. The normal quantile is replaced by the scaled
    logit, and the tails are cut at 2 %, so that no draw is absurd."""
    cut = uniform.clamp(0.02, 0.98)
    return torch.exp(torch.log(cut / (1.0 - cut)) * (LOGISTIC * sigma)) * median


def white(uniform: Tensor) -> Tensor:
    """Zero-mean, unit-variance noise from uniforms."""
    return (uniform - 0.5) * UNIT_VARIANCE


def wander(value: Tensor, uniform: Tensor, tau: float) -> Tensor:
    """An Ornstein-Uhlenbeck walk of unit variance and correlation time ``tau`` seconds, one frame on."""
    keep = math.pow(math.e, -DT / tau)
    return value * keep + white(uniform) * math.pow(1.0 - keep * keep, 0.5)


def ease(x: Tensor) -> Tensor:
    """The minimum-jerk course from 0 to 1 over 0 <= x <= 1 (Flash & Hogan 1985, J. Neuroscience 5)."""
    x = x.clamp(0.0, 1.0)
    return x * x * x * (10.0 - 15.0 * x + 6.0 * x * x)
