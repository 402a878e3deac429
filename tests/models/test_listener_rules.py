"""The rule listener listens: nods where a voice gives room, smiles back, follows, blinks, and is quiet when told to.

Runs on the bundled graph, which is fast, after a check that the graph still is the model in this tree.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from benchmarks import listen as bench
from engine.bundle import Bundle
from engine.channels import EMOTION_NAMES, FACE
from engine.noise import uniforms
from engine.runtime import open_runtime
from engine.sources.demo import DemoSource
from engine.sources.media import MediaFile
from models.emotion import emotion
from models.registry import create
from train.report import events

RATE, HOP, FPS = 16_000, 640, 25.0


@cache
def bundle() -> Bundle:
    return Bundle.load("rules")


@cache
def partner() -> tuple[np.ndarray, np.ndarray]:
    """The built-in partner: voice (N,) and face (T, 58)."""
    source = DemoSource()
    voice = np.concatenate([block.samples for block in MediaFile(source._folder / "speech.flac").audio(RATE)])
    return voice, source._face


def phrases(seconds: float, speak_s: float = 2.4, pause_s: float = 1.2) -> np.ndarray:
    """A buzz with a voice's pitch movement and syllables, in phrases with pauses between them."""
    time = np.arange(round(seconds * RATE)) / RATE
    place = time % (speak_s + pause_s)
    pitch = 130.0 + 25.0 * np.sin(2 * np.pi * 0.7 * time) - 12.0 * place
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 9)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4.0 * time))
    noise = np.random.default_rng(0).normal(0.0, 3e-4, len(time))
    return (0.1 * voice * (place < speak_s) + noise).astype(np.float32)


def listen(sound: np.ndarray, faces: np.ndarray | None = None, seed: int = 0, **controls: float) -> np.ndarray:
    return bench.listen(open_runtime(bundle()), sound, faces, controls, seed)["face"]


def smiling(frames: int, start: int, stop: int, level: float = 0.7) -> np.ndarray:
    face = np.zeros((frames, 58), np.float32)
    face[start:stop, [FACE["mouthSmileLeft"], FACE["mouthSmileRight"]]] = level
    return face


def test_the_bundled_graph_is_the_model_in_this_tree() -> None:
    model, (voice, face) = create("listener_rules"), partner()
    frames = 250
    given = {item.name: torch.full((1, frames, *item.shape), float(item.missing)) for item in model.spec.inputs}
    given["partner_audio"] = torch.from_numpy(voice[: frames * HOP].reshape(1, frames, HOP))
    given["partner_audio_valid"] += 1.0
    given["partner_face"], given["partner_face_valid"] = torch.from_numpy(face[None, :frames]), torch.ones(1, frames)
    width = model.spec.input("noise").shape[0]
    given["noise"] = torch.from_numpy(uniforms(0, 0, frames, width))[None]
    with torch.no_grad():
        outputs, _ = model.scan(given, model.initial_state(1))
    assert bundle().spec == model.spec
    np.testing.assert_allclose(listen(voice[: frames * HOP], face), outputs["face"][0].numpy(), atol=1e-4)


def test_nods_come_with_speech_and_neither_with_silence_nor_with_noise() -> None:
    count = 60 * RATE
    voice = np.resize(partner()[0], 2 * count)
    assert 3.0 <= len(events.nods(listen(voice), FPS)) / 2.0 <= 14.0
    assert len(events.nods(listen(np.zeros(count, np.float32)), FPS)) <= 1
    hiss = np.random.default_rng(1).normal(0.0, 0.05, count).astype(np.float32)
    assert len(events.nods(listen(hiss), FPS)) <= 1


def test_nods_follow_pauses_within_a_second_and_a_half() -> None:
    starts = events.nods(listen(phrases(90.0), nod_rate=3.0, expressiveness=1.0), FPS)
    after_speech = [(start - 2.4) % 3.6 for start in starts]
    assert len(starts) >= 12
    assert np.mean([after < 1.5 or after > 3.6 - 1.3 for after in after_speech]) > 0.8


@pytest.mark.parametrize("quieting", [{"nod_rate": 0.0}, {"self_speaking": 1.0}])
def test_controls_hold_nods_back(quieting: dict[str, float]) -> None:
    usual = len(events.nods(listen(phrases(90.0)), FPS))
    assert len(events.nods(listen(phrases(90.0), **quieting), FPS)) <= 0.35 * usual


