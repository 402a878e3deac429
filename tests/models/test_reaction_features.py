"""What the learned listener hears is pinned: its weights were trained on these numbers and on no others.

``audio_features.npz`` holds the features of a made voice to four decimals. ``python -m
tests.models.test_reaction_features`` writes it anew, which only a change that comes with new weights may ask for. Sums
in another order (another torch, another processor) move them by less than 1e-4; the tolerance is twenty times that.
Flags are exact.
"""

from __future__ import annotations

import dataclasses
import pkgutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

import models.listener_rules
from engine.noise import uniforms
from engine.sources.demo import PARTNER
from engine.sources.media import MediaFile
from models.contract import initial_state
from models.layers import LogMel
from models.listener_rules import ListenerRules, nods
from models.listening import HOP, SAMPLE_RATE, prosody
from models.reaction import audio_features, low_pitch
from models.reaction.audio_features import PROSODY, AudioFeatures
from train.speech.band import band
from train.speech.rooms import whispered

GOLDEN = Path(__file__).with_name("audio_features.npz")
BANDS, FRAMES, SILENT = 16, 200, slice(150, 153)
FLAGS = ("speaking", "onset", "low_cue", "pause_cue", "voiced", "low", "whisper")
PHRASES = ((0.40, 2.40, 0.0, 1.0), (3.20, 4.80, 5.0, 0.5), (5.24, 7.60, 0.0, 0.1))
"""Start and end (s) of what is said, the semitones by which it rises in its last 0.3 s, and its loudness."""
FADE = 0.28


def voice() -> np.ndarray:
    """Eight seconds (N,) of a buzz with syllables that come out of the quiet of a room and go back into it: low regions
    in every phrase, a rise at the end of the second, a faint third, pauses of 0.8 and 0.44 s between them."""
    time = np.arange(FRAMES * HOP) / SAMPLE_RATE
    tone, loud = np.zeros(len(time)), np.zeros(len(time))
    for start, end, rise, level in PHRASES:
        here = (time >= start) & (time < end)
        since, left = time[here] - start, end - time[here]
        tone[here] = 3.0 * np.sin(4.0 * since) + rise * np.clip(1.0 - left / 0.3, 0.0, 1.0)
        faded = np.clip(1.0 - np.minimum(since, left) / FADE, 0.0, 1.0)
        loud[here] = level * 10.0 ** (-2.5 * faded) * (0.55 + 0.45 * np.sin(2 * np.pi * 4.0 * since))
    phase = 2 * np.pi * np.cumsum(140.0 * 2 ** (tone / 12)) / SAMPLE_RATE
    buzz = sum(np.sin(k * phase) / k for k in range(1, 9))
    room = uniforms(3, 0, FRAMES, HOP).ravel() - 0.5
    return (0.12 * loud * buzz + 1e-3 * room).astype(np.float32)


def features(gain: float = 1.0) -> np.ndarray:
    """(T, bands + prosody) of the voice at a ``gain``; during three frames nothing arrives."""
    layer = AudioFeatures(BANDS)
    valid = torch.ones(1, FRAMES)
    valid[:, SILENT] = 0.0
    with torch.inference_mode():
        sound = torch.from_numpy(np.float32(gain) * voice())
        made, _ = layer(sound.view(1, FRAMES, HOP), valid, initial_state(layer.state_specs(), 1))
    return made[0].numpy()


def column(table: np.ndarray, name: str) -> np.ndarray:
    return table[:, BANDS + PROSODY.index(name)]


def test_features_are_those_that_the_weights_were_trained_on() -> None:
    with np.load(GOLDEN) as stored:
        wanted = stored["features"]
    found = features()
    for name in FLAGS:
        np.testing.assert_array_equal(column(found, name), column(wanted, name), err_msg=name)
    np.testing.assert_allclose(found, wanted, atol=2e-3, rtol=0)


def test_the_made_voice_shows_every_feature() -> None:
    """Else the golden numbers would pin little. It does not whisper: that has a test of its own."""
    found = features()
    assert np.delete(found, BANDS + PROSODY.index("whisper"), 1).std(0).min() > 0.01
    told = ("onset", "low_cue", "pause_cue")
    times = {name: (np.flatnonzero(column(found, name)) / 25.0).tolist() for name in told}
    assert times == {"onset": [0.44, 3.28, 5.48], "low_cue": [1.2, 4.12], "pause_cue": [2.72, 5.16, 7.8]}
    assert column(found, "rise").max() > 0.5


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (audio_features, "MEL_SCALE", 3.1),
        (audio_features, "LOUD_FALL", 4.0),
        (audio_features, "PAUSES", (0.25, 1.0, 5.0)),
        (audio_features, "CUES", dataclasses.replace(audio_features.CUES, pause_for=0.44)),
        (audio_features, "CUES", dataclasses.replace(audio_features.CUES, low_percentile=0.3)),
        (prosody, "SPEECH_ABOVE_FLOOR", 8.0),
        (prosody, "VOICED_PERIODICITY", 0.8),
        (prosody, "HANGOVER", 0.24),
        (prosody, "LOUDNESS_SPAN", 25.0),
        (low_pitch, "PERCENTILE", 0.3),
        (low_pitch, "LONG_FOR", 0.15),
        (low_pitch, "KNOWN", 60.0),
        (audio_features, "LOW_TRACES", (0.3, 1.0, 4.0)),
    ],
)
def test_a_changed_constant_is_noticed(
    module: object, name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, value)
    with pytest.raises(AssertionError):
        test_features_are_those_that_the_weights_were_trained_on()


