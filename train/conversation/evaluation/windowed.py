"""An offline model's mouths, which saw whole recordings: what a causal model loses by not looking ahead.

The file is one that ``python -m train conversation --set stage=windowed`` wrote. It hears the own voice as the
streaming model does, by the same features, and is drawn with the same share of noise.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import EngineError
from models.contract import initial_state
from models.conversation.config import CAPTURES, RATE, SAMPLE_RATE
from models.conversation.lips import CALM
from models.listening.voice import VoiceFeatures
from train.conversation.evaluation.cases import Case
from train.conversation.evaluation.rows import LIPS, WINDOWED, FunctionRow, speaking
from train.conversation.streams import hops
from train.conversation.windowed import load

Mouths = Callable[[Case], NDArray[np.float32]]
"""A talk's mouth (T, 27) made of its own voice."""


def windowed(path: Path, seed: int = 0) -> Mouths:
    """The mouths that a file's model makes. Raises :class:`EngineError` for a file that holds none, or one that hears
    other features."""
    model = load(path)
    narrow = VoiceFeatures(SAMPLE_RATE, RATE, 1).raw_width - 1
    bands = model.config.heard - narrow
    if bands < 1:
        raise EngineError(f"--windowed {path}: it hears {model.config.heard} numbers a frame; train it again")
    voice = VoiceFeatures(SAMPLE_RATE, RATE, bands)

    def mouth(case: Case) -> NDArray[np.float32]:
        pcm = torch.from_numpy(hops(case.sound.own, case.sound.rate, case.frames))[None]
        with torch.no_grad():
            raw, _ = voice.features(pcm, torch.ones(pcm.shape[:2]), initial_state(voice.state_specs(), 1))
        capture = CAPTURES.index(case.kind) if case.kind in CAPTURES else 0
        return np.asarray(model.mouths(raw[0], capture, seed, CALM).numpy(), np.float32)

    return mouth


def row(path: Path, seed: int = 0) -> FunctionRow:
    """The file as a row of the report."""
    mouths = windowed(path, seed)
    about = f"an offline model that hears the whole recording: {path.parent.name}/{path.name}"
    return FunctionRow(WINDOWED, about, "offline", lambda case: speaking(mouths(case)), (LIPS,))
