"""Regions of low pitch: the cell finds those that the simulation means, in the frame in which they can be known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract import initial_state
from models.reaction.audio_features import PROSODY, AudioFeatures
from models.reaction.low_pitch import APART, KNOWN, NEVER, REMEMBERED, Low, LowPitch
from train.simulate.cues import find_cues
from train.simulate.speaker import build_talk
from train.simulate.synth import VoiceParameters
from train.simulate.voices import Voice

FPS, SUBFRAMES, BANDS = 25, 4, 16
HIGH, DEEP = 200.0, 120.0


def run(
    hertz: np.ndarray, speech_for: float = 2.0, state: torch.Tensor | None = None
) -> tuple[list[Low], torch.Tensor]:
    """The cell over estimates (frames * 4,), 0 where unvoiced."""
    cell = LowPitch(SUBFRAMES)
    state = torch.zeros(1, len(cell.fields)) if state is None else state
    told = []
    for row in torch.from_numpy(np.asarray(hertz, np.float32)).view(-1, 1, SUBFRAMES):
        low, state = cell(row, row > 0.0, torch.full((1,), speech_for), state)
        told.append(low)
    return told


def begun(hertz: np.ndarray, speech_for: float = 2.0) -> list[int]:
    """Frames in which a region begins to count."""
    return [frame for frame, low in enumerate(run(hertz, speech_for)) if low.begins.item()]


def wavering(count: int) -> np.ndarray:
    """A voice whose pitch is never low for long."""
    return np.asarray(HIGH * 2.0 ** (np.sin(np.arange(count) / 1.2) / 12.0))


def sung(hertz: float, count: int) -> np.ndarray:
    """At :data:`HIGH` the voice as usual, else one tone."""
    return wavering(count) if hertz == HIGH else np.full(count, hertz)


def contour(*parts: tuple[float, float]) -> np.ndarray:
    """Estimates of (hertz, seconds) after another, after four seconds of a voice that wavers around :data:`HIGH`."""
    pieces = [
        wavering(380),
        np.full(20, 1.1 * HIGH),
        *(sung(hertz, round(100 * seconds)) for hertz, seconds in parts),
    ]
    joined = np.concatenate(pieces)
    return np.concatenate([joined, np.full(-len(joined) % SUBFRAMES, HIGH)])


def test_a_region_counts_once_it_has_lasted() -> None:
    whole = contour((DEEP, 0.4), (HIGH, 0.6))
    # 400 estimates, 11 of the region, 2 that the median waits for: the 413th is in frame 103.
    assert begun(whole) == [103]
    assert begun(contour((DEEP, 0.09), (HIGH, 0.6))) == []
    lasts = [low.lasts.item() for low in run(whole)]
    assert lasts[101] < 0.11 <= lasts[103] < lasts[108] and lasts[-1] == 0.0


def test_a_short_gap_is_bridged_and_a_long_one_is_not() -> None:
    for gap, wanted in ((0.02, True), (0.05, False)):
        parts = ((DEEP, 0.07), (0.0, gap), (DEEP, 0.08), (HIGH, 0.5))
        assert bool(begun(contour(*parts))) is wanted, gap


def test_a_slip_by_an_octave_is_no_low_pitch() -> None:
    slipped = np.where(np.arange(480) % 12 < 2, 0.5, 1.0) * wavering(480)
    assert begun(np.concatenate([contour(), slipped])) == []
    assert run(np.concatenate([contour(), slipped]))[-1].lasts.item() < 0.05


def test_nothing_counts_before_enough_speech_or_before_the_voice_is_known() -> None:
    whole = contour((DEEP, 0.4), (HIGH, 0.6))
    assert begun(whole, speech_for=0.69) == [] != begun(whole, speech_for=0.71)
    assert begun(whole[-140:]) == []  # 40 estimates of its voice before the region, of 100


def test_after_one_that_counts_none_does_for_a_while() -> None:
    again = ((DEEP, 0.3), (HIGH, 1.8))
    frames = begun(contour(*again * 8))
    assert len(frames) == 3
    assert np.diff(frames).min() >= APART * FPS
    told = run(contour(*again * 8))
    assert told[50].since.item() == NEVER and told[frames[0]].since.item() == 0.0
    assert abs(told[frames[0] + 25].since.item() - 1.0) < 1e-3


@settings(max_examples=20, deadline=None)
@given(shift=st.floats(-7.0, 9.0), spread=st.floats(0.5, 3.0), seed=st.integers(0, 99))
def test_height_is_the_distance_from_the_low_percentile(shift: float, spread: float, seed: int) -> None:
    tones = shift + spread * np.random.default_rng(seed).standard_normal(400).clip(-2.5, 2.5).repeat(6)
    hertz = 100.0 * 2.0 ** (tones / 12.0)
    told = run(np.concatenate([hertz, np.full(8, hertz[-1])]))
    wanted = tones[-1] - np.quantile(tones, 0.26)
    assert abs(told[-1].height.item() - wanted) < 0.3
    assert told[int(KNOWN) // SUBFRAMES - 2].height.item() == 0.0


def test_the_memory_of_a_voice_is_bounded_and_another_may_come() -> None:
    cell = LowPitch(SUBFRAMES)
    state = torch.zeros(1, len(cell.fields))
    for hertz in (120.0, 220.0):
        row = torch.full((1, SUBFRAMES), hertz)
        for _ in range(int(2 * REMEMBERED / SUBFRAMES)):
            low, state = cell(row, row > 0.0, torch.ones(1), state)
    assert state[:, -72:].sum() < 1.01 * REMEMBERED
    assert abs(low.height.item()) < 0.5


def test_it_finds_the_cues_of_the_simulation() -> None:
    """A detector without foresight that is told the rule: nearly all of them, and nearly no other."""
    voice = Voice("made", "made", "test", "-", "-", parameters=VoiceParameters(130.0, 5.0, 1.0, 1.0, 0.05, 1.2))
    talk = build_talk(voice, 2.0, 3)
    layer = AudioFeatures(BANDS)
    hops = torch.from_numpy(talk.pcm).view(1, talk.frames, -1)
    with torch.inference_mode():
        heard, _ = layer(hops, torch.ones(1, talk.frames), initial_state(layer.state_specs(), 1))
    found = np.flatnonzero(heard[0, :, BANDS + PROSODY.index("low")].numpy()) / FPS
    wanted = [cue.known_s for cue in find_cues(talk) if cue.kind == "low" and cue.known_s is not None]
    assert len(wanted) > 8
    assert matched(found, wanted) > 0.85 * len(wanted) and matched(wanted, found) > 0.85 * len(found)


def matched(times: Sequence[float] | np.ndarray, others: Sequence[float] | np.ndarray) -> int:
    """How many of ``times`` have another within 0.2 s."""
    return sum(bool(np.any(np.abs(np.asarray(others) - time) < 0.2)) for time in times)
