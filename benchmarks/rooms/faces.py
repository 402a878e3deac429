"""Partners who are seen: faces as a tracker gives them, as training simulates them, and smiles laid over either.

**Readers** are the clips of the GRID corpus with the face that MediaPipe saw in each frame, relative to where the head
rests as the live tracker gives it. They read sentences aloud and do not mean to smile. Without ``$ENGINE_DATA`` the
built-in partner stands for them.

**What trackers give.** In 155 tracked clips MediaPipe's ``cheekSquint``, ``noseSneer``, ``cheekPuff`` and ``tongueOut``
stay below 0.001, and where ``mouthSmile`` rises, ``mouthDimple`` and ``eyeSquint`` stay where they are. So from a
webcam a smile is ``mouthSmile`` alone. In 22 of the clips it rises by more than 0.1 (to 0.49) for up to 0.4 s, mostly
with the jaw open: a spread vowel. No smile captured by ARKit is at hand; :data:`SMILES` holds what an iPhone would give
by our own choice.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.listen import Partner
from engine.channels import EXPRESSION_NAMES, FACE, FACE_NAMES, expression_from_names
from engine.rest_pose import RestPose
from engine.sources.demo import PARTNER, load_face
from engine.sources.media import MediaFile
from train.partner.face import animate, bump, hear
from train.speech.rooms import VOICE_DBFS, Sound, at_level

FPS, PERIOD_NS, REST_S, JOIN = 25, 40_000_000, 30.0, 3
Face = NDArray[np.float32]

SMILES: dict[str, dict[str, float]] = {
    "all channels": {
        "mouthSmileLeft": 1.0,
        "mouthSmileRight": 1.0,
        "mouthDimpleLeft": 0.25,
        "mouthDimpleRight": 0.25,
        "cheekSquintLeft": 0.75,
        "cheekSquintRight": 0.75,
        "eyeSquintLeft": 0.55,
        "eyeSquintRight": 0.55,
    },
    "no cheekSquint": {
        "mouthSmileLeft": 1.0,
        "mouthSmileRight": 1.0,
        "mouthDimpleLeft": 0.25,
        "mouthDimpleRight": 0.25,
        "eyeSquintLeft": 0.55,
        "eyeSquintRight": 0.55,
    },
    "mouthSmile alone": {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0},
    "iPhone, one-sided": {
        "mouthSmileLeft": 0.9,
        "mouthSmileRight": 0.7,
        "mouthDimpleLeft": 0.1,
        "mouthDimpleRight": 0.1,
        "cheekSquintLeft": 0.2,
        "cheekSquintRight": 0.15,
        "eyeSquintLeft": 0.2,
        "eyeSquintRight": 0.2,
    },
}
"""Channels of a smile by who gives it, as shares of its size: the simulation's (:mod:`train.partner.face`), then with
what trackers leave out."""
SIZES = (0.3, 0.5, 0.8)
RISE_S, LASTS_S, FALL_S, EVERY_S = 0.4, 2.6, 0.9, 6.0
"""Course of a smile, and how far apart they are; lengths as the simulated speaker's."""
MISSING: dict[str, tuple[str, ...]] = {
    "no head": ("head",),
    "no brows and lids": ("brow", "eye"),
    "mouth and jaw alone": ("brow", "eye", "head", "cheek", "nose"),
    "head alone": tuple(EXPRESSION_NAMES),
}
"""Channels that some tracker does not give, by how their names begin."""


