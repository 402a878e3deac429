"""A small set as the REACT2024 challenge ships it: NoXI and RECOLA, one listener a clip, faces in FaceVerse's numbers,
stereo sound at 44.1 kHz, Emotion files under P1 and P2, and a matrix of neighbours over the listed and mirrored pairs.
"""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import numpy as np

from engine.channels import EMOTION_NAMES
from tests.train.reaction.evaluation.talks import listener, partner
from train.reaction.clips import MEAN_ROTATION, MEAN_TRANSLATION, METRES, ROLES
from train.reaction.evaluation.scene import with_emotion
from train.reaction.neighbours import Pair
from train.simulate.talk import RATE

PARIS, AUGSBURG, RECOLA = "NoXI/010_2016-03-25_Paris", "NoXI/078_2016-05-24_Augsburg", "RECOLA/group-2"
PAIRS = (
    *(Pair(f"{PARIS}/Expert_video/{clip}", f"{PARIS}/Novice_video/{clip}") for clip in (1, 2, 4)),
    Pair(f"{AUGSBURG}/Expert_video/7", f"{AUGSBURG}/Novice_video/7"),
    Pair(f"{RECOLA}/P41/3", f"{RECOLA}/P42/3"),
)
RIGHT = {0: (3, 9), 1: (3, 2), 3: (0,), 4: (8,), 5: (8,), 6: (8, 1), 8: (5,), 9: (0, 8)}
"""Who else is right for a pair, by place in the list, mirrored pairs from 5 on: nobody for clip 4 (places 2 and 7), the
same listener at another time (2, for place 1), the answered person (1, for place 6)."""


def matrix() -> np.ndarray:
    """(10, 10) of floats, as the challenge's tool writes it."""
    made = np.eye(2 * len(PAIRS))
    for row, columns in RIGHT.items():
        made[row, list(columns)] = 1.0
    return made


def coefficients(face: np.ndarray) -> np.ndarray:
    """FaceVerse's numbers (751, 1, 58) of a face (750, 58) of ours."""
    rows = np.concatenate([face, face[-1:]]).astype(np.float32)
    rows[:, 52:55] += MEAN_ROTATION
    rows[:, 55:] = rows[:, 55:] / METRES + np.array(MEAN_TRANSLATION)
    return rows[:, None]


def write_list(root: Path, split: str, pairs: tuple[Pair, ...]) -> None:
    lines = [f"{number},{pair.speaker},{pair.listener}" for number, pair in enumerate(pairs)]
    (root / f"{split}.csv").write_text("\n".join([",speaker_path,listener_path", *lines]) + "\n")


def write_challenge(root: Path, split: str = "val") -> Path:
    """The set in ``root``: 5 clips of 30 s of both people, everybody's face their own."""
    write_list(root, split, PAIRS)
    np.save(root / f"neighbour_emotion_{split}.npy", matrix())
    pcm = partner(30.0)[0]
    time = np.arange(round(30.04 * 44_100)) * (RATE / 44_100)
    sound = np.round(32_000 * np.interp(time, np.arange(len(pcm)), pcm)).astype("<i2")
    voice = root / "voice.wav"
    with wave.open(str(voice), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(np.stack([sound, sound], 1).tobytes())
    for number, clip in enumerate(clip for pair in PAIRS for clip in pair):
        rng = np.random.default_rng(number)
        face = listener(rng, 30.0, rng.uniform(4, 26, 3).tolist(), rng.uniform(4, 26, 2).tolist())
        chat, person, place = clip.rsplit("/", 2)
        for kind, name in (("3D_FV_files", person), ("Emotion", ROLES[person]), ("Audio_files", person)):
            (root / split / kind / chat / name).mkdir(parents=True, exist_ok=True)
        np.save(root / split / "3D_FV_files" / chat / person / f"{place}.npy", coefficients(face))
        table = root / split / "Emotion" / chat / ROLES[person] / f"{place}.csv"
        np.savetxt(table, with_emotion(face).emotion, "%.4f", ",", header=",".join(EMOTION_NAMES), comments="")
        (root / split / "Audio_files" / f"{clip}.wav").hardlink_to(voice)
    return root


def copy(root: Path, to: Path) -> Path:
    """The set again, its sound shared with the first: files may be taken away, lists and matrices written anew."""
    return Path(shutil.copytree(root, to, copy_function=lambda source, place: Path(place).hardlink_to(source)))
