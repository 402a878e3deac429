"""An evaluator of one's own: it learns which words go with which motions, and is kept for the next run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models.text_motion.layout import HUMANML3D
from tests.train.text_motion.evaluation.toys import asks, motion, vectors
from train.text_motion.evaluation import own
from train.text_motion.evaluation.own import OwnEvaluator, Sizes
from train.text_motion.evaluation.retrieval import shares
from train.text_motion.evaluation.rows import examples
from train.text_motion.texts import Caption

torch.set_num_threads(1)
SMALL = Sizes(width=24, outputs=8, steps=40, batch=18, rate=4e-3)


@pytest.fixture(scope="module")
def evaluator() -> OwnEvaluator:
    return own.train(examples(asks(36)), HUMANML3D, vectors, SMALL, 0)


def top1(evaluator: OwnEvaluator) -> float:
    """Of six motions of people it has not seen, one of each text."""
    held = asks(6, seed=500)
    motions = evaluator.motions([ask.motion for ask in held])
    return float(shares(motions, evaluator.texts([ask.caption for ask in held]))[:, 0].mean())


def test_it_learns_what_the_words_are_of(evaluator: OwnEvaluator) -> None:
    fresh = [own.train(examples(asks(36)), HUMANML3D, vectors, Sizes(24, 8, 1, 18, 1e-9), 0) for _ in range(2)]
    assert top1(evaluator) >= 4 / 6 and top1(evaluator) > top1(fresh[0]) + 0.2
    walk = [motion("walk")]
    assert fresh[0].motions(walk) == pytest.approx(fresh[1].motions(walk))
    assert np.linalg.norm(evaluator.motions([motion("walk")])) == pytest.approx(1.0)


def test_texts_that_say_the_same_are_no_negatives() -> None:
    """Two takes of one text: as negatives of each other they could not both be learned."""
    twins = examples(asks(6)) + examples(asks(6, seed=300))
    told: list[str] = []
    own.train(twins, HUMANML3D, vectors, Sizes(16, 8, 100, 12, 6e-3), 0, told.append)
    loss = float(told[-1].rsplit(" ", 1)[1])
    assert loss < 0.55  # a pair of equal texts among negatives would cost ln 2


def test_it_is_kept_as_long_as_the_data_are_the_same(evaluator: OwnEvaluator, tmp_path: Path) -> None:
    path, made = tmp_path / "kept" / "evaluator.safetensors", []

    def make() -> OwnEvaluator:
        made.append(1)
        return evaluator

    for key in ({"data": "a"}, {"data": "a"}, {"data": "b"}):
        found = own.cached(path, key, HUMANML3D, vectors, make)
        assert found.motions([motion("bow")]) == pytest.approx(evaluator.motions([motion("bow")]), abs=1e-6)
        said = [Caption("bow slowly")]
        assert found.texts(said) == pytest.approx(evaluator.texts(said), abs=1e-6)
        assert found.learned == evaluator.learned and len(found.learned) == 36
    assert len(made) == 2
    own.cached(None, {}, HUMANML3D, vectors, make)
    assert len(made) == 3


def names(parts: list[list[own.Example]]) -> list[list[str]]:
    return [[example.take for example in part] for part in parts]


def test_every_take_is_left_out_once() -> None:
    given = examples(asks(12))
    parts = own.parted(given, 0)
    assert [len(part) for part in parts] == [8, 8, 8] and names(parts) != names(own.parted(given, 1))
    for example in given:
        assert sum(example.take in {other.take for other in part} for part in parts) == 2
