"""On a machine with CUDA the step gives there what it gives on the processor. Run by hand: ``pytest -m gpu``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.listen import listen
from engine.bundle import Bundle
from engine.errors import EngineError
from engine.runtime import Runtime, open_runtime
from engine.spec import CURSOR
from tests.engine.runtime.made import draw, fill
from tests.export.tiny import WINDOW, tiny_bundle


def on_cuda(bundle: Bundle, rows: int = 1, buckets: tuple[int, ...] | None = None) -> Runtime:
    try:
        return open_runtime(bundle, "onnx:cuda", rows, buckets)
    except EngineError as error:
        pytest.skip(str(error))


@pytest.mark.gpu
def test_cuda_equals_cpu() -> None:
    bundle = Bundle.load("rules")
    sound = np.random.default_rng(0).normal(0.0, 0.05, 200 * bundle.spec.hop).astype(np.float32)
    wanted, got = listen(open_runtime(bundle), sound), listen(on_cuda(bundle), sound)
    np.testing.assert_allclose(got["face"], wanted["face"], atol=1e-3)


@pytest.mark.gpu
def test_rows_rings_and_moves_are_those_of_the_cpu(tmp_path: Path) -> None:
    """Rows that run now and then, count now and then, are reset and moved: so rings wrap at cursors of their own."""
    bundle, rows = tiny_bundle(tmp_path), 8
    card, plain = on_cuda(bundle, rows, (1, 4)), open_runtime(bundle, rows=rows, buckets=(1, 4))
    inputs, random = draw(rows, 8 * WINDOW), np.random.default_rng(3)
    for frame in range(8 * WINDOW):
        active, counts = random.random((2, rows)) < 0.7
        outputs = []
        for runtime in (card, plain):
            fill(runtime, inputs, frame)
            runtime.active[:] = active
            outputs.append({name: value[active].copy() for name, value in runtime.run().items()})
            runtime.commit(counts)
            if frame % 9 == 5:
                runtime.reset(frame % rows)
                runtime.move(frame % 5, frame % 7)
        for name in ("pose", "bad_input"):
            np.testing.assert_allclose(outputs[0][name], outputs[1][name], atol=1e-3, err_msg=f"{name} at {frame}")
    mine, theirs = card.state_dict(), plain.state_dict()
    assert mine[CURSOR].tolist() == theirs[CURSOR].tolist() and len(set(mine[CURSOR].tolist())) > 2
    for name in ("tail", "past", "faces"):
        np.testing.assert_allclose(mine[name], theirs[name], atol=1e-3, err_msg=name)
