"""Smiling back and raising brows back, with lag and gain, over a face at rest that is never frozen.

- **Smile.** Facial muscles answer a smile within 300-400 ms (Dimberg & Thunberg 1998, Scandinavian J. Psychology 39);
  in conversation most smiles are returned within a second (Riehle, Kempkensteffen & Lincoln 2017, J. Nonverbal Behavior
  41), and an avatar's answer feels most responsive some 700 ms after, sooner if happy (Kroczek & Muehlberger 2023, J.
  Nonverbal Behavior 47). Onset takes about half a second (Schmidt, Cohn & Tian 2003, Biological Psychology 65), fading
  is slower. The gain of 0.85 is our choice. Cheeks and lids join in (Ekman, Davidson & Friesen 1990).
- **Brows**: raises are copied with less gain; frowns are not, for people do not (Riehle et al.: no synchrony of frowns
  above chance).
- What is a smile, and what only a mouth that talks, is told by :mod:`models.listening.smiles`.
- **Rest** (sizes are our choice): a faint friendly smile, small slow movements of lips and brows, rarely pressed lips.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.listening.cell import RecurrentCell, follow, wander
from models.listening.smiles import SmileMeter, above_rest, picked

SMILE_GAIN = 0.85
RAISE_GAIN, BROW_DEAD = 0.45, 0.10
LAG = 0.12
"""Two one-pole stages of this time constant (s) stand for perception and motor delay: 0.24 s before the reply moves."""
ONSET, OFFSET = 0.22, 0.80
IDLE_TAU = (3.0, 2.2, 5.0, 4.0)
IDLE_CALM = 0.5
IDLE_NAMES = ("smile", "press", "raise", "shrug")
WHILE_SELF_SPEAKING = 0.6
BROWS = ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")
MIRRORED = {"smile": SMILE_GAIN, "raise": RAISE_GAIN}


class Mirror(RecurrentCell):
    """The partner's face in, the listener's smile, brows and lips out."""

    meter = SmileMeter()
    fields = (
        *SmileMeter.fields,
        "rest_raise",
        *(f"{part}_{name}" for name in MIRRORED for part in ("first", "second", "shown")),
        *(f"{part}_{name}" for name in IDLE_NAMES for part in ("walk", "idle")),
    )
    draws = 4

    def __call__(
        self,
        face: Tensor,
        valid: Tensor,
        gain: Tensor,
        size: Tensor,
        self_speaking: Tensor,
        noise: Tensor,
        state: Tensor,
    ) -> tuple[dict[str, Tensor], Tensor]:
        """``gain`` multiplies the smile reply, ``size`` every idle movement. Returns levels (B,) in [0, 1]: ``smile``,
        ``raise``, ``press``, ``shrug``."""
        s, shown = self.unpack(state), valid > 0.5
        level: dict[str, Tensor] = {}
        values: dict[str, Tensor] = {}
        smile, metered = self.meter(face, shown, state[:, : len(SmileMeter.fields)])
        seen_for = self.meter.unpack(metered)["seen_for"]
        brows = picked(face, BROWS).mean(-1)
        up, values["rest_raise"] = above_rest(brows, BROW_DEAD, s["rest_raise"], seen_for, shown)
        quieter = 1.0 - (1.0 - WHILE_SELF_SPEAKING) * self_speaking
        for name, excess in (("smile", smile), ("raise", up)):
            first = follow(s[f"first_{name}"], excess, LAG)
            second = follow(s[f"second_{name}"], first, LAG)
            reply = second * MIRRORED[name] * quieter * (gain if name == "smile" else 1.0)
            after = s[f"shown_{name}"]
            after = torch.where(reply > after, follow(after, reply, ONSET), follow(after, reply, OFFSET))
            values |= {f"first_{name}": first, f"second_{name}": second, f"shown_{name}": after}
            level[name] = after
        idle = {}
        for column, (name, tau) in enumerate(zip(IDLE_NAMES, IDLE_TAU, strict=True)):
            walk = values[f"walk_{name}"] = wander(s[f"walk_{name}"], noise[:, column], tau)
            idle[name] = values[f"idle_{name}"] = follow(s[f"idle_{name}"], walk, IDLE_CALM)
        own = torch.stack([values[name] for name in self.fields[len(SmileMeter.fields) :]], -1)
        return at_rest(level, idle, size), torch.cat([metered, own], -1)


def at_rest(reply: dict[str, Tensor], idle: dict[str, Tensor], size: Tensor) -> dict[str, Tensor]:
    """Levels in [0, 1] of ``smile``, ``raise``, ``press`` and ``shrug``: the replies ``smile`` and ``raise`` over a
    face at rest, moved a little by the unit-variance walks ``idle`` (by IDLE_NAMES). Any shape, all alike."""
    level = {
        "smile": reply["smile"] + (0.06 + 0.03 * idle["smile"] * size).clamp(min=0.0),
        "raise": reply["raise"] + (0.03 * idle["raise"] * size).clamp(min=0.0),
        "press": (0.10 * (idle["press"] - 1.0) * size).clamp(min=0.0),
        "shrug": (0.04 + 0.04 * idle["shrug"] * size).clamp(min=0.0),
    }
    return {name: value.clamp(0.0, 1.0) for name, value in level.items()}
