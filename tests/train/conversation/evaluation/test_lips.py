"""Measures of lips on mouths that are late, closed, trembling or slow to close by known amounts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.train.conversation.evaluation.toys import case, face_of, mouth, opening
from train.conversation.evaluation import lips, parts
from train.conversation.evaluation.mouth import COLUMNS, NAMES, SPOKEN, aperture, closed_below, measured
from train.conversation.talks.layout import FPS, MOUTH_NAMES
from train.report.intervals import by_group, pooled, weights
from train.simulate.talk import Span

SPANS = [(0.5, 3.5), (4.5, 7.5)]
SECONDS = 9.0
JAW = MOUTH_NAMES.index("jawOpen")


def talk_of(jaw: np.ndarray, bilabials: tuple[int, ...] = ()) -> lips.Talk:
    one = case(face_of(mouth(jaw)), SPANS)
    return dataclasses.replace(parts.lip_talks([one])[one.name], bilabials=np.array(bilabials, int))


def metrics(made: np.ndarray, talk: lips.Talk, mean: np.ndarray | None = None) -> dict[str, float]:
    base = np.repeat(talk.truth[:, : len(MOUTH_NAMES)].mean(0)[None], len(made), 0) if mean is None else mean
    sums, against = ({name: value[None] for name, value in lips.tally(one, talk).sums.items()} for one in (made, base))
    return {name: float(value[0]) for name, value in lips.derive(sums, against).items()}


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.asarray(mouth(opening(SPANS, SECONDS) * np.repeat(rng.uniform(0.6, 1.0, 54), 5)))


@pytest.fixture(scope="module")
def talk(truth: np.ndarray) -> lips.Talk:
    return talk_of(truth[:, JAW])


def test_the_aperture_is_jaw_less_closing_and_the_lips_parting() -> None:
    shown = np.zeros((3, len(MOUTH_NAMES)), np.float32)
    shown[0, JAW] = 0.5
    shown[1, JAW], shown[1, MOUTH_NAMES.index("mouthClose")] = 0.3, 0.4
    shown[1, MOUTH_NAMES.index("mouthUpperUpLeft")] = 0.4
    assert aperture(shown) == pytest.approx([0.5, 0.1, 0.0])
    assert measured(shown).shape == (3, 28) and measured(shown)[0, NAMES.index("aperture")] == 0.5


def test_a_mouth_is_closed_near_the_low_end_of_what_it_does_in_speech() -> None:
    values = np.linspace(0.0, 1.0, 101)
    assert closed_below([values[:50], values[50:]]) == pytest.approx(0.05 + 0.15 * 0.9)


def test_the_truth_itself_is_right_in_everything(truth: np.ndarray, talk: lips.Talk) -> None:
    found = metrics(truth, talk)
    for group in ("jaw", "lips", "closure", "aperture"):
        assert found[f"r_{group}"] == pytest.approx(1.0) and found[f"over_{group}"] == 0.0
    assert found["lag"] == pytest.approx(0.0, abs=0.02) and found["jitter"] == pytest.approx(1.0)
    assert found["closed_shut"] == 1.0 and found["mae"] == 0.0


@pytest.mark.parametrize("late", [-3, 2, 5])
def test_a_mouth_that_is_late_has_that_lag(truth: np.ndarray, talk: lips.Talk, late: int) -> None:
    found = metrics(np.roll(truth, late, 0), talk)
    assert found["lag"] == pytest.approx(late, abs=0.1)
    assert found["r_aperture"] < 0.9 and found["mae"] > 0.01


def test_a_lag_lies_between_frames(truth: np.ndarray, talk: lips.Talk) -> None:
    between = 0.5 * (np.roll(truth, 1, 0) + np.roll(truth, 2, 0))
    assert metrics(between, talk)["lag"] == pytest.approx(1.5, abs=0.1)


def test_a_mouth_that_does_not_follow_has_no_lag(truth: np.ndarray, talk: lips.Talk) -> None:
    noise = np.clip(np.random.default_rng(5).uniform(0.0, 0.3, truth.shape), 0.0, 1.0)
    found = metrics(noise, talk)
    assert np.isnan(found["lag"]) and abs(found["r_aperture"]) < 0.2
    still = metrics(np.zeros_like(truth), talk)
    assert still["r_jaw"] == 0.0 and np.isnan(still["lag"]) and still["jitter"] == 0.0


def test_error_is_told_over_that_of_the_mean(truth: np.ndarray, talk: lips.Talk) -> None:
    mean = np.repeat(truth.mean(0)[None], len(truth), 0)
    half = truth + 0.5 * (mean - truth)
    found = metrics(half, talk, mean)
    assert found["over_mean"] == pytest.approx(0.5) and found["over_jaw"] == pytest.approx(0.5)
    assert metrics(mean, talk, mean)["over_lips"] == pytest.approx(1.0)
    shifted = truth.copy()
    shifted[:, JAW] += 0.25
    assert metrics(shifted, talk)["mae_jaw"] == pytest.approx(0.25, abs=1e-6)
    assert metrics(shifted, talk)["mae_lips"] == 0.0 and metrics(shifted, talk)["r_jaw"] == pytest.approx(1.0)


def test_lips_closed_at_every_onset_score_one_and_luck_is_told(truth: np.ndarray, talk: lips.Talk) -> None:
    onsets = (40, 70, 150, 190)
    told = dataclasses.replace(talk, bilabials=np.array(onsets))
    made = mouth(np.full(len(truth), 0.4))
    made[list(onsets)] = mouth(np.zeros(1))
    found = metrics(made, told)
    assert found["closed_bilabials"] == 1.0
    near = sum(1 for frame in np.flatnonzero(talk.speech) if min(abs(frame - onset) for onset in onsets) <= 3)
    assert found["luck_bilabials"] == pytest.approx(near / talk.speech.sum())
    assert found["gain_bilabials"] == pytest.approx(1.0 - near / talk.speech.sum())
    moved = mouth(np.full(len(truth), 0.4))
    moved[[onset + 4 for onset in onsets]] = mouth(np.zeros(1))
    assert metrics(moved, told)["closed_bilabials"] == 0.0
    moved = np.roll(moved, -1, 0)
    assert metrics(moved, told)["closed_bilabials"] == 1.0
    shut = metrics(np.zeros_like(truth), told)
    assert shut["closed_bilabials"] == 1.0 and shut["gain_bilabials"] == 0.0
    assert np.isnan(metrics(made, talk)["closed_bilabials"])


def test_the_truths_own_closings_in_speech_are_counted(truth: np.ndarray, talk: lips.Talk) -> None:
    shut = lips.shuttings(talk.truth[:, -1], talk)
    assert 18 <= len(shut) <= 24  # four a second in six seconds of speech, those at its end left out
    assert (talk.truth[shut, -1] < talk.below).all() and (talk.truth[shut - 1, -1] >= talk.below).all()
    assert talk.speech[shut].all()
    yawn = talk.truth[:, -1].copy()
    yawn[116:120] = 0.5  # in the silence between two phrases
    assert not talk.speech[110:126].any() and np.array_equal(lips.shuttings(yawn, talk), shut)
    opened = metrics(mouth(np.full(len(truth), 0.5)), talk)
    assert opened["closed_shut"] == 0.0 and opened["gain_shut"] == 0.0


def test_jitter_of_a_doubled_wiggle_is_two(truth: np.ndarray, talk: lips.Talk) -> None:
    assert metrics(2.0 * truth, talk)["jitter"] == pytest.approx(2.0)
    second = np.abs(np.diff(measured(truth)[:, SPOKEN], 2, axis=0)).sum()
    trembling = truth + 0.01 * (np.arange(len(truth)) % 2)[:, None]
    added = np.abs(np.diff(measured(trembling)[:, SPOKEN], 2, axis=0)).sum()
    assert metrics(trembling, talk)["jitter"] == pytest.approx(added / second) and added > second


def test_closing_counts_from_the_end_of_speech() -> None:
    closed = np.zeros(100, bool)
    closed[[14, 60]] = True
    ends = np.array([[10, 30], [40, 55], [60, 100]])
    assert lips.closing(closed, ends).tolist() == [4, 15, 0]
    assert lips.closing(np.zeros(200, bool), np.array([[10, 190]])).tolist() == [lips.LONGEST]


def test_phrases_that_silence_follows_are_watched() -> None:
    one = case(face_of(mouth(opening(SPANS, SECONDS))), SPANS)
    ends = lips.ends_of(one)
    assert ends.shape == (2, 2)
    assert ends[0, 0] == pytest.approx(3.5 * FPS, abs=3) and ends[0, 1] == pytest.approx(4.5 * FPS, abs=3)
    assert ends[1, 1] == one.frames
    late = opening(SPANS, SECONDS)
    late[ends[0, 0] - 2 : ends[0, 0] + 6] = late[ends[1, 0] - 2 : ends[1, 0] + 6] = 0.4
    found = metrics(mouth(late), talk_of(opening(SPANS, SECONDS)))
    assert found["closing_50"] == pytest.approx(6 / FPS) and found["closing_90"] == pytest.approx(6 / FPS)


def test_a_short_pause_is_no_end_of_speech() -> None:
    one = case(face_of(mouth(opening(SPANS, SECONDS))), SPANS)
    one.__dict__["phrases"] = (Span(0.5, 2.0), Span(2.2, 3.0), Span(3.35, 4.0))  # as if they had been found there
    assert lips.ends_of(one).tolist() == [[90, 100], [120, 270]]


def test_quantiles_of_counted_frames() -> None:
    counts = np.zeros((2, 20))
    counts[0, [1, 2, 3, 9]] = 1.0
    assert lips.quantile(counts, 0.5)[0] == 2.0 and lips.quantile(counts, 0.9)[0] == 9.0
    assert np.isnan(lips.quantile(counts, 0.5)[1])


def test_frames_begin_at_their_middle() -> None:
    assert lips.frame_of(np.array([0.0, 0.5 / FPS, 0.6 / FPS, 1.5 / FPS])).tolist() == [0, 0, 1, 1]


def test_stretches_hold_all_of_a_talk(truth: np.ndarray, talk: lips.Talk) -> None:
    told = dataclasses.replace(talk, bilabials=np.array([40, 150]))
    cuts = lips.stretches(len(truth), 3.0)
    assert cuts[0][0] == 0 and cuts[-1][1] == len(truth) and len(cuts) == 3
    whole = lips.tally(truth + 0.01, told).sums
    pieces = [lips.tally(truth[a:b] + 0.01, lips.stretch(told, a, b)) for a, b in cuts]
    summed = pooled(pieces, np.ones((1, len(pieces)))).sums
    for name in ("frames", "off", "bilabials"):
        assert summed[name][0] == pytest.approx(whole[name]), name
    assert summed["closing"][0].sum() == whole["closing"].sum() == 2.0


def test_rows_are_pooled_by_how_often_a_voice_is_drawn(truth: np.ndarray, talk: lips.Talk) -> None:
    good, bad = lips.tally(truth, talk), lips.tally(np.zeros_like(truth), talk)
    tallies = by_group([("a", good), ("b", bad)])
    weight = weights(2, 0, 50)
    sums = pooled(list(tallies.values()), weight).sums
    found = lips.derive(sums, sums)["mae_jaw"]
    assert len(found) == 51 and found[0] == pytest.approx(np.mean(truth[:, JAW]) / 2.0)
    assert np.allclose(found, np.mean(truth[:, JAW]) * weight[:, 1] / 2.0)


def test_channels_that_a_recording_did_not_solve_are_left_out(truth: np.ndarray, talk: lips.Talk) -> None:
    pucker, made = NAMES.index("mouthPucker"), truth.copy()
    made[:, pucker] = 0.9
    partly = dataclasses.replace(talk, solved=np.arange(len(NAMES)) != pucker)
    assert metrics(made, talk)["mae_lips"] > 0.01 and metrics(made, partly)["mae_lips"] == 0.0
    made[:, NAMES.index("mouthFunnel")] += 0.14
    told = len(COLUMNS["lips"]) - 1  # the mean is over those that are told
    assert metrics(made, partly)["mae_lips"] == pytest.approx(0.14 / told)
    nothing = dataclasses.replace(talk, solved=np.zeros(len(NAMES), bool))
    with np.errstate(invalid="ignore"):
        assert np.isnan(metrics(made, nothing)["mae"])
    one = case(face_of(truth), SPANS)
    one = dataclasses.replace(one, solved=np.arange(len(MOUTH_NAMES)) != pucker)
    assert not parts.lip_talks([one])[one.name].solved[pucker] and parts.lip_talks([one])[one.name].solved[-1]
