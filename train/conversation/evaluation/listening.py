"""Listening while the partner speaks: nods, smiles and brows, by the rulers of the reaction family, at its 25 frames/s.

What invites an answer is found in the partner's voice and face as the simulation finds it
(:func:`train.simulate.cues.find_cues`); smiles of the partner are found in its face. The set has one listener a talk,
so *skill* is 1 for that listener and 0 for one who does as much at other moments: the truth moved round its talk.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.channels import FACE, FACE_NAMES
from train.conversation.evaluation.cases import Case, Face, within
from train.conversation.talks.layout import FPS
from train.reaction.evaluation.rows import SHIFT_S
from train.reaction.evaluation.scene import NOD_CUES, NOD_WINDOW_S, SMILE_CUES, SMILE_WINDOW_S, merged
from train.reaction.evaluation.tally import channels
from train.reaction.evaluation.timing import SHIFTS, answered, f1
from train.report import events
from train.report.intervals import Sums, Tally
from train.simulate.cues import find_cues
from train.simulate.dialogues.avatar import at_rate
from train.simulate.talk import FPS as RATE
from train.simulate.talk import HOP, Act, Talk
from train.simulate.talk import RATE as SAMPLE_RATE

Array = NDArray[np.floating]

ASKED = {"nod": (NOD_CUES, NOD_WINDOW_S), "smile": (SMILE_CUES, SMILE_WINDOW_S)}
"""What answers what, and when."""
BROWS = [FACE[name] for name in ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")]
SMILE_S = 1.0
"""How long a smile of the partner is taken to last: only its beginning counts."""


@dataclass(frozen=True)
class Heard:
    """A case as listening is measured on it, 25 frames a second: ``cues`` (s) by what answers them, frames (T,) in
    which the avatar does not speak (``quiet``) and in which the partner alone does (``listens``)."""

    cues: dict[str, Array]
    quiet: NDArray[np.bool_]
    listens: NDArray[np.bool_]

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.quiet) / RATE


def heard(case: Case) -> Heard:
    """What a case invites to."""
    frames = int(case.seconds * RATE)
    pcm = case.heard(SAMPLE_RATE).partner[: frames * HOP]
    seen = np.zeros((frames, len(FACE_NAMES)), np.float32)
    if case.partner_face is not None:
        seen = at_rate(case.partner_face, FPS, RATE, frames)
    acts = tuple(Act("smile", time, time + SMILE_S, 1.0) for time in events.smiles(seen, RATE))
    phrases = case.partner_phrases
    partner = Talk(
        case.told.partner, "", np.pad(pcm, (0, frames * HOP - len(pcm))), seen, phrases, own_turns=case.turns, acts=acts
    )
    own = within(case.turns, frames, RATE)
    found = [cue for cue in find_cues(partner) if not own[min(int(cue.time_s * RATE), frames - 1)]]
    cues = {name: merged([cue.time_s for cue in found if cue.kind in kinds]) for name, (kinds, _) in ASKED.items()}
    return Heard(cues, ~own, within(case.partner_turns, frames, RATE) & ~own)


def raises(face: Face, rate: float) -> list[float]:
    """Times (s) at which the brows have risen, by the ruler of smiles."""
    level = face[:, BROWS].mean(1, dtype=float)
    as_smile = np.zeros_like(face)
    for side in ("Left", "Right"):
        as_smile[:, FACE[f"mouthSmile{side}"]] = level
    return events.smiles(as_smile, rate)


def happened(face: Face) -> dict[str, Array]:
    """Times (N,) in s of the events in a face (T, 58) at 25 frames a second, by kind."""
    return {
        "nod": np.array(events.nods(face, RATE)),
        "smile": np.array(events.smiles(face, RATE)),
        "brow": np.array(raises(face, RATE)),
        "blink": np.array(events.blinks(face, RATE)),
    }


def tally(face: Face, told: Heard) -> Tally:
    """What a face (T, 58) at 25 frames a second adds to the sums."""
    sums: Sums = {"minutes": np.array(told.listens.sum() / RATE / 60.0)}
    found = happened(face)
    for kind, times in found.items():
        sums[f"{kind}s"] = np.array(float(_during(times, told.listens).sum()))
    for kind, (_, window) in ASKED.items():
        sums |= _answers(kind, found[kind][_during(found[kind], told.quiet)], told, window)
    away = events.looks_away(face)[told.listens]
    sums["away"], sums["frames"] = np.array(float(away.sum())), np.array(float(len(away)))
    third = np.abs(np.diff(channels(face, events.HEAD), 3, axis=0)).mean(1)
    inside = told.listens[3:]
    sums["jerk"], sums["jerks"] = np.array(third[inside].sum()), np.array(float(inside.sum()))
    return Tally(sums, {})


def _answers(kind: str, times: Array, told: Heard, window: tuple[float, float]) -> Sums:
    """Events and the cues that they answer, as they are and moved round the talk."""
    cues = told.cues[kind]
    inside, met = answered(times, cues, window)
    least = min(SHIFT_S, told.seconds / 3.0)
    moves = np.linspace(least, told.seconds - least, SHIFTS)
    by_chance = np.mean([answered(np.sort((times + move) % told.seconds), cues, window) for move in moves], axis=0)
    return {
        f"{kind}.events": np.array(float(len(times))),
        f"{kind}.cues": np.array(float(len(cues))),
        f"{kind}.inside": np.array(float(inside)),
        f"{kind}.answered": np.array(float(met)),
        f"{kind}.chance_inside": np.array(by_chance[0]),
        f"{kind}.chance_answered": np.array(by_chance[1]),
    }


def _during(times: Array, where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(where[np.minimum((times * RATE).round().astype(int), len(where) - 1)])


def derive(own: Tally, truth: Tally) -> dict[str, Array]:
    """Metrics (D,) of tallies with the draws on axis 0, beside the truth's."""
    found: dict[str, Array] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for kind in ASKED:
            score, best, luck = f1(own, kind), f1(truth, kind), f1(truth, kind, "chance_")
            found[f"{kind}_f1"] = score
            found[f"{kind}_skill"] = np.where(best > luck, (score - luck) / (best - luck), np.nan)
            found[f"{kind}_gain"] = score - f1(own, kind, "chance_")
        for kind in ("nods", "smiles", "brows", "blinks"):
            found[f"{kind}_heard"] = own.sums[kind] / own.sums["minutes"]
        found["away_heard"] = own.sums["away"] / own.sums["frames"]
        jerks = [one.sums["jerk"] / one.sums["jerks"] for one in (own, truth)]
        found["jerk_heard"] = jerks[0] / jerks[1]
    return found
