"""What the built-in partner says and does: the one table to edit to change the track.

Each line is spoken, then followed by its pause. Cues are planned face events tied to a line by its key, so they move
along when a text or a pause changes. Nothing here needs a package.
"""

from __future__ import annotations

from dataclasses import dataclass

LEAD_IN_S = 0.6  # silence before the first line; the last line's pause closes the loop


@dataclass(frozen=True)
class ScriptLine:
    """One phrase: its text, the silence after it and how it is voiced."""

    key: str
    text: str
    pause_s: float
    length: float = 1.0  # > 1 slower
    pitch: float = 1.0  # > 1 higher and brighter, the duration unchanged
    noise: float = 0.667
    gain_db: float = 0.0


@dataclass(frozen=True)
class FaceCue:
    """A face event: it starts ``offset_s`` after the line's start (or end) and lasts ``length_s``."""

    name: str
    line: str
    anchor: str  # "start" or "end" of the line
    offset_s: float
    length_s: float
    amount: float = 1.0


LINES: tuple[ScriptLine, ...] = (
    ScriptLine("hello", "Hey, good to see you!", 0.5, pitch=1.04),
    ScriptLine("so", "So, something really funny happened to me this morning.", 0.7),
    ScriptLine("bus", "I was on the bus, half asleep,", 0.4, length=1.08, noise=0.8, gain_db=-1.0),
    ScriptLine("dog", "and this little dog just sat down on my foot.", 0.9, pitch=1.03),
    ScriptLine("ask", "Have you ever met a dog that decides it belongs to you?", 2.6, pitch=1.05, noise=0.9),
    ScriptLine("did", "Well, this one did!", 0.45, pitch=1.04),
    ScriptLine("sneeze", "It looked up at me, and then it sneezed, right into my coffee!", 0.5, pitch=1.03, noise=0.8),
    ScriptLine("laugh", "Ha, ha ha ha!", 0.4, length=0.85, pitch=1.22, noise=0.9, gain_db=1.0),
    ScriptLine("whole", "I laughed so hard that the whole bus turned around.", 1.1, pitch=1.08, noise=0.9),
    ScriptLine("owner", "The owner was so sorry.", 0.6, length=1.05),
    ScriptLine("name", "Hmm. What was its name?", 1.4, length=1.2, gain_db=-2.0),
    ScriptLine("biscuit", "Oh, right! Biscuit!", 0.7, pitch=1.08, noise=0.8),
    ScriptLine("know", "And you know what?", 0.5, pitch=1.02),
    ScriptLine("best", "It was the best start to a Monday I've had in a long time.", 1.8, length=1.03),
)

FACE_CUES: tuple[FaceCue, ...] = (
    FaceCue("smile", "hello", "start", 0.1, 1.6, 0.3),
    FaceCue("brow_raise", "ask", "end", -1.3, 2.6, 0.45),
    FaceCue("head_tilt", "ask", "end", -0.5, 2.9),
    FaceCue("smile", "sneeze", "end", -0.1, 2.7, 0.62),
    FaceCue("look_away", "name", "start", 0.1, 2.1),
    FaceCue("smile", "biscuit", "start", 0.5, 1.9, 0.4),
    FaceCue("lean_in", "know", "start", -0.2, 3.0),
    FaceCue("smile", "best", "end", -0.5, 1.5, 0.3),
)

QUESTIONS = ("ask",)  # lines that wait for an answer: their pause is the listener's turn
