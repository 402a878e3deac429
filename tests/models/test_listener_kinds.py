"""The rule listener tells music and whispers from voices, and nods accordingly.

Sounds are the built-in partner's voice and what is made of it and of tones here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
import torch

from engine.sources.demo import PARTNER
from engine.sources.media import MediaFile
from models.layers import Energy, Pitch
from models.listener_rules.model import SPEECH_FOR
from models.listener_rules.nods import CUES, Nods
from models.listening import Prosody, ProsodyTracker
from models.listening.bands import BandLevels
from models.listening.kinds import Kind, Kinds, invites

RATE, HOP, FPS, SEEDS = 16_000, 640, 25.0, 24
SETTLED_S = 4.0


@cache
def voice() -> np.ndarray:
    """A minute of the built-in partner's voice."""
    sound = np.concatenate([block.samples for block in MediaFile(PARTNER / "speech.flac").audio(RATE)])
    return np.resize(sound, 60 * RATE)


@cache
def music(seconds: int = 60) -> np.ndarray:
    """Four chords over again, and a louder melody, each note struck and fading; at the voice's level."""
    rng, time = np.random.default_rng(0), np.arange(RATE // 2) / RATE
    bars = []
    for beat in range(2 * seconds):
        root = (48, 45, 41, 43)[beat // 4 % 4]
        keys = {root: 0.3, root + 4: 0.15, root + 7: 0.15, 53 + int(rng.choice([0, 2, 4, 7, 9])): 1.0}
        tones = [(440.0 * 2.0 ** ((key - 69) / 12), size) for key, size in keys.items()]
        struck = sum(s * np.sin(2 * np.pi * f * k * time) / k for f, s in tones for k in range(1, 6))
        bars.append(struck * np.exp(-2.0 * time))
    return as_loud_as(np.concatenate(bars), voice())


@cache
def whisper() -> np.ndarray:
    """The same voice without its tone: of windows too short for harmonics, with phases drawn."""
    size, rng = 128, np.random.default_rng(1)
    window = np.hanning(size + 1)[:-1]
    out = np.zeros(len(voice()) + size)
    for start in range(0, len(voice()) - size, size // 2):
        spectrum = np.abs(np.fft.rfft(voice()[start : start + size] * window))
        turned = spectrum * np.exp(2j * np.pi * rng.random(len(spectrum)))
        out[start : start + size] += window * np.fft.irfft(turned)
    lifted = np.diff(out[: len(voice())], prepend=0.0)  # a whisper's spectrum falls less
    return as_loud_as(lifted, voice(), -12.0)


def noise(kind: str) -> np.ndarray:
    rng = np.random.default_rng(2)
    white = rng.normal(0.0, 1.0, 60 * RATE)
    if kind == "keyboard":
        struck = np.zeros(len(white))
        for at in np.cumsum(rng.choice([0.09, 0.14, 0.2, 0.7], 250)):
            start = int(at * RATE)
            struck[start : start + 400] += np.exp(-np.arange(400) / 60.0)[: max(0, len(struck) - start)]
        white = white * struck + 1e-3 * white
    elif kind == "fan":
        white = np.convolve(white, np.exp(-np.arange(60) / 20.0), "same")
    return as_loud_as(white, voice(), -8.0)


def as_loud_as(sound: np.ndarray, other: np.ndarray, decibels: float = 0.0) -> np.ndarray:
    power = np.sqrt(np.mean(np.square(other)) / np.mean(np.square(sound)))
    return (sound * power * 10.0 ** (decibels / 20.0)).astype(np.float32)


class Heard(NamedTuple):
    """What one sound was taken for, (T,) bool both, and nods a minute after the first seconds."""

    music: np.ndarray
    whisper: np.ndarray
    nods: float


def hear(sounds: Mapping[str, np.ndarray]) -> dict[str, Heard]:
    """Sounds of one length through the listener's cells that hear, each by some listeners."""
    pcm = torch.from_numpy(np.stack(list(sounds.values())))
    frames = pcm.shape[1] // HOP
    pcm = pcm[:, : frames * HOP].unflatten(1, (frames, HOP))
    kinds, prosody, nodding, tone = Kinds(), ProsodyTracker(CUES), Nods(), Pitch(RATE, HOP, 4)
    (level, _), (bands, _) = Energy(HOP, 4)(pcm, {}), BandLevels(RATE, HOP)(pcm, {})
    (hertz, periodicity), _ = tone(pcm, {"tail": torch.zeros(len(sounds), tone.tail)})
    rows = len(sounds) * SEEDS
    of_kinds, of_prosody, of_nods = (
        torch.zeros(count, len(cell.fields))
        for count, cell in ((len(sounds), kinds), (len(sounds), prosody), (rows, nodding))
    )
    draws, one, none = torch.Generator().manual_seed(0), torch.ones(rows), torch.zeros(rows)
    music_at, whisper_at, starts = [], [], []
    for t in range(frames):
        sound = level[:, t], hertz[:, t], periodicity[:, t]
        kind, of_kinds = kinds(*sound, bands[:, t], torch.ones(len(sounds)), of_kinds)
        heard, of_prosody = prosody(*sound, torch.ones(len(sounds)), of_prosody, kind.whisper)
        heard = invites(heard, kind, of_prosody[:, SPEECH_FOR])
        each = type(heard)(*(value.repeat_interleave(SEEDS, 0) for value in heard))
        nod, of_nods = nodding(each, one, one, none, torch.rand(rows, nodding.draws, generator=draws), of_nods)
        music_at.append(kind.music)
        whisper_at.append(kind.whisper)
        starts.append(nod.starts)
    settled = int(SETTLED_S * FPS)
    counted = torch.stack(starts)[settled:].sum(0).reshape(len(sounds), SEEDS).float().mean(1) / (frames - settled)
    kinds_at = zip(torch.stack(music_at, 1).numpy(), torch.stack(whisper_at, 1).numpy(), strict=True)
    return {
        name: Heard(*at, float(count) * FPS * 60.0) for name, at, count in zip(sounds, kinds_at, counted, strict=True)
    }


@cache
def heard() -> dict[str, Heard]:
    """The sounds of these tests, in one go."""
    quarter = len(voice()) // 4
    parts = (voice(), music(), voice(), whisper())
    return hear(
        {
            "voice": voice(),
            "music": music(),
            "soft music": music() * np.float32(0.03),
            "both": voice() + as_loud_as(music(), voice(), -10.0),
            "whisper": whisper(),
            "in turn": np.concatenate([part[:quarter] for part in parts]),
            **{kind: noise(kind) for kind in ("white", "keyboard", "fan")},
        }
    )


def test_bands_hold_the_power_of_what_is_in_them() -> None:
    time = np.arange(HOP) / RATE
    tone = torch.from_numpy((0.5 * np.sin(2 * np.pi * 1000.0 * time)).astype(np.float32)).reshape(1, 1, HOP)
    levels, _ = BandLevels(RATE, HOP)(tone, {})
    assert int(levels.argmax()) == 3  # 800 to 1200 Hz
    louder, _ = BandLevels(RATE, HOP)(2.0 * tone, {})
    assert float(louder.max() - levels.max()) == pytest.approx(6.02, abs=0.01)
    assert sorted(levels.flatten().tolist())[-2] < float(levels.max()) - 40.0


def test_music_is_not_nodded_at() -> None:
    assert heard()["music"].nods <= 1.0
    for name in ("music", "soft music"):
        assert heard()[name].music[int(5 * FPS) :].all() and not heard()[name].music[: int(FPS)].any()


def test_speech_is_no_music_and_beside_music_stays_speech() -> None:
    assert heard()["voice"].nods >= 5.0
    assert not heard()["voice"].music.any() and not heard()["voice"].whisper.any()
    assert heard()["both"].music.mean() < 0.05 and heard()["both"].nods >= 0.5 * heard()["voice"].nods


def test_a_whisper_is_nodded_at_at_least_half_as_often_as_the_voice() -> None:
    assert 0.5 <= heard()["whisper"].nods / heard()["voice"].nods <= 1.3


@pytest.mark.parametrize("kind", ["white", "keyboard", "fan"])
def test_noise_is_no_whisper(kind: str) -> None:
    assert heard()[kind].nods == 0.0 and not heard()[kind].whisper.any()


def test_kinds_show_within_seconds_and_go_again() -> None:
    turns = len(heard()["in turn"].music) // 4
    late = int(6 * FPS)
    first, second, third, fourth = heard()["in turn"].music[: 4 * turns].reshape(4, turns)
    assert not first.any() and second[late:].all() and not third[late:].any() and not fourth.any()
    whispered = heard()["in turn"].whisper
    assert not whispered[: 3 * turns].any() and whispered[-int(5 * FPS) :].all()


def test_nothing_invites_in_music_and_a_pause_does_in_a_whisper() -> None:
    yes, no = torch.tensor([True]), torch.tensor([False])

    def taken(quiet_for: float, speech_for: float, music_on: bool = False, whispers: bool = True) -> list[bool]:
        said = Prosody(yes, no, yes, no, torch.zeros(1), torch.tensor([quiet_for]), torch.zeros(1))
        kind = Kind(torch.tensor([music_on]), torch.tensor([whispers]))
        got = invites(said, kind, torch.tensor([speech_for]))
        return [bool(value) for value in (got.low_cue, got.pause_cue, got.speaking)]

    assert taken(0.24, 1.5) == [True, True, True]
    for other in (taken(0.20, 1.5), taken(0.28, 1.5), taken(0.24, 0.9), taken(0.24, 1.5, whispers=False)):
        assert other == [True, False, True]
    assert taken(0.24, 1.5, music_on=True, whispers=False) == [False, False, False]
