"""Streams joined of clips: they blend where they are near, and say what is asked for, since when, until when."""

from __future__ import annotations

import numpy as np
import pytest

from models.text_motion.config import TOKEN
from models.text_motion.layout import HUMANML3D
from train.text_motion.joins import BLEND, NOTHING, SHORTEST, Chains, Clip, Joined, join, nearness

WIDTH = HUMANML3D.width
HEIGHT = HUMANML3D.slices["height"].start


def flat(name: str, value: float, text: tuple[int, ...], tokens: int = 20, still: bool = False) -> Clip:
    """A clip all of whose features are ``value``, but for the first, which counts its frames."""
    rows = np.full((TOKEN * tokens, WIDTH), value, np.float32)
    rows[:, 0] = np.arange(len(rows))
    return Clip(name, rows, text, 1.0, still)


def streams(clips: list[Clip], texts: list[str], count: int = 12) -> tuple[list[Joined], Chains]:
    chains = Chains(texts)
    return [join(clips, chains, HUMANML3D, 200, np.random.default_rng(seed)) for seed in range(count)], chains


def test_every_token_has_its_rows_and_what_is_asked() -> None:
    clips = [flat("a", 0.0, (0,)), flat("b", 0.1, (1,)), flat("idle", 0.05, (2,), still=True)]
    made, chains = streams(clips, ["walk", "jump", "stand"])
    for item in made:
        assert len(item.rows) == TOKEN * len(item.text) and len(item.text) >= 200
        assert len(item.since) == len(item.last) == len(item.text)
        assert item.text.min() >= NOTHING and item.text.max() < len(chains.texts)
        begins = np.flatnonzero(item.since == 0)
        assert begins[0] == 0 and (np.diff(item.since)[np.diff(item.since) != 1] < 0).all()
        # What is asked changes only where its clock begins anew.
        changes = np.flatnonzero(np.diff(item.text) != 0) + 1
        assert set(changes) <= set(begins)
        assert (np.diff(begins) >= SHORTEST).all()
        # The last token of a request is followed by another request.
        done = np.flatnonzero(item.last)
        assert set(done + 1) - {len(item.text)} <= set(begins)
        assert (item.text[done] != NOTHING).all()
    assert any(item.last.any() for item in made)


def test_some_are_left_before_their_end_some_idle_and_some_ask_for_two_in_turn() -> None:
    clips = [flat("a", 0.0, (0,)), flat("b", 0.0, (1,)), flat("idle", 0.0, (2,), still=True)]
    made, chains = streams(clips, ["a person walks.", "a person jumps.", "stand"])
    begins = [np.flatnonzero(item.since == 0) for item in made]
    ended = sum(int(item.last[first[1:] - 1].sum()) for item, first in zip(made, begins, strict=True))
    asked = sum(int((item.text[first[1:] - 1] != NOTHING).sum()) for item, first in zip(made, begins, strict=True))
    assert 0.4 * asked < ended < 0.85 * asked
    assert any((item.text == NOTHING).any() for item in made)
    pairs = {text for item in made for text in item.text if text > 2}
    assert pairs and all(", then " in chains.texts[number] for number in pairs)


def test_a_clip_without_texts_is_one_of_which_nothing_is_asked() -> None:
    made, _ = streams([flat("a", 0.0, ())], [], 2)
    assert all((item.text == NOTHING).all() and not item.last.any() for item in made)


def test_joins_blend_and_leave_no_leap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.text_motion.joins.CANDIDATES", 1)  # else the one that is alike is always taken
    clips = [flat("low", 0.0, (0,)), flat("high", 1.0, (1,))]
    made, _ = streams(clips, ["low", "high"], 6)
    for item in made:
        heights = item.rows[:, HEIGHT]
        steps = np.abs(np.diff(heights))
        assert steps.max() <= 1.0 / (BLEND + 1.0) + 1e-6
        assert heights.min() == 0.0 and heights.max() == 1.0


def test_of_many_the_nearest_pose_is_entered() -> None:
    there = flat("there", 0.0, (0,))
    clip = flat("other", 3.0, (1,), tokens=40)
    clip.rows[30:34, 1:] = 0.0  # the only place that looks like the first
    chains = Chains(["a", "b"])
    item = join([there, clip], chains, HUMANML3D, 400, np.random.default_rng(0))
    entered = [float(item.rows[TOKEN * k + BLEND, 0]) for k in np.flatnonzero(item.text[1:] != item.text[:-1]) + 1]
    assert entered and np.isfinite(entered).all()
    slightly = flat("slightly", 0.0, (1,), tokens=40)
    slightly.rows[:40, 1:] = 0.01  # hardly farther, and nothing of the clip is lost
    late = join([there, slightly], Chains(["a", "b"]), HUMANML3D, 400, np.random.default_rng(1))
    begun = [late.rows[TOKEN * k + BLEND, 0] for k in np.flatnonzero((late.since == 0) & (late.text == 1))]
    assert begun and max(begun) == BLEND
    weights = nearness(HUMANML3D)
    assert weights[HUMANML3D.slices["ric"]].all() and not weights[HUMANML3D.slices["rot6d"]].any()


def test_a_heavier_clip_is_drawn_more_often() -> None:
    light = flat("light", 0.0, (0,))
    heavy = Clip("heavy", flat("x", 0.0, (1,)).rows, (1,), 8.0, False)
    made, _ = streams([light, heavy], ["light", "heavy"], 8)
    texts = np.concatenate([item.text for item in made])
    assert (texts == 1).sum() > 1.5 * (texts == 0).sum()


@pytest.mark.parametrize("second", ["someone jumps", "the person jumps.", "jumps"])
def test_two_texts_in_turn_are_one_sentence(second: str) -> None:
    chains = Chains(["a man walks.", second])
    number = chains.number(0, 1)
    assert number == 2 and chains.number(0, 1) == 2
    assert chains.texts[2] == "a man walks, then jumps"
