"""A made person and one short run of every stage, shared by the tests of the package."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.train.conversation.a2p.sets import made_person, train

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_person(tmp_path_factory.mktemp("a2p") / "person")


@pytest.fixture(scope="session")
def runs(person: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``runs/STAGE/model.safetensors`` of every stage."""
    out = tmp_path_factory.mktemp("runs")
    lips = train(person, out / "lips", "lips")
    train(person, out / "face", "face", lips=lips)
    codec = train(person, out / "codec", "codec")
    train(person, out / "guide", "guide", codec=codec)
    train(person, out / "pose", "pose")
    return out
