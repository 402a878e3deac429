"""Cues are where a voice with a known melody has them, and at a plausible rate in a told story."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.errors import EngineError
from engine.sources.media import MediaFile
from tests.test_imports import ROOT, ours
from train.simulate.cues import BEHIND, PAUSE_LEAST, find_cues, semitones, speech_runs
from train.simulate.talk import HOP, RATE, Act, Span, Talk

PARTNER = Path(engine.__file__).parent / "data" / "partner"


def voice(seconds: float, phrases: list[tuple[Span, list[float], list[float]]], **given: tuple) -> Talk:
    """A buzz that follows a melody in each phrase: ``times`` (s, absolute) and ``hertz``; silence between."""
    count = round(seconds * RATE)
    time = np.arange(count) / RATE
    pcm = np.random.default_rng(0).normal(0.0, 1e-4, count)
    for span, times, hertz in phrases:
        phase = 2 * np.pi * np.cumsum(np.interp(time, times, hertz)) / RATE
        buzz = sum(np.sin(k * phase) / k for k in range(1, 9))
        pcm += 0.1 * buzz * ((time >= span.start_s) & (time < span.end_s))
    frames = count // HOP
    spans = tuple(span for span, _, _ in phrases)
    return Talk("buzz", "made", pcm.astype(np.float32), np.zeros((frames, 58), np.float32), spans, **given)


def level(start: float, end: float, hertz: float = 150.0) -> tuple[Span, list[float], list[float]]:
    return Span(start, end), [start, end], [hertz, hertz]


def kinds(talk: Talk) -> list[tuple[str, float]]:
    return [(cue.kind, cue.time_s) for cue in find_cues(talk)]


def test_ends_of_phrases_are_cues_where_silence_follows_long_speech() -> None:
    talk = voice(12.0, [level(0.5, 2.5), level(2.7, 4.0), level(5.0, 5.6), level(6.4, 8.4)])
    assert kinds(talk) == [("pause", 4.0), ("pause", 8.4)]  # too short a silence, a pause, too short a phrase, a pause
    assert [(run.start_s, run.end_s) for run, _ in speech_runs(talk)] == [(0.5, 4.0), (5.0, 5.6), (6.4, 8.4)]
    early, late = find_cues(talk)
    assert late.strength == pytest.approx(early.strength, abs=1e-3)  # how much silence follows is not known yet


def test_a_final_rise_is_a_question_and_a_fall_a_stronger_pause() -> None:
    rise = (Span(0.5, 3.0), [0.5, 2.75, 2.85, 3.0], [140.0, 140.0, 200.0, 210.0])
    fall = (Span(4.0, 6.5), [4.0, 6.25, 6.35, 6.5], [180.0, 180.0, 135.0, 130.0])
    flat = level(7.5, 10.0, 160.0)
    cues = [cue for cue in find_cues(voice(11.0, [rise, fall, flat])) if cue.kind != "low"]
    assert [cue.kind for cue in cues] == ["question", "pause", "pause"]
    assert cues[1].strength > cues[2].strength


def test_a_low_region_is_a_cue_after_some_speech_against_the_pitch_so_far() -> None:
    dip = [150.0, 150.0, 105.0, 105.0, 150.0, 150.0]
    middle = (Span(0.5, 5.0), [0.5, 2.5, 2.52, 2.82, 2.84, 5.0], dip)
    early = (Span(6.0, 10.0), [6.0, 6.2, 6.22, 6.5, 6.52, 10.0], dip)
    late = (Span(11.0, 15.0), [11.0, 14.5, 14.52, 14.8, 14.82, 15.0], dip)
    short = (Span(16.0, 20.0), [16.0, 18.0, 18.01, 18.06, 18.07, 20.0], dip)
    low = [time for kind, time in kinds(voice(21.0, [middle, early, late, short])) if kind == "low"]
    assert low == [pytest.approx(2.52 + 0.11, abs=0.07), pytest.approx(14.52 + 0.11, abs=0.07)]


def test_cues_depend_on_nothing_that_comes_after_they_are_known() -> None:
    """Else no detector without foresight could find the ones and leave the others."""
    bent = [150.0, 150.0, 105.0, 105.0, 150.0, 150.0]
    dips = [(Span(t, t + 4.5), [t, t + 2.0, t + 2.02, t + 2.32, t + 2.34, t + 4.5], bent) for t in (0.5, 7.0, 13.5)]
    whole = voice(20.0, dips)
    deep = np.concatenate([whole.pcm[: 12 * 16_000], voice(20.0, [level(12.5, 18.0, 80.0)]).pcm[12 * 16_000 :]])
    other = Talk("v", "s", deep, whole.face, (*whole.phrases[:2], Span(12.5, 18.0)))
    first, second = ([cue for cue in find_cues(talk) if (cue.known_s or 0.0) < 11.9] for talk in (whole, other))
    assert [(cue.kind, cue.time_s) for cue in first] == [(cue.kind, cue.time_s) for cue in second] != []
    assert {cue.kind for cue in first} == {"low", "pause"}
    for cue in first:
        wait = PAUSE_LEAST if cue.kind == "pause" else BEHIND
        assert cue.known_s == pytest.approx(cue.time_s + wait)


def test_in_the_listeners_own_turn_only_the_face_gives_cues() -> None:
    acts = (Act("smile", 1.0, 2.0, 0.5), Act("look_away", 1.5, 2.0, 1.0), Act("brow_raise", 6.0, 6.5, 0.4))
    talk = voice(8.0, [level(0.5, 2.5), level(4.5, 6.5)], own_turns=(Span(2.0, 4.0),), acts=acts)
    assert kinds(talk) == [("smile", 1.0), ("brow", 6.0), ("pause", 6.5)]


def test_pitch_is_read_in_semitones_and_silence_has_none() -> None:
    heard = semitones(voice(3.0, [level(1.0, 2.0, 200.0)]).pcm)
    assert heard.shape == (300,)
    assert np.nanmedian(heard[110:190]) == pytest.approx(12.0, abs=0.1)
    assert np.isnan(heard[:95]).all()


def test_the_truth_shares_no_constant_with_a_listener() -> None:
    """Else tuning a listener would move what it is measured against."""
    truth = ours(ROOT / "train" / "simulate" / "cues.py") | ours(ROOT / "train" / "simulate" / "talk.py")
    assert {module for module in truth if module.startswith("models.")} == {"models.contract", "models.layers"}


def test_nothing_said_is_no_cue() -> None:
    assert find_cues(voice(4.0, [])) == ()
    quiet = voice(4.0, [])
    assert [cue.kind for cue in find_cues(Talk("q", "q", quiet.pcm, quiet.face, (Span(0.5, 2.5),)))] == ["pause"]


def test_sound_and_face_of_other_lengths_are_refused() -> None:
    talk = voice(4.0, [level(0.5, 2.5)])
    with pytest.raises(EngineError, match="100 frames needs 64000 samples, not 63000"):
        find_cues(Talk("v", "s", talk.pcm[:-1000], talk.face, talk.phrases))


def test_a_told_story_invites_many_times_a_minute_but_not_all_the_time() -> None:
    pcm = np.concatenate([block.samples for block in MediaFile(PARTNER / "speech.flac").audio(RATE)])
    with np.load(PARTNER / "face.npz") as stored:
        face, noted = stored["face"].astype(np.float32), json.loads(str(stored["events"]))
    phrases = tuple(Span(start, end) for name, start, end, _ in noted if name == "speech")
    talk = Talk("partner", "partner", pcm[: len(face) * HOP], face, phrases)
    cues = find_cues(talk)
    assert 10.0 <= len(cues) / (talk.frames / 1500.0) <= 30.0
    assert {"pause", "low", "question"} == {cue.kind for cue in cues}
