"""A hall beyond which tokens are needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.access import Access
from tests.engine.network.stage import Hall


@pytest.fixture
def tokens() -> Iterator[Hall]:
    access = Access(tokens={"guest": frozenset({"session"}), "watcher": frozenset({"describe"})})
    with Hall(access=access) as made:
        yield made
