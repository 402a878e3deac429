"""The hour benchmark: one material at both ends, verdicts that a drift changes and chance does not, faults found."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import hour
from engine.bundle import Bundle
from engine.channels import FACE
from engine.errors import EngineError


def minutes_of(shift: float = 0.0, spread: float = 1.0, kept: float = 0.0, count: int = 60) -> np.ndarray:
    """A measure around 10, ``shift`` higher in the last ten minutes, its noise ``kept`` in part by the next minute."""
    random = np.random.default_rng(3)
    noise = random.standard_normal(count)
    for minute in range(1, count):
        noise[minute] += kept * noise[minute - 1]
    return 10.0 + spread * noise + shift * (np.arange(count) >= count - hour.SPAN)


def verdict(values: np.ndarray) -> str:
    return hour.judged({"nods_per_min": values}, hour.SPAN, hour.SPAN)["nods_per_min"]["verdict"]


def test_both_ends_hear_the_same():
    assert hour.laps(60) == (10, 10)
    for minutes in range(4, 130):
        span, lap = hour.laps(minutes)
        assert minutes % lap == 0 and (minutes - span) % lap == 0 and 2 <= span <= hour.SPAN


def test_chance_is_not_a_difference_and_a_drift_is():
    assert verdict(minutes_of()) == "same"
    assert verdict(minutes_of(spread=10.0)) == "open"
    assert verdict(minutes_of(shift=3.0)) == "differs"
    assert verdict(np.zeros(60)) == "same"


def test_figures_are_those_of_the_pairs():
    values = minutes_of(shift=3.0)
    row = hour.judged({"nods_per_min": values}, 10, 10)["nods_per_min"]
    gap = values[-10:] - values[:10]
    assert row["difference"] == pytest.approx(gap.mean()) and row["low"] < gap.mean() < row["high"]
    assert row["difference"] == pytest.approx(row["last"] - row["first"])
    assert row["margin"] == pytest.approx(values[:10].mean() / 3)
    assert row["size"] > 1.0


def test_moods_that_last_widen_the_interval():
    rows = [hour.judged({"x": minutes_of(kept=kept)}, 10, 10)["x"] for kept in (0.0, 0.8)]
    assert rows[0]["persistence"] < 0.3 < rows[1]["persistence"]
    place = np.tile(np.arange(10.0), 6)  # what comes of the loop's own material is no mood
    assert hour.persistence(place, 10) == 0.0


def test_many_measures_do_not_make_a_difference_by_their_number():
    random = np.random.default_rng(0)
    found = [
        any(
            row["verdict"] == "differs"
            for row in hour.judged({f"m{k}": row for k, row in enumerate(hours)}, 10, 10).values()
        )
        for hours in 10.0 + random.standard_normal((40, 10, 60))
    ]
    assert np.mean(found) < 0.15


def test_faults_are_named():
    spec = Bundle.load("rules").spec
    random = np.random.default_rng(1)
    frames = 100
    good = {item.name: random.uniform(0.0, 0.5, (frames, *item.shape)).astype(item.dtype) for item in spec.outputs}
    assert hour.faults(spec, good) == []
    missing = {**good, "emotion": np.where(np.arange(frames)[:, None] == 7, np.nan, good["emotion"])}
    assert hour.faults(spec, missing) == ["emotion is not finite in 1 frames, first 7"]
    wide = {**good, "emotion": good["emotion"] + 3.0}
    assert hour.faults(spec, wide)[0].startswith("emotion goes from 3")
    still = {**good, "face": good["face"].copy()}
    still["face"][40:60] = still["face"][40]
    assert hour.faults(spec, still) == ["the face stands still for 0.76 s"]


def test_events_are_counted_in_their_minute():
    face = np.random.default_rng(0).normal(0.0, 1e-4, (3000, 58)).astype(np.float32)
    for frame in (100, 700, 1600):
        face[frame : frame + 4, [FACE["eyeBlinkLeft"], FACE["eyeBlinkRight"]]] = 1.0
    face[1500:, FACE["headYaw"]] += 0.1
    ids = np.stack([np.arange(3000) % 4, np.full(3000, 2)], 1)
    found = hour.by_minute({"face": face, "ids": ids}, 25.0, 2)
    assert found["blinks_per_min"].tolist() == [2.0, 1.0]
    assert found["yaw_deg"] == pytest.approx([0.0, np.degrees(0.1)], abs=0.01)
    assert found["code_0"] == pytest.approx([0.25, 0.25]) and found["code_1"] == pytest.approx([1.0, 1.0])
    assert "code_0" not in hour.by_minute({"face": face}, 25.0, 2)


def test_the_built_in_partner_s_voice_and_face_stay_together(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    spec = Bundle.load("rules").spec
    sound, faces = hour.material(spec, 2)
    assert sound.shape == (2 * 60 * spec.sample_rate,) and faces.shape == (3000, 58)
    loud = np.abs(sound.reshape(3000, -1)).mean(1)
    jaw = faces[:, FACE["jawOpen"]]
    together = np.corrcoef(loud, jaw)[0, 1]
    assert together > 0.3 and together > np.corrcoef(loud, np.roll(jaw, 300))[0, 1] + 0.2
    # The second time round is in step as well.
    assert np.corrcoef(loud[1500:2800], jaw[1500:2800])[0, 1] > 0.3


def test_runs_the_bundled_listener(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    assert hour.main(["--minutes", "4", "--counter", "100000000"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["span"], told["broken"], told["differs"]) == (2, [], [])
    assert all(len(series) == 4 for series in told["by_minute"].values())
    assert sum(told["by_minute"]["blinks_per_min"]) > 20


def test_refusals():
    with pytest.raises(EngineError, match="--minutes 3"):
        hour.main(["--minutes", "3"])
