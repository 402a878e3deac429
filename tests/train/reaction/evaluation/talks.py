"""Small talks held in memory: the built-in partner's voice and face, and listeners who nod, smile, blink and sway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

import engine.sources.demo as demo
from engine.channels import FACE
from engine.sources.media import MediaFile
from train.reaction.evaluation.scene import with_emotion
from train.simulate.talk import FPS, HOP, RATE, Cue, Span

PARTNER = demo.PARTNER


@dataclass
class MemoryTalk:
    """A talk with the attributes of a recorded one."""

    voice: str
    name: str
    pcm: np.ndarray
    speaker: np.ndarray
    faces: dict[str, np.ndarray]
    invitations: list[Cue]
    phrases: list[Span]
    own_turns: list[Span] = field(default_factory=list)
    told: bool = True
    simulated: bool = False

    @property
    def listeners(self) -> Sequence[str]:
        return tuple(self.faces)

    @property
    def frames(self) -> int:
        return len(self.speaker)

    def audio(self) -> np.ndarray:
        return self.pcm

    def face(self) -> np.ndarray:
        return self.speaker

    def listener(self, name: str) -> np.ndarray:
        return self.faces[name]

    def emotion(self, name: str) -> np.ndarray:
        return with_emotion(self.speaker if name == "speaker" else self.faces[name]).emotion

    def controls(self, name: str) -> dict[str, np.ndarray]:
        own = np.zeros(len(self.speaker), np.float32)
        for span in self.own_turns:
            own[round(span.start_s * FPS) : round(span.end_s * FPS)] = 1.0
        return {"expressiveness": np.full(len(own), 1.0 + 0.1 * len(name), np.float32), "self_speaking": own}

    def spans(self, kind: str) -> Sequence[Span]:
        return {"phrases": self.phrases, "own_turns": self.own_turns}[kind]

    def cues(self) -> Sequence[Cue]:
        return self.invitations


def partner(seconds: float, start_s: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """(PCM, face (T, 58)) of the built-in partner, round and round from ``start_s``."""
    frames = round(seconds * FPS)
    pcm = np.concatenate([block.samples for block in MediaFile(PARTNER / "speech.flac").audio(RATE)])
    with np.load(PARTNER / "face.npz") as stored:
        face = stored["face"]
    laps = min(len(face), len(pcm) // HOP)
    order = (np.arange(frames) + round(start_s * FPS)) % laps
    return pcm[: laps * HOP].reshape(laps, HOP)[order].reshape(-1).astype(np.float32), face[order]


def listener(rng: np.random.Generator, seconds: float, nods: Sequence[float], smiles: Sequence[float]) -> np.ndarray:
    """A face (T, 58) that sways, blinks, and nods and smiles at the given times (s)."""
    frames = round(seconds * FPS)
    time = np.arange(frames) / FPS
    face = np.zeros((frames, 58))
    for name, size in (("headPitch", 0.02), ("headYaw", 0.03), ("headRoll", 0.02), ("headX", 0.004), ("headY", 0.002)):
        for hertz in rng.uniform(0.05, 0.6, 6):
            face[:, FACE[name]] += size / 6 * np.sin(2 * np.pi * (hertz * time + rng.random()))
    for name in ("mouthSmileLeft", "mouthSmileRight", "browInnerUp", "jawOpen", "mouthPressLeft"):
        wave = sum(np.sin(2 * np.pi * (hertz * time + rng.random())) for hertz in rng.uniform(0.1, 1.5, 5))
        face[:, FACE[name]] += 0.05 + 0.006 * wave
    for start in nods:
        phase = np.clip((time - start) * 2.2, 0.0, 2.0)
        face[:, FACE["headPitch"]] += np.radians(rng.uniform(4, 8)) * 0.5 * (1.0 - np.cos(2 * np.pi * phase))
    for start in smiles:
        rise = np.clip((time - start) / 0.5, 0.0, 1.0) - np.clip((time - start - 2.5) / 0.8, 0.0, 1.0)
        for side in ("Left", "Right"):
            face[:, FACE[f"mouthSmile{side}"]] += rng.uniform(0.35, 0.5) * rise
    blink = rng.uniform(0.5, 2.0)
    while blink < seconds - 1.0:
        for side in ("Left", "Right"):
            shape = np.exp(-(((time - blink) / 0.07) ** 2))
            face[:, FACE[f"eyeBlink{side}"]] = np.maximum(face[:, FACE[f"eyeBlink{side}"]], shape)
        blink += 0.6 + rng.gamma(1.6, 1.8)
    return np.asarray(face, np.float32)


def talk(voice: str, seed: int, seconds: float = 60.0, people: int = 4) -> MemoryTalk:
    """One talk: phrases of some seconds, a pause cue at the end of each, smiles now and then, and attentive people."""
    rng = np.random.default_rng(seed)
    pcm, face = partner(seconds, start_s=float(seed))
    phrases, cues = [], []
    time = 1.0
    while time < seconds - 8.0:
        end = time + rng.uniform(2.0, 7.0)
        phrases.append(Span(time, end))
        kind = "question" if rng.random() < 0.2 else "pause"
        cues.append(Cue(kind, end, float(rng.uniform(0.3, 1.0))))
        if rng.random() < 0.5:
            cues.append(Cue("smile", time + 0.6, float(rng.uniform(0.3, 1.0))))
        time = end + rng.uniform(0.6, 1.6)
    own = [Span(seconds - 6.0, seconds - 2.0)]
    faces = {}
    for index in range(people):
        inviting = [cue.time_s for cue in cues if cue.kind in ("pause", "question")]
        smiling = [cue.time_s for cue in cues if cue.kind == "smile"]
        nods = [t + rng.uniform(0.1, 0.6) for t in inviting if rng.random() < 0.7]
        smiles = [t + rng.uniform(0.2, 0.7) for t in smiling if rng.random() < 0.8]
        faces[f"listener{index}"] = listener(rng, seconds, nods, smiles)
    return MemoryTalk(voice, f"{voice}-{seed}", pcm, face, faces, cues, phrases, own)
