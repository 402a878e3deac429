"""Who has the floor, frame by frame and turn by turn: what the parts of a simulated listener ask of a talk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.listening.cell import DT, FOREVER
from train.simulate.talk import Span, Talk

TURN_GAP = 1.5
"""Silence (s) of the partner that ends a turn; shorter ones are pauses within it."""


@dataclass(frozen=True)
class ConversationFloor:
    """The course of a talk. Every array is (T,)."""

    speaking: NDArray[np.bool_]  #: the partner speaks
    quiet_for: NDArray[np.float64]  #: seconds since anybody spoke
    own: NDArray[np.float32]  #: 1 while the avatar has the floor
    turns: tuple[Span, ...]  #: the partner's turns
    resumes: tuple[
        float, ...
    ]  #: when the partner speaks again after more than TURN_GAP of silence, or after the avatar

    @classmethod
    def of(cls, talk: Talk) -> ConversationFloor:
        """The floor of ``talk`` by its phrases and the listener's own turns."""
        speaking, own = _mask(talk.phrases, talk.frames), _mask(talk.own_turns, talk.frames)
        index = np.arange(talk.frames)
        last = np.maximum.accumulate(np.where(speaking | own, index, -round(FOREVER / DT)))
        turns: list[Span] = []
        for phrase in sorted(talk.phrases, key=lambda span: span.start_s):
            interrupted = turns and any(turns[-1].end_s <= span.start_s < phrase.start_s for span in talk.own_turns)
            if turns and not interrupted and phrase.start_s - turns[-1].end_s < TURN_GAP:
                turns[-1] = Span(turns[-1].start_s, max(turns[-1].end_s, phrase.end_s))
            else:
                turns.append(phrase)
        resumes = tuple(turn.start_s for turn in turns)
        return cls(speaking, np.minimum((index - last) * DT, FOREVER), own.astype(np.float32), tuple(turns), resumes)

    def owned(self, time_s: float) -> bool:
        """Whether the avatar has the floor at a moment."""
        return bool(self.own[min(len(self.own) - 1, max(0, int(time_s / DT)))])

    def turn(self, time_s: float) -> Span | None:
        """The partner's turn that a moment belongs to: the last that had begun, up to TURN_GAP after its end."""
        begun = [turn for turn in self.turns if turn.start_s <= time_s <= turn.end_s + TURN_GAP]
        return begun[-1] if begun else None


def _mask(spans: tuple[Span, ...], frames: int) -> NDArray[np.bool_]:
    mask = np.zeros(frames, bool)
    for span in spans:
        mask[max(0, round(span.start_s / DT)) : max(0, round(span.end_s / DT))] = True
    return mask
