"""The effort meter: the dancer's encoder and classifier as a stream, reading whatever body they watch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from models.contract import StreamModel, Tensors, finite
from models.dance.canonical import windows
from models.dance.config import Config, DanceConfig
from models.dance.config import named as configuration
from models.dance.networks import EffortClassifier, MotionEncoder, WindowFeatures, initialise
from models.dance.spec import meter_spec


class EffortMeter(StreamModel):
    """How much effort a body shows, from its last window (40 frames, 1.3 s), and where that lies in the latent space.

    Input ``partner_body`` (J, 3). Outputs ``shown`` (3,), the chances of a low, medium and high effort, and ``latent``,
    the encoder's mean given those chances. A body that is not seen stands still where it was last."""

    licence = "Apache-2.0"

    def __init__(self, config: DanceConfig) -> None:
        super().__init__()
        self.config = config
        self.look, self.encoder = WindowFeatures(config), MotionEncoder(config)
        self.classifier = EffortClassifier(config)
        for network in (self.encoder, self.classifier):
            initialise(network)
        self.spec = meter_spec(config)

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **options: Any) -> Any:
        """Take weights of a meter, or the meter's part of a dancer's."""
        own = self.state_dict().keys()
        return super().load_state_dict({k: v for k, v in state_dict.items() if k in own}, *args, **options)

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Windows of what was seen."""
        bodies, valid = inputs["partner_body"], inputs["partner_valid"]
        last, count, held, counts = state["recent"][:, -1], state["watched"][:, 0], [], []
        for frame in range(bodies.shape[1]):
            seen = valid[:, frame] > 0.5
            last = torch.where(seen[:, None, None], bodies[:, frame], last)
            count = torch.where(seen | (count > 0), (count + 1).clamp_max(self.config.window), count)
            held.append(last)
            counts.append(count)
        tail = torch.cat([state["recent"], torch.stack(held, 1)], 1)
        watched = torch.stack(counts, 1)
        views = []
        for frame in range(bodies.shape[1]):
            here = tail[:, frame : frame + self.config.window]
            views.append(windows(here, self.config.window, (watched[:, frame] - 1).long().clamp_min(0)))
        view = self.look(torch.cat(views, 1))
        chances = self.classifier(view).softmax(-1)
        chances = torch.where((watched > 0)[..., None], chances, 1.0 / chances.shape[-1])
        latent = self.encoder(view.flatten(0, 1), chances.flatten(0, 1))[0].unflatten(0, view.shape[:2])
        carried = {"recent": finite(tail[:, bodies.shape[1] :]), "watched": count[:, None]}
        return {"shown": chances, "latent": latent}, carried


def build(config: Config = "small") -> EffortMeter:
    """The meter of a configuration, as plain values or by name, with random weights."""
    return EffortMeter(configuration(config))
