"""A made set, a tiny model fitted to it, and its talks as they are trained on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from models.conversation import build
from models.conversation.config import configuration
from models.conversation.model import Conversation
from tests.train.conversation.sets import made_set
from train.conversation.streams import Stream, fit, read, styles_of, with_moods


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_set(tmp_path_factory.mktemp("talks") / "set")


@pytest.fixture(scope="module")
def model(root: Path) -> Conversation:
    torch.manual_seed(0)
    return build(dataclasses.replace(configuration("tiny"), styles=styles_of(root)))


@pytest.fixture(scope="module")
def streams(model: Conversation, root: Path) -> list[Stream]:
    found = with_moods({"train": read(model, root, "train")})["train"]
    fit(model, found)
    return found
