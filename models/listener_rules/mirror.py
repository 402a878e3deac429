"""Smiling back and raising brows back, with lag and gain, over a face at rest that is never frozen.

- **Smile.** Facial muscles answer a smile within 300-400 ms (Dimberg & Thunberg 1998, Scandinavian J. Psychology 39);
  in conversation most smiles are returned within a second (Riehle, Kempkensteffen & Lincoln 2017, J. Nonverbal Behavior
  41), and an avatar's answer feels most responsive some 700 ms after, sooner if happy (Kroczek & Muehlberger 2023, J.
  Nonverbal Behavior 47). Onset takes about half a second (Schmidt, Cohn & Tian 2003, Biological Psychology 65), fading
  is slower. The gain of 0.85 is our choice. Cheeks and lids join in (Ekman, Davidson & Friesen 1990).
- **Brows**: raises are copied with less gain; frowns are not, for people do not (Riehle et al.: no synchrony of frowns
  above chance).
- **Articulation** is no smile. Spread vowels lift a tracker's mouth corners as far as a smile does (in clips of people
  who read aloud), but for a fifth to half of a second and beside a moving jaw or rounding lips, where felt smiles last
  half a second to four (Ekman & Friesen 1982, J. Nonverbal Behavior 6). So corners count once they have been up for a
  while: a short one in a still mouth, a longer one in a mouth that talks. A smile that talks outlives its dips.
- What counts is the change from the partner's own resting face, a running past-only estimate: trackers give everyone a
  different neutral, and nobody should be smiled at for the shape of their mouth.
- **Rest** (sizes are our choice): a faint friendly smile, small slow movements of lips and brows, rarely pressed lips.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.channels import FACE
from models.listening.cell import DT, RecurrentCell, follow, wander

SMILE_GAIN, SMILE_DEAD = 0.85, 0.08
RAISE_GAIN, BROW_DEAD = 0.45, 0.10
LAG = 0.12
"""Two one-pole stages of this time constant (s) stand for perception and motor delay: 0.24 s before the reply moves."""
ONSET, OFFSET = 0.22, 0.80
REST_FALL, REST_RISE = 0.6, 40.0
"""The partner's resting level follows a lower value within a second and a higher one only over half a minute."""
STILL_FOR, TALKING_FOR, OPENING, DIPS_FOR = 0.12, 0.56, 0.12, 0.40
"""Seconds after which raised corners begin to count, in a still mouth and in one that talks; seconds until they count
wholly; and how long a dip may be after which a smile counts again at once."""
ARTICULATORS = ("jawOpen", "mouthPucker", "mouthFunnel")
MOVING_TAU, MOVING_LEAST, MOVING_SURE = 0.40, 0.35, 0.80
"""Time constant (s) of the articulators' mean speed, and speeds (weight/s, summed) of a still mouth and of one that
talks. Trackers of people gave 0.1 to 0.4 in silence and 0.6 to 2.9 in speech."""
IDLE_TAU = (3.0, 2.2, 5.0, 4.0)
IDLE_CALM = 0.5
IDLE_NAMES = ("smile", "press", "raise", "shrug")
WHILE_SELF_SPEAKING = 0.6
MIRRORED = {
    "smile": (("mouthSmileLeft", "mouthSmileRight"), SMILE_DEAD, SMILE_GAIN),
    "raise": (("browInnerUp", "browOuterUpLeft", "browOuterUpRight"), BROW_DEAD, RAISE_GAIN),
}


class Mirror(RecurrentCell):
    """The partner's face in, the listener's smile, brows and lips out."""

    fields = (
        *(f"{part}_{name}" for name in MIRRORED for part in ("rest", "first", "second", "shown")),
        *(f"{part}_{name}" for name in IDLE_NAMES for part in ("walk", "idle")),
        "seen_for",
        "moving",
        "lasted",
        *(f"last_{name}" for name in ARTICULATORS),
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
        s = self.unpack(state)
        shown = valid > 0.5
        seen_for = torch.where(shown, (s["seen_for"] + 0.04).clamp(max=10.0), s["seen_for"])
        level: dict[str, Tensor] = {}
        before = state[:, -len(ARTICULATORS) :]
        articulators = torch.where(shown[:, None], _picked(face, ARTICULATORS), before)
        speed = (articulators - before).abs().sum(-1) / DT
        values: dict[str, Tensor] = {"seen_for": seen_for, "moving": follow(s["moving"], speed, MOVING_TAU)}
        quieter = 1.0 - (1.0 - WHILE_SELF_SPEAKING) * self_speaking
        for name, (channels, dead, share) in MIRRORED.items():
            now = _picked(face, channels).mean(-1)
            rest = s[f"rest_{name}"]
            rising = torch.where(seen_for < 1.0, torch.full_like(now, 1.0), torch.full_like(now, REST_RISE))
            moved = torch.where(now < rest, follow(rest, now, REST_FALL), follow(rest, now, rising))
            rest = torch.where(shown, moved, rest)
            excess = torch.where(shown, ((now - rest - dead) / (1.0 - dead)).clamp(min=0.0), 0.0)
            if name == "smile":
                counts, values["lasted"] = _lasting(excess > 0.0, values["moving"], s["lasted"])
                excess = excess * counts
            first = follow(s[f"first_{name}"], excess, LAG)
            second = follow(s[f"second_{name}"], first, LAG)
            reply = second * share * quieter * (gain if name == "smile" else 1.0)
            after = s[f"shown_{name}"]
            after = torch.where(reply > after, follow(after, reply, ONSET), follow(after, reply, OFFSET))
            values |= {f"rest_{name}": rest, f"first_{name}": first, f"second_{name}": second, f"shown_{name}": after}
            level[name] = after
        idle = {}
        for column, (name, tau) in enumerate(zip(IDLE_NAMES, IDLE_TAU, strict=True)):
            walk = values[f"walk_{name}"] = wander(s[f"walk_{name}"], noise[:, column], tau)
            idle[name] = values[f"idle_{name}"] = follow(s[f"idle_{name}"], walk, IDLE_CALM)
        first = torch.stack([values[name] for name in self.fields[: -len(ARTICULATORS)]], -1)
        return at_rest(level, idle, size), torch.cat([first, articulators], -1)


def _picked(face: Tensor, channels: tuple[str, ...]) -> Tensor:
    """Some channels of a face, (B, channels)."""
    return face.index_select(-1, torch.tensor([FACE[name] for name in channels], device=face.device))


def _lasting(up: Tensor, moving: Tensor, lasted: Tensor) -> tuple[Tensor, Tensor]:
    """How far corners that are ``up`` (bool) count, 0..1, beside articulators of speed ``moving``, and ``lasted``, the
    seconds they have been up: what is over is forgotten as fast as it came."""
    talks = ((moving - MOVING_LEAST) / (MOVING_SURE - MOVING_LEAST)).clamp(0.0, 1.0)
    wanted = STILL_FOR + (TALKING_FOR - STILL_FOR) * talks
    lasted = torch.where(up, lasted + DT, lasted - DT).clamp(0.0, TALKING_FOR + OPENING + DIPS_FOR)
    return ((lasted - wanted) / OPENING).clamp(0.0, 1.0), lasted


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