def test_a_smile_is_returned_with_lag_and_gain_and_fades() -> None:
    frames = 250
    quiet = np.zeros(frames * HOP, np.float32)
    alone = listen(quiet, smiling(frames, 0, 0))[:, FACE["mouthSmileLeft"]]
    smile = listen(quiet, smiling(frames, 75, 150))[:, FACE["mouthSmileLeft"]] - alone
    top = smile.max()
    half = int(np.argmax(smile > 0.5 * top))
    assert 0.3 <= top <= 0.7
    assert 0.2 <= (half - 75) / FPS <= 1.0
    assert abs(smile[:75]).max() < 1e-6 and smile[-1] < 0.3 * top
    none = listen(quiet, smiling(frames, 75, 150), smile_gain=0.0)[:, FACE["mouthSmileLeft"]] - alone
    assert abs(none).max() < 1e-6


def test_a_resting_smile_is_not_smiled_at_for_long() -> None:
    frames = 1500
    face = listen(np.zeros(frames * HOP, np.float32), smiling(frames, 0, frames, 0.3))
    assert face[-250:, FACE["mouthSmileLeft"]].mean() < 0.2


def test_gaze_and_head_follow_a_partner_who_moves() -> None:
    frames = 500
    quiet, aside = np.zeros(frames * HOP, np.float32), np.zeros((frames, 58), np.float32)
    aside[:, FACE["headX"]] = 0.3  # to the partner's own left, so to the listener's right: negative yaw
    turned = events.gaze_degrees(listen(quiet, aside))[100:, 0] - events.gaze_degrees(listen(quiet))[100:, 0]
    assert np.median(turned) == pytest.approx(-np.degrees(np.arctan(0.3 / 0.8)), abs=2.0)
    head = listen(quiet, aside)[100:, FACE["headYaw"]] - listen(quiet)[100:, FACE["headYaw"]]
    assert np.degrees(np.median(head)) < -8.0


def test_eyes_stay_on_the_partner_while_the_head_nods() -> None:
    sound = phrases(60.0)
    face, still = listen(sound, nod_rate=3.0), listen(sound, nod_rate=0.0)
    nodding = np.degrees(face[:, FACE["headPitch"]] - still[:, FACE["headPitch"]]) > 2.0
    moved = events.gaze_degrees(face)[nodding, 1] - events.gaze_degrees(still)[nodding, 1]
    assert nodding.sum() > 30
    assert np.median(np.abs(moved)) < 0.2


def test_blinks_are_people_s() -> None:
    face = listen(np.zeros(180 * RATE, np.float32))
    intervals = np.diff(events.blinks(face, FPS))
    assert 8.0 <= (len(intervals) + 1) / 3.0 <= 33.0
    assert intervals.min() >= 0.3
    assert 0.4 <= intervals.std() / intervals.mean() <= 1.1


def test_no_jump_and_no_freeze_whatever_the_controls() -> None:
    voice, face = partner()
    for expressiveness in (0.0, 1.0, 2.0):
        made = listen(voice, face, expressiveness=expressiveness, nod_rate=3.0, smile_gain=2.0)
        assert events.head_speed(made, FPS).max() < 150.0
        assert events.largest_step(made) < 0.35
        assert events.longest_freeze(made, FPS) < 0.2
        assert made[:, :52].min() >= 0.0 and made[:, :52].max() <= 1.0


def test_another_seed_is_another_listener_and_the_same_seed_the_same() -> None:
    sound = phrases(10.0)
    np.testing.assert_array_equal(listen(sound, seed=5), listen(sound, seed=5))
    assert np.abs(listen(sound, seed=5) - listen(sound, seed=6)).max() > 0.05


def test_emotion_reads_shapes() -> None:
    smile, neutral, anger = (torch.zeros(58) for _ in range(3))
    for name in ("mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft", "cheekSquintRight"):
        smile[FACE[name]] = 0.8
    for name in ("browDown", "eyeSquint", "mouthPress"):
        anger[FACE[f"{name}Left"]] = anger[FACE[f"{name}Right"]] = 0.9
    at = {name: index for index, name in enumerate(EMOTION_NAMES)}
    assert emotion(smile)[at["Happy"]] > 0.8 and emotion(smile)[at["valence"]] > 0.4
    assert emotion(anger)[at["Anger"]] > 0.6 and emotion(anger)[at["valence"]] < -0.2
    assert emotion(neutral)[at["Neutral"]] > 0.6 and abs(emotion(neutral)[at["valence"]]) < 0.1
    assert emotion(neutral)[at["Neutral"] :].sum() == pytest.approx(1.0, abs=1e-5)
    assert emotion(smile)[at["AU12"]] == pytest.approx(0.8)
