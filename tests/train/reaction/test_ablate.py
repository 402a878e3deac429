"""Ablated weights: what is switched off no longer matters, the rest does."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from models import checkpoint
from models.contract import initial_state
from models.reaction import Reaction
from models.registry import create
from tests.models.test_reaction import streams
from tests.train.reaction.toy import save
from train.__main__ import main


@torch.no_grad()
def logits(model: Reaction, given: dict[str, Tensor], ids: Tensor) -> Tensor:
    return model.react(given, ids, initial_state(model.react_state, 2))[0]


def test_what_is_switched_off_no_longer_matters(tmp_path: Path):
    torch.manual_seed(2)
    whole = create("reaction:tiny")
    weights = save(tmp_path / "weights.safetensors", whole)
    assert main(["ablate", str(weights), str(tmp_path / "out")]) == 0
    given, ids = streams(whole, 30)
    deaf = {**given, "heard": given["heard"].flip(1), "partner_face": given["partner_face"].flip(1)}
    gates, past = (create("reaction", tmp_path / "out" / f"{name}.safetensors") for name in ("gates_off", "no_past"))
    assert torch.equal(logits(gates, given, ids), logits(gates, deaf, ids))
    assert not torch.equal(logits(gates, given, ids), logits(gates, given, ids.flip(1)))
    assert torch.equal(logits(past, given, ids), logits(past, given, ids.flip(1)))
    assert not torch.equal(logits(past, given, ids), logits(past, deaf, ids))


def test_weights_of_another_family_are_refused(tmp_path: Path, capsys):
    checkpoint.save(tmp_path / "w.safetensors", checkpoint.Checkpoint("dance", {}, {}))
    assert main(["ablate", str(tmp_path / "w.safetensors"), str(tmp_path / "out")]) == 2
    assert "family 'dance', model reaction needs 'reaction'" in capsys.readouterr().err
