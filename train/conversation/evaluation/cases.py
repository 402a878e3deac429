"""What is measured: held-out talks of a set in the layout ``talks``, in memory, each with who speaks when.

*Captures* are whole recordings of one voice whose mouth was captured (talks named ``capture-...``): lips are measured
on them. *Dialogues* are all others: listening, turns and bodies are measured on them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.sound.resample import StreamingResampler
from train.conversation.talks.layout import FPS, MOUTH, TalkFile, Told, Voices, talks
from train.simulate.dialogues.avatar import at_rate, turns_of
from train.simulate.talk import RATE, Span
from train.simulate.voices import cut

Array = NDArray[np.floating]
Face = NDArray[np.float32]
Mask = NDArray[np.bool_]

CAPTURE = "capture-"
"""How the names of captured recordings begin."""
KINDS = ("captured", "tracked")
"""How a mouth was captured: by a face capture, or by a webcam's tracker. The two give other numbers for one mouth."""
KNOWN = 0.99
"""Share of a recording's frames whose mouth is known, at least, for it to be measured."""


@dataclass(frozen=True)
class Shown:
    """What an avatar shows: ``face`` (T, 58) and, if it has a body, local quaternions ``body`` (T, 27, 4) x y z w of
    skeleton ``cmu``, ``rate`` frames a second. ``mouth`` (T, 27) is that of speech alone, where it is known apart from
    the expression that shares its channels."""

    face: Face
    body: Face | None = None
    rate: float = FPS
    mouth: Face | None = None

    def face_at(self, rate: float, frames: int) -> Face:
        """The face (frames, 58) at another rate."""
        if rate == self.rate and len(self.face) >= frames:
            return self.face[:frames]
        return np.asarray(at_rate(self.face, self.rate, rate, frames))


@dataclass(frozen=True)
class Case:
    """A talk: the ``truth`` and the mouth of speech (T, 27) in it, the frames (T,) in which that was ``captured`` and
    its channels (27,) that were ``solved``, both voices, the partner's face (T, 58) if it is seen, and what is told."""

    name: str
    split: str
    sound: Voices
    truth: Shown
    mouth: Face
    captured: Mask
    solved: Mask
    partner_face: Face | None
    told: Told

    @property
    def frames(self) -> int:
        """Length in frames of 1/30 s."""
        return len(self.truth.face)

    @property
    def seconds(self) -> float:
        """Length."""
        return self.frames / FPS

    @property
    def voice(self) -> str:
        """Who speaks: the unit of the bootstrap."""
        return self.told.voice or self.name

    @property
    def kind(self) -> str:
        """How the mouth was captured; empty where it was not."""
        return self.told.capture

    @property
    def alone(self) -> bool:
        """Whether there is no partner, as in a captured recording."""
        return self.name.startswith(CAPTURE)

    @cached_property
    def phrases(self) -> tuple[Span, ...]:
        """When the own voice is heard: phrases between pauses of 0.25 s, by its energy."""
        return _phrases(self.sound.own, self.sound.rate)

    @cached_property
    def partner_phrases(self) -> tuple[Span, ...]:
        """The same of the partner's voice."""
        return _phrases(self.sound.partner, self.sound.rate)

    @cached_property
    def turns(self) -> tuple[Span, ...]:
        """Own turns, as told, else phrases joined over short pauses."""
        return tuple(Span(*turn) for turn in self.told.turns) or turns_of(self.phrases)

    @cached_property
    def partner_turns(self) -> tuple[Span, ...]:
        """The partner's turns."""
        return tuple(Span(*turn) for turn in self.told.partner_turns) or turns_of(self.partner_phrases)

    @cached_property
    def speaking(self) -> Mask:
        """Frames (T,) in an own turn."""
        return within(self.turns, self.frames)

    @cached_property
    def listening(self) -> Mask:
        """Frames (T,) in a turn of the partner's and in none of the own."""
        return within(self.partner_turns, self.frames) & ~self.speaking

    def heard(self, rate: int) -> Voices:
        """Both voices at another sample rate, through the engine's resampler as they are heard live."""
        own, partner = (resampled(pcm, self.sound.rate, rate) for pcm in (self.sound.own, self.sound.partner))
        return Voices(own, partner, rate)


def resampled(pcm: NDArray[np.float32], before: int, after: int) -> NDArray[np.float32]:
    """A voice (n,) at another sample rate, by the engine's resampler."""
    resampler = StreamingResampler(before, after)
    return np.concatenate([resampler.push(pcm), resampler.flush()])


def within(spans: Sequence[Span], frames: int, rate: float = FPS) -> Mask:
    """Frames (T,) whose middle lies in one of the spans."""
    middles, inside = (np.arange(frames) + 0.5) / rate, np.zeros(frames, bool)
    for span in spans:
        inside |= (middles >= span.start_s) & (middles < span.end_s)
    return inside


def read_case(talk: TalkFile) -> Case:
    """One talk, read and checked. Raises :class:`train.files.FileError` naming what is wrong with it."""
    arrays = talk.arrays()
    face = arrays["face"]
    frames = len(face)
    return Case(
        talk.name,
        talk.split,
        talk.sound(),
        Shown(face, arrays.get("body")),
        arrays.get("mouth", face[:, MOUTH]),
        arrays.get("captured", np.ones(frames, bool)),
        arrays.get("known", np.ones(face.shape[1], bool))[list(MOUTH)],
        arrays.get("partner_face"),
        talk.told(),
    )


def read_cases(root: Path, split: str, alone: bool, most: int = 0, say: Callable[[str], None] = print) -> list[Case]:
    """The captures (``alone``) or the dialogues of a split, of either at most ``most`` (0: all; of captures as many of
    each kind). Captures whose mouth is not known throughout are left out by name; the list may be empty. Raises
    :class:`EngineError` where the set has no such split."""
    found: list[Case] = []
    counts: dict[str, int] = {}
    for talk in talks(root, split):
        if talk.name.startswith(CAPTURE) != alone:
            continue
        kind = talk.told().capture if alone else ""
        if most and counts.get(kind, 0) >= most:
            continue
        case = read_case(talk)
        if alone and (kind not in KINDS or case.captured.mean() < KNOWN):
            say(f"{case.name} is left out: its mouth was captured in {100 * case.captured.mean():.0f} % ({kind!r})")
            continue
        counts[kind] = counts.get(kind, 0) + 1
        found.append(case)
    return found


def read_spoken(root: Path, split: str, kind: str) -> list[Case]:
    """Talks of a split whose mouth is known and was captured by ``kind``: captured recordings, or where there are none
    the dialogues of such voices."""
    known = [talk for talk in talks(root, split) if talk.told().capture == kind]
    whole = [talk for talk in known if talk.name.startswith(CAPTURE)]
    cases = [read_case(talk) for talk in whole or known]
    return [case for case in cases if case.captured.mean() >= KNOWN]


def there(root: Path, split: str) -> bool:
    """Whether the set has talks of a split."""
    try:
        return bool(talks(root, split))
    except EngineError:
        return False


def _phrases(pcm: NDArray[np.float32], rate: int) -> tuple[Span, ...]:
    sound = resampled(pcm, rate, RATE)
    return tuple(Span(start / RATE, end / RATE) for start, end in cut(sound))
