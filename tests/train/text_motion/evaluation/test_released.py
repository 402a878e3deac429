"""The released evaluators: weights of their layout against a slow computation by hand, and files that are refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.errors import EngineError
from models.text_motion.features import encode
from models.text_motion.layout import HUMANML3D, KIT
from tests.train.text_motion.evaluation.toys import motion
from train.text_motion.evaluation.released import OTHER, TAGS, WORD, released, words
from train.text_motion.texts import Caption

torch.set_num_threads(1)
HIDDEN, OUT = 6, 5
VOCABULARY = ("sos", "eos", "unk", "person", "walk", "a")


def linear(name: str, outputs: int, inputs: int) -> dict[str, Tensor]:
    return {f"{name}.weight": torch.randn(outputs, inputs) * 0.2, f"{name}.bias": torch.randn(outputs) * 0.2}


def sequence(inputs: int) -> dict[str, Tensor]:
    gru = nn.GRU(HIDDEN, HIDDEN, batch_first=True, bidirectional=True)
    state = {f"gru.{name}": value.detach() for name, value in gru.named_parameters()}
    state |= linear("input_emb", HIDDEN, inputs) | {"hidden": torch.randn(2, 1, HIDDEN)}
    state |= linear("output_net.0", HIDDEN, 2 * HIDDEN) | linear("output_net.3", OUT, HIDDEN)
    return state | {"output_net.1.weight": torch.rand(HIDDEN), "output_net.1.bias": torch.randn(HIDDEN)}


def weights(width: int = 263) -> dict[str, object]:
    torch.manual_seed(0)
    movement = {
        "main.0.weight": torch.randn(HIDDEN, width - 4, 4) * 0.1,
        "main.0.bias": torch.randn(HIDDEN),
        "main.3.weight": torch.randn(HIDDEN, HIDDEN, 4) * 0.3,
        "main.3.bias": torch.randn(HIDDEN),
    }
    movement |= linear("out_net", HIDDEN, HIDDEN)
    text = sequence(WORD) | linear("pos_emb", WORD, TAGS)
    parts = {"movement_encoder": movement, "text_encoder": text, "motion_encoder": sequence(HIDDEN)}
    return parts | {"epoch": 3, "opt_motion_encoder": {"state": {}, "param_groups": [{"lr": 1e-4}]}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files as they come, in folders of their own."""
    model, meta, glove = (tmp_path / part for part in ("text_mot_match/model", "Comp_v6_KLD005/meta", "glove"))
    for part in (model, meta, glove):
        part.mkdir(parents=True)
    torch.save(weights(), model / "finest.tar")
    rng = np.random.default_rng(0)
    np.save(meta / "mean.npy", rng.standard_normal(263))
    np.save(meta / "std.npy", rng.uniform(0.5, 2.0, 263))
    np.save(glove / "our_vab_data.npy", rng.standard_normal((len(VOCABULARY), WORD)))
    (glove / "our_vab_words.txt").write_text("\n".join(VOCABULARY) + "\n")
    return tmp_path


def ends(state: dict[str, Tensor], rows: Tensor) -> Tensor:
    """What the recurrent network makes of one sequence (T, inputs), step by step in both directions."""
    x = rows @ state["input_emb.weight"].T + state["input_emb.bias"]
    last = []
    for direction, suffix in enumerate(("", "_reverse")):
        h = state["hidden"][direction, 0]
        for row in x if direction == 0 else x.flip(0):
            i = state[f"gru.weight_ih_l0{suffix}"] @ row + state[f"gru.bias_ih_l0{suffix}"]
            g = state[f"gru.weight_hh_l0{suffix}"] @ h + state[f"gru.bias_hh_l0{suffix}"]
            reset, update = (i[:HIDDEN] + g[:HIDDEN]).sigmoid(), (i[HIDDEN:-HIDDEN] + g[HIDDEN:-HIDDEN]).sigmoid()
            h = (1 - update) * (i[-HIDDEN:] + reset * g[-HIDDEN:]).tanh() + update * h
        last.append(h)
    y = state["output_net.0.weight"] @ torch.cat(last) + state["output_net.0.bias"]
    y = (y - y.mean()) / (y.var(unbiased=False) + 1e-5).sqrt()
    y = y * state["output_net.1.weight"] + state["output_net.1.bias"]
    y = torch.where(y > 0, y, 0.2 * y)
    return state["output_net.3.weight"] @ y + state["output_net.3.bias"]


