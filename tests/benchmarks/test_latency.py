"""The latency benchmark runs a real engine and a real subscriber and accounts for every frame."""

from __future__ import annotations

import json

import pytest

from benchmarks import latency


def test_every_frame_is_accounted_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert latency.main(["--seconds", "3"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["frames"] + told["missed"] >= 60
    assert told["ms"]["capture to receive"]["p50"] >= told["ms"]["capture to publish"]["p50"] > 0.0
    assert told["algorithmic_ms"] == {"frame_quantisation": 40.0, "lookahead": 0.0}


def test_an_engine_that_cannot_start_is_told() -> None:
    with pytest.raises(SystemExit, match="ended with code 2"):
        latency.main(["--seconds", "1", "--bundle", "no-such-bundle"])
