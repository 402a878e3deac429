"""Tokenizers: errors of decoders whose answer is known, checkpoints, and edits that a decoder alone makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import EngineError
from models.checkpoint import Checkpoint, save
from models.text_motion.config import named
from models.text_motion.features import decode
from models.text_motion.layout import HUMANML3D
from models.text_motion.tokenizer import Tokenizer, Tokens
from tests.train.text_motion.evaluation.toys import asks, motion
from train.text_motion.evaluation import edits, reconstruction
from train.text_motion.evaluation.reconstruction import Coded, Named

torch.set_num_threads(1)


class Known(Named):
    """Gives back what it was given, all joints but the pelvis ``lift`` metres higher, and where residuals are dropped
    all of it in a heap at the pelvis."""

    def __init__(self, name: str, tokenizer: Tokenizer, lift: float) -> None:
        super().__init__(name, tokenizer)
        object.__setattr__(self, "lift", lift)
        object.__setattr__(self, "kept", {})

    def code(self, motion: np.ndarray, group: str = "") -> Coded:
        coded = super().code(motion, group)
        self.kept[id(coded.tokens)] = coded.motion
        return coded

    def decode(self, tokens: Tokens, edited: torch.Tensor | None = None) -> np.ndarray:
        made = self.kept[id(tokens)].copy()
        made[:, 1:, 1] += self.lift
        if edited is not None:
            dropped = np.repeat(edited[0].numpy(), 4)
            made[dropped] = made[dropped][:, :1]
        return made


def tokenizer(size: str) -> Tokenizer:
    torch.manual_seed(0)
    config = named("tiny").to_dict() | {"causal": size == "causal"}
    return Tokenizer(named(config)).eval()


def test_errors_are_those_that_were_made() -> None:
    live, whole = Known("live", tokenizer("causal"), 0.03), Known("f", tokenizer("future"), 0.01)
    found = reconstruction.section([live, whole], asks(3), 0)
    assert [(row.name, row.kind) for row in found.results] == [
        ("live", "model"),
        ("live, codes alone", "ablation"),
        ("f", "trick"),
        ("f, codes alone", "ablation"),
    ]
    own, bare = found.result("live"), found.result("live, codes alone")
    assert [own.value("mpjpe"), own.value("world")] == pytest.approx([30.0 * 21 / 22] * 2, rel=1e-3)
    assert [own.value(key) for key in ("acceleration", "ratio", "pose_ratio")] == pytest.approx([0, 3, 3], abs=1e-3)
    assert own.value("pose") == pytest.approx(own.value("mpjpe"), rel=1e-3)
    assert own.value("kept") > 0.9 > bare.value("kept") and own.value("kept_angle") > 0.9 > bare.value("kept_angle")
    assert 0.0 < own.value("pa") < own.value("mpjpe") < bare.value("mpjpe")
    assert found.sentences()[0].startswith("live: FAIL: error of the pose over")
    assert found.sentences()[1].startswith("live: FAIL: MPJPE over")
    good = reconstruction.section([Known("live", tokenizer("causal"), 0.012), whole], asks(3), 0)
    assert good.sentences()[0].startswith("live: pass: ")


def test_without_a_yardstick_nothing_is_judged() -> None:
    alone = reconstruction.section([Named("live", tokenizer("causal"))], asks(3), 0)
    assert np.isnan(alone.result("live").value("ratio")) and not alone.sentences()


def test_an_edit_changes_the_tokens_from_a_third_on() -> None:
    ask = asks(1)[0]
    one = Named("live", tokenizer("causal"))
    coded = one.code(ask.motion)
    assert coded.motion.shape == (48, 22, 3) and coded.tokens.bins.shape == (1, 12, 70)
    assert (coded.tokens.bins[0].numpy() == edits.read(coded.motion[::4])).all()
    seen: list[tuple[Tokens, torch.Tensor | None]] = []

    class Watching(Named):
        def decode(self, tokens: Tokens, edited: torch.Tensor | None = None) -> np.ndarray:
            seen.append((tokens, edited))
            return super().decode(tokens, edited)

    wanted = edits.Edit(2, 8, ask.text)
    found = reconstruction.edited(Watching("live", one.tokenizer), [wanted], [ask], 0)[0]
    (plain, nothing), (changed, dropped) = sorted(seen, key=lambda item: item[1] is not None)
    assert nothing is None and dropped is not None and dropped[0].nonzero()[0].tolist() == [4]
    assert (changed.bins[0, 4:, 2] == 8).all() and (changed.bins[0, :4] == plain.bins[0, :4]).all()
    assert 0.0 <= found.shown <= 1.0 and found.moved > 0.0 and np.isnan(found.moved_redrawn)
    strips = reconstruction.three(one, ask)
    assert len(strips) == 3 and all(shown.shape == (48, 22, 3) for _, shown in strips)


def test_checkpoints_are_opened_and_others_refused(tmp_path: Path) -> None:
    path, made = tmp_path / "model.safetensors", tokenizer("causal")
    state = {f"tokenizer.{name}": value for name, value in made.state_dict().items()} | {"base.x": torch.zeros(2)}
    save(path, Checkpoint("text_motion", made.config.to_dict(), state))
    walk = motion("walk")
    found, own = reconstruction.opened("live", path), Named("live", made)
    assert (found.code(walk).tokens.ids == own.code(walk).tokens.ids).all()
    assert found.decode(found.code(walk).tokens) == pytest.approx(own.decode(own.code(walk).tokens))
    tokens = found.code(walk).tokens
    bare = made.frames(made.pose_latent(tokens.bins))[0]
    dropped = found.decode(tokens, torch.ones(1, tokens.bins.shape[1], dtype=torch.bool))
    assert dropped == pytest.approx(decode(bare, HUMANML3D, backward=True).detach().numpy(), abs=1e-4)
    assert np.abs(dropped - found.decode(tokens)).max() > 1e-3
    save(path, Checkpoint("dance", {}, state))
    with pytest.raises(EngineError, match="weights of family 'dance'"):
        reconstruction.opened("live", path)
    save(path, Checkpoint("text_motion", made.config.to_dict(), {"tokenizer.mean": torch.zeros(263)}))
    with pytest.raises(EngineError, match="holds no tokenizer"):
        reconstruction.opened("live", path)
    save(path, Checkpoint("text_motion", made.config.to_dict() | {"layout": "kit"}, state))
    with pytest.raises(EngineError, match="a tokenizer of kit"):
        reconstruction.opened("live", path)
