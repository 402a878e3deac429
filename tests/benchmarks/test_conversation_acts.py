"""The benchmark of what draws expression and body: all heads are in the table; a guide's token is told for its second
and no other, and is drawn as it is foretold."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import conversation_acts as acts
from benchmarks import conversation_guide as guide
from benchmarks.__main__ import main
from benchmarks.conversation_heads import HEADS
from models.contract import Tensors, initial_state
from models.conversation.config import ACTS, configuration
from models.conversation.model import Conversation, Drawn
from tests.train.conversation.sets import talk
from train.conversation.talks.layout import TalkWriter

TINY = configuration("tiny")
SECOND = guide.SECOND


def guided() -> guide.Guided:
    torch.manual_seed(0)
    centres = torch.zeros(3, guide.BODY.stop - guide.BODY.start)
    centres[1], centres[2] = 1.0, -1.0
    return guide.Guided(TINY, centres, 1).eval()


def thoughts(model: Conversation, frames: int) -> torch.Tensor:
    """Thoughts (2, T, channels) of a free run over a still past."""
    state: Tensors = initial_state(model.act_state | model.draw_state, 2)
    rows = []
    with torch.no_grad():
        for _ in range(frames):
            thought, _ = model.think(torch.ones(2, 1, TINY.channels), torch.zeros(2, 1, model.past.width), state)
            rows.append(thought)
    return torch.cat(rows, 1)


def test_a_seconds_token_is_that_of_its_mean_pose() -> None:
    model, numbers = guided(), torch.zeros(2, 2 * SECOND + 5, ACTS)
    numbers[0, SECOND : 2 * SECOND, guide.BODY] = 2.0 * torch.arange(SECOND)[:, None] / SECOND
    numbers[1, :SECOND, guide.BODY] = -0.6
    tokens = model.tokens(numbers)
    assert tokens[0].tolist() == [0] * SECOND + [1] * (SECOND + 5)
    assert tokens[1].tolist() == [2] * SECOND + [0] * (SECOND + 5)


def test_a_told_token_moves_the_thoughts_of_its_second_alone() -> None:
    model = guided()
    plain = thoughts(model, 2 * SECOND)
    assert torch.equal(plain, thoughts(guided(), 2 * SECOND))
    with torch.no_grad():
        model.token.weight[1] = 5.0
    model.begin(torch.tensor([[0] * SECOND + [1] * SECOND, [0] * 2 * SECOND]))
    told = thoughts(model, 2 * SECOND)
    assert torch.allclose(told[0, SECOND:], plain[0, SECOND:] + 5.0, atol=1e-5)
    assert torch.equal(told[0, :SECOND], plain[0, :SECOND]) and torch.equal(told[1], plain[1])


def test_without_one_tokens_are_drawn_as_they_are_foretold() -> None:
    model = guided()
    with torch.no_grad():
        model.foretell.weight.zero_()
        model.foretell.bias.copy_(torch.tensor([-20.0, 0.0, 0.0]))
        model.token.weight[1], model.token.weight[2] = 5.0, -5.0
    model.begin(None)
    moved = (thoughts(model, 40 * SECOND) - thoughts(Conversation(TINY).eval(), 1)[:, :1])[:, ::SECOND, 0]
    drawn = torch.sign(moved - moved.mean())
    assert 0.25 < float((drawn > 0).float().mean()) < 0.75


def test_each_run_begins_with_the_first_frame_of_a_second() -> None:
    model = guided()
    state = initial_state(model.act_state | model.draw_state, 2)
    ones = torch.ones(2, SECOND // 2)
    drawn = Drawn(torch.rand(2, SECOND // 2, model.drawn), ones, torch.zeros(2, SECOND // 2, ACTS))
    model.begin(torch.tensor([[0] * SECOND + [1] * SECOND] * 2))
    runs = [model.act(torch.ones(2, SECOND // 2, TINY.channels), drawn, state)[0].numbers for _ in range(3)]
    assert model.frame == SECOND // 2 and torch.equal(runs[0], runs[2])


def test_the_table_has_every_head_and_guide(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    writer, rng = TalkWriter(tmp_path), np.random.default_rng(0)
    for split, count in (("train", 2), ("dev", 1)):
        for number in range(count):
            sound, arrays, told = talk(8.0, rng)
            sway = np.cumsum(rng.normal(0.0, 0.05, len(arrays["body"])))
            arrays["body"][:, 2:8, 0], arrays["body"][:, 2:8, 3] = np.sin(sway)[:, None], np.cos(sway)[:, None]
            writer.add(split, f"talk{number}", sound, arrays, told)
    command = ["conversation_acts", "--data", str(tmp_path), "--config", "tiny", "--steps", "2", "--codes", "2"]
    assert main([*command, "--seconds", "5", "--rounds", "2", "--lookahead", "2", "0", "--calibrate", "1"]) == 0
    *table, last = capsys.readouterr().out.strip().splitlines()
    figures = json.loads(last)
    rows = figures["rows"]
    heads = (*HEADS, *acts.GUIDES)
    every = [(ahead, head) for ahead in (0, 2) for head in heads]
    assert [(row["lookahead"], row["head"]) for row in rows] == 2 * every
    raw, calibrated = rows[: len(every)], rows[len(every) :]
    assert all("calibrated" not in row for row in raw) and all(row["calibrated"] == 1 for row in calibrated)
    assert all(one["fd_velocity"] != other["fd_velocity"] for one, other in zip(raw, calibrated, strict=True))
    assert all(row[name] > 0 for row in rows for name in acts.MEASURES) and min(row["ratio"] for row in rows) == 1.0
    assert all(told["nats"] > 0 and told["plain_nats"] > 0 for told in figures["nats"].values())
    assert all(sum(line.startswith(f"{head:29} ") for line in table) == 4 for head in heads)
    assert main([*command, "--seconds", "1"]) == 2
    assert "of 2 or more" in capsys.readouterr().err
    assert main([*command, "--calibrate", "-1"]) == 2
    assert "of 0 or more" in capsys.readouterr().err


def test_a_truth_played_back_is_no_distance_from_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    numbers = torch.randn(2, 3 * SECOND, ACTS)
    monkeypatch.setattr(acts, "numbers_of", lambda *_: numbers)
    monkeypatch.setattr(acts, "free_run", lambda *_: (numbers, None))
    heard = [SimpleNamespace(heard=SimpleNamespace(own=torch.ones(3 * SECOND, 5)))] * 2
    heard[1].heard.own[SECOND:] = 0.0
    variant = acts.Variant("flow in 1 step", 0, Conversation(TINY))
    same = acts.measured(variant, heard, 3 * SECOND, 0)
    assert all(same[name] < 1e-3 for name in acts.MEASURES[:4]) and all(same[n] == 1.0 for n in acts.MEASURES[4:])
    monkeypatch.setattr(acts, "free_run", lambda *_: (2.0 * numbers, None))
    twice = acts.measured(variant, heard, 3 * SECOND, 0)
    assert all(twice[name] == pytest.approx(2.0) for name in ("speech", "other", "tremor")) and twice["fd_face"] > 1.0
