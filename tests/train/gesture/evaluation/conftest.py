"""The small set, made once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.train.gesture.evaluation.toys import small_set
from train.gesture.evaluation.cases import Case, read_cases
from train.gesture.pats.reader import PatsSet


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_set(tmp_path_factory.mktemp("set") / "set")


@pytest.fixture(scope="session")
def cases(folder: Path) -> list[Case]:
    return read_cases(PatsSet(folder), "test")
