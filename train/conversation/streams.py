"""A set in the layout ``talks`` in memory for training: what is heard and seen, and what mouth, face and body do.

The sound goes through the engine's resampler and the model's own features, as it is heard live. A face without
``expression`` and ``mouth`` is divided where the own voice speaks: the mouth's channels are the mouth of speech there,
and expression elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from engine.body.solve import rotations_of
from engine.channels import FACE, FACE_NAMES
from engine.errors import EngineError
from engine.sound.resample import StreamingResampler
from models.bodies.kinematics import to_six
from models.contract import commit, initial_state
from models.conversation.config import BODY, CAPTURES, HOP, MOUTH, PLANS, RATE, SAMPLE_RATE, TRUNK
from models.conversation.lips import JAW, REACH
from models.conversation.model import SPEECH, Conversation, Heard
from models.conversation.spec import FACE_SEEN, OWN, OWN_HEARD, PARTNER, PARTNER_HEARD
from train.conversation.talks.layout import TalkFile, Told, talks
from train.report.events import looks_away
from train.run.progress import progress

QUIET = 0.2
"""Trace of speech under which nobody speaks."""
PIECE = 300
"""Frames that are heard in one call, which bounds memory."""
TOGETHER = 16
"""Talks that are heard side by side."""
LEAST_USUAL = 1e-4
"""Share of frames in which a plan begins at least."""
BLINK = 0.3
"""Weight of the lids from which a blink has begun, one frame before."""
STROKE, STROKE_APART = 0.6, 9
"""Speed of the arms' numbers (1/s) from which a stroke has begun, and frames between two beginnings at least."""
OPEN = 0.03
"""Weight of the jaw from which a mouth is open."""
ARMS = slice(6 * TRUNK.index("rShldr"), None)
SMILES = [FACE[f"mouthSmile{side}"] for side in ("Left", "Right")]
LIDS = [FACE[f"eyeBlink{side}"] for side in ("Left", "Right")]
TRUNK_JOINTS = [BODY.index(name) for name in TRUNK]


@dataclass(frozen=True)
class Stream:
    """One talk; T frames. ``heard`` of :class:`models.conversation.model.Heard` without batch. ``mouth`` (T, 27) of
    speech, ``known`` (T, 27) where it was captured, ``capture`` how. ``shut`` (T,) is 1 in b, p and m, ``spelt`` (T,)
    where words or silence tell whether it is one. ``face`` (T, 58) without it and ``trunk``
    (T, 48), None where nobody knows them, with ``plans`` (T, PLANS), ``smile``, the mean of its smiles, and ``mood``,
    its third among all. ``seen``: the partner's face is there."""

    name: str
    voice: str
    heard: Heard
    mouth: Tensor
    known: Tensor
    capture: int
    shut: Tensor
    spelt: Tensor
    face: Tensor | None
    trunk: Tensor | None
    plans: Tensor
    smile: float
    style: int = 0
    mood: int = 1

    @property
    def frames(self) -> int:
        """Length."""
        return len(self.mouth)


def read(model: Conversation, root: Path, split: str) -> list[Stream]:
    """The talks of a split. Raises :class:`EngineError` for what cannot be read."""
    found = talks(root, split)
    files = [(item, item.arrays()) for item in found]
    files.sort(key=lambda pair: len(pair[1]["face"]))
    out: list[Stream] = []
    groups = [files[first : first + TOGETHER] for first in range(0, len(files), TOGETHER)]
    for group in progress(groups, f"hearing the talks of {split}, {TOGETHER} at a time"):
        heard = _hear(model, group)
        out += [_stream(model, item, arrays, own) for (item, arrays), own in zip(group, heard, strict=True)]
    return sorted(out, key=lambda item: item.name)


def styles_of(root: Path) -> tuple[str, ...]:
    """The personas of the training talks, by name."""
    found = {item.told().persona for item in talks(root, "train")} - {""}
    return tuple(sorted(found)) or ("anyone",)


