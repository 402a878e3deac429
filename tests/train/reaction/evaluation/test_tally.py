"""What is counted on one answer, and what the counts become: timing, hazards, jerk, intervals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from engine.channels import FACE
from tests.train.reaction.evaluation.talks import MemoryTalk, listener, talk
from train.reaction.evaluation import measures
from train.reaction.evaluation.scene import NOD_WINDOW_S, Scene, merged
from train.reaction.evaluation.tally import HAZARD_BIN_S, HAZARD_S, Tally, answered, tally
from train.report import events
from train.report.intervals import interval, pooled, weights
from train.simulate.talk import FPS, Cue, Span

ONE = np.ones((1, 1))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene.of(talk("anna", 1))


def counted(face: np.ndarray, scene: Scene) -> Tally:
    return pooled([tally(face, scene, np.random.default_rng(0))], ONE)


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


def test_f1_is_one_for_a_nod_on_every_cue_and_its_timing_is_worth_something(scene: Scene) -> None:
    rng = np.random.default_rng(1)
    perfect = counted(listener(rng, 60.0, (scene.nod_cues + 0.4).tolist(), (scene.smile_cues + 0.4).tolist()), scene)
    assert measures.f1(perfect, "nod")[0] == pytest.approx(1.0)
    assert measures.f1(perfect, "smile")[0] == pytest.approx(1.0)
    assert measures.f1(perfect, "nod", "chance_")[0] < 0.6
    late = counted(listener(rng, 60.0, (scene.nod_cues + 2.0).tolist(), []), scene)
    assert measures.f1(late, "nod")[0] < 0.3 and measures.f1(late, "smile")[0] == 0.0


def test_the_hazard_peaks_where_the_nods_are(scene: Scene) -> None:
    face = listener(np.random.default_rng(2), 60.0, (scene.nod_cues + 0.6).tolist(), [])
    found = counted(face, scene)
    first = measures.first_nods(found)[0]
    lags = [time - cue for cue in scene.nod_cues for time in events.nods(face, FPS) if 0.0 < time - cue < 1.3]
    expected = round((np.median(lags) - HAZARD_S[0]) / HAZARD_BIN_S - 0.5)
    assert abs(int(first[:-1].argmax()) - expected) <= 1
    assert first.sum() == pytest.approx(1.0) and first[-1] < 0.3
    silent = measures.first_nods(counted(listener(np.random.default_rng(3), 60.0, [], []), scene))[0]
    assert silent[-1] == 1.0


def test_smoothing_lowers_jerk_and_noise_raises_it(scene: Scene) -> None:
    face = scene.listener(scene.references[0]).face
    kernel = np.ones(7) / 7
    smooth = np.apply_along_axis(lambda x: np.convolve(np.pad(x, 3, "edge"), kernel, "valid"), 0, face)
    noisy = face + np.random.default_rng(4).normal(0, 0.004, face.shape).astype(np.float32)
    truth = counted(face, scene)
    metrics = {
        name: measures.metrics(counted(one, scene), truth, truth, truth)
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
    got = measures.metrics(*[counted(face, scene)] * 4)
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
    got = measures.metrics(*[counted(face, scene)] * 4)
    assert got["blink_median_s"][0] == pytest.approx(3.0) and got["blink_cv"][0] == pytest.approx(0.0, abs=1e-6)
    assert got["dwell_away_s"][0] == pytest.approx(0.8) and got["dwell_towards_s"][0] == pytest.approx(2.2)
    assert got["gaze_away"][0] == pytest.approx(19 * 20 / 1500)


def test_ends_are_compared_in_long_talks_only(scene: Scene) -> None:
    assert np.isnan(measures.metrics(*[counted(scene.listener("listener0").face, scene)] * 4)["ends_nods"][0])
    made = talk("cleo", 3)
    long = listener(np.random.default_rng(6), 1200.0, np.arange(5.0, 600.0, 10.0).tolist(), [])
    pcm = np.zeros(len(long) * 640, np.float32)
    endless = MemoryTalk("cleo", "long", pcm, long, {"a": long, "b": long}, list(made.invitations), made.phrases)
    got = measures.metrics(*[counted(long, Scene.of(endless))] * 4)
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
    same = measures.metrics(*[pooled([one] * 4, weight)] * 4)
    low, high = interval(same["blinks"])
    assert low == pytest.approx(high) == pytest.approx(same["blinks"][0])
    quiet = tally(np.zeros_like(scene.listener("listener0").face), scene, np.random.default_rng(8))
    mixed = measures.metrics(*[pooled([one, one, quiet, quiet], weight)] * 4)
    low, high = interval(mixed["blinks"])
    assert low < mixed["blinks"][0] < high
    assert mixed["blinks"][0] == pytest.approx(same["blinks"][0] / 2)
    assert mixed["step"][0] == one.peaks["step"]
    assert np.isnan(interval(measures.metrics(*[pooled([one], weights(1, 0))] * 4)["blinks"])).all()
