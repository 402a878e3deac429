"""Speakers: what the synthetic voice sings is what was planned, phrases and pauses are where the talk says, captured
faces reach the talk, and no voice or source is in two splits."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from engine.channels import FACE
from engine.errors import EngineError
from train.simulate import synth
from train.simulate.command import plan_talks
from train.simulate.speaker import Layout, build_talk, draw_acts
from train.simulate.talk import FPS, HOP, RATE, Span, Talk
from train.simulate.voices import LEVEL, VOICE_SOURCES, Phrase, Voice, built_in, cut, recorded_voices, synthetic_voice
from train.speech.sound import pitch_track

LOW_VOICE = synth.VoiceParameters(f0=110.0, span=6.0, tract=1.0, rate=1.0, breath=0.05, tilt=1.1)
HIGH_VOICE = synth.VoiceParameters(f0=200.0, span=6.0, tract=1.17, rate=1.0, breath=0.05, tilt=1.1)


def semitones(pcm: np.ndarray, f0: float) -> np.ndarray:
    pitch = pitch_track(pcm.astype(float) * (0.1 / pcm.std()))
    return 12 * np.log2(pitch[np.isfinite(pitch)] / f0)


@pytest.fixture(scope="module")
def talk() -> Talk:
    return build_talk(synthetic_voice("train", 3, 0), 2.0, 11)


@pytest.mark.parametrize("spoken_by", [LOW_VOICE, HIGH_VOICE], ids=["low", "high"])
def test_phrases_fall_rise_or_stay_as_they_were_asked_to(spoken_by: synth.VoiceParameters) -> None:
    ends = {
        kind: np.median(
            [
                np.mean(semitones(synth.phrase(spoken_by, 2.0, kind, np.random.default_rng(k)), spoken_by.f0)[-8:])
                for k in range(7)
            ]
        )
        for kind in synth.KINDS
    }
    assert ends["fall"] < -3.0 < ends["level"] < ends["rise"]
    assert ends["rise"] > 1.5


def test_a_phrase_has_the_voices_pitch_its_length_and_its_syllables() -> None:
    pcm = synth.phrase(LOW_VOICE, 3.0, "fall", np.random.default_rng(5))
    tones = semitones(pcm, LOW_VOICE.f0)
    assert abs(np.median(tones)) < 4 and np.ptp(np.percentile(tones, [5, 95])) > 4
    assert 2.0 < len(pcm) / RATE < 4.0
    level = 20 * np.log10(np.sqrt(np.square(pcm[: len(pcm) // 320 * 320]).reshape(-1, 320).mean(1)) + 1e-4)
    assert np.percentile(level, 90) - np.percentile(level, 10) > 12  # it is no hum: syllables come and go


def test_a_mhm_is_short_voiced_and_a_laugh_comes_in_calls() -> None:
    rng = np.random.default_rng(0)
    sound = synth.hum(LOW_VOICE, rng)
    assert 0.3 < len(sound) / RATE < 0.7 and len(semitones(sound, LOW_VOICE.f0)) > 20
    laugh = np.abs(synth.laugh(LOW_VOICE, 1.2, rng))
    envelope = np.convolve(laugh, np.ones(640) / 640, "same")
    spectrum = np.abs(np.fft.rfft(envelope - envelope.mean(), 8 * RATE))
    assert 4.0 < np.argmax(spectrum[16:80]) / 8 + 2 < 6.0


def test_a_talk_is_repeatable_and_differs_with_the_seed(talk: Talk) -> None:
    again = build_talk(synthetic_voice("train", 3, 0), 2.0, 11)
    np.testing.assert_array_equal(talk.pcm, again.pcm)
    np.testing.assert_array_equal(talk.face, again.face)
    assert (again.phrases, again.own_turns, again.acts) == (talk.phrases, talk.own_turns, talk.acts)
    other = build_talk(synthetic_voice("train", 3, 0), 2.0, 12)
    assert other.phrases != talk.phrases


def test_a_talk_is_whole_clips_of_finite_numbers(talk: Talk) -> None:
    assert talk.face.shape == (3000, 58) and talk.pcm.shape == (3000 * HOP,)
    assert talk.pcm.dtype == talk.face.dtype == np.float32
    assert np.isfinite(talk.face).all() and np.abs(talk.pcm).max() <= 0.95
    assert talk.face[:, :52].min() >= 0 and talk.face[:, :52].max() <= 1
    assert np.abs(talk.face[:, 52:55]).max() < 0.5 and np.abs(talk.face[:, 55:]).max() < 0.15


def test_sound_is_where_the_phrases_are_and_the_mouth_moves_with_it(talk: Talk) -> None:
    level = np.sqrt(np.square(talk.pcm.reshape(-1, HOP)).mean(1))
    spoken = np.zeros(talk.frames, bool)
    for span in talk.phrases:
        spoken[round(span.start_s * FPS) : round(span.end_s * FPS)] = True
    laughing = np.zeros(talk.frames, bool)
    for act in (act for act in talk.acts if act.name == "laugh"):
        laughing[int(act.start_s * FPS) : int(act.end_s * FPS) + 1] = True
    for own in talk.own_turns:
        laughing[int(own.start_s * FPS) : int(own.end_s * FPS) + 1] = True  # a "mhm" may be there
    silent = ~spoken & ~laughing
    assert 0.3 < spoken.mean() < 0.85
    assert np.median(level[spoken]) > 8 * np.median(level[silent])
    jaw = talk.face[:, FACE["jawOpen"]]
    assert np.median(jaw[spoken]) > 4 * np.median(jaw[silent])


def test_phrases_and_pauses_have_the_lengths_of_conversation(talk: Talk) -> None:
    lengths = [span.end_s - span.start_s for span in talk.phrases]
    gaps = np.array([b.start_s - a.end_s for a, b in zip(talk.phrases, talk.phrases[1:], strict=False)])
    assert min(lengths) > 0.8 and max(lengths) < 10.0
    assert gaps.min() > 0.1 and 0.25 < np.median(gaps) < 1.2 and gaps.max() > 2.5
    for own in talk.own_turns:
        assert 3.5 < own.end_s - own.start_s < 15.1
        assert all(span.end_s <= own.start_s or span.start_s >= own.end_s for span in talk.phrases)


def test_acts_are_on_the_face() -> None:
    talks = [build_talk(synthetic_voice("train", number, 0), 3.0, number) for number in range(3)]
    smiles = [(talk, act) for talk in talks for act in talk.acts if act.name == "smile"]
    assert 1.0 < len(smiles) / 9 < 8.0
    for talk, act in smiles:
        shown = talk.face[round(act.start_s * FPS) : round(act.end_s * FPS), FACE["mouthSmileLeft"]]
        assert shown.max() > 0.6 * act.amount
    assert {act.name for talk in talks for act in talk.acts} >= {"smile", "brow_raise", "look_away", "head_tilt"}


def test_speakers_smile_more_and_less_often_and_not_at_phrase_ends_alone() -> None:
    """Else a listener would learn to answer the phrase end, not the smile."""
    per_minute, near, count = [], 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        layout = Layout(phrases=[Span(4.0 * k, 4.0 * k + 3.0) for k in range(30)])  # an end every four seconds
        draw_acts(layout, 120.0, rng)
        smiles = [act for act in layout.acts if act.name == "smile"]
        per_minute.append(len(smiles) / 2)
        near += sum(1.5 < act.start_s % 4.0 < 3.9 for act in smiles)
        count += len(smiles)
    assert min(per_minute) < 2.0 and max(per_minute) > 5.0
    # Half at ends (their mean .3 s before), half anywhere: by 2.4 s of 4.
    assert 0.68 < near / count < 0.9


def test_a_captured_face_replaces_the_animated_one_in_its_channels() -> None:
    time = np.arange(2 * RATE) / RATE
    pcm = (LEVEL * np.sin(2 * np.pi * 150 * time)).astype(np.float32)
    face = np.zeros((50, 58), np.float32)
    face[:, FACE["jawOpen"]] = 0.77
    face[:, FACE["browInnerUp"]] = 0.9
    voice = Voice("v", "s", "train", "", "", (Phrase(pcm, "", face),), captured=(FACE["jawOpen"],))
    talk = build_talk(voice, 0.5, 1)
    span = talk.phrases[0]
    middle = slice(round(span.start_s * FPS) + 6, round(span.end_s * FPS) - 6)
    np.testing.assert_allclose(talk.face[middle, FACE["jawOpen"]], 0.77, atol=1e-5)
    assert talk.face[middle, FACE["browInnerUp"]].max() < 0.85  # not among the captured channels


def test_recordings_are_cut_at_their_pauses() -> None:
    rng = np.random.default_rng(0)
    pieces = [(0.4, 0), (2.0, 1), (0.5, 0), (0.6, 1), (0.15, 0), (1.5, 1), (0.8, 0), (9.0, 1), (0.5, 0)]
    pcm = np.concatenate([0.1 * on * rng.standard_normal(round(length * RATE)) for length, on in pieces])
    pcm += 1e-4 * rng.standard_normal(len(pcm))
    found = [(start / RATE, end / RATE) for start, end in cut(pcm.astype(np.float32))]
    np.testing.assert_allclose(found[0], (0.4, 2.4), atol=0.06)
    np.testing.assert_allclose(found[1], (2.9, 5.15), atol=0.06)  # 0.15 s is no pause
    assert all(0.4 < end - start <= 6.1 for start, end in found)
    np.testing.assert_allclose((found[2][0], found[-1][1]), (5.95, 14.95), atol=0.06)
    assert cut(np.zeros(RATE, np.float32)) == []


def test_no_source_is_in_two_splits_and_held_out_voices_exist() -> None:
    splits: dict[str, set[str]] = {}
    for entry in VOICE_SOURCES:
        splits.setdefault(entry.source, set()).add(entry.split)
    assert all(len(found) == 1 for found in splits.values())
    assert len({entry.name for entry in VOICE_SOURCES}) == len(VOICE_SOURCES)
    assert len([entry for entry in VOICE_SOURCES if entry.split != "train"]) >= 3


def test_the_plan_gives_every_split_its_voices() -> None:
    voices = [built_in(), Voice("k", "s", "val", "", "", (Phrase(np.ones(RATE * 9, np.float32)),))]
    plan = plan_talks(voices, 20, 0.5, 4)
    assert len(plan) == 20 and plan == plan_talks(voices, 20, 0.5, 4)
    assert all(voice.split == split for split, voice in plan)
    assert [split for split, _ in plan].count("val") == [split for split, _ in plan].count("test") == 3
    assert {voice.name for split, voice in plan if split == "val"} > {"k"}
    names = [voice.name for _, voice in plan if voice.parameters is not None]
    assert len(names) == len(set(names))
    drawn = {voice.parameters for _, voice in plan if voice.parameters is not None}
    assert len(drawn) == len(names)


def test_the_built_in_partner_is_a_voice_with_a_question() -> None:
    partner = built_in()
    assert 20 < partner.seconds < 40 and [item.kind for item in partner.phrases].count("rise") == 1
    assert recorded_voices(None)[0].name == "partner" and len(recorded_voices(None)) == 1


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no folder"):
        recorded_voices(tmp_path / "nowhere")
    with pytest.raises(EngineError, match="holds none"):
        recorded_voices(tmp_path)


def test_real_recordings_become_voices_with_their_captures() -> None:
    folder = os.environ.get("ENGINE_DATA")
    if not folder or not Path(folder, "speech_clips").is_dir():
        pytest.skip("ENGINE_DATA does not name the folder of recordings")
    voices = {voice.name: voice for voice in recorded_voices(Path(folder))}
    assert set(voices) == {"partner", *(entry.name for entry in VOICE_SOURCES)}
    assert all(voice.licence and voice.credit and voice.phrases for voice in voices.values())
    captured = voices["facegood"]
    assert FACE["jawOpen"] in captured.captured and FACE["browInnerUp"] not in captured.captured
    sound = np.concatenate([np.sqrt(np.square(_hops(item.pcm)).mean(1)) for item in captured.phrases])
    jaw = np.concatenate([item.face[: len(item.pcm) // HOP, FACE["jawOpen"]] for item in captured.phrases])
    assert np.corrcoef(sound, jaw)[0, 1] > 0.3  # in step with the voice, and the right column


def _hops(pcm: np.ndarray) -> np.ndarray:
    return pcm[: len(pcm) // HOP * HOP].reshape(-1, HOP)
