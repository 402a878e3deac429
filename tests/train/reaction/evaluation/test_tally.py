"""What is counted on one answer, and what the counts become: hazards, rates, jerk, looks, intervals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.channels import FACE
from tests.train.reaction.evaluation.talks import MemoryTalk, listener, talk
from train.reaction.evaluation import measures
from train.reaction.evaluation.measures import Against
from train.reaction.evaluation.scene import Scene
from train.reaction.evaluation.tally import Tally, tally
from train.report import events, hazard
from train.report.intervals import interval, pooled, weights
from train.simulate.talk import FPS, Cue, Span

ONE = np.ones((1, 1))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene.of(talk("anna", 1))


def counted(face: np.ndarray, scene: Scene) -> Tally:
    return pooled([tally(face, scene, np.random.default_rng(0))], ONE)


def selfsame(found: Tally) -> dict[str, np.ndarray]:
    """The metrics of a row held against itself."""
    return measures.metrics(found, Against(*[found] * 4))


def test_the_hazards_peak_where_the_nods_are(scene: Scene) -> None:
    ends = [cue.time_s for cue in scene.cues if cue.kind in ("pause", "question")]
    assert scene.phrase_ends.tolist() == ends
    cues = [Cue("low", 14.0, 1.0), *scene.cues]
    alone = Scene.of(replace(scene.talk, invitations=cues))
    face = listener(np.random.default_rng(2), 60.0, [14.6, *(scene.phrase_ends + 0.6)], [])
    found = counted(face, alone)
    for name, moments in (("cues", alone.nod_cues), ("phrases", alone.phrase_ends)):
        curve = hazard.curve(found, name)[0]
        starts = np.array(events.nods(face, FPS))
        lags = [time - cue for cue in moments for time in starts if 0.0 < time - cue < 1.3]
        assert abs(hazard.CENTRES[curve.argmax()] - np.median(lags)) < 0.25
        assert found.sums[f"{name}.minutes"].max() == pytest.approx(len(moments) * hazard.BIN_S / 60.0, rel=0.05)
    assert len(alone.nod_cues) == len(alone.phrase_ends) + 1


def test_the_hazard_of_the_same_nods_elsewhere_is_far(scene: Scene) -> None:
    rng = np.random.default_rng(2)
    truth, again, elsewhere, none = (
        counted(listener(rng, 60.0, nods, []), scene)
        for nods in (scene.nod_cues + 0.5, scene.nod_cues + 0.5, (scene.nod_cues + 30.0) % 58.0, [])
    )
    against = Against(truth, truth, none, elsewhere)
    good, wrong, still = (measures.metrics(row, against) for row in (again, elsewhere, none))
    for name in ("cues", "phrases"):
        assert good[f"hazard_{name}"][0] < 0.3 * wrong[f"hazard_{name}"][0]
        assert wrong[f"hazard_{name}_share"][0] == 1.0
        assert good[f"hazard_{name}_share"][0] == pytest.approx(good[f"hazard_{name}"][0] / wrong[f"hazard_{name}"][0])
        assert still[f"hazard_{name}"][0] > 0.2 * hazard.curve(truth, name)[0].max()


def test_smoothing_lowers_jerk_and_noise_raises_it(scene: Scene) -> None:
    face = scene.listener(scene.references[0]).face
    kernel = np.ones(7) / 7
    smooth = np.apply_along_axis(lambda x: np.convolve(np.pad(x, 3, "edge"), kernel, "valid"), 0, face)
    noisy = face + np.random.default_rng(4).normal(0, 0.004, face.shape).astype(np.float32)
    truth = counted(face, scene)
    metrics = {
        name: measures.metrics(counted(one, scene), Against(*[truth] * 4))
        for name, one in (("same", face), ("smooth", smooth.astype(np.float32)), ("noisy", noisy))
    }
    for part in ("rotation", "translation", "face", "lids"):
        assert metrics["same"][f"jerk_{part}"][0] == pytest.approx(1.0)
        assert metrics["smooth"][f"jerk_{part}"][0] < 0.99
        assert metrics["noisy"][f"jerk_{part}"][0] > 1.3
    assert metrics["smooth"]["nod_band"][0] < 1.0 < metrics["noisy"]["nod_band"][0]
    assert metrics["same"]["spectrum_head_db"][0] == 0.0 < metrics["noisy"]["spectrum_head_db"][0]


def test_nods_are_counted_where_they_fall() -> None:
    made = talk("bea", 2)
    cues, phrases = [Cue("pause", 10.0, 1.0)], [Span(2.0, 10.0), Span(20.0, 30.0)]
    alone = MemoryTalk("bea", "plain", made.pcm, made.speaker, made.faces, cues, phrases, [Span(40.0, 50.0)])
    scene = Scene.of(alone)
    face = listener(np.random.default_rng(5), 60.0, [4.0, 10.4, 22.0, 25.0, 35.0, 44.0], [])
    got = selfsame(counted(face, scene))
    assert got["nods_cued"][0] == pytest.approx(60 / 4, rel=0.05)  # 8 s to 12 s
    assert got["nods_cue_free"][0] == pytest.approx(3 * 60 / 16, rel=0.05)  # 2 s to 8 s, 20 s to 30 s
    assert got["nods_own"][0] == pytest.approx(60 / 10, rel=0.05)
    assert got["nods_silence"][0] == pytest.approx(60 / 30, rel=0.05)  # 0-2, 12-20, 30-40, 50-60
    assert np.isnan(got["smiles_cued"][0])


def test_blink_intervals_and_dwells_are_those_put_there(scene: Scene) -> None:
    face = np.zeros((1500, 58), np.float32)
    for start in range(50, 1450, 75):
        face[start : start + 4, [FACE["eyeBlinkLeft"], FACE["eyeBlinkRight"]]] = 1.0
        face[start + 20 : start + 40, FACE["headYaw"]] = 0.3
    got = selfsame(counted(face, scene))
    assert got["blink_median_s"][0] == pytest.approx(3.0) and got["blink_cv"][0] == pytest.approx(0.0, abs=1e-6)
    assert got["dwell_away_s"][0] == pytest.approx(0.8) and got["dwell_towards_s"][0] == pytest.approx(2.2)
    assert got["gaze_away"][0] == pytest.approx(19 * 20 / 1500)
    assert got["look_short"][0] == 0.0


def test_looks_of_less_than_three_tenths_are_short(scene: Scene) -> None:
    face = np.zeros((1500, 58), np.float32)
    for start, frames in ((100, 3), (200, 7), (300, 8), (400, 20)):
        face[start : start + frames, FACE["headYaw"]] = 0.3
    assert selfsame(counted(face, scene))["look_short"][0] == 0.5


def test_drift_is_the_way_of_the_mean_and_no_passing_lean(scene: Scene) -> None:
    face = np.zeros((1500, 58), np.float32)
    face[:, FACE["headY"]] = 0.5  # where it sits
    face[100:150, FACE["headZ"]] = 0.2  # a lean of two seconds, 2 cm on the mean of twenty
    leaning = counted(face, scene)
    assert selfsame(leaning)["drift"][0] == pytest.approx(2.0)
    face[900:1500, FACE["headX"]] = -0.09
    gone = counted(face, scene)
    assert selfsame(gone)["drift"][0] == pytest.approx(9.0)
    both = leaning + gone
    assert selfsame(both)["drift"][0] == pytest.approx(5.5) and selfsame(both)["drift_most"][0] == pytest.approx(9.0)
    assert events.drift(face[:250], FPS) == pytest.approx(0.2 * 50 / 250)  # shorter than 20 s: the whole


def test_ends_are_compared_in_long_talks_only(scene: Scene) -> None:
    assert np.isnan(selfsame(counted(scene.listener("listener0").face, scene))["ends_nods"][0])
    made = talk("cleo", 3)
    long = listener(np.random.default_rng(6), 1200.0, np.arange(5.0, 600.0, 10.0).tolist(), [])
    pcm = np.zeros(len(long) * 640, np.float32)
    endless = MemoryTalk("cleo", "long", pcm, long, {"a": long, "b": long}, list(made.invitations), made.phrases)
    got = selfsame(counted(long, Scene.of(endless)))
    assert got["ends_nods"][0] == 0.0  # it nodded in the first ten minutes alone
    assert got["ends_blinks"][0] == pytest.approx(1.0, abs=0.3) and got["ends_jerk"][0] < 0.8


def test_smiles_are_counted_as_they_rise() -> None:
    face = listener(np.random.default_rng(7), 40.0, [], [5.0, 15.0, 30.0])
    assert events.smiles(face, FPS) == pytest.approx([5.2, 15.2, 30.2], abs=0.25)
    face[:, [FACE["mouthSmileLeft"], FACE["mouthSmileRight"]]] = 0.4  # friendly at rest
    assert events.smiles(face, FPS) == []


def test_speed_spectrum_finds_the_band_and_the_power() -> None:
    time = np.arange(1500) / FPS
    signal = np.stack([np.sin(2 * np.pi * 2.25 * time), 0 * time], 1)
    spectrum = events.speed_spectrum(signal, FPS)
    speed = np.diff(signal, axis=0) * FPS
    assert spectrum[3:6].sum() == pytest.approx((speed**2).sum(1).mean(), rel=0.02)
    assert spectrum.argmax() == 4 and len(spectrum) == 16


def test_dwells_leave_out_what_is_cut_off() -> None:
    off, on = events.dwells(np.array([1, 1, 0, 0, 0, 1, 0, 0, 1, 1, 0], bool))
    assert off.tolist() == [3, 2] and on.tolist() == [1, 2]


def test_intervals_widen_with_differences_between_voices_and_need_two(scene: Scene) -> None:
    one = tally(scene.listener("listener0").face, scene, np.random.default_rng(8))
    weight = weights(4, 0)
    same = selfsame(pooled([one] * 4, weight))
    low, high = interval(same["blinks"])
    assert low == pytest.approx(high) == pytest.approx(same["blinks"][0])
    quiet = tally(np.zeros_like(scene.listener("listener0").face), scene, np.random.default_rng(8))
    mixed = selfsame(pooled([one, one, quiet, quiet], weight))
    low, high = interval(mixed["blinks"])
    assert low < mixed["blinks"][0] < high
    assert mixed["blinks"][0] == pytest.approx(same["blinks"][0] / 2)
    assert mixed["step"][0] == one.peaks["step"]
    assert np.isnan(interval(selfsame(pooled([one], weights(1, 0)))["blinks"])).all()
