"""Blinks: when, and the course of the lids.

**When.** Intervals are strongly and positively skewed in every person (Cruz et al. 2011, IOVS 52). People blink 17
times a minute at rest and 26 in conversation (Bentivoglio et al. 1997, Movement Disorders 12); listening alone does not
raise the rate, moving one's own face does (Brych, Murali & Haendel 2021, PLoS ONE 16). So intervals are lognormal with
a log-deviation of 0.7 (a coefficient of variation of 0.8) around a median that leaves, with the two couplings below,
about 17-22 blinks a minute. Coupling one: listeners blink more readily 0.25-0.5 s into a pause of their partner (Nakano
& Kitazawa 2010, Experimental Brain Research 205). Coupling two: gaze shifts bring blinks along, 97 % of those beyond 33
degrees (Evinger et al. 1994, Experimental Brain Research 100). No blink within 0.35 s of the last (our choice).

**How.** The lid closes in about 0.1 s and opens in about 0.24 s (VanderWerf et al. 2003, J. Neurophysiology 89; Sforza
et al. 2008: closing 40-47 % faster), fast first and slow at the end. Half of people's blinks stay partial (Ousler et
al. 2014, Clinical Ophthalmology 8), but on animated faces full ones look most natural (Trutoiu et al. 2011, ACM TAP 8):
a quarter is partial here.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.listening.cell import DT, RecurrentCell, ease, lognormal

MEDIAN_INTERVAL, SIGMA, LEAST_INTERVAL = 3.0, 0.70, 0.35
CLOSING, CLOSED, OPENING = 0.10, 0.03, 0.24
PAUSE_WINDOW, PAUSE_HURRY = (0.25, 0.60), 3.0
"""Seconds into a partner's pause during which the wait for the next blink runs faster, and how much."""
SHIFT_LEAST, SHIFT_SURE = 0.12, 0.58
"""Gaze shifts (rad) from which a blink may come along, and from which it always does."""
PARTIAL_SHARE, PARTIAL_LEAST = 0.25, 0.55


class Blinks(RecurrentCell):
    """Lid closure from timers, pauses and gaze shifts."""

    fields = ("left", "since", "elapsed", "depth", "armed")
    draws = 4

    def __call__(self, quiet_for: Tensor, shift: Tensor, noise: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Closure 0..1 (B,). ``quiet_for``: seconds of the partner's pause; ``shift``: size (rad) of a gaze shift that
        starts on this frame, else 0."""
        s = self.unpack(state)
        interval_draw, depth_draw, lead_draw, shift_draw = noise.unbind(-1)
        first, last = PAUSE_WINDOW
        hurry = 1.0 + (PAUSE_HURRY - 1.0) * ((quiet_for > first) & (quiet_for < last)).float()
        left, since = s["left"] - DT * hurry, (s["since"] + DT).clamp(max=60.0)

        likely = ((shift - SHIFT_LEAST) / (SHIFT_SURE - SHIFT_LEAST)).clamp(0.0, 1.0)
        ready = (s["elapsed"] <= 0.0) & (since >= LEAST_INTERVAL)
        start = ready & (s["armed"] > 0.5) & ((left <= 0.0) | (shift_draw < likely))
        drawn = lognormal(interval_draw, MEDIAN_INTERVAL, SIGMA)
        left = torch.where(start | (s["armed"] < 0.5), drawn, left.clamp(min=0.0))
        depth = torch.where(
            start, torch.where(depth_draw < PARTIAL_SHARE, PARTIAL_LEAST + 1.4 * depth_draw, 1.0), s["depth"]
        )

        # Blinks start anywhere between two frames: without this every one would be sampled at the same phases.
        moving = torch.where(s["elapsed"] > 0.0, s["elapsed"] + DT, 0.0)
        elapsed = torch.where(start, (0.2 + 0.8 * lead_draw) * DT, moving)
        elapsed = torch.where(elapsed >= CLOSING + CLOSED + OPENING, 0.0, elapsed)
        closure = depth * lid_course(elapsed)
        values = {"left": left, "since": torch.where(start, 0.0, since), "elapsed": elapsed, "depth": depth}
        return closure, self.pack({**values, "armed": torch.ones_like(left)})


def lid_course(elapsed: Tensor) -> Tensor:
    """Closure 0..1 of the lids ``elapsed`` seconds after a full blink began."""
    closing = ease(elapsed / CLOSING)
    opening = 1.0 - ease(((elapsed - CLOSING - CLOSED) / OPENING).clamp(0.0, 1.0).sqrt())
    return torch.minimum(closing, opening)
