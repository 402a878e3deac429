"""Real inputs for any spec: a minute or more of voices, faces and bodies, with the faults that a live stream has.

Voices are ``speech_clips`` and faces ``face_grid_av/arkit_audio`` of the folder that ``$ENGINE_DATA`` names; without
it, the partner that comes with the engine; bodies are in ``bodies.py``. What no recording holds (controls, ids, noise,
words, vectors of texts) is drawn from a seed. Faces and bodies come and go with their validity, and now and then a
number is NaN: an export must be equal in its hygiene as well.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import engine
from engine.channels import FACE_NAMES, expression_from_names, head_angles
from engine.noise import uniforms
from engine.sources.media import MediaFile
from engine.spec import InputSpec, StreamSpec
from export.bodies import bodies
from export.errors import ExportError

FACE_RATE = 25.0
"""Frames a second of every face recording used."""

_PARTNER = Path(engine.__file__).parent / "data" / "partner"
_PAUSE_S = 0.6
_HOLD_S, _AWAY_EVERY_S, _AWAY_S = 2.0, 8.0, 0.6
_VOCABULARY = 1000  # ids of words drawn where the spec names no highest
HELD_SHARE = 0.03
"""Of the elements of a control that is a list of choices."""
_FAULT_EVERY = 173  # frames, for the first input; the others differ, so that faults also come singly
Array = NDArray[Any]


def recording(spec: StreamSpec, seconds: float, seed: int = 0) -> tuple[dict[str, Array], str]:
    """Inputs of ``spec`` by name, each (T, *shape) with T frames of at least ``seconds``, and where they come from."""
    frames = int(np.ceil(seconds * spec.rate))
    source = data_folder()
    face = (
        _faces(source, frames, spec.rate) if spec.by_role("face") else np.zeros((frames, len(FACE_NAMES)), np.float32)
    )
    owners = list(dict.fromkeys(item.of for item in spec.by_role("audio")))
    tracks = _voices(source, spec.sample_rate, frames * spec.hop, len(owners)) if spec.hop else []
    voices = dict(zip(owners, tracks, strict=False))  # of each owner one, as a live session has it
    # Away for a while in each stretch of seconds, first after half of it.
    clock = np.arange(frames) / spec.rate + _AWAY_EVERY_S / 2
    present = (clock % _AWAY_EVERY_S >= _AWAY_S).astype(np.float32)
    since = np.zeros(frames)
    for frame in range(1, frames):
        since[frame] = 0.0 if present[frame] else since[frame - 1] + 1 / spec.rate

    inputs: dict[str, Array] = {}
    swung = False
    for index, item in enumerate(spec.inputs):
        random = np.random.default_rng((seed, index))
        shape = (frames, *item.shape)
        if item.role == "audio" and item.shape == (spec.hop,):
            value = voices[item.of].reshape(shape)
        elif item.role == "face" and len(item.shape) == 1 and _columns(item) is not None:
            value = face[:, _columns(item)]
        elif item.role == "body":
            value, recorded = bodies(source, spec.skeleton(item.skeleton), frames, spec.rate)
            swung |= not recorded
        elif item.role == "noise":
            value = uniforms(seed + index, 0, frames, int(np.prod(item.shape))).reshape(shape)
        elif item.role == "validity":
            value = np.broadcast_to(present.reshape(-1, *(1 for _ in item.shape)), shape)
        elif item.role == "age":
            value = np.broadcast_to(since.reshape(-1, *(1 for _ in item.shape)), shape)
        elif item.role == "words" and len(item.shape) == 2:
            value = _words(item, frames, spec.rate, random)
        elif item.role == "text":
            value = _vectors(item, shape, max(1, round(_HOLD_S * spec.rate)), random)
        else:
            value = _drawn(item, shape, max(1, round(_HOLD_S * spec.rate)), random)
        inputs[item.name] = np.array(value, item.dtype)
        if item.role in ("audio", "face", "body", "feature"):
            _spoil(inputs[item.name], _FAULT_EVERY + 10 * index, random)
    origin = source.name if source == _PARTNER else "$ENGINE_DATA"
    return inputs, f"{origin}, a body set swinging" if swung else origin


def data_folder() -> Path:
    """The folder that ``$ENGINE_DATA`` names if it holds speech clips, else the built-in partner's."""
    given = Path(os.environ.get("ENGINE_DATA", ""))
    return given if (given / "speech_clips").is_dir() else _PARTNER


