"""The step benchmark counts right and ends with one JSON line; the dispatcher lists what there is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import available, main
from benchmarks.step import chained, copier, executed_nodes, moved_bytes
from engine.bundle import Bundle
from tests.export.tiny import HOP, TAIL, WIDTH, WINDOW, exported, tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return tiny_bundle(tmp_path_factory.mktemp("tiny"))


def test_prints_the_terms_and_ends_with_json(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    assert main(["step", "--bundle", str(bundle.path), "--frames", "30", "--batches", "1", "3"]) == 0
    *table, last = capsys.readouterr().out.strip().splitlines()
    figures = json.loads(last)
    assert figures["benchmark"] == "step"
    assert figures["machine"]["cores"] >= 1
    assert [row["batch"] for row in figures["batches"]] == [1, 3]
    for row in figures["batches"]:
        assert row["frames"] == 30
        assert row["floor_us"] == pytest.approx(row["memory_us"] + row["nodes_us"])
        assert row["nodes_us"] == pytest.approx(row["nodes"] * row["empty_node_us"])
        assert row["ratio"] == pytest.approx(row["p50_us"] / row["floor_us"])
        assert row["streams_per_core"] == pytest.approx(row["batch"] * 40_000 / row["p50_us"])
        assert row["p50_us"] <= row["p99_us"] <= row["max_us"]
    assert sum("floor" in line for line in table) == 2


def test_bytes_are_those_of_the_spec(bundle: Bundle):
    inputs, outputs = 4 * (HOP + 58 + 1 + 1 + 1), 4 * 4 + 8 + 4
    state = 2 * (4 * TAIL + 8) + 2 * 4 * (WINDOW + 1) * WIDTH
    assert moved_bytes(bundle, 5) - moved_bytes(bundle, 1) == 4 * (inputs + outputs + state)
    weights = 4 * (WIDTH * (TAIL + 1) + WIDTH + 58 * WIDTH + WIDTH + 2 * WIDTH * 4 + 4)
    assert moved_bytes(bundle, 1) - (inputs + outputs + state) >= weights


def test_launched_nodes_are_at_most_those_of_the_file(bundle: Bundle):
    assert 10 < executed_nodes(bundle, 1) <= sum(exported().nodes.values())


def test_yardsticks_measure_something():
    assert copier(1 << 24)() > copier(1 << 10)() > 0
    assert max(chained()() for _ in range(5)) > 0


def test_dispatcher_lists_and_refuses(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert "step" in available()
    assert not {"__main__", "machine"} & set(available())
    for arguments, reason in (
        ([], "give one of: "),
        (["nothing"], "no benchmark 'nothing'; give one of: "),
        (["machine"], "no benchmark 'machine'"),
        (["step", "--bundle", str(tmp_path / "none")], "benchmarks step: no bundle"),
        (["step", "--frames", "0"], "at least 1"),
    ):
        assert main(arguments) == 2
        assert reason in capsys.readouterr().err
