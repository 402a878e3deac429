"""Events and the cues they answer: at a row's own rate, and at the truth's, where no rate wins anything."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.train.reaction.evaluation.talks import listener, talk
from train.reaction.evaluation import timing
from train.reaction.evaluation.measures import Against, metrics
from train.reaction.evaluation.scene import NOD_WINDOW_S, Scene, merged
from train.reaction.evaluation.tally import tally
from train.reaction.evaluation.timing import answered, f1, matched_f1
from train.report.intervals import Tally, interval, pooled, weights

ONE = np.ones((1, 1))
CUES = np.arange(10.0, 1190.0, 7.0)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene.of(talk("anna", 1))


def counted(times: np.ndarray, cues: np.ndarray = CUES, seconds: float = 1200.0, seed: int = 0) -> Tally:
    found = timing.counts("nod", np.sort(times), cues, NOD_WINDOW_S, seconds, np.random.default_rng(seed))
    return Tally({"minutes": np.array(seconds / 60.0), **found}, {})


def one(times: np.ndarray) -> Tally:
    return pooled([counted(times)], ONE)


def some(rng: np.random.Generator, right: float, strays: int) -> np.ndarray:
    """Nods on a share of the cues, and strays anywhere."""
    return np.concatenate([CUES[rng.random(len(CUES)) < right] + 0.4, rng.uniform(0.0, 1200.0, strays)])


def test_as_many_cues_are_answered_as_can_be() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        cues, times = np.sort(rng.uniform(0, 8, 4)), np.sort(rng.uniform(0, 8, 4))
        fits = (times[:, None] - cues >= NOD_WINDOW_S[0]) & (times[:, None] - cues <= NOD_WINDOW_S[1])
        most = max(sum(fits[i, j] for i, j in enumerate(order)) for order in itertools.permutations(range(4)))
        assert answered(times, cues, NOD_WINDOW_S) == (fits.any(1).sum(), most)


def test_two_nods_on_one_cue_answer_one_cue_and_are_both_in_place() -> None:
    assert answered(np.array([10.2, 11.1]), np.array([10.0, 20.0]), NOD_WINDOW_S) == (2, 1)
    assert answered(np.array([]), np.array([10.0]), NOD_WINDOW_S) == (0, 0)
    assert merged([5.0, 5.3, 5.4, 6.0, 9.0]).tolist() == [5.0, 6.0, 9.0]


def test_windows_that_overlap_are_covered_once() -> None:
    assert timing.covered(np.array([0.1, 5.0, 6.0, 9.5]), (-0.3, 1.3), 10.0) == pytest.approx(1.4 + 2.6 + 0.8)
    assert timing.covered(np.array([]), (-0.3, 1.3), 10.0) == 0.0


def test_f1_is_one_for_a_nod_on_every_cue_and_its_timing_is_worth_something(scene: Scene) -> None:
    def played(nods: np.ndarray, smiles: np.ndarray) -> Tally:
        face = listener(np.random.default_rng(1), 60.0, nods.tolist(), smiles.tolist())
        return pooled([tally(face, scene, np.random.default_rng(0))], ONE)

    perfect = played(scene.nod_cues + 0.4, scene.smile_cues + 0.4)
    assert f1(perfect, "nod")[0] == pytest.approx(1.0)
    assert f1(perfect, "smile")[0] == pytest.approx(1.0)
    assert f1(perfect, "nod", "chance_")[0] < 0.6
    late = played(scene.nod_cues + 2.0, np.array([]))
    assert f1(late, "nod")[0] < 0.3 and f1(late, "smile")[0] == 0.0


def test_at_its_own_rate_the_truth_keeps_its_score() -> None:
    truth = one(some(np.random.default_rng(0), 0.5, 20))
    assert matched_f1(truth, truth, "nod")[0] == pytest.approx(f1(truth, "nod")[0])
    more = counted(some(np.random.default_rng(1), 0.9, 60))
    once, thrice = (pooled([more] * samples, np.ones((1, samples))) for samples in (1, 3))  # answers of one talk
    assert matched_f1(thrice, truth, "nod")[0] == pytest.approx(matched_f1(once, truth, "nod")[0])
    assert timing.KEPT[-1] == 1.0 and timing.ADDED[0] == 0.0


@pytest.mark.parametrize("share", [0.25, 0.55])
def test_more_nods_of_the_same_timing_score_the_same_once_they_are_thinned(share: float) -> None:
    """Against an answer that really nods so much: thinned is what it would be."""
    rng = np.random.default_rng(1)
    found, expected = [], []
    for _ in range(12):
        nods = some(rng, 0.9, 60)
        truth = one(rng.uniform(0.0, 1200.0, round(share * len(nods))))
        found.append(matched_f1(one(nods), truth, "nod")[0])
        expected.append(f1(one(rng.permutation(nods)[: round(share * len(nods))]), "nod")[0])
    assert np.mean(found) == pytest.approx(np.mean(expected), abs=0.02)


def test_missing_nods_count_as_nods_at_random_moments() -> None:
    rng = np.random.default_rng(2)
    found, expected = [], []
    for _ in range(12):
        nods = some(rng, 0.2, 10)
        strays = rng.uniform(0.0, 1200.0, 70)
        found.append(matched_f1(one(nods), one(np.concatenate([nods, strays])), "nod")[0])
        expected.append(f1(one(np.concatenate([nods, strays])), "nod")[0])
    assert np.mean(found) == pytest.approx(np.mean(expected), abs=0.02)


def test_neither_much_nodding_nor_none_wins_skill_at_the_truths_rate() -> None:
    rng = np.random.default_rng(3)
    truth, redraw = (one(some(rng, 0.45, 15)) for _ in range(2))
    random = one(rng.uniform(0.0, 1200.0, 95))

    def skill(times: np.ndarray, score) -> float:  # type: ignore[no-untyped-def]
        row, chance, ceiling = (score(each)[0] for each in (one(times), random, redraw))
        return float((row - chance) / (ceiling - chance))

    def matched(row: Tally) -> np.ndarray:
        return matched_f1(row, truth, "nod")

    def raw(row: Tally) -> np.ndarray:
        return f1(row, "nod")

    so_so, much = some(rng, 0.3, 50), some(rng, 0.8, 133)  # the same share of right ones, at 2.7 times the rate
    assert skill(much, raw) > skill(so_so, raw) + 0.3
    assert skill(much, matched) == pytest.approx(skill(so_so, matched), abs=0.12)
    everywhere = np.arange(0.0, 1200.0, 0.9)
    assert skill(everywhere, raw) > 0.3
    assert skill(everywhere, matched) == pytest.approx(0.0, abs=0.15)
    assert skill(np.array([]), raw) < -0.5
    assert skill(np.array([]), matched) == pytest.approx(0.0, abs=0.15)
    few = CUES[::9] + 0.4  # only when it is sure
    assert 0.1 < skill(few, matched) < 0.6


def test_the_rate_is_matched_in_every_draw_and_by_counts_alone() -> None:
    rng = np.random.default_rng(4)
    rows = [counted(some(rng, 0.7, 20 * k), seed=k) for k in range(4)]
    truths = [counted(some(rng, 0.5, 10), seed=k) for k in range(4)]
    weight = weights(4, 0)
    found = matched_f1(pooled(rows, weight), pooled(truths, weight), "nod")
    draw = 17
    repeated = [index for index, times in enumerate(weight[draw]) for _ in range(int(times))]
    row, truth = (pooled([group[index] for index in repeated], np.ones((1, 4))) for group in (rows, truths))
    assert found[draw] == pytest.approx(matched_f1(row, truth, "nod")[0])
    low, high = interval(found)
    assert low < found[0] < high


def test_the_moves_of_a_rows_own_chance_do_not_hang_on_how_often_others_nod(scene: Scene) -> None:
    """The draws of thinning are its own, so that rows that nod alike have the same chance."""
    rng = np.random.default_rng(5)
    timing.counts("nod", CUES[:3], CUES, NOD_WINDOW_S, 1200.0, rng)
    after_few = rng.random()
    rng = np.random.default_rng(5)
    timing.counts("nod", CUES, CUES, NOD_WINDOW_S, 1200.0, rng)
    assert rng.random() == after_few


def test_metrics_hold_skill_at_both_rates(scene: Scene) -> None:
    rng = np.random.default_rng(6)
    often = np.sort(np.concatenate([scene.nod_cues + 0.4, np.arange(1.0, 58.0, 2.5)]))
    faces = [listener(rng, 60.0, nods, []) for nods in (often, scene.nod_cues + 0.5, scene.nod_cues[::2] + 0.6)]
    much, truth, redraw = (pooled([tally(face, scene, np.random.default_rng(0))], ONE) for face in faces)
    random = pooled([tally(listener(rng, 60.0, [7.0, 21.0, 33.0, 45.0], []), scene, rng)], ONE)
    found = metrics(much, Against(truth, redraw, random, random))
    score, chance, ceiling = (matched_f1(row, truth, "nod")[0] for row in (much, random, redraw))
    assert found["nod_matched"][0] == pytest.approx((score - chance) / (ceiling - chance))
    assert found["nod_matched"][0] < found["nod_skill"][0]
    assert found["nods"][0] == much.sums["nod.events"][0]
