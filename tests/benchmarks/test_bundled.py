"""Every bundle that ships stays in range on a recording; every listener among them listens to the built-in partner:
alive, the same for the same seed, turned by its controls. No bundle has a case of its own here, nor in the engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import engine
from benchmarks.listen import listen
from engine.bundle import Bundle, bundled
from engine.channels import FACE
from engine.runtime import open_runtime, steps
from engine.sources.media import MediaFile
from export.recording import recording
from train.report import events

PARTNER = Path(engine.__file__).parent / "data" / "partner"
SETTLED = 25
LISTENERS = [name for name in bundled() if "face" in [item.name for item in Bundle.load(name).spec.outputs]]


@pytest.fixture(scope="module")
def partner() -> tuple[np.ndarray, np.ndarray]:
    pcm = np.concatenate([block.samples for block in MediaFile(PARTNER / "speech.flac").audio(16_000)])
    with np.load(PARTNER / "face.npz") as stored:
        return pcm, stored["face"].astype(np.float32)


@pytest.mark.parametrize("name", bundled())
def test_it_stays_in_range_whatever_comes(name: str) -> None:
    """A recording with its faults: what is missing, not finite, and controls anywhere in their ranges."""
    runtime = open_runtime(Bundle.load(name))
    inputs, _ = recording(runtime.spec, 8.0, seed=3)
    for outputs in steps(runtime, {item: values[:, None] for item, values in inputs.items()}):
        for item in runtime.spec.outputs:
            value = outputs[item.name]
            assert np.isfinite(value).all() and value.min() >= item.low - 1e-5 and value.max() <= item.high + 1e-5


@pytest.mark.parametrize("name", LISTENERS)
def test_it_listens_within_its_ranges(name: str, partner: tuple[np.ndarray, np.ndarray]):
    bundle = Bundle.load(name)
    outputs = listen(open_runtime(bundle), *partner, seed=4)
    for item in bundle.spec.outputs:
        value = outputs[item.name]
        assert np.isfinite(value).all() and value.min() >= item.low - 1e-5 and value.max() <= item.high + 1e-5
    face = outputs["face"][SETTLED:]
    assert events.longest_freeze(face, 25) < 0.3 and events.largest_step(face) < 0.35
    assert 4 <= len(events.blinks(face, 25)) <= 40
    assert 0.5 < events.head_speed(face, 25).mean() < 15
    assert not outputs["bad_input"].any()


@pytest.mark.parametrize("name", LISTENERS)
def test_a_seed_is_a_session(name: str, partner: tuple[np.ndarray, np.ndarray]):
    bundle, (pcm, seen) = Bundle.load(name), partner
    one, again, other = (
        listen(open_runtime(bundle), pcm[: 16_000 * 10], seen, seed=seed)["face"] for seed in (1, 1, 2)
    )
    assert np.array_equal(one, again) and not np.array_equal(one, other)


@pytest.mark.parametrize("name", LISTENERS)
def test_expressiveness_turns_the_size_of_movement(name: str, partner: tuple[np.ndarray, np.ndarray]):
    bundle = Bundle.load(name)

    def moved(value: float) -> float:
        faces = [listen(open_runtime(bundle), *partner, {"expressiveness": value}, seed)["face"] for seed in (1, 2)]
        return float(np.mean([np.abs(np.diff(face[SETTLED:, FACE["headPitch"]])).mean() for face in faces]))

    assert moved(1.6) > 1.3 * moved(0.5)
