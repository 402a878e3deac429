"""How often the learned listener nods in talk that it understands little of, and when it smiles."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from engine.channels import FACE
from models.reaction import CONFIGS, Reaction
from models.reaction.audio_features import PROSODY, AudioFeatures
from models.reaction.odds import LEAST, MOST, NEAR, PlanOdds

USUAL = torch.tensor([0.004, -2.5, 4.0, -3.0])
FRAMES = 6000
MINUTE = 1500


def run(
    said: Tensor, talks: bool = True, timing: float = 1.0, face: Tensor | None = None, usual: Tensor = USUAL
) -> tuple[Tensor, Tensor]:
    """Chances of a nod, and what is added to the log-odds of a smile, (T,) both, of log-odds ``said`` (T,)."""
    cell = PlanOdds()
    state, one = torch.zeros(1, *cell.state_spec().shape), torch.ones(1)
    seen = face is not None
    faces = torch.zeros(len(said), 58) if face is None else face
    nods, smiles = [], []
    for value, partner in zip(said, faces, strict=True):
        odds, state = cell(value[None], timing * one, one > 1 - talks, partner[None], one > 1 - seen, usual, state)
        nods.append(odds.nod)
        smiles.append(odds.smile)
    return torch.cat(nods).sigmoid(), torch.cat(smiles)


def peaks(height: float, base: float, frames: int = FRAMES) -> Tensor:
    """Log-odds with a peak of half a second every 10 s."""
    return torch.where(torch.arange(frames) % 250 < 12, height, base)


@pytest.mark.parametrize(("height", "base"), [(-4.5, -9.0), (-2.2, -5.3)])
def test_in_talk_the_mean_chance_comes_to_that_of_people_and_keeps_its_peaks(height: float, base: float) -> None:
    chances, _ = run(peaks(height, base))
    before = peaks(height, base).sigmoid().mean() / USUAL[0]
    after = chances[-2 * MINUTE :].reshape(-1, 250)
    assert not 0.6 < before < 1.6, "the case holds a network that is off"
    assert float(after.mean() / USUAL[0]) == pytest.approx(1.0, abs=0.15)
    assert after[:, :12].mean() > 5.0 * after[:, 12:].mean(), "when nods come stays the network's choice"


def test_a_talk_that_is_nearly_as_people_expect_is_left_alone() -> None:
    said = torch.full((MINUTE,), float(USUAL[0].logit()) - 0.05)
    torch.testing.assert_close(run(said)[0], said.sigmoid())


def test_nothing_is_made_up_while_nobody_talks() -> None:
    said = torch.full((FRAMES,), -5.0)
    chances, _ = run(said, talks=False)
    torch.testing.assert_close(chances, (said - 2.5).sigmoid())


def test_the_offset_is_bounded() -> None:
    chances, _ = run(torch.full((FRAMES,), -30.0))
    assert float(chances[-1].logit()) + 30.0 == pytest.approx(MOST - NEAR, abs=0.01)
    chances, _ = run(torch.full((FRAMES,), 2.0))
    assert float(chances[-1].logit()) - 2.0 == pytest.approx(LEAST + NEAR, abs=0.01)


def test_timing_lets_nods_fall_anywhere_in_talk_and_as_many_come() -> None:
    said = peaks(-2.0, -9.0)
    share = {}
    for timing in (1.0, 0.5, 0.0):
        after = run(said, timing=timing)[0][-2 * MINUTE :].reshape(-1, 250)
        share[timing] = float(after[:, :12].mean() / after.mean())
        assert float(after.mean() / USUAL[0]) == pytest.approx(1.0, abs=0.25)
    assert share[1.0] > 15.0 > share[0.5] > 2.0 and share[0.0] == pytest.approx(1.0, abs=0.1)


def test_a_smile_is_answered_where_it_is_told_and_unlikely_without_one() -> None:
    face = torch.zeros(400, 58)
    for name in ("mouthSmileLeft", "mouthSmileRight"):
        face[100:200, FACE[name]] = 0.5
    _, added = run(torch.full((400,), -5.0), face=face)
    told = torch.nonzero(added == 4.0)[:, 0]
    assert 100 < int(told[0]) < 112 and len(told) == 30 and int(told[-1]) - int(told[0]) == 29
    assert bool((added[60:100] == -3.0).all()) and bool((added[150:200] == 0.0).all())
    assert bool((added[260:] == -3.0).all())
    _, unseen = run(torch.full((400,), -5.0))
    assert bool((unseen[60:] == -3.0).all())


def test_what_was_not_calibrated_is_as_the_network_says() -> None:
    said = peaks(-2.0, -8.0, 500)
    chances, added = run(said, timing=0.3, usual=torch.zeros(4))
    torch.testing.assert_close(chances, said.sigmoid())
    assert not added.any()


def test_the_network_draws_by_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only nods and smiles are moved, by the control's factor beyond what is steadied."""
    torch.manual_seed(0)
    model = Reaction(CONFIGS["tiny"]).eval()
    model.usual.copy_(USUAL)
    frames, heads = 40, model.tokenizer.heads
    heard = torch.zeros(1, frames, model.hearing.width)
    ones = torch.ones(1, frames)
    streams = {
        "heard": heard,
        "partner_face": torch.zeros(1, frames, 58),
        "partner_face_valid": 0 * ones,
        "partner_face_age": 0 * ones,
        "nod_rate": 2.0 * ones,
        "nod_timing": ones,
    }
    logits = torch.zeros(1, frames, model.heads, model.codes)
    state = torch.zeros(1, *model.odds.state_spec().shape)
    monkeypatch.setattr(model.hearing, "talks", lambda features: features[..., 0] > 0.0)
    silent, _ = model.decide(logits, streams, state)
    nod, smile = (heads + model.config.plans.index(plan) for plan in ("nod", "smile"))
    torch.testing.assert_close(silent[..., nod, 1], -2.5 * ones)
    assert float(silent[0, -1, smile, 1]) == -3.0
    heard[..., 0] = 1.0
    spoken, after = model.decide(logits, streams, state)
    # Far above people's chance: the sum falls, and goes on from where it was.
    assert float(spoken[0, -1, nod, 1]) < -0.3 and float(model.odds.unpack(after)["steady"]) < -0.5
    near = torch.full_like(logits[..., nod, 1], float(USUAL[0].logit()))
    at = {}
    for rate in (1.0, 2.0):
        streams["nod_rate"] = rate * ones
        logits[..., nod, 1] = near + math.log(rate)  # as `react` gives it
        drawn, after = model.decide(logits, streams, state)
        at[rate] = drawn[..., nod, 1], model.odds.unpack(after)["steady"]
    torch.testing.assert_close(at[2.0][0] - at[1.0][0], math.log(2.0) * ones, atol=1e-5, rtol=0)
    torch.testing.assert_close(at[2.0][1], at[1.0][1], atol=1e-6, rtol=0)
    others = [index for index in range(model.heads) if index not in (nod, smile)]
    assert torch.equal(spoken[:, :, others], logits[:, :, others])


