"""wav2vec's features from a file like fairseq's: layers, names, statistics that do not look ahead, and lengths."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from train.conversation.a2p.hearing import Speech
from train.conversation.a2p.layout import HOP
from train.conversation.a2p.wav2vec import LARGE, SMALL, Wav2Vec, features_of
from train.files import FileError

WIDTH = 8


def fairseq_file(path: Path, aggregated: bool = False, **more: Any) -> dict[str, Tensor]:
    """Weights under fairseq's names, with the rest of such a file around them."""
    torch.manual_seed(3)
    state: dict[str, Tensor] = {"wav2vec_predictions.project_to_steps.bias": torch.zeros(3)}
    for number, conv in enumerate(LARGE if aggregated else SMALL):
        name = f"feature_extractor.conv_layers.{number}"
        state[f"{name}.0.weight"] = torch.randn(WIDTH, WIDTH if number else 1, conv.kernel) / (3 if number else 1)
        state[f"{name}.2.weight"], state[f"{name}.2.bias"] = 1 + torch.rand(WIDTH), torch.randn(WIDTH)
    for number, kernel in enumerate(range(2, 14) if aggregated else ()):
        name = f"feature_aggregator.conv_layers.{number}"
        state[f"{name}.1.weight"], state[f"{name}.1.bias"] = torch.randn(WIDTH, WIDTH, kernel) / 8, torch.randn(WIDTH)
        state[f"{name}.3.weight"], state[f"{name}.3.bias"] = torch.rand(WIDTH), torch.randn(WIDTH)
    torch.save({"args": argparse.Namespace(arch="wav2vec"), "model": state, **more}, path)
    return state


def published(state: dict[str, Tensor], speech: Tensor, aggregated: bool) -> Tensor:
    """What fairseq computes: every layer normalised by the whole clip."""
    x = speech[:, None]
    for number, conv in enumerate(LARGE if aggregated else SMALL):
        name = f"feature_extractor.conv_layers.{number}"
        x = functional.conv1d(x, state[f"{name}.0.weight"], stride=conv.stride)
        x = functional.group_norm(x, 1, state[f"{name}.2.weight"], state[f"{name}.2.bias"]).relu()
    x = (x.abs() + 1).log()
    for number, kernel in enumerate(range(2, 14) if aggregated else ()):
        name = f"feature_aggregator.conv_layers.{number}"
        padded = functional.pad(x, (kernel - 1, 0), mode="replicate")
        y = functional.conv1d(padded, state[f"{name}.1.weight"], state[f"{name}.1.bias"])
        y = functional.group_norm(y, 1, state[f"{name}.3.weight"], state[f"{name}.3.bias"]).relu()
        x = (x + y) * 0.5**0.5
    return x.transpose(1, 2)


@pytest.mark.parametrize("aggregated", [False, True], ids=["small", "large"])
def test_the_literal_form_is_the_published_one(tmp_path: Path, aggregated: bool) -> None:
    state = fairseq_file(tmp_path / "w.pt", aggregated)
    net = Wav2Vec(WIDTH, aggregated, literal=True)
    net.load(tmp_path / "w.pt")
    speech = torch.randn(2, 6000)
    assert torch.allclose(net(speech), published(state, speech, aggregated), atol=1e-5)
    assert not any(value.requires_grad for value in net.parameters())


def test_running_statistics_do_not_look_ahead(tmp_path: Path) -> None:
    fairseq_file(tmp_path / "w.pt")
    nets = {literal: Wav2Vec(WIDTH, literal=literal) for literal in (True, False)}
    speech = torch.randn(1, 6000)
    louder = speech.clone()
    louder[:, 4000:] *= 5
    unseen = features_of(4000, SMALL)
    for literal, net in nets.items():
        net.load(tmp_path / "w.pt")
        net.measure([speech[0], louder[0, :3000]])
        same = (net(speech) - net(louder)).abs().amax((0, 2)) == 0
        assert same.tolist() == [not literal and number < unseen for number in range(len(same))]
    # measured on one clip alone they are those of that clip
    net = Wav2Vec(WIDTH)
    net.load(tmp_path / "w.pt")
    net.measure([speech[0]])
    assert torch.allclose(net(speech), nets[True](speech), atol=1e-4)


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    state = fairseq_file(path)
    with pytest.raises(FileError, match=r"has shape \(8, 8, 8\), \(16, 16, 8\) is due|has shape \(8, 1, 10\)"):
        Wav2Vec(16).load(path)
    with pytest.raises(FileError, match=r"lacks feature_aggregator.conv_layers.0.1.bias and 47 more"):
        Wav2Vec(WIDTH, aggregated=True).load(path)
    state.pop("feature_extractor.conv_layers.3.2.bias")
    torch.save(state, path)
    with pytest.raises(FileError, match=r"lacks feature_extractor\.conv_layers\.3\.2\.bias"):
        Wav2Vec(WIDTH).load(path)

    class Hostile:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "ran"),)

    fairseq_file(path, task=Hostile())
    with pytest.raises(FileError, match=r"names \w+\.mkdir, which is not run"):
        Wav2Vec(WIDTH).load(path)
    assert not (tmp_path / "ran").exists()


def test_lengths_are_those_published() -> None:
    hearing, lips = Speech(WIDTH), Speech(WIDTH, 1, aggregated=True)
    assert [hearing.features(frames) for frames in (600, 240)] == [1998, 798]
    assert lips.features(120) == 400
    assert features_of(465, SMALL) == 1 and features_of(464, SMALL) == 0
    audio = np.random.default_rng(0).normal(0, 1, (40 * HOP, 2)).astype(np.float32)
    rows = hearing.rows(audio)
    assert rows.shape == (hearing.row(40), 2)
    assert hearing(rows[None]).shape == (1, hearing.features(40), 2 * WIDTH)
    assert lips(rows[None]).shape == (1, lips.features(40), WIDTH)
    changed = rows.clone()
    changed[hearing.row(20) :] += 1
    heard = (hearing(rows[None]) - hearing(changed[None])).abs().amax((0, 2)) == 0
    assert int(heard.sum()) == hearing.known(20)


def test_speech_is_the_sound_at_16_khz() -> None:
    time = np.arange(30 * HOP) / 48_000
    audio = np.stack([np.sin(2 * np.pi * 440 * time), np.cos(2 * np.pi * 300 * time)], 1).astype(np.float32)
    rows = Speech(WIDTH).rows(audio).numpy()
    coarse = np.arange(len(rows)) / 16_000
    inner = slice(200, -200)
    assert rows[inner, 0] == pytest.approx(np.sin(2 * np.pi * 440 * coarse)[inner], abs=2e-3)
    assert rows[inner, 1] == pytest.approx(np.cos(2 * np.pi * 300 * coarse)[inner], abs=2e-3)
