"""Listeners of a talk: the teachers whose behaviour a learned model imitates.

Many faces are right for one speaker, so several listeners are drawn, each with a persona of its own, and each plans its
nods, smiles, brows, looks and blinks over the whole clip. What moves is put together into the 58 numbers as the rule
listener does it (:func:`models.listener_rules.model.compose`), the eyes counter-rotating to the head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from engine.channels import FACE
from engine.errors import EngineError
from models.listener_rules.gaze import eye_weights
from models.listener_rules.model import compose
from train.simulate.cues import find_cues
from train.simulate.curves import Curve
from train.simulate.floor import ConversationFloor
from train.simulate.looking import GazeTrack, blink, plan_look
from train.simulate.nodding import Nod, plan_nods, render_nods
from train.simulate.persona import Persona, draw_persona
from train.simulate.shaking import Shake, render_shakes
from train.simulate.smiling import Pulse, eased, mood, plan_brows, plan_smiles, render_laughs, render_pulses
from train.simulate.swaying import sway
from train.simulate.talk import FPS, Cue, SimulatedListener, Talk

LOOKS_WHEN_NODDING = 0.85


def listen(talk: Talk, count: int, seed: int, foresight: bool = True) -> list[SimulatedListener]:
    """``count`` listeners of ``talk``; listener ``i`` depends on the talk, ``seed`` and ``i`` alone.

    Cues are those of the talk, or found in it where it carries none. People foresee the end of a phrase; without
    ``foresight`` no answer begins before its cue can be known, as a teacher of what cannot look ahead should.
    """
    if count < 1:
        raise EngineError(f"a talk needs at least one listener, not {count}: ask for more")
    if talk.face.shape != (talk.frames, len(FACE)) or not np.isfinite(talk.face).all():
        raise EngineError(f"the face of {talk.voice} is not (T, {len(FACE)}) finite numbers: fill its gaps first")
    cues, floor = talk.cues or find_cues(talk), ConversationFloor.of(talk)
    generators = [np.random.default_rng([seed, number]) for number in range(count)]
    return [_react(talk, cues, floor, draw_persona(rng), rng, foresight) for rng in generators]


def _react(
    talk: Talk,
    cues: tuple[Cue, ...],
    floor: ConversationFloor,
    who: Persona,
    rng: np.random.Generator,
    foresight: bool,
) -> SimulatedListener:
    """One listener, from its plans to its face."""
    nods = plan_nods(cues, floor, who, rng, foresight)
    smiles = plan_smiles(talk, floor, who, rng, foresight)
    brows = plan_brows(cues, floor, who, rng, foresight)
    look = plan_look(floor, talk.own_turns, attended(nods, smiles, rng), who, rng)
    return perform(talk, floor, Plans(nods, smiles, brows, look), who, rng)


def attended(nods: Sequence[Nod], smiles: Sequence[Pulse], rng: np.random.Generator) -> list[float]:
    """Moments (s) at which a listener looks at the partner, since it nods or smiles to them."""
    nodded = [nod.start_s - 0.1 for nod in nods if rng.uniform() < LOOKS_WHEN_NODDING]
    return [*nodded, *(smile.start_s for smile in smiles)]


@dataclass(frozen=True)
class Plans:
    """What a listener does in a talk, each in order of time."""

    nods: list[Nod]
    smiles: list[Pulse]
    brows: list[Pulse]
    look: GazeTrack
    shakes: tuple[Shake, ...] = ()


def perform(
    talk: Talk, floor: ConversationFloor, plans: Plans, who: Persona, rng: np.random.Generator
) -> SimulatedListener:
    """The listener ``who`` does what is planned; blinks, sway and the face at rest are drawn here."""
    frames, look, smiles = talk.frames, plans.look, plans.smiles
    closure, body = blink(floor, look, who, rng), sway(talk, floor, who, rng)
    level = mood(smiles, floor, who, rng)
    laugh = render_laughs(smiles, frames, who, rng)

    nod = render_nods(plans.nods, frames)
    head = body.pose.copy()
    head[:, 0] += nod + laugh.back + look.head_pitch
    head[:, 1] += who.nod_slant * nod + look.head_yaw + render_shakes(plans.shakes, frames)
    eyes = eye_weights(
        _tensor(body.partner_yaw + look.yaw - head[:, 1]), _tensor(body.partner_pitch + look.pitch - head[:, 0])
    )
    flash = _tensor(render_pulses(plans.brows, frames))
    face = compose(_tensor(head), eyes, level, flash, _tensor(closure)).numpy()
    face[:, FACE["jawOpen"]] = np.minimum(1.0, face[:, FACE["jawOpen"]] + laugh.jaw)
    moved: tuple[Nod | Pulse | Shake, ...] = (*plans.nods, *smiles, *plans.brows, *plans.shakes)
    let_go = [event for event in eased(smiles) if event.time_s < frames / FPS]
    events = [*(item.event() for item in moved), *let_go, *look.events]
    return SimulatedListener(
        face=face,
        controls={"expressiveness": np.full(frames, who.expressiveness, np.float32), "self_speaking": floor.own.copy()},
        events=tuple(sorted(events, key=lambda event: event.time_s)),
        persona=who.numbers(),
    )


def _tensor(curve: Curve) -> torch.Tensor:
    return torch.from_numpy(np.asarray(curve, np.float32))