def with_moods(parts: dict[str, list[Stream]]) -> dict[str, list[Stream]]:
    """The same with moods: thirds of the training talks by how much their avatar smiles."""
    smiles = sorted(item.smile for item in parts["train"] if item.face is not None)
    if not smiles:
        return parts
    edges = [smiles[len(smiles) // 3], smiles[2 * len(smiles) // 3]]
    return {
        split: [replace(item, mood=int(np.searchsorted(edges, item.smile, "right"))) for item in items]
        for split, items in parts.items()
    }


def hops(sound: NDArray[np.float32], rate: int, frames: int) -> NDArray[np.float32]:
    """A voice (n,) as hops (frames, HOP), through the engine's resampler; silence after its end."""
    resampler = StreamingResampler(rate, SAMPLE_RATE)
    pcm = np.concatenate([resampler.push(sound), resampler.flush()])
    pcm = np.pad(pcm, (0, max(0, frames * HOP - len(pcm))))[: frames * HOP]
    return pcm.astype(np.float32).reshape(frames, HOP)


def _hear(model: Conversation, group: Sequence[tuple[TalkFile, dict[str, NDArray[Any]]]]) -> list[Heard]:
    """Features of talks side by side, the shorter ones with silence behind."""
    lengths = [len(arrays["face"]) for _, arrays in group]
    most = max(lengths)
    inputs = {
        OWN: torch.zeros(len(group), most, HOP),
        PARTNER: torch.zeros(len(group), most, HOP),
        FACE_SEEN[0]: torch.zeros(len(group), most, 58),
        FACE_SEEN[1]: torch.zeros(len(group), most),
    }
    for row, ((item, arrays), length) in enumerate(zip(group, lengths, strict=True)):
        sound = item.sound()
        if abs(sound.seconds * RATE - length) > RATE:
            raise EngineError(
                f"{item.path}: the voices last {sound.seconds:.1f} s, the face {length / RATE:.1f} s; cut them alike"
            )
        for name, voice in ((OWN, sound.own), (PARTNER, sound.partner)):
            inputs[name][row, :length] = torch.from_numpy(hops(voice, sound.rate, length))
        if "partner_face" in arrays:
            inputs[FACE_SEEN[0]][row, :length] = torch.from_numpy(arrays["partner_face"])
            inputs[FACE_SEEN[1]][row, :length] = 1.0
    ones = torch.ones(len(group), most)
    inputs |= {OWN_HEARD: ones, PARTNER_HEARD: ones, FACE_SEEN[2]: torch.zeros(len(group), most)}
    state, rows = initial_state(model.hearing_state, len(group)), []
    with torch.no_grad():
        for first in range(0, most, PIECE):
            piece = {name: value[:, first : first + PIECE] for name, value in inputs.items()}
            heard, updates = model.hear(piece, state)
            state = commit(model.hearing_state, state, updates, piece[OWN].shape[1])
            rows.append(heard)
    whole = Heard(*(torch.cat(values, 1) for values in zip(*rows, strict=True)))
    return [Heard(*(value[row, :length].clone() for value in whole)) for row, length in enumerate(lengths)]


def _stream(model: Conversation, item: TalkFile, arrays: dict[str, NDArray[Any]], heard: Heard) -> Stream:
    told, face = item.told(), arrays["face"]
    frames = len(face)
    if "mouth" in arrays:
        mouth, expression = arrays["mouth"], arrays["expression"]
    else:
        speaks = (heard.own[:, SPEECH] > 0.3).numpy()[:, None]
        mouth = np.where(speaks, face[:, MOUTH], 0.0).astype(np.float32)
        expression = face.copy()
        expression[:, MOUTH] = np.where(speaks, 0.0, face[:, MOUTH])
    captured = arrays.get("captured", np.ones(frames, bool))
    channels = arrays.get("known", np.ones(len(FACE_NAMES), bool))
    whole = bool(np.delete(channels, MOUTH).all())
    body = arrays.get("body")
    trunk = None
    if whole:
        turned = np.tile(np.eye(3, dtype=np.float32), (frames, len(TRUNK), 1, 1))
        if body is not None:
            turned = rotations_of(body[:, TRUNK_JOINTS])
        trunk = to_six(torch.from_numpy(turned)).flatten(-2)
    return Stream(
        name=item.name,
        voice=told.voice or item.name,
        heard=heard,
        mouth=torch.from_numpy(np.ascontiguousarray(mouth, np.float32)),
        known=torch.from_numpy(captured[:, None] & channels[list(MOUTH)]),
        capture=CAPTURES.index(told.capture) if told.capture in CAPTURES else 0,
        shut=_within(told.closings or (), frames),
        spelt=_spelt(told, heard.own[:, SPEECH]),
        face=torch.from_numpy(expression) if whole else None,
        trunk=trunk,
        plans=torch.from_numpy(plans_of(told.events, expression, None if trunk is None else trunk.numpy())),
        smile=float(expression[:, SMILES].mean()),
        style=model.config.styles.index(told.persona) if told.persona in model.config.styles else 0,
    )


def _within(spans: Sequence[tuple[float, float]], frames: int) -> Tensor:
    """1 in the frames (T,) whose middle lies within a span (s), and in the nearest where none does."""
    out = torch.zeros(frames)
    for start, end in spans:
        first = max(0, round(start * RATE))
        out[first : max(first + 1, round(end * RATE))] = 1.0
    return out


def _spelt(told: Told, speech: Tensor) -> Tensor:
    """1 in the frames (T,) of words and of silence, if closings are told."""
    if told.closings is None:
        return torch.zeros_like(speech)
    words = _within([(word.start, word.end) for word in told.words], len(speech))
    return torch.maximum(words, (speech < QUIET).float())


def plans_of(
    events: Sequence[tuple[str, float]], face: NDArray[np.float32], trunk: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """Plans (T, PLANS): 1 in the frame in which a movement begins. Blinks and looks are found in the face (T, 58),
    strokes in the speed of the arms of the trunk (T, 48)."""
    frames = len(face)
    out = np.zeros((frames, len(PLANS)), np.float32)
    for kind, time in events:
        if kind in PLANS and 0 <= int(time * RATE) < frames:
            out[int(time * RATE), PLANS.index(kind)] = 1.0
    away = looks_away(face)
    for name, on in (("blink", face[:, LIDS].mean(1) > BLINK), ("away", away), ("back", ~away)):
        out[np.flatnonzero(on[1:] & ~on[:-1]), PLANS.index(name)] = 1.0
    if trunk is not None:
        speed = np.linalg.norm(np.diff(trunk[:, ARMS], axis=0), axis=1) * RATE
        speed = gaussian_filter1d(speed, 2.0)
        rising = np.flatnonzero((speed[1:] > STROKE) & (speed[:-1] <= STROKE))
        apart = np.diff(rising, prepend=-STROKE_APART - 1) > STROKE_APART
        out[rising[apart], PLANS.index("stroke")] = 1.0
    return out


def fit(model: Conversation, streams: Sequence[Stream]) -> None:
    """Take the components of mouths and of acts from the talks."""
    mouths, known = (torch.cat([getattr(item, name) for item in streams]) for name in ("mouth", "known"))
    if not known.any():
        raise EngineError("no talk has a captured mouth; lips are learned from those (`captured` in the layout)")
    model.lips.codec.fit(mouths, known)
    for kind in range(len(model.lips.reach)):
        open_jaws = [_jaw(item)[_jaw(item) > OPEN] for item in streams if item.capture == kind and item.known.any()]
        if open_jaws and len(jaws := torch.cat(open_jaws)):
            model.lips.reach[kind] = torch.quantile(jaws, REACH)
    acted = [item for item in streams if item.face is not None and item.trunk is not None]
    if acted:
        starts = [torch.arange(item.frames) < 2 for item in acted]
        faces, trunks = (torch.cat([getattr(item, name) for item in acted]) for name in ("face", "trunk"))
        model.codec.fit(faces, trunks, torch.cat(starts))


def _jaw(item: Stream) -> Tensor:
    """How far the captured jaw (N,) is open."""
    return item.mouth[item.known[:, JAW], JAW]


def fit_usual(model: Conversation, streams: Sequence[Stream]) -> None:
    """What is usual: how often each plan begins, and how each style stands at rest, the median of its numbers."""
    plans = [item.plans for item in streams if item.face is not None]
    if plans:
        model.usual.copy_(torch.cat(plans).mean(0).clamp(LEAST_USUAL, 0.5).logit())
    for style in range(len(model.config.styles)):
        own = [
            model.codec.numbers(item.face, item.trunk)
            for item in streams
            if item.style == style and item.face is not None and item.trunk is not None
        ]
        if own:
            model.rests[style] = torch.cat(own).median(0).values


def numbers_of(model: Conversation, streams: Sequence[Stream], frames: int) -> Tensor:
    """The numbers (B, T, ACTS) of what talks do in their first frames, of those whose face and trunk are known."""
    return torch.stack(
        [
            model.codec.numbers(item.face[:frames], item.trunk[:frames])
            for item in streams
            if item.face is not None and item.trunk is not None
        ]
    )


def fingerprint(streams: Sequence[Stream]) -> str:
    """Of all that training sees: a run is only continued on the same data."""
    digest = hashlib.sha256()
    for item in streams:
        parts = [*item.heard, item.mouth, item.known, item.shut, item.spelt, item.plans]
        parts += [value for value in (item.face, item.trunk) if value is not None]
        for value in parts:
            digest.update(np.ascontiguousarray(value.numpy()).tobytes())
        digest.update(f"{item.name} {item.capture} {item.mood} {item.style}".encode())
    return digest.hexdigest()[:16]