def readers(rate: int, count: int) -> Partner:
    """People who read aloud, voice (count,) and tracked face: clips spread evenly over all there are."""
    folder = Path(os.environ.get("ENGINE_DATA", "")) / "face_grid_av" / "arkit_audio"
    paths = sorted(path for path in folder.glob("*.npz") if path.with_suffix(".flac").is_file())
    frames = -(-count * FPS // rate)
    if not paths:
        return _built_in(rate, count)
    with np.load(paths[0]) as stored:
        length = len(stored["arkit52"])
    wanted = min(len(paths), -(-frames // length))
    chosen = [paths[index] for index in np.linspace(0, len(paths) - 1, wanted).round().astype(int)]
    rest = RestPose(REST_S)
    pieces: list[Face] = []
    sounds: list[Sound] = []
    for path in chosen:
        rest.move_in()
        pieces.append(_tracked(path, rest, sum(map(len, pieces))))
        raw = np.concatenate([block.samples for block in MediaFile(path.with_suffix(".flac")).audio(rate)])
        sounds.append(np.resize(np.pad(at_level(raw, VOICE_DBFS), (0, rate)), len(pieces[-1]) * rate // FPS))
    return Partner(np.resize(np.concatenate(sounds), count), joined(pieces)[np.arange(frames) % sum(map(len, pieces))])


def joined(pieces: list[Face]) -> Face:
    """Faces (T, 58) in a row, with :data:`JOIN` frames on either side of each join led from one to the other: two clips
    of a person do not meet in one place, and a jump is not believed."""
    whole = np.concatenate(pieces)
    for at in np.cumsum([len(piece) for piece in pieces])[:-1]:
        way = np.linspace(0, 1, 2 * JOIN + 1, dtype=np.float32)[1:-1, None]
        first, last = whole[at - JOIN - 1], whole[at + JOIN - 1]
        whole[at - JOIN : at + JOIN - 1] = (1 - way) * first + way * last
    return whole


def simulated(sound: Sound, rate: int, seed: int = 0) -> Face:
    """The face that training gives to a voice (n,): mouth, lids and head follow the sound, nothing is meant."""
    return animate(hear(sound.astype(float), rate), [], seed)


def still(frames: int, seed: int = 0) -> Face:
    """A face at rest that blinks and looks about, (frames, 58)."""
    silent = hear(np.random.default_rng(seed).normal(0, 1e-4, frames * 640))
    return animate(replace(silent, loud=np.zeros(frames)), [], seed)


def without(face: Face, channels: tuple[str, ...]) -> Face:
    """``face`` (T, 58) with 0 in all channels whose names begin so."""
    out = face.copy()
    out[:, [index for name, index in FACE.items() if name.startswith(channels)]] = 0.0
    return out


def moments(frames: int) -> list[tuple[float, float]]:
    """When smiles begin in ``frames``, seconds, and how big each is: sizes by turns."""
    times = np.arange(4.0, frames / FPS - EVERY_S, EVERY_S)
    return [(float(time), SIZES[index % len(SIZES)]) for index, time in enumerate(times)]


def smiling(face: Face, kind: str) -> Face:
    """``face`` (T, 58) with a smile of ``kind`` at each of its :func:`moments`."""
    time = (np.arange(len(face)) + 0.5) / FPS
    level = sum(size * bump(time, at, at + LASTS_S, RISE_S, FALL_S) for at, size in moments(len(face)))
    out = face.copy()
    for name, share in SMILES[kind].items():
        out[:, FACE[name]] = np.clip(out[:, FACE[name]] + share * np.asarray(level), 0.0, 1.0)
    return out


def _tracked(path: Path, rest: RestPose, frame: int) -> Face:
    """(T, 58) of one clip; ``rest`` is that of the clips before, ``frame`` the number of the first."""
    with np.load(path) as stored:
        names = [str(name) for name in stored["names"]]
        weights = np.stack([expression_from_names(dict(zip(names, row, strict=True))) for row in stored["arkit52"]])
        poses = [rest.relative(matrix, (frame + k) * PERIOD_NS) for k, matrix in enumerate(stored["head_mat"])]
    return np.concatenate([weights, poses], axis=1).astype(np.float32)


def _built_in(rate: int, count: int) -> Partner:
    sound = np.concatenate([block.samples for block in MediaFile(PARTNER / "speech.flac").audio(rate)])
    face = load_face(PARTNER / "face.npz").astype(np.float32)
    assert face.shape[1] == len(FACE_NAMES)
    frames = -(-count * FPS // rate)
    lap = len(face) * rate // FPS
    sound = np.pad(sound, (0, max(0, lap - len(sound))))[:lap]
    return Partner(np.resize(at_level(sound, VOICE_DBFS), count), face[np.arange(frames) % len(face)])