@pytest.mark.parametrize(
    ("speaking", "quiet_s", "speech_s", "talks"),
    [
        (0.0, 0.04, 0.0, False),  # the first frame of silence: nothing was said yet
        (0.0, 10.0, 0.0, False),
        (1.0, 0.0, 0.08, True),
        (0.0, 1.9, 3.0, True),
        (0.0, 2.1, 3.0, False),
        (1.0, 2.1, 3.0, True),
    ],
)
def test_a_partner_talks_until_two_seconds_after_the_last_word(
    speaking: float, quiet_s: float, speech_s: float, talks: bool
) -> None:
    hearing = AudioFeatures(16)
    features = torch.zeros(1, 1, hearing.width)
    told = {"speaking": speaking, "quiet_4": math.exp(-quiet_s / 4.0), "speech_8": math.exp(-speech_s / 8.0)}
    for name, value in told.items():
        features[..., 16 + PROSODY.index(name)] = value
    assert bool(hearing.talks(features)) == talks


def test_while_nobody_talks_the_offset_stands_still() -> None:
    cell, said, one = PlanOdds(), torch.full((1,), -9.0), torch.ones(1)
    state = torch.zeros(1, *cell.state_spec().shape)
    for _ in range(MINUTE):
        _, state = cell(said, one, one < 0, torch.zeros(1, 58), one < 0, USUAL, state)
    assert float(cell.unpack(state)["steady"]) == 0.0
