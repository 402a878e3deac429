"""Voices in fifteen languages by eSpeak NG, a synthesiser whose voice is the same in all of them.

The library is not one of this project's: where the package ``espeakng-loader`` is installed (it holds the library and
its voices) it is called through its C interface, else these rooms are left out. The sentences are in ``sentences.csv``,
the same six in each language, Japanese in kana since eSpeak NG does not read kanji. It draws a little of what it says:
the same sentence is not the same to the bit.
"""

from __future__ import annotations

import csv
import ctypes
import functools
import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import EngineError
from engine.sound.resample import StreamingResampler
from train.speech.rooms import Sound

PACKAGE = "espeakng_loader"
TABLE = Path(__file__).with_name("sentences.csv")
RETRIEVAL, CHARACTERS_UTF8, POSITION_CHARACTER, ALL_OK = 1, 1, 1, 0
"""AUDIO_OUTPUT_RETRIEVAL, espeakCHARS_UTF8, POS_CHARACTER and EE_OK of ``espeak-ng/speak_lib.h``."""
HEARD = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def available() -> bool:
    """Whether the synthesiser is installed."""
    return importlib.util.find_spec(PACKAGE) is not None


def languages() -> list[str]:
    """Names of the languages of the table, in its order."""
    return list(_table())


def spoken(language: str, rate: int) -> list[Sound]:
    """The sentences of ``language``, each (n,) at ``rate`` Hz. Raises :class:`EngineError` where the synthesiser is not
    installed or does not know the voice."""
    voice, sentences = _table()[language]
    return [_said(voice, sentence, rate) for sentence in sentences]


@functools.cache
def _table() -> dict[str, tuple[str, list[str]]]:
    found: dict[str, tuple[str, list[str]]] = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["language"], (row["voice"], []))[1].append(row["sentence"])
    return found


@functools.cache
def _library() -> tuple[Any, int]:
    """The library, begun, and the rate of its sound in Hz."""
    if not available():
        raise EngineError("languages by eSpeak NG: it is not installed; pip install espeakng-loader")
    loader = importlib.import_module(PACKAGE)
    library = ctypes.CDLL(loader.get_library_path())
    rate = library.espeak_Initialize(RETRIEVAL, 0, str(loader.get_data_path()).encode(), 0)
    if rate <= 0:
        raise EngineError(f"eSpeak NG does not begin with the voices of {PACKAGE}: install that package again")
    return library, rate


def _said(voice: str, sentence: str, rate: int) -> Sound:
    library, own_rate = _library()
    if library.espeak_SetVoiceByName(voice.encode()) != ALL_OK:
        raise EngineError(f"eSpeak NG knows no voice {voice!r}: give one that the installed version has")
    pieces: list[Sound] = []

    def heard(samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            pieces.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32) / 32768)
        return 0

    callback = HEARD(heard)
    library.espeak_SetSynthCallback(callback)
    text = sentence.encode() + b"\0"
    library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, POSITION_CHARACTER, 0, CHARACTERS_UTF8, None, None)
    library.espeak_Synchronize()
    if not pieces:
        raise EngineError(f"eSpeak NG says nothing for {sentence!r} with the voice {voice!r}")
    change = StreamingResampler(own_rate, rate)
    return np.concatenate([change.push(np.concatenate(pieces)), change.flush()])
