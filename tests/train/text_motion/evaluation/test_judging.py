"""Who may judge: a copied take is judged by the evaluator that did not learn from it, all else by every one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from tests.train.text_motion.evaluation.toys import asks
from train.text_motion.evaluation import rows
from train.text_motion.evaluation.judging import Embedded, judged
from train.text_motion.texts import Caption

ASKS = asks(6)


@dataclass
class Fixed:
    """Knows each motion by its length; wrong by one place of ``turn``."""

    turn: int
    learned: Collection[str] = field(default_factory=frozenset)
    about = "a toy"

    def motions(self, motions: Sequence[np.ndarray]) -> np.ndarray:
        return np.array([np.eye(6)[(len(motion) - 50 + self.turn) % 6] for motion in motions])

    def texts(self, captions: Sequence[Caption]) -> np.ndarray:
        places = [[ask.text for ask in ASKS].index(caption.text) for caption in captions]
        return np.eye(6)[places]


def found(*evaluators: Fixed, row: rows.MotionRow | None = None) -> dict[str, np.ndarray]:
    row = row or rows.truth(ASKS)
    return judged(row, ASKS, [Embedded.of(one, ASKS, [row]) for one in evaluators], 6, 0)


def test_every_evaluator_judges_what_nobody_learned() -> None:
    right, wrong = found(Fixed(0)), found(Fixed(1))
    assert (right["hits"] == right["dealt"][:, None]).all() and (right["matching"] == 1.0).all()
    assert (wrong["hits"][:, 0] == 0.0).all() and wrong["distance"] == pytest.approx(np.full(6, 2.0**0.5))
    both = found(Fixed(0), Fixed(1))
    assert (both["judged"] == 2.0).all() and (both["hits"][:, 0] * 2 == both["dealt"]).all()


def test_a_copy_is_judged_by_who_did_not_learn_it() -> None:
    copies = replace(rows.truth(ASKS), sources={number: ask.group for number, ask in enumerate(ASKS)})
    learned = frozenset(ask.group for ask in ASKS)
    alone = found(Fixed(0, learned), Fixed(1), row=copies)
    assert (alone["judged"] == 1.0).all() and (alone["hits"][:, 0] == 0.0).all()
    nobody = found(Fixed(0, learned), row=copies)
    assert not nobody["judged"].any() and not nobody["dealt"].any()
    some = found(Fixed(0, frozenset([ASKS[2].group])), row=copies)
    assert some["judged"].tolist() == [1, 1, 0, 1, 1, 1]
