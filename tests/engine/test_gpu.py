"""On a machine with CUDA the step gives there what it gives on the processor. Run by hand: ``pytest -m gpu``."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.drive import drive
from engine.bundle import Bundle
from engine.errors import EngineError
from engine.runtime import OnnxStep


@pytest.mark.gpu
def test_cuda_equals_cpu() -> None:
    bundle = Bundle.load("rules")
    try:
        on_cuda = OnnxStep(bundle, provider="cuda")
    except EngineError as error:
        pytest.skip(str(error))
    sound = np.random.default_rng(0).normal(0.0, 0.05, 200 * bundle.spec.hop).astype(np.float32)
    wanted, got = drive(OnnxStep(bundle), sound), drive(on_cuda, sound)
    np.testing.assert_allclose(got["face"], wanted["face"], atol=1e-3)
