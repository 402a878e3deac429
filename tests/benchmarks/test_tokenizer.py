"""The tokenizer benchmark: it tells a faithful code from a coarse one, on a set made on the spot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import tokenizer
from train.__main__ import main as train


def test_default_ids_keep_movement_that_the_single_id_loses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    # Fitted on one talk alone, both would saturate at the seats of others.
    assert train(["simulate", str(tmp_path / "d"), "--talks", "6", "--minutes", "1", "--listeners", "2"]) == 0
    assert tokenizer.main(["--data", str(tmp_path / "d"), "--listeners", "2"]) == 0
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["tokenizers"]
    default, ais = (rows[name]["parts"] for name in ("default", "ais"))
    for part in ("head rotation", "head translation"):
        assert default[part]["jerk_ratio"] < 0.5 * ais[part]["jerk_ratio"]
        assert default[part]["relative_error"] < 0.5 * ais[part]["relative_error"]
    assert sum(head["codes"] for head in rows["ais"]["heads"].values()) == 1000
