"""For all tests: no time limits of Hypothesis, one thread a process, and what the engine keeps in the user's cache goes
to a temporary folder."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from engine.assets import FILE_NAME, cache_folder

# Tests run beside one another (make test): a process that waits for a core is not slow, and torch's threads would only
# take cores from the neighbours. Set before anything loads torch; the processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Also for the processes that tests start. The face tracker's model, if it was fetched, is found where it is."""
    before, kept, folder = os.environ.get("ENGINE_CACHE"), cache_folder() / FILE_NAME, tmp_path_factory.mktemp("cache")
    if kept.is_file():
        (folder / FILE_NAME).symlink_to(kept)
    os.environ["ENGINE_CACHE"] = str(folder)
    yield
    if before is None:
        del os.environ["ENGINE_CACHE"]
    else:
        os.environ["ENGINE_CACHE"] = before
