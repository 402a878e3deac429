"""What the simulation knows of one stretch of conversation: the speaker, and the listeners drawn for it.

Everything here is the truth behind the files that :mod:`train.reaction.react` reads: a model is trained on sound and
faces alone, the spans, acts and cues serve the listeners of the simulation and the measures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE, FPS, HOP = 16_000, 25, 640
CLIP_FRAMES, CLIP_ROWS = 750, 751
"""Frames of one 30 s clip, and the rows its face file holds in the REACT2024 layout."""


@dataclass(frozen=True)
class Span:
    """A stretch of time, seconds from the start of the talk."""

    start_s: float
    end_s: float


def joined(spans: Iterable[Span], gap_s: float) -> list[Span]:
    """``spans`` in order of time, those with less than ``gap_s`` between them joined."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda item: item.start_s):
        if out and span.start_s - out[-1].end_s < gap_s:
            out[-1] = Span(out[-1].start_s, max(out[-1].end_s, span.end_s))
        else:
            out.append(span)
    return out


@dataclass(frozen=True)
class Act:
    """Something the speaker's face does on purpose: ``smile``, ``laugh``, ``brow_raise``, ``look_away``, ..."""

    name: str
    start_s: float
    end_s: float
    amount: float  #: 0..1


@dataclass(frozen=True)
class Cue:
    """A moment that invites a reaction: ``pause`` (a phrase ends), ``low`` (a region of low pitch), ``question``,
    ``smile``, ``laugh``, ``brow``. ``time_s`` is when it happens, ``known_s`` when whoever cannot look ahead can know
    it; None of what a listener itself does, and in sets made before this was told."""

    kind: str
    time_s: float
    strength: float  #: 0..1
    known_s: float | None = None


@dataclass(frozen=True)
class TimedWord:
    """A word that is said, and when (s)."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Talk:
    """A speaker for some minutes. ``voice`` names who speaks and ``source`` whose recording it was (both are kept on
    one side of every split); ``own_turns`` are the spans in which the listener's avatar has the floor."""

    voice: str
    source: str
    pcm: NDArray[np.float32]  #: (T * 640,) at 16 kHz, -1..1
    face: NDArray[np.float32]  #: (T, 58), channels and signs of engine.channels
    phrases: tuple[Span, ...]
    own_turns: tuple[Span, ...] = ()
    acts: tuple[Act, ...] = ()
    cues: tuple[Cue, ...] = ()
    words: tuple[TimedWord, ...] = ()  #: what is said, where that is known

    @property
    def frames(self) -> int:
        """Length in frames of 40 ms."""
        return len(self.face)


@dataclass(frozen=True)
class SimulatedListener:
    """One listener of a talk: its face (T, 58), its controls per frame, what it planned, and who it was. ``told`` are
    further lists for its event file, of dataclasses with times: what is known of a real one."""

    face: NDArray[np.float32]
    controls: dict[str, NDArray[np.float32]]  #: ``expressiveness`` and ``self_speaking``, each (T,)
    events: tuple[Cue, ...] = ()  #: ``nod``, ``smile``, ``ease``, ``brow``, ``shake``, ``away``, ``back``: begins
    persona: dict[str, float] = field(default_factory=dict)
    told: dict[str, tuple[Any, ...]] = field(default_factory=dict)
