"""Counts of vocal answers, of the rules and of the learned listener: with some nods and raised brows, never while the
avatar speaks, and round at 65536."""

from __future__ import annotations

import torch

from models.contract import Tensors
from models.listener_rules.acknowledge import Acknowledge
from models.listening import Prosody
from models.listening.acknowledge import ASSESSMENT_AT_FLASH, CONTINUER_AT_NOD, ROUND
from models.reaction import CONFIGS, Reaction

ROWS = 4000


def step(
    nods: bool = False,
    asks: bool = False,
    rise: float = 5.0,
    flash: float = 0.3,
    rate: float = 1.0,
    speaks: float = 0.0,
    before: float = 0.0,
) -> torch.Tensor:
    """Growth (2,) of the counts, a share of many rows."""
    flag, one = torch.full((ROWS,), True), torch.ones(ROWS)
    heard = Prosody(flag, ~flag, ~flag, flag if asks else ~flag, rise * one, one, one)
    draws = torch.rand(ROWS, 1, generator=torch.Generator().manual_seed(0))
    nodding, state = flag if nods else ~flag, torch.full((ROWS, 2), before)
    counts, kept = Acknowledge()(heard, nodding, flash * one, rate * one, speaks * one, draws, state)
    assert torch.equal(counts, kept)
    return (counts - before).mean(0)


def test_some_nods_and_some_raised_brows_are_spoken() -> None:
    continuer, assessment = step(nods=True).tolist()
    assert abs(continuer - CONTINUER_AT_NOD) < 0.02 and assessment == 0.0
    continuer, assessment = step(asks=True).tolist()
    assert abs(assessment - ASSESSMENT_AT_FLASH) < 0.03 and continuer == 0.0
    assert step().tolist() == [0.0, 0.0]
    assert step(asks=True, rise=1.0)[1] == 0.0 and step(asks=True, flash=0.0)[1] == 0.0


def test_both_kinds_are_never_due_at_once() -> None:
    assert step(nods=True, asks=True, rate=6.0).tolist() == [0.0, 1.0]


def test_the_rate_multiplies_and_the_own_voice_silences() -> None:
    assert abs(float(step(nods=True, rate=3.0)[0]) - 3.0 * CONTINUER_AT_NOD) < 0.03
    assert step(nods=True, rate=0.0).tolist() == [0.0, 0.0]
    assert step(nods=True, asks=True, rate=6.0, speaks=1.0).tolist() == [0.0, 0.0]


def test_counts_go_round() -> None:
    assert step(nods=True, rate=6.0, flash=0.0, before=ROUND - 2.0)[0] > 0.9
    assert abs(float(step(nods=True, rate=7.0, flash=0.0, before=ROUND - 1.0)[0]) + (ROUND - 1.0)) < 0.01


def decoded(plans: tuple[str, ...], speaks: float = 0.0, rate: float = 1.0) -> torch.Tensor:
    """Counts (ROWS, T, 2) of a learned listener that sets out on ``plans`` in the third of four frames alone."""
    torch.manual_seed(0)
    model = Reaction(CONFIGS["tiny"])
    ids = torch.zeros(ROWS, 4, model.heads, dtype=torch.int64)
    for plan in plans:
        ids[:, 2, model.tokenizer.heads + model.config.plans.index(plan)] = 1
    inputs: Tensors = {
        "noise": torch.rand(ROWS, 4, model.heads, generator=torch.Generator().manual_seed(0)),
        "acknowledge_rate": torch.full((ROWS, 4), rate),
        "self_speaking": torch.full((ROWS, 4), speaks),
    }
    # Nods are drawn by the upper end of their own noise, which must not say whether they are spoken.
    head = model.tokenizer.heads + model.config.plans.index("nod")
    inputs["noise"][..., head] = 0.99 + 0.01 * inputs["noise"][..., head]
    with torch.no_grad():
        return model.decode(ids, inputs, model.initial_state(ROWS))[0]["acknowledge"]


def test_the_learned_listener_counts_with_its_plans() -> None:
    counts = decoded(("nod",))
    assert not counts[:, :2].any() and torch.equal(counts[:, 2], counts[:, 3])
    assert abs(float(counts[:, 3, 0].mean()) - CONTINUER_AT_NOD) < 0.02 and not counts[..., 1].any()
    raised = decoded(("brow",))
    assert abs(float(raised[:, 3, 1].mean()) - ASSESSMENT_AT_FLASH) < 0.03 and not raised[..., 0].any()
    assert decoded(("smile", "away")).sum() == 0
    assert decoded(("nod", "brow"), rate=6.0)[:, 3].tolist() == [[0.0, 1.0]] * ROWS
    assert decoded(("nod", "brow"), speaks=1.0).sum() == 0
