"""Histograms against numpy's quantiles, and counters by flag."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.publish import to_json
from engine.stats import STAGES, Buckets, Histogram, Offsets, Stats
from engine.wire import Flag

SPAN_NS = st.integers(1_000, 60_000_000_000)


@given(st.lists(SPAN_NS, min_size=1, max_size=300), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_quantiles_are_within_one_percent(durations: list[int], share: float) -> None:
    histogram = Histogram()
    for duration in durations:
        histogram.add(duration)
    exact = np.quantile(durations, share, method="inverted_cdf") / 1e6
    assert exact * 0.999999 <= histogram.quantile_ms(share) <= exact * 1.0101
    assert histogram.summary()["max"] == max(durations) / 1e6
    assert histogram.count == len(durations)


@given(st.lists(st.integers(-(10**18), 10**18), max_size=50))
def test_any_duration_is_counted_and_quantiles_keep_their_order(durations: list[int]) -> None:
    histogram = Histogram()
    for duration in durations:
        histogram.add(duration)
    values = list(histogram.summary().values())
    assert histogram.count == len(durations)
    if durations:
        assert values == sorted(values)
        assert 0.0 <= values[0] <= values[-1] == max(0, *durations) / 1e6
    else:
        assert all(math.isnan(value) for value in values)


def test_memory_does_not_depend_on_what_was_counted() -> None:
    histogram = Histogram()
    before = histogram._counts.nbytes
    for duration in range(1, 200_000, 7):
        histogram.add(duration * 1000)
    assert histogram._counts.nbytes == before


def test_counters_follow_the_flags() -> None:
    stats = Stats()
    for flags in (Flag(0), Flag.LATE | Flag.SILENT, Flag.HELD, Flag.NO_FACE | Flag.BAD_INPUT, Flag.LATE):
        stats.add(flags)
    stats.miss(3)
    stats.miss(7)
    stats.miss(2)
    counted = {name: value for name, value in stats.to_dict().items() if isinstance(value, int)}
    assert counted == {
        "frames": 5,
        "late": 2,
        "held": 1,
        "missed": 12,
        "longest_miss": 7,
        "silent": 1,
        "no_face": 1,
        "bad_input": 1,
    }


def test_an_empty_session_has_a_table_and_plain_json() -> None:
    stats = Stats()
    assert "nan" not in stats.table()
    assert stats.table().count("-") == 4 * len(STAGES)
    read = json.loads(to_json(stats.to_dict()), parse_constant=pytest.fail)
    assert read["stages_ms"]["step"] == {"p50": None, "p95": None, "p99": None, "max": None}


def test_the_table_names_stages_counts_and_the_last_failure() -> None:
    stats = Stats(last_error="RuntimeError: no luck")
    stats.add(Flag.LATE)
    stats.stages["step"].add(1_500_000)
    lines = stats.table().splitlines()
    assert next(line for line in lines if line.split()[0] == "step").split() == ["step", *["1.50"] * 4]
    assert "frames 1   late 1   held 0" in stats.table()
    assert lines[-1] == "last failure of a step: RuntimeError: no luck"
    assert stats.to_dict()["last_error"] == "RuntimeError: no luck"


SIGNED_NS = st.one_of(SPAN_NS, SPAN_NS.map(lambda duration: -duration))


@given(st.lists(SIGNED_NS, min_size=1, max_size=200), st.sampled_from([0.0, 0.05, 0.5, 0.95, 1.0]))
def test_quantiles_of_offsets_keep_their_sign_and_are_within_one_percent(offsets: list[int], share: float) -> None:
    counted = Offsets()
    for offset in offsets:
        counted.add(offset)
    exact = float(np.quantile(offsets, share, method="inverted_cdf")) / 1e6
    assert counted.quantile_ms(share) == pytest.approx(exact, rel=0.0102)
    told = counted.summary()
    assert told["min"] * (1 - 0.0102 * np.sign(told["min"])) <= told["p50"] <= told["p95"] <= told["p99"] <= told["max"]
    assert told["max"] == pytest.approx(max(offsets) / 1e6, rel=0.0102) and counted.count == len(offsets)
    assert told["min"] == pytest.approx(min(offsets) / 1e6, rel=0.0102)


def test_an_av_offset_stands_in_table_and_numbers_of_those_that_hear_themselves_alone() -> None:
    with_voice, without = Stats(av_offset=Offsets()), Stats()
    assert with_voice.av_offset is not None
    assert "av_offset_ms" not in without.to_dict() and "A/V offset" not in without.table()
    assert json.loads(to_json(with_voice.to_dict()))["av_offset_ms"]["p50"] is None
    for milliseconds in (-20, 10, 30):
        with_voice.av_offset.add(milliseconds * 1_000_000)
    told = with_voice.to_dict()["av_offset_ms"]
    assert isinstance(told, dict) and (told["min"], told["max"]) == (-20.0, 30.0)
    line = next(line for line in with_voice.table().splitlines() if "A/V offset" in line)
    assert [float(number) for number in line.split()[2:]] == pytest.approx([10.0, 30.0, 30.0, 30.0], rel=0.0102)


def test_buckets_count_up_to_each_bound() -> None:
    buckets = Buckets((-0.1, 0.0, 0.045))
    for value in (-0.2, -0.1, -0.01, 0.0, 0.045, 0.046):
        buckets.add(value)
    rows, total = buckets.rows()
    assert rows == [("-0.1", 2.0), ("0.0", 4.0), ("0.045", 5.0), ("+Inf", 6.0)]
    assert total == pytest.approx(-0.219)