def test_motions_are_embedded_as_published(folder: Path) -> None:
    evaluator = released(folder, HUMANML3D)
    parts = weights()
    motions = [motion("walk", frames=50), motion("wave", frames=31)]
    found = evaluator.motions(motions)
    moved, whole = parts["movement_encoder"], parts["motion_encoder"]
    for joints, embedding in zip(motions, found, strict=True):
        rows = encode(torch.from_numpy(joints), HUMANML3D)
        rows = (rows - evaluator.mean) / evaluator.std
        units = len(rows) // 4
        x = torch.zeros(1, 259, 196)
        x[0, :, : 4 * units] = rows[: 4 * units, :-4].T
        for layer in ("main.0", "main.3"):
            x = nn.functional.conv1d(x, moved[f"{layer}.weight"], moved[f"{layer}.bias"], stride=2, padding=1)
            x = torch.where(x > 0, x, 0.2 * x)
        steps = x[0].T[:units] @ moved["out_net.weight"].T + moved["out_net.bias"]
        assert embedding == pytest.approx(ends(whole, steps).numpy(), abs=1e-4)
    assert evaluator.motions(motions[1:])[0] == pytest.approx(found[1], abs=1e-6)  # whatever stands beside it


def test_texts_are_embedded_as_published(folder: Path) -> None:
    evaluator = released(folder, HUMANML3D)
    state, vectors = weights()["text_encoder"], evaluator.words.vectors
    # "walk" is of the words that matter for motion: its class stands for its part of speech. "moonwalk" is not known.
    tags = ("a/DET", "person/NOUN", "moonwalk/VERB", "walk/NOUN", *["a/DET"] * 30)
    found = evaluator.texts([Caption("a person moonwalks a walk", tags), Caption("a", ("a/DET",))])
    numbers = [0, 5, 3, 2, 4, *[5] * 16, 1]
    parts = [OTHER, 2, 1, OTHER, 12, *[2] * 16, OTHER]
    said = torch.from_numpy(vectors[numbers]) + state["pos_emb.weight"].T[parts] + state["pos_emb.bias"]
    assert found[0] == pytest.approx(ends(state, said).numpy(), abs=1e-4)
    with pytest.raises(EngineError, match="'no tags' has no parts of speech"):
        evaluator.texts([Caption("no tags")])


def test_gloves_own_form_is_read(tmp_path: Path) -> None:
    values = np.arange(3 * WORD).reshape(3, WORD) / 7.0
    lines = [f"{word} {' '.join(map(str, row))}" for word, row in zip(("sos", "eos", "unk"), values, strict=True)]
    (tmp_path / "glove.txt").write_text("\n".join(lines) + "\n")
    found = words(tmp_path)
    assert found.vectors == pytest.approx(values, rel=1e-5) and found.numbers == {"sos": 0, "eos": 1, "unk": 2}
    (tmp_path / "glove.txt").write_text("sos 1 2 3\n")
    with pytest.raises(EngineError, match="line 1: 3 numbers, 300 are needed"):
        words(tmp_path)
    (tmp_path / "glove.txt").write_text("\n".join(lines[:2]) + "\n")
    with pytest.raises(EngineError, match="hold no unk"):
        words(tmp_path)


class Bomb:
    """A thing that runs code when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1/0",)


def test_what_can_run_code_is_not_read(folder: Path) -> None:
    glove = folder / "glove"
    (glove / "our_vab_words.txt").unlink()
    (glove / "our_vab_words.pkl").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(EngineError, match=r"our_vab_words\.pkl is a pickle"):
        words(folder)
    torch.save({"movement_encoder": Bomb()}, folder / "text_mot_match/model/finest.tar")
    with pytest.raises(EngineError, match="does not read as tensors alone"):
        released(folder, HUMANML3D)


def test_what_does_not_fit_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"features with 263 numbers, the set has 251 \(kit\)"):
        released(folder, KIT)
    np.save(folder / "Comp_v6_KLD005/meta/mean.npy", np.zeros(7))
    with pytest.raises(EngineError, match=r"mean\.npy: shape \(7,\)"):
        released(folder, HUMANML3D)
    (folder / "Comp_v6_KLD005/meta/mean.npy").unlink()
    with pytest.raises(EngineError, match=r"no mean\.npy"):
        released(folder, HUMANML3D)
    cut = weights()
    del cut["text_encoder"]
    torch.save(cut, folder / "text_mot_match/model/finest.tar")
    with pytest.raises(EngineError, match="has no text_encoder"):
        released(folder, HUMANML3D)
    torch.save(weights(), folder / "finest.tar")
    with pytest.raises(EngineError, match=r"2 files finest\.tar"):
        released(folder, HUMANML3D)
