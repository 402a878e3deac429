"""How likely each plan is in a frame: what the network says, brought to where and how often people do it.

- **How often nods come.** A network that is unsure nods less: beside other voices, in a noise, in a language it never
  heard. People who listen in such a room go on nodding. So while a partner talks, a slow offset on the log-odds of a
  nod holds the mean chance near that of people (an integral controller, as an automatic gain control holds a level): it
  rises slowly while the network expects few and falls with each nod that it expects, within bounds. When nobody talks
  it stands still and does not count: a noise alone is not nodded to. *When* nods come stays the network's choice.
- **How closely they follow it.** ``nod_timing`` pulls the log-odds, while the partner talks, towards the same chance in
  every frame: at 1 nods come where listeners in simulated talks place them, lower they keep less and less to the ends
  of phrases, as people at meetings do, and as many come.
- **Smiles** are answered where :mod:`models.listening.smiles` is sure of one, which every listener shares; without one
  a smile is unlikely.

People's rate is found by calibration (``python -m train calibrate``), which is told the other numbers; until then
log-odds are as trained.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.listening.cell import DT, RecurrentCell, timer
from models.listening.smiles import SmileMeter

STEADY_S = 12.0
"""Seconds of talk in which the sum grows by 1 if no nod is expected at all."""
LEAST, MOST, NEAR = -1.3, 3.3, 0.3
"""Bounds of the sum, and what of it is not yet acted upon: a talk may hold more to nod to than another."""
TOLD_FROM, ANSWER_S, FORGOTTEN_S = 0.03, 1.2, 1.5
"""How far a partner smiles at least, seconds from its begin in which it is answered, and seconds after its end from
which there is none to answer."""

USUAL = ("nods", "silent", "told", "untold")
"""What calibration sets: people's chance of a nod in a frame of talk (0 where log-odds stay as they are), and what is
added to the log-odds of a nod while nobody talks, of a smile that is told, and of one that nothing tells."""


class Odds(NamedTuple):
    """What is added to log-odds in a frame, (B,) each."""

    nod: Tensor  #: the log-odds of a nod themselves
    smile: Tensor  #: added to those of a smile


class PlanOdds(RecurrentCell):
    """One frame of log-odds; explicit state as every cell's."""

    meter = SmileMeter()
    fields = (*SmileMeter.fields, "steady", "smiles_for", "no_smile_for")

    def __call__(
        self, nod: Tensor, timing: Tensor, talks: Tensor, face: Tensor, shown: Tensor, usual: Tensor, state: Tensor
    ) -> tuple[Odds, Tensor]:
        """``nod`` (B,): log-odds of the network; ``timing`` (B,): the control; ``talks`` (B,), bool: the partner does,
        or just did; ``face`` (B, 58), seen where ``shown`` (B,), bool. ``usual``: :data:`USUAL`."""
        s = self.unpack(state)
        chance, silent, told, untold = usual.unbind()
        known = chance > 0.0
        chance = torch.where(known, chance, 0.5)
        even, steady = chance.log() - (1.0 - chance).log(), s["steady"]
        acts = steady - steady.clamp(-NEAR, NEAR)
        nod = torch.where(talks, torch.where(known, even + timing * (nod - even) + acts, nod), nod + silent)
        missing = 1.0 - nod.sigmoid() / chance
        steady = torch.where(talks & known, (steady + DT / STEADY_S * missing).clamp(LEAST, MOST), steady)

        smiles, metered = self.meter(face, shown, state[:, : len(SmileMeter.fields)])
        there = smiles > TOLD_FROM
        smiles_for, no_smile_for = timer(s["smiles_for"], there), timer(s["no_smile_for"], ~there)
        added = torch.where(there & (smiles_for < ANSWER_S), told, torch.where(no_smile_for > FORGOTTEN_S, untold, 0.0))
        own = torch.stack([steady, smiles_for, no_smile_for], -1)
        return Odds(nod, added), torch.cat([metered, own], -1)
