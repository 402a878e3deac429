"""What rows hold: the beat rule hears no further than now, another gesturer is another, samples are the set's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.gesture.evaluation.toys import REST, WHO
from train.gesture.aisle.sampling import write_sample
from train.gesture.evaluation import beat, rows, windowed
from train.gesture.evaluation.cases import Case
from train.gesture.pats import pose
from train.gesture.strokes import find_strokes


def voice(loud: list[float], seconds: float = 12.0) -> np.ndarray:
    """A voice from 1 s to 10 s, louder by 12 dB for 0.15 s from each of ``loud`` on."""
    times = np.arange(round(seconds * 16_000)) / 16_000
    size = np.where((times > 1.0) & (times < 10.0), 0.03, 0.0)
    for at in loud:
        size = np.where((times >= at) & (times < at + 0.15), 0.12, size)
    return (size * np.sqrt(2.0) * np.sin(2 * np.pi * 200 * times)).astype(np.float32)


LOUD = [2.5, 4.2, 6.0, 8.1]


def test_the_beat_rule_strikes_after_each_accent_and_rests_in_silence() -> None:
    made = beat.beat(voice(LOUD), REST, 180)
    apexes = [stroke.apex for stroke in find_strokes(made)]
    assert all(any(0.05 < apex - at < 0.4 for apex in apexes) for at in LOUD) and len(apexes) <= len(LOUD) + 1
    assert np.allclose(made[:15], REST) and np.allclose(made[-12:], REST, atol=1e-6)
    assert np.abs(made[40] - REST)[3].max() > 100.0 and np.allclose(made[:, 6], REST[6])


def test_the_beat_rule_does_not_hear_ahead() -> None:
    whole, cut = voice(LOUD), voice(LOUD)
    cut[5 * 16_000 :] = 0.0
    assert np.array_equal(beat.beat(whole, REST, 180)[:75], beat.beat(cut, REST, 180)[:75])
    assert not np.allclose(beat.beat(whole, REST, 180)[75:], beat.beat(cut, REST, 180)[75:])


def test_accents_count_again_after_the_level_fell() -> None:
    level = np.full(60, -30.0)
    level[10:40] = -20.0  # one long loud stretch is one accent
    assert np.flatnonzero(beat.accents(level)).tolist() == [10]
    level[14:24] = -33.0
    assert np.flatnonzero(beat.accents(level)).tolist() == [10, 24]
    level[14:24] = -20.0
    level[16:18] = -33.0  # sooner than a stroke takes: waits until it may strike
    assert np.flatnonzero(beat.accents(level)).tolist() == [10, 22]


def test_all_rows_hold_all_cases(cases: list[Case]) -> None:
    scales = {persona.name: pose.Scale(np.arange(104.0), np.ones(104)) for persona in WHO}
    found = {row.name: row for row in rows.usual(cases, scales, 0)}
    assert tuple(found) == rows.RESERVED
    assert all(set(row.motions) == {case.name for case in cases} for row in found.values())
    for case in cases:
        shown = {name: row.motions[case.name].points for name, row in found.items()}
        assert all(points.shape == (case.frames, 52, 2) for points in shown.values())
        other = next(one for one in cases if one.talk.name == case.talk.name and one.speaker != case.speaker)
        assert np.array_equal(shown["redraw"], other.truth.points)
        assert np.array_equal(np.sort(shown["shifted"], 0), np.sort(case.truth.points, 0))
        assert not np.array_equal(shown["shifted"], case.truth.points)
        assert np.array_equal(shown["mean pose"][7, 1:, 0], np.arange(1.0, 52.0)) and not shown["mean pose"][:, 0].any()
        assert np.ptp(shown["hold"], axis=0).max() == 0.0
        assert case.truth.joints is not None and case.truth.joints.shape == (case.frames, 27, 3)
        # The points of the set are those of its body in space.
        assert shown["truth"][:, 3] == pytest.approx(shown["knowable"][:, 3], abs=1e3)


def test_cases_know_their_voice_their_person_and_their_words(cases: list[Case]) -> None:
    assert {case.talk.voice for case in cases} == {"v0", "v1", "v2"}
    assert cases[0].person is not None and tuple(cases[0].person) == ("ES2009a", "A")
    assert len(cases[0].phrases) == len(cases[0].utterances) == 4 and len(cases[0].stresses) == 20
    assert cases[0].speaking().mean() == pytest.approx(4 * 3.2 / cases[0].seconds, abs=0.02)


def test_samples_of_the_windowed_generator_are_read_by_interval(cases: list[Case], tmp_path: Path) -> None:
    for case in cases[:2]:
        write_sample(tmp_path / "w", "test", case.speaker, case.name, pose.rows(case.truth.points + 3.0))
    (row,) = windowed.sampled([f"seed={tmp_path / 'w'}"], cases, rows.RESERVED)
    assert row.name == "seed" and row.kind == "offline" and set(row.motions) == {case.name for case in cases[:2]}
    assert row.motions[cases[0].name].points[:, 1:] == pytest.approx(cases[0].truth.points[:, 1:] + 3.0, abs=1e-3)
    write_sample(tmp_path / "w", "test", cases[0].speaker, cases[0].name, pose.rows(cases[0].truth.points[1:]))
    with pytest.raises(EngineError, match="sample that set again"):
        windowed.sampled([f"seed={tmp_path / 'w'}"], cases, rows.RESERVED)
    with pytest.raises(EngineError, match=r"aisle sample --split test` first"):
        windowed.sampled([str(tmp_path / "nothing")], cases, rows.RESERVED)
    with pytest.raises(EngineError, match="--aisle truth: the name is taken"):
        windowed.sampled([f"truth={tmp_path / 'w'}"], cases, rows.RESERVED)
