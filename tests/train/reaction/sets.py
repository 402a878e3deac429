"""A small simulated set in the layout of REACT2024, two talks of two clips and two listeners in ``val``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from train.simulate.cues import find_cues
from train.simulate.speaker import build_talk
from train.simulate.talk import FPS, Cue, SimulatedListener, Span, Talk
from train.simulate.voices import synthetic_voice
from train.simulate.write import Writer

VOICE = synthetic_voice("val", 0, 0)


def listener(talk: Talk, number: int) -> SimulatedListener:
    rng = np.random.default_rng(number)
    face = np.clip(talk.face + rng.normal(0, 0.01, talk.face.shape), -1, 1).astype(np.float32)
    face[:, :52] = np.clip(face[:, :52], 0, 1)
    speaking = np.zeros(talk.frames, np.float32)
    for own in talk.own_turns:
        speaking[round(own.start_s * FPS) : round(own.end_s * FPS)] = 1.0
    controls = {"expressiveness": np.full(talk.frames, 0.5 + number, np.float32), "self_speaking": speaking}
    events = tuple(Cue("nod", float(at), 0.5) for at in np.arange(3.0, talk.frames / FPS, 7.0))
    return SimulatedListener(face, controls, events, {"nodding": 0.25 * number})


def small_talk() -> Talk:
    """A minute of a speaker; a turn of the listener's own goes on in the second clip."""
    made = build_talk(VOICE, 1.0, 2)
    made = replace(made, own_turns=(Span(12.0, 18.5), Span(28.0, 33.25)))
    return replace(made, cues=find_cues(made))


def write_set(folder: Path, talk: Talk) -> Path:
    """The set, with talks t0 to train, v0 and v1 to val, e0 to test."""
    writer = Writer(folder, "a test", 0)
    writer.add("train", "t0", VOICE, talk, [listener(talk, 0)])
    for name in ("v0", "v1"):
        writer.add("val", name, VOICE, talk, [listener(talk, number) for number in range(2)])
    writer.add("test", "e0", VOICE, talk, [listener(talk, 0)])
    writer.finish()
    return folder