def _voices(source: Path, rate: int, length: int, count: int) -> list[NDArray[np.float32]]:
    """``count`` different tracks of ``length`` samples: the clips one after the other, each track from elsewhere on."""
    folder = source if source == _PARTNER else source / "speech_clips"
    paths = sorted(item for item in folder.iterdir() if item.suffix in (".wav", ".flac"))
    if not paths:
        raise ExportError(f"{folder} holds no .wav or .flac; point ENGINE_DATA at recordings, or unset it")
    pieces: list[NDArray[np.float32]] = []
    pause = np.zeros(int(_PAUSE_S * rate), np.float32)
    for path in paths:
        if sum(map(len, pieces)) >= 2 * length:
            break
        pieces += [*(block.samples for block in MediaFile(path).audio(rate)), pause]
    whole = np.concatenate(pieces)
    whole = np.tile(whole, -(-length // len(whole)))
    return [np.roll(whole, -track * len(whole) // max(count, 1))[:length] for track in range(count)]


def _faces(source: Path, frames: int, rate: float) -> NDArray[np.float32]:
    """(frames, 58) at ``rate``: of each frame the newest face that is not later."""
    needed = int(frames * FACE_RATE / rate) + 1
    pieces: list[NDArray[np.float32]] = []
    if source != _PARTNER:
        for path in sorted((source / "face_grid_av" / "arkit_audio").glob("*.npz")):
            if sum(map(len, pieces)) >= needed:
                break
            pieces.append(_capture(path))
    if not pieces:
        with np.load(_PARTNER / "face.npz") as stored:
            pieces.append(stored["face"].astype(np.float32))
    whole = np.concatenate(pieces)
    return whole[(np.arange(frames) * FACE_RATE / rate).astype(np.int64) % len(whole)]


def _capture(path: Path) -> NDArray[np.float32]:
    """(T, 58) of one capture: weights by name; the head from MediaPipe's matrix, which has this project's axes and
    centimetres, its place relative to the median of the clip."""
    with np.load(path) as stored:
        names = [str(name) for name in stored["names"]]
        weights = np.stack([expression_from_names(dict(zip(names, row, strict=True))) for row in stored["arkit52"]])
        matrices = stored["head_mat"]
    turns = np.array([head_angles(item[:3, :3] / np.linalg.norm(item[:3, :3], axis=0)) for item in matrices])
    places = (matrices[:, :3, 3] - np.median(matrices[:, :3, 3], axis=0)) / 100
    return np.concatenate([weights, turns, places], axis=1).astype(np.float32)


def _columns(item: InputSpec) -> list[int] | None:
    """Which of the 58 a face input takes: by its names, else all if it has 58."""
    if item.names and set(item.names) <= set(FACE_NAMES):
        return [FACE_NAMES.index(name) for name in item.names]
    return list(range(len(FACE_NAMES))) if item.shape == (len(FACE_NAMES),) else None


def _drawn(item: InputSpec, shape: tuple[int, ...], hold: int, random: np.random.Generator) -> Array:
    """Values within the bounds: new ones every ``hold`` frames for controls and ids, every frame for the rest. Every
    other stretch of a control is at its default."""
    held = item.role in ("control", "ids")
    count = -(-shape[0] // hold) if held else shape[0]
    if item.dtype != "float32":
        value: Array = random.integers(int(item.low), int(item.high), (count, *shape[1:]), endpoint=True)
    elif item.choices:  # few elements held at a time, as people hold them
        most = [len(labels) for labels in item.choices]
        chosen = np.floor(random.random((count, *shape[1:])) * most)
        value = np.where(random.random(chosen.shape) < HELD_SHARE, chosen, item.missing)
    elif item.role == "control" and item.names:
        value = random.integers(0, len(item.names), (count, *shape[1:])).astype(np.float32)
    elif np.isfinite([item.low, item.high]).all():
        value = random.uniform(item.low, item.high, (count, *shape[1:]))
    else:
        value = np.clip(random.standard_normal((count, *shape[1:])), item.low, item.high)
    if item.role == "control":
        value[::2] = item.missing
    return np.repeat(value, hold, axis=0)[: shape[0]] if held else value


def _words(item: InputSpec, frames: int, rate: float, random: np.random.Generator) -> Array:
    """Rows (frames, count, 4) as :data:`engine.roles.WORD` says: words of any length one after the other, now and then
    a pause; of each frame the newest that have begun, oldest first."""
    count = item.shape[0]
    most = _VOCABULARY if not np.isfinite(item.high) else item.high
    begun = np.cumsum(random.choice([0.12, 0.3, 0.5, 2.0], 2 + int(frames / rate / 0.12)))
    ended = begun + np.minimum(0.9 * np.diff(begun, append=np.inf), random.uniform(0.1, 0.6, len(begun)))
    ids = random.integers(0, int(most), len(begun), endpoint=True)
    time = np.arange(1, frames + 1) / rate
    newest = np.searchsorted(begun, time, side="right")[:, None] - count + np.arange(count)
    there, place = newest >= 0, newest.clip(0)
    since = [time[:, None] - moments[place] for moments in (begun, ended)]
    rows = np.stack([ids[place], *since, there], axis=-1).clip(item.low, item.high)
    return np.where(there[..., None], rows, 0.0)


def _vectors(item: InputSpec, shape: tuple[int, ...], hold: int, random: np.random.Generator) -> Array:
    """Unit vectors, another one every ``hold`` frames; at first what is there before a text was ever set."""
    value = random.standard_normal((-(-shape[0] // hold), *shape[1:]))
    value /= np.linalg.norm(value, axis=-1, keepdims=True)
    value[0] = item.missing
    return np.repeat(value, hold, axis=0)[: shape[0]].clip(item.low, item.high)


def _spoil(value: Array, every: int, random: np.random.Generator) -> None:
    flat = value.reshape(len(value), -1)
    for frame in range(every, len(flat), every):
        flat[frame, random.integers(flat.shape[1])] = random.choice([np.nan, np.inf, -np.inf])
