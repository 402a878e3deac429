"""The tiny bundle, and every way to run it: on the processor, and with state on a card."""

from __future__ import annotations

import pytest

from engine.bundle import Bundle
from tests.engine.runtime.made import WAYS, Open
from tests.export.tiny import tiny_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return tiny_bundle(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(params=sorted(WAYS))
def opened(request: pytest.FixtureRequest) -> Open:
    return WAYS[request.param]
