"""What keeps a body on the stage while it walks by a text for ever: beyond some metres it is led around in an arc.

Its heading turns, and with it the way it goes, so feet that hold the body (:mod:`.stage`) do not slide: it turns the
faster the faster it goes, and not at all when it stands. Whether it faces the way it goes does not matter: who walks
backward is led backward. Last, near the edge, ever less of a step outward counts.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.bodies.heading import turned, turned_back, unit
from models.contract import Tensors
from models.text_motion.layout import HUMANML3D

RATE = HUMANML3D.rate
LEAST = 1e-6

ROAM = 1.5
"""Metres from the middle within which a body goes where it likes,"""
RIM = 0.5
"""metres more until the steering is whole,"""
ARC = 1.0
"""metres: the radius of the arc that it walks then, a turn that people make without slowing down,"""
SIDEWAYS = 6.0 / RATE**2
"""metres a frame and frame: who runs takes a wider arc, with what a runner's feet can hold of it."""
TIGHTER = 3.5
"""Metres from the middle from which on the arc gets tighter, down to half of its radius at :data:`SOFT`."""
AIM = 0.55
"""Sine of the angle between the way it goes and the way to the middle, below which the steering eases off."""
BEHIND = -0.75
"""Cosine of it below which left and right are about equally far: the side begun is kept."""
ONWARD = 0.5
"""Share of the steering beyond which a body that turns by itself is led on the way it turns: against it, it would go
straight ahead."""
EASE = 0.15
"""Share of the way that the steering, and what is known of the path, go a frame: a third of a second."""
SWAY = 0.05
"""Likewise of what is known of its own turning: a second, in which hips sway to both sides."""
SOFT, EDGE = 5.0, 6.5
"""Metres from the middle: from the first on ever less of a step outward counts, at the second nothing."""
STEERING = {"path": (2,), "turning": (1,), "bend": (1,)}
"""State: the way bodies go in their own frame (metres a frame), how they turn by themselves and how they are led
(radians a frame)."""


def steered(own: Tensors) -> Tensor:
    """How far bodies are led around, (B, 1) radians a frame, positive towards their left; ``own`` is the state of the
    stage."""
    at, bend = own["at"], own["bend"][:, 0]
    far = at.square().sum(-1).sqrt()
    path = turned(own["path"], unit(own["facing"]))
    speed = path.square().sum(-1).sqrt()
    scale = (far * speed).clamp_min(LEAST)
    along = -(at * path).sum(-1) / scale
    aside = (path[:, 0] * at[:, 1] - path[:, 1] * at[:, 0]) / scale
    around = own["turning"][:, 0]
    most = torch.minimum(speed / ARC, SIDEWAYS / speed.clamp_min(LEAST))
    most = most * (1.0 + ((far - TIGHTER) / (SOFT - TIGHTER)).clamp(0.0, 1.0))
    onward = (along < BEHIND) | (around.abs() > ONWARD * most)
    side = torch.where(torch.where(onward, bend + around, aside) < 0.0, -1.0, 1.0)
    sharp = torch.where(along < 0.0, 1.0, (aside.abs() / AIM).clamp_max(1.0))
    led = (side * sharp * most - around).clamp(-most, most)
    circles = (around.abs() / most.clamp_min(LEAST) - 1.0).clamp(0.0, 1.0)
    led = torch.lerp(led, -most * along * around.sign(), circles)
    return torch.lerp(bend, led * ((far - ROAM) / RIM).clamp(0.0, 1.0), EASE)[:, None]


def known(own: Tensors, step: Tensor, spin: Tensor, facing: Tensor) -> Tensors:
    """What is known of the path after a ``step`` (B, 2) on the stage by bodies ``facing`` (B, 2) that turn by
    themselves by ``spin`` (B,)."""
    return {
        "path": torch.lerp(own["path"], turned_back(step, facing), EASE),
        "turning": torch.lerp(own["turning"], spin[:, None], SWAY),
    }


def bounded(at: Tensor, step: Tensor) -> Tensor:
    """The ``step`` (B, 2) of a body that stands ``at`` (B, 2), less of it outward the nearer the edge of the stage."""
    far = at.square().sum(-1, keepdim=True).sqrt()
    away = at / far.clamp_min(LEAST)
    outward = (step * away).sum(-1, keepdim=True).clamp_min(0.0)
    taken = ((far - SOFT) / (EDGE - SOFT)).clamp(0.0, 1.0)
    return step - away * (outward * taken + (far - EDGE).clamp_min(0.0))
