"""Finishes the classifier of a trained dancer on labelled windows alone.

In M2 an unlabelled window pulls the classifier towards whatever label the decoder happens to dance better, and with few
windows a step that outweighs its own loss: measured on validation takes, 0.66 at the end of M2 and 0.83 after some
seconds on labels alone. The other networks stay as they are.
"""

from __future__ import annotations

import numpy as np
import torch

from models.dance.model import Dance
from models.dance.networks import EffortClassifier
from train.dance.settings import Settings
from train.dance.streams import Streams

WINDOWS = 192
RATE = 1e-3
FINISH = 3
"""What the random generator is for, beside those of :mod:`train.dance.batches`."""


def finish_classifier(model: Dance, streams: Streams, settings: Settings) -> None:
    """Fit ``model.classifier`` anew for ``settings.finish`` steps; 0 leaves it as M2 made it. Windows come as recorded
    and calm in turn, so that the meter reads recordings and the dancer's own dances."""
    if not settings.finish:
        return
    starts = streams.starts(model.config.window)
    starts = starts[(streams.levels[torch.as_tensor(starts)] >= 0).numpy()]
    if not len(starts):
        return
    torch.manual_seed(settings.seed)
    model.eval()
    fresh = EffortClassifier(model.config, settings.dropout)
    optimizer = torch.optim.AdamW(fresh.parameters(), RATE, weight_decay=settings.decay)
    steps = torch.arange(model.config.window)
    for step in range(settings.finish):
        chosen = np.random.default_rng([settings.seed, FINISH, step]).choice(starts, WINDOWS)
        at = torch.as_tensor(chosen)
        recorded = streams.calm if step % 2 else streams.positions
        loss = torch.nn.functional.cross_entropy(
            fresh(model.look(recorded[at[:, None] + steps])), streams.levels[at].long()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.classifier.load_state_dict(fresh.state_dict())