def test_no_constant_of_the_rule_listener_reaches_the_learned_one(monkeypatch: pytest.MonkeyPatch) -> None:
    before = features()
    changed = 0
    for found in pkgutil.iter_modules(models.listener_rules.__path__, "models.listener_rules."):
        module = import_module(found.name)
        for name, value in list(vars(module).items()):
            if name.isupper() and isinstance(value, int | float):
                monkeypatch.setattr(module, name, type(value)(2 * value))
                changed += 1
    monkeypatch.setattr(nods, "CUES", dataclasses.replace(nods.CUES, low_percentile=0.5, pause_for=0.2, low_for=0.3))
    monkeypatch.setattr("models.listener_rules.model.CUES", nods.CUES)
    assert changed > 50
    np.testing.assert_array_equal(features(), before)


def test_the_rule_listener_goes_by_cues_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard of the test above: what it changed does change the rules."""
    usual = ListenerRules().prosody.rules
    monkeypatch.setattr("models.listener_rules.model.CUES", dataclasses.replace(usual, pause_for=0.2))
    assert ListenerRules().prosody.rules.pause_for == 0.2 and usual.pause_for == 0.4
    assert AudioFeatures(BANDS).prosody.rules is audio_features.CUES is not usual


def test_bands_come_first_and_are_distances_from_how_loud_each_has_been() -> None:
    layer = LogMel(SAMPLE_RATE, HOP, BANDS, audio_features.SUBFRAMES)
    sound = torch.from_numpy(voice()).view(1, FRAMES, HOP)
    sound[:, SILENT] = 0.0  # nothing arrives there, and nothing is learnt there
    with torch.inference_mode():
        mel, _ = layer(sound, initial_state(layer.state_specs(), 1))
    loud, wanted = np.full(BANDS, -13.0), []
    for frame, row in enumerate(mel[0].mean(1).numpy()):
        if not SILENT.start <= frame < SILENT.stop:
            loud += np.where(row > loud, 0.04 / 0.3, 0.04 / 3.0) * (row - loud)
        wanted.append((np.clip(row - loud, -8.0, 2.0) + 3.0) / 3.0)
    np.testing.assert_allclose(features()[:, :BANDS], np.array(wanted), atol=1e-4)


@pytest.mark.parametrize("decibels", [-20.0, 12.0])
def test_once_heard_for_a_while_another_level_gives_the_same_features(decibels: float) -> None:
    usual, other = features(), features(10.0 ** (decibels / 20.0))
    later = slice(round(2.0 * 25), SILENT.start)
    shift = abs(decibels) / 10.0 * np.log(10.0) / 3.0  # of bands that are not free of level
    assert np.abs(usual[later, :BANDS] - other[later, :BANDS]).mean() < 0.17 * shift


def heard(sound: np.ndarray) -> np.ndarray:
    """Features (T, bands + prosody) of (T * 640,) samples."""
    layer = AudioFeatures(BANDS)
    frames = len(sound) // HOP
    hops = torch.from_numpy(sound[: frames * HOP].astype(np.float32)).view(1, frames, HOP)
    with torch.inference_mode():
        made, _ = layer(hops, torch.ones(1, frames), initial_state(layer.state_specs(), 1))
    return made[0].numpy()


def test_music_is_heard_as_silence_and_a_voice_after_it_as_a_voice() -> None:
    song = band(16 * SAMPLE_RATE, SAMPLE_RATE, -25.0, 1)
    speech = np.concatenate([block.samples for block in MediaFile(PARTNER / "speech.flac").audio(SAMPLE_RATE)])
    found = heard(np.concatenate([song, speech[: 12 * SAMPLE_RATE]]))
    music = found[5 * 25 : 16 * 25]
    np.testing.assert_allclose(music[:, :BANDS], audio_features.SILENCE)
    for name in ("speaking", "low", "low_cue", "pause_cue", "onset", "loudness"):
        assert not column(music, name).any(), name
    after = found[22 * 25 :]
    assert column(after, "speaking").mean() > 0.4 and after[:, :BANDS].std() > 0.3


def test_a_whisper_is_told_and_is_speech() -> None:
    spoken = np.concatenate([voice(), voice()])
    found = heard(whispered(spoken, SAMPLE_RATE))[4 * 25 :]
    assert column(found, "whisper").mean() > 0.2 and not column(heard(spoken), "whisper").any()
    assert column(found, "speaking").mean() > 0.2


if __name__ == "__main__":
    np.savez_compressed(GOLDEN, features=features().round(4))
