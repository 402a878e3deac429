"""Made meetings in AMI's csvs: one talks in phrases of 3 s with pauses of 1 s, three others listen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.train.speech.corpus import write_corpus

END = 70.0
TEXTS = ("so", "the", "remote", "control", "has", "two", "buttons")


def talked(meeting: str, speaker: str, start: float, end: float) -> list[str]:
    """Rows of words of 0.4 s: phrases of seven words, 1.2 s of silence after each."""
    rows, clock = [], start
    while clock + 2.8 <= end:
        for place, text in enumerate(TEXTS):
            rows.append(f"{meeting},{speaker},{clock + 0.4 * place:.2f},{clock + 0.4 * (place + 1):.2f},word,{text}")
        rows.append(f"{meeting},{speaker},{clock + 2.8:.2f},{clock + 2.8:.2f},punc,.")
        clock += 4.0
    return rows


def head(meeting: str, speaker: str, marks: Sequence[tuple[float, float, str, str]], end: float = END) -> list[str]:
    """Rows of the head's layer that cover ``0..end``: ``marks`` (start, end, type, form) and stillness between."""
    rows, clock = [], 0.0
    for start, stop, kind, form in sorted(marks):
        rows += [
            f"{meeting},{speaker},{clock},{start},no_comm_head,,",
            f"{meeting},{speaker},{start},{stop},{kind},{form},",
        ]
        clock = stop
    return [*rows, f"{meeting},{speaker},{clock},{end},no_comm_head,,"]


def write_meetings(data: Path, names: Sequence[str] = ("ES2003a", "IS1001a", "ES2009a")) -> Path:
    """Meetings of 70 s: A talks; B nods at 12 (0.8 s), 21 (without a form, 0.5 s) and 30 s (4 s), says "mm-hmm" at 25 s
    and laughs at 33 s; C shakes its head at 15 s; D is off camera from 20 s on."""
    words, heads, looks = [], [], []
    for name in names:
        words += talked(name, "A", 2.0, 66.0)
        words += [f"{name},B,25.0,25.5,word,Mm-hmm", f"{name},B,33.0,34.0,vocal,laugh"]
        nods = [(12.0, 12.8, "nod"), (21.0, 21.5, ""), (30.0, 34.0, "nod")]
        heads += head(name, "A", [])
        heads += head(name, "B", [(start, end, "concord_signal", form) for start, end, form in nods])
        heads += head(name, "C", [(15.0, 16.0, "negative_signal", "shake"), (40.0, 40.4, "emphasis_signal", "nod")])
        heads += head(name, "D", [(20.0, 60.0, "off_camera", "")])
        looks += [f"{name},B,0.0,10.0,person,,PM,A,", f"{name},B,10.0,20.0,place,slide-screen,,,"]
        looks += [f"{name},B,20.0,{END},person,,PM,A,"]
    return write_corpus(data, words=words, headGesture=heads, focus=looks)
