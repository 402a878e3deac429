"""The table of timing is what AMI's training people do, reads as it was written, and is refused when it is none."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from train.simulate.gestures.measure import measure
from train.simulate.gestures.timing import STATES, TABLE, TimingTable, measured


def test_the_table_holds_what_is_known_of_people() -> None:
    table = measured()
    assert "CC BY 4.0" in table.source and "training people" in table.source
    for timing in (table.hand, table.nod):
        assert tuple(timing.rate) == STATES
        assert timing.rate["speech"] > 3 * max(timing.rate["others"], timing.rate["silence"])
        assert timing.lift["content"] > 1 > timing.lift["function"]
        assert list(timing.seconds) == sorted(timing.seconds)
    assert abs(table.nod.phase["middle"].mean) < 0.1 < table.nod.phase["middle"].spread < 0.25
    assert sum(table.hand.hands.values()) == pytest.approx(1.0, abs=0.01)


def test_a_table_reads_as_it_was_written(tmp_path: Path) -> None:
    measured().write(tmp_path / "again.json")
    assert TimingTable.read(tmp_path / "again.json") == measured()
    assert (tmp_path / "again.json").read_bytes() == TABLE.read_bytes()


@pytest.mark.parametrize("text", ["", "{}", '{"source": "", "hand": 1, "nod": {}}', "[1]"])
def test_what_is_no_table_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(EngineError, match=r"bad\.json is no table of timing .* writes one"):
        TimingTable.read(tmp_path / "bad.json")


def test_durations_are_drawn_as_people_have_them() -> None:
    rng = np.random.default_rng(0)
    timing = measured().nod
    drawn = np.array([timing.draw_seconds(rng) for _ in range(2000)])
    assert drawn.min() >= timing.seconds[0] and drawn.max() <= timing.seconds[-1]
    assert np.median(drawn) == pytest.approx(timing.seconds[2], rel=0.1)


@pytest.mark.slow
def test_the_table_is_what_the_corpus_gives(tmp_path: Path) -> None:
    data = os.environ.get("ENGINE_DATA")
    if not data:
        pytest.skip("ENGINE_DATA is not set")
    measure(Path(data)).write(tmp_path / "measured.json")
    assert (tmp_path / "measured.json").read_bytes() == TABLE.read_bytes()
