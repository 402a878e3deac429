"""The parity ladder: ties are excused and counted, what differs is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.parity import Rung, climb
from export.step import to_onnx
from tests.export.tiny import Lying, Threshold, Tiny, Uneven, tiny_bundle

FRAMES, TIES = 60, [20, 45]


def faces(first: np.ndarray) -> dict[str, np.ndarray]:
    """Inputs of the threshold models: the number they look at, frame by frame."""
    face = np.zeros((len(first), 58), np.float32)
    face[:, 0] = first
    return {"face": face, "face_valid": np.ones(len(first), np.float32)}


def wave() -> np.ndarray:
    """Numbers well away from 0.5, except for two frames that stand on it."""
    first = np.where(np.arange(FRAMES) % 7 < 3, 0.9, 0.1)
    first[TIES] = 0.5
    return first


def rungs(model: Threshold, folder: Path, first: np.ndarray) -> dict[str, Rung]:
    bundle = tiny_bundle(folder, spec=model.spec, content=to_onnx(model).content)
    return {rung.name: rung for rung in climb(model.eval(), bundle, faces(first), 1e-4)}


def test_ties_are_excused_counted_and_left_behind(tmp_path: Path):
    found = rungs(Threshold(), tmp_path, wave())
    for name in ("onnx teacher-forced", "onnx free-running"):
        rung = found[name]
        assert (rung.ties, rung.broken) == (TIES, None)
        assert rung.frames == FRAMES - len(TIES)
        assert rung.largest < 1e-6
    assert found["torch whole"].ties == []
    assert found["torch whole"].frames == FRAMES


def test_ties_without_end_are_no_ties(tmp_path: Path):
    rung = rungs(Threshold(), tmp_path, np.full(FRAMES, 0.5))["onnx free-running"]
    assert rung.broken is not None
    assert rung.ties[-1] == rung.broken


def test_a_difference_beyond_the_margin_is_found_where_it_begins(tmp_path: Path):
    first = np.zeros(FRAMES)
    first[31] = 0.7
    found = rungs(Lying(), tmp_path, first)
    assert found["onnx teacher-forced"].broken == 31
    assert found["onnx free-running"].broken == 31
    assert set(found["onnx free-running"].beyond) == {"flag", "state"}
    assert found["torch whole"].broken is None


def test_a_model_that_sees_how_it_is_chunked_is_found(tmp_path: Path):
    found = rungs(Uneven(), tmp_path, np.linspace(-1, 1, FRAMES))
    assert found["torch whole"].broken == 0
    assert found["onnx free-running"].broken is None


def test_rungs_agree_on_rings_and_drawn_events(tmp_path: Path):
    random = np.random.default_rng(3)
    model = Tiny().eval()
    inputs = {item.name: random.uniform(0, 1, (FRAMES, *item.shape)).astype(np.float32) for item in model.spec.inputs}
    for rung in climb(model, tiny_bundle(tmp_path), inputs, 1e-4):
        assert (rung.frames, rung.broken) == (FRAMES, None)
        assert rung.largest < 1e-5
        assert set(rung.worst) - {"state"} == {"pose", "count", "bad_input"}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_one_that_is_not_finite_is_no_match(bad: float):
    from export.parity import _differences, usual_sizes
    from models.gesture import build

    assert _differences({"y": np.array([1.0])}, {"y": np.array([bad])}, {}) == {"y": np.inf}
    assert _differences({"y": np.array([bad])}, {"y": np.array([bad])}, {}) == {"y": 0.0}
    assert _differences({"y": np.array([100.0])}, {"y": np.array([101.0])}, {}) == {"y": pytest.approx(0.01)}
    pixels, moved = ({"y": np.array([value])} for value in (5.0, 6.0))
    assert _differences(pixels, moved, {}) == {"y": pytest.approx(0.2)}
    assert _differences(pixels, moved, {"y": 100.0}) == {"y": pytest.approx(0.01)}
    sizes = usual_sizes(build("tiny").spec)
    assert sizes["pats"] == 100.0 and sizes["body"] == sizes["rotations"] == 1.0
