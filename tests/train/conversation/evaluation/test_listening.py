"""What invites an answer, and who answers: faces that nod and smile at known moments."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.train.conversation.evaluation.toys import case, nodding, smiling
from train.conversation.evaluation import listening
from train.conversation.evaluation.listening import Heard
from train.report.intervals import Tally

SECONDS, RATE = 60.0, 25
SMILE = ("mouthSmileLeft", "mouthSmileRight")
CUES = {"nod": np.array([10.0, 20.0, 31.0, 44.0]), "smile": np.array([15.0, 37.0])}


@pytest.fixture
def told() -> Heard:
    frames = int(SECONDS * RATE)
    quiet = np.ones(frames, bool)
    quiet[50 * RATE :] = False
    return Heard(CUES, quiet, quiet.copy())


def drawn(tally: Tally) -> Tally:
    return Tally({name: value[None] for name, value in tally.sums.items()}, {})


def metrics(face: np.ndarray, true: np.ndarray, told: Heard) -> dict[str, float]:
    found = listening.derive(*(drawn(listening.tally(one, told)) for one in (face, true)))
    return {name: float(value[0]) for name, value in found.items()}


def shown(nods: list[float], smiles: list[float]) -> np.ndarray:
    return nodding(nods, SECONDS, RATE) + smiling(smiles, SECONDS, RATE, SMILE)


def test_who_answers_every_invitation_has_full_skill(told: Heard) -> None:
    true = shown([time + 0.4 for time in CUES["nod"]], [time + 0.3 for time in CUES["smile"]])
    found = metrics(true, true, told)
    assert found["nod_f1"] == found["smile_f1"] == 1.0 and found["nod_skill"] == found["smile_skill"] == 1.0
    assert found["nod_gain"] > 0.6 and found["nods_heard"] == pytest.approx(4 / (50.0 / 60.0))
    assert found["smiles_heard"] == pytest.approx(2 / (50.0 / 60.0)) and found["jerk_heard"] == 1.0
    half = metrics(shown([10.4, 20.4, 25.0, 40.0], []), true, told)
    assert half["nod_f1"] == pytest.approx(0.5) and half["smile_f1"] == 0.0
    assert 0.2 < half["nod_skill"] < 0.48 and half["smile_skill"] <= 0.0


def test_what_is_done_in_own_speech_does_not_count(told: Heard) -> None:
    true = shown([time + 0.4 for time in CUES["nod"]], [time + 0.3 for time in CUES["smile"]])
    busy = shown([*(time + 0.4 for time in CUES["nod"]), 52.0, 54.0, 56.0], [time + 0.3 for time in CUES["smile"]])
    found = metrics(busy, true, told)
    assert found["nod_f1"] == 1.0 and found["nods_heard"] == pytest.approx(4 / (50.0 / 60.0))
    partly = dataclasses.replace(told, listens=told.listens & (np.arange(len(told.listens)) < 25 * RATE))
    assert metrics(true, true, partly)["nods_heard"] == pytest.approx(2 / (25.0 / 60.0))


def test_brows_are_found_by_the_ruler_of_smiles() -> None:
    face = smiling([5.0, 12.0], 20.0, RATE, ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"))
    assert listening.raises(face, RATE) == pytest.approx([5.3, 12.3], abs=0.2)
    assert listening.raises(smiling([5.0], 20.0, RATE, SMILE), RATE) == []


def test_a_phrases_end_and_a_smile_of_the_partner_invite() -> None:
    seen = smiling([6.0, 14.0], 20.0, 30.0, SMILE)
    own, partner = [(12.5, 16.0)], [(1.0, 5.0), (8.0, 11.0), (15.0, 18.6)]
    talk = case(np.zeros((600, 58), np.float32), own, partner, partner_face=seen)
    found = listening.heard(talk)
    assert found.cues["nod"][:2] == pytest.approx([5.0, 11.0], abs=0.1)
    assert found.cues["smile"] == pytest.approx([6.2], abs=0.3)  # the second comes in an own turn
    assert len(found.quiet) == 500 and not found.quiet[13 * RATE] and found.quiet[2 * RATE]
    assert found.listens[2 * RATE] and not found.listens[6 * RATE] and not found.listens[int(15.5 * RATE)]
    blind = dataclasses.replace(talk, partner_face=None)
    assert len(listening.heard(blind).cues["smile"]) == 0
