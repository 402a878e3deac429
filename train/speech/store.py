"""Talks kept as files, so that a set begun is gone on with: one npz per talk, read without executing anything."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import EngineError
from train.speech.talk import RATE, SPLITS, SpokenWord, Stress, Talk

MOST_BYTES = 64 << 20  #: of one file: a talk of 90 s has 3 MB
MOST_WORDS = 10_000


def save(talk: Talk, path: Path, key: str) -> None:
    """Writes ``talk`` to ``path``, whole or not at all; ``key`` says what it was made of. The sound is kept as 16 bits,
    so :func:`load` gives samples up to 0.00002 off."""
    told: dict[str, Any] = asdict(talk)
    del told["pcm"]
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            pcm = np.round(talk.pcm * 32767).astype(np.int16)
            np.savez(file, pcm=pcm, told=np.array(json.dumps(told | {"key": key}, ensure_ascii=False)))
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise EngineError(
            f"{path} cannot be written ({error.strerror}): make room there, or name another folder"
        ) from error


def load(path: Path, key: str) -> Talk | None:
    """The talk kept at ``path``, or None where there is none made of ``key``. Raises :class:`EngineError` for a file
    that is no talk."""
    if not path.is_file():
        return None
    remedy = "delete it, it is made again"
    if path.stat().st_size > MOST_BYTES:
        raise EngineError(f"{path} is larger than {MOST_BYTES >> 20} MB, no talk is: {remedy}")
    try:
        with np.load(path, allow_pickle=False) as stored:
            pcm, told = stored["pcm"], json.loads(str(stored["told"]))
        if told.pop("key") != key:
            return None
        words = tuple(
            SpokenWord(str(item["text"]), float(item["start"]), float(item["end"])) for item in told.pop("words")
        )
        stresses = tuple(
            Stress(float(item["time"]), float(item["strength"]), int(item["word"])) for item in told.pop("stresses")
        )
        talk = Talk(**told, pcm=pcm.astype(np.float32) / 32767, words=words, stresses=stresses)
    except Exception as error:  # whatever a damaged file brings: a bad zip, a missing name, a wrong type
        raise EngineError(f"{path} is no talk ({type(error).__name__}: {error}): {remedy}") from error
    wrong = _wrong(talk, pcm)
    if wrong:
        raise EngineError(f"{path} is no talk, {wrong}: {remedy}")
    return talk


def _wrong(talk: Talk, pcm: np.ndarray[Any, Any]) -> str:
    if pcm.ndim != 1 or pcm.dtype != np.int16 or not 0 < len(pcm) <= 600 * RATE:
        return f"its sound is {pcm.dtype} of shape {pcm.shape}"
    if talk.split not in SPLITS or len(talk.words) > MOST_WORDS or len(talk.stresses) > MOST_WORDS:
        return f"split {talk.split!r}, {len(talk.words)} words"
    times = [time for word in talk.words for time in (word.start, word.end)] + [item.time for item in talk.stresses]
    if not all(0 <= time <= talk.seconds for time in times):
        return "a time lies outside it"
    return ""
