"""Who listens: habits drawn once per listener, so that many different people listen to the same talk.

People differ more from each other than from themselves: how often they nod, how late, how large, whether they smile
back, where they look. Ranges are ours, around the medians of the rule listener (:mod:`models.listener_rules`, which
names the sources): 6-12 back-channels a minute are rated best (Poppe, Truong & Heylen 2011, IVA), responses start from
shortly before the end of a phrase to half a second after it (overlap is common: Ward & Tsukahara 2000; Truong, Poppe,
de Kok & Heylen 2011), most smiles are returned within a second (Riehle et al. 2017), blink rates and glances differ
widely between people (Bentivoglio et al. 1997; Argyle & Ingham 1972).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from train.simulate.curves import lognormal


@dataclass(frozen=True)
class Persona:
    """One listener's habits. Shares and probabilities 0..1, lags and times in seconds."""

    expressiveness: float  #: scales every movement; 1 is the rule listener's size
    readiness: float  #: share of inviting moments answered with a nod
    nod_lag: float  #: from the end of a phrase to the nod, negative where it is foreseen
    low_lag: float  #: from a low region to the nod
    nod_degrees: float
    nod_hertz: float
    nod_again: float  #: chance of one more cycle after each
    nod_slant: float  #: yaw per pitch of a nod: nobody nods quite straight
    smile_share: float
    smile_gain: float
    smile_lag: float
    laugh_share: float
    politeness: float  #: chance of a small smile at the end of a turn
    brow_share: float
    blink_interval: float
    look_s: float  #: median length of a look at the partner
    mouth_share: float  #: share of fixations on the mouth rather than the eyes
    side: float  #: chance that a look away goes to the own left
    restlessness: float  #: scales sway, and how often posture shifts

    def numbers(self) -> dict[str, float]:
        """The habits by name."""
        return asdict(self)


def draw_persona(rng: np.random.Generator) -> Persona:
    """A listener as likely as any other."""
    return Persona(
        expressiveness=float(rng.uniform(0.5, 1.6)),
        readiness=float(rng.uniform(0.35, 0.85)),
        nod_lag=float(rng.uniform(-0.15, 0.55)),
        low_lag=float(rng.uniform(0.35, 0.70)),
        nod_degrees=lognormal(rng, 5.5, 0.2),
        nod_hertz=lognormal(rng, 2.2, 0.12),
        nod_again=float(rng.uniform(0.15, 0.55)),
        nod_slant=float(rng.normal(0.0, 0.05)),
        smile_share=float(rng.uniform(0.60, 0.95)),
        smile_gain=float(rng.uniform(0.6, 1.1)),
        smile_lag=float(rng.uniform(0.25, 0.80)),
        laugh_share=float(rng.uniform(0.4, 0.95)),
        politeness=float(rng.uniform(0.1, 0.5)),
        brow_share=float(rng.uniform(0.2, 0.8)),
        blink_interval=lognormal(rng, 3.4, 0.25),
        look_s=lognormal(rng, 5.0, 0.3),
        mouth_share=float(rng.uniform(0.1, 0.5)),
        side=float(rng.uniform(0.25, 0.75)),
        restlessness=lognormal(rng, 1.0, 0.2),
    )
