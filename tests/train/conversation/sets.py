"""A small set in the layout ``talks`` whose mouths follow loudness and whose faces blink and nod, so that a model can
learn them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.channels import FACE
from train.conversation.talks.layout import FPS, MOUTH, MOUTH_NAMES, TalkWriter, Voices

RATE = 16_000


def talk(seconds: float, rng: np.random.Generator) -> tuple[Voices, dict[str, np.ndarray], dict[str, object]]:
    """Own and partner's voice in turns of a second; the mouth opens with the own, the head nods to the partner's."""
    frames = int(seconds * FPS)
    time = np.arange(int(seconds * RATE)) / RATE
    own_turn = (time % 2.0) < 1.0
    buzz = sum(np.sin(2 * np.pi * k * rng.uniform(100, 200) * time) / k for k in range(1, 5))
    loud = 0.5 + 0.5 * np.sin(2 * np.pi * 3.0 * time + rng.uniform(0, 6))
    own = 0.1 * buzz * loud * own_turn
    partner = 0.1 * buzz * ~own_turn
    at = np.minimum(((np.arange(frames) + 0.5) / FPS * RATE).astype(int), len(time) - 1)
    mouth = np.zeros((frames, len(MOUTH)), np.float32)
    mouth[:, MOUTH_NAMES.index("jawOpen")] = 0.6 * loud[at] * own_turn[at]
    expression = np.zeros((frames, 58), np.float32)
    for first in range(10, frames - 8, 50):
        expression[first : first + 6, [FACE["eyeBlinkLeft"], FACE["eyeBlinkRight"]]] = 0.9
    expression[:, FACE["headPitch"]] = 0.1 * np.sin(np.arange(frames) / 5.0) * ~own_turn[at]
    expression[:, FACE["mouthSmileLeft"]] = rng.uniform(0.0, 0.5)
    face = expression.copy()
    face[:, MOUTH] = face[:, MOUTH] + mouth - face[:, MOUTH] * mouth
    body = np.zeros((frames, 27, 4), np.float32)
    body[..., 3] = 1.0
    lift = 0.3 * np.sin(np.arange(frames) / 9.0)
    body[:, 20, 0], body[:, 20, 3] = np.sin(lift), np.cos(lift)
    arrays = {
        "face": face,
        "expression": expression,
        "mouth": mouth,
        "captured": np.ones(frames, bool),
        "body": body,
        "partner_face": rng.uniform(0, 0.3, (frames, 58)).astype(np.float32),
        "fps": np.array(FPS),
    }
    told: dict[str, object] = {
        "voice": "ann",
        "partner": "bob",
        "capture": "captured",
        "persona": str(rng.choice(["ada", "ben"])),
        "events": [("nod", 1.2), ("smile", 2.0)],
        "words": [("lumber", 0.1, 0.5), ("mill", 2.1, 2.6)],
        "closings": [(0.2, 0.3), (2.1, 2.11)],
        "turns": [(2.0 * k, 2.0 * k + 1.0) for k in range(int(seconds / 2))],
    }
    return Voices(own.astype(np.float32), partner.astype(np.float32), RATE), arrays, told


def made_set(folder: Path, seconds: float = 6.0, count: int = 3) -> Path:
    """Talks to train on, a recording of a mouth alone, and one each to check and to test."""
    writer, rng = TalkWriter(folder, {"command": "made in a test"}), np.random.default_rng(0)
    for number in range(count):
        writer.add("train", f"talk{number}", *talk(seconds, rng))
    sound, arrays, told = talk(seconds, rng)
    known = np.isin(np.arange(58), MOUTH)
    known[FACE["mouthPucker"]] = False
    writer.add(
        "train",
        "capture-one",
        sound,
        {name: arrays[name] for name in ("face", "expression", "mouth", "captured", "fps")} | {"known": known},
        {name: value for name, value in told.items() if name != "closings"} | {"capture": "tracked"},
    )
    sound, arrays, told = talk(seconds, rng)
    arrays["captured"][60:] = False
    writer.add("train", "unlabelled", sound, arrays, told)
    for split in ("dev", "test"):
        writer.add(split, "talk", *talk(seconds, rng))
    writer.finish()
    return folder
