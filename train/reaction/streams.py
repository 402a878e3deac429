"""The talks of a split as a few long arrays, so that a batch is cut out by one gather per kind of data.

What the network is fed but does not learn is computed once: the parameter-free audio front of each talk (`heard`) and
the ids of each listener. A *stream* is one listener of one talk, of some minutes; talks lie one after the other on a
time line of what the partner said and showed, streams on another of what listeners did. Of a talk that is heard in
several rooms (:mod:`.rooms`) every hearing is computed; they lie on time lines of their own, the talk as it is first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import EngineError
from models.contract import commit, initial_state
from models.reaction import Reaction
from train.reaction.plans import known, labels
from train.reaction.rooms import hear_in_room
from train.run.progress import progress
from train.simulate.talk import FPS, HOP, Cue

HEAR_CHUNK = 1500  # frames
TOGETHER = 32  # talks
CONTROLS = ("expressiveness", "self_speaking")


class Talk(Protocol):
    """What a reader gives of one talk: see :mod:`train.reaction.react`."""

    @property
    def name(self) -> str: ...

    @property
    def listeners(self) -> Sequence[str]: ...

    def audio(self) -> NDArray[np.float32]: ...

    def face(self) -> NDArray[np.float32]: ...

    def listener(self, name: str) -> NDArray[np.float32]: ...

    def controls(self, name: str) -> dict[str, NDArray[np.float32]]: ...

    def events(self, name: str) -> Sequence[Cue]: ...

    def cues(self) -> Sequence[Cue]: ...


@dataclass(frozen=True)
class Streams:
    """P frames of talks in a row, L frames of listeners in a row, S streams; all on the CPU."""

    heard: Tensor  #: (rooms, P, features) of the audio front, as it is first
    face: Tensor  #: (P, 58) of the partner
    cues: Tensor  #: (P, kinds) int8: 1 in the frame in which a cue becomes known, -1 throughout a talk without cues
    ids: Tensor  #: (L, heads) int16: the tokenizer's, then the plans
    controls: Tensor  #: (L, 2), see CONTROLS
    nod_rate: Tensor  #: (S,) the control that a stream's people stand for
    talk_start: NDArray[np.int64]  #: (S,) where a stream's talk begins among P
    start: NDArray[np.int64]  #: (S,) where a stream begins among L
    frames: NDArray[np.int64]  #: (S,)
    fingerprint: str  #: SHA-256 over names, lengths and ids: the same for the same data under the same tokenizer

    @property
    def minutes(self) -> float:
        """Length of all streams together."""
        return float(self.frames.sum()) / FPS / 60


def read(
    model: Reaction,
    talks: Sequence[Talk],
    what: str,
    rooms: int = 0,
    seed: int = 0,
    nod_rates: Sequence[float] | None = None,
) -> Streams:
    """The streams of ``talks`` for ``model``, whose tokenizer is fitted; ``what`` names the split in errors. Each talk
    is heard as it is and in ``rooms`` rooms more, drawn by ``seed``. ``nod_rates`` are the controls that the people of
    each talk stand for (:func:`nod_rates`), 1 unless given.

    Audio front and tokenizer go frame by frame, so talks are taken :data:`TOGETHER` at a time.
    """
    if not talks:
        raise EngineError(f"there is no talk in {what}; make some with: python -m train simulate")
    heard: list[list[Tensor]] = [[] for _ in range(1 + rooms)]
    faces, cues, ids, controls = [], [], [], []
    lengths, pairs = [], []
    for index in progress(range(0, len(talks), TOGETHER), f"reading talks of {what}"):
        group = talks[index : index + TOGETHER]
        seen = [talk.face() for talk in group]
        sounds = [talk.audio() for talk in group]
        answers = [[talk.listener(name) for name in talk.listeners] for talk in group]
        for talk, face, sound, answer in zip(group, seen, sounds, answers, strict=True):
            length = min(len(sound) // HOP, len(face), *(len(value) for value in answer)) if answer else 0
            if not length:
                raise EngineError(f"talk {talk.name!r} of {what} has no listener or no frame; remove it")
            lengths.append(length)
            pairs += [(len(lengths) - 1, talk, name) for name in talk.listeners]
        kept = lengths[index:]
        sounds = [sound[: length * HOP] for sound, length in zip(sounds, kept, strict=True)]
        for room, rows in enumerate(heard):
            rows += hear(model, sounds if room == 0 else _in_rooms(sounds, [seed, room, index]))
        cues += [known(talk.cues(), length, model.config.cues) for talk, length in zip(group, kept, strict=True)]
        faces += [_tensor(face[:length]) for face, length in zip(seen, kept, strict=True)]
        shown = [value[:length] for one, length in zip(answers, kept, strict=True) for value in one]
        told = [talk.events(name) for talk in group for name in talk.listeners]
        plans = [labels(said, face, model.config.plans) for said, face in zip(told, shown, strict=True)]
        coded = zip(encode(model, shown), plans, strict=True)
        ids += [torch.cat([face, torch.from_numpy(plan)], 1) for face, plan in coded]
    for number, talk, name in pairs:
        turned = talk.controls(name)
        controls.append(torch.stack([_tensor(turned[control][: lengths[number]]) for control in CONTROLS], 1))
    frames = np.array([lengths[number] for number, _, _ in pairs])
    said = np.cumsum([0, *lengths])
    digest = hashlib.sha256(json.dumps([(talk.name, name, lengths[number]) for number, talk, name in pairs]).encode())
    digest.update(torch.cat(ids).numpy().tobytes())
    return Streams(
        heard=torch.stack([torch.cat(rows) for rows in heard]),
        face=torch.cat(faces),
        cues=torch.from_numpy(np.concatenate(cues)),
        ids=torch.cat(ids),
        controls=torch.cat(controls),
        nod_rate=torch.tensor([1.0 if nod_rates is None else nod_rates[number] for number, _, _ in pairs]),
        talk_start=said[[number for number, _, _ in pairs]],
        start=np.cumsum(frames) - frames,
        frames=frames,
        fingerprint=digest.hexdigest(),
    )


def nod_rates(sets: Sequence[Sequence[Talk]], names: Sequence[object]) -> list[float]:
    """How often the people of each set nod, as the control ``nod_rate``: those of the first set stand for 1.

    A network that is told so learns when people nod from all of them, and how often from none: people at a table of
    four nod a third as often as one who is talked to alone. Raises :class:`EngineError` for a set, by its place among
    ``names``, in which nobody nods.
    """
    found = []
    for talks, name in zip(sets, names, strict=True):
        nods = frames = 0
        for talk in talks:
            for who in talk.listeners:
                face = talk.listener(who)
                nods += int(labels(talk.events(who), face, ("nod",)).sum())
                frames += len(face)
        if not nods:
            raise EngineError(f"{name}: nobody nods in its split train, so that nothing tells when; leave it out")
        found.append(nods / frames)
    return [rate / found[0] for rate in found]


def _in_rooms(sounds: Sequence[NDArray[np.float32]], seed: Sequence[int]) -> list[NDArray[np.float32]]:
    """Each of ``sounds`` in a room of its own, among the voices of the others."""
    rng = np.random.default_rng(seed)
    return [hear_in_room(sound, rng, [other for other in sounds if other is not sound]) for sound in sounds]


@torch.no_grad()
def hear(model: Reaction, sounds: Sequence[NDArray[np.float32]]) -> list[Tensor]:
    """The audio front over whole talks of whole frames, side by side: each (samples,) to (T, features)."""
    frames = [len(sound) // HOP for sound in sounds]
    longest = max(frames)
    hops = torch.stack([_tensor(np.pad(sound, (0, longest * HOP - len(sound)))) for sound in sounds])
    valid = (torch.arange(longest) < torch.tensor(frames)[:, None]).float()
    hops, state = hops.reshape(len(sounds), longest, HOP), initial_state(model.hear_state, len(sounds))
    parts = []
    for hop, there in zip(hops.split(HEAR_CHUNK, 1), valid.split(HEAR_CHUNK, 1), strict=True):
        part, updates = model.hear({"partner_audio": hop, "partner_audio_valid": there}, state)
        state = commit(model.hear_state, state, updates, hop.shape[1])
        parts.append(part)
    heard = torch.cat(parts, 1)
    return [heard[row, :count].clone() for row, count in enumerate(frames)]


@torch.no_grad()
def encode(model: Reaction, faces: Sequence[NDArray[np.float32]]) -> list[Tensor]:
    """The tokenizer's ids (T, heads), int16, of listeners' faces, each (T, 58), side by side."""
    longest = max(len(face) for face in faces)
    given = torch.stack([_tensor(np.pad(face, ((0, longest - len(face)), (0, 0)), "edge")) for face in faces])
    ids, _ = model.tokenizer.encode(given, model.tokenizer.initial_state(len(faces)))
    return [row[: len(face)].to(torch.int16) for row, face in zip(ids, faces, strict=True)]


def _tensor(values: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
