"""Captions of a clip: what its note says, what its motion shows, and both together.

Events are first made what a person would tell: the same thing in a row becomes a count, what is part of something
greater (a knee that rises in a kick, a crouch before a jump) is left out, and only the most telling are kept. They are
then told in order of time; what happens during something else is joined by "while". Which words are taken follows from
the clip's name alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from train.text_motion.motions.events import Event
from train.text_motion.motions.phrases import phrases, pick, said
from train.text_motion.motions.signals import RATE
from train.text_motion.texts import Caption

SUBJECTS = ("a person", "a person", "a person", "the person", "someone")
WEIGHT = {
    "upside down": 6.0, "jump": 5.0, "hop": 5.0, "kick": 4.5, "wave": 4.5, "run": 4.5, "leap": 4.0, "punch": 4.0,
    "ground": 4.0, "squat": 4.0, "bend": 3.5, "leg": 3.5, "walk": 3.0, "raise": 2.5, "spread": 2.5, "crouch": 2.2,
    "lunge": 2.2, "turn": 2.0, "hips": 2.0, "knee": 2.0, "reach": 1.5, "still": 0.5,
}  # fmt: skip
"""How much each kind of event tells, before its length and size."""
PARTS = {
    "kick": {"knee", "leg", "lunge", "crouch", "reach"}, "jump": {"crouch", "squat", "knee", "leg", "kick"},
    "leap": {"crouch", "knee", "leg", "kick"}, "hop": {"crouch", "knee", "leg", "jump"}, "wave": {"raise", "reach"},
    "punch": {"reach", "raise"}, "squat": {"bend", "crouch"}, "upside down": {"bend", "kick", "leg", "raise", "squat", "turn"},
    "ground": {"bend", "crouch", "kick", "leg", "knee", "squat", "turn", "lunge"}, "run": {"knee", "leap", "kick"}, "leg": {"knee"},
    "bend": {"reach", "crouch"},
}  # fmt: skip
"""What is part of something greater at the same time, and not told beside it."""


@dataclass(frozen=True)
class Told:
    """An event that is told, ``times`` in a row."""

    event: Event
    times: int = 1

    @property
    def weight(self) -> float:
        """How much it matters to somebody who tells the clip."""
        event = self.event
        size = {"walk": event.size, "run": event.size, "turn": event.size / 60}.get(event.kind, 0.0)
        return WEIGHT[event.kind] + min(size, 4.0) + 0.4 * (self.times - 1) + 0.3 * event.frames / RATE


def told(events: Sequence[Event], start: int, stop: int) -> list[Told]:
    """What is told of frames ``start`` to ``stop``, counted from ``start``."""
    inside = []
    for event in events:
        first, last = max(event.start, start), min(event.stop, stop)
        if last - first > 0.6 * event.frames:
            inside.append(event._replace(start=first - start, stop=last - start))
    whole = [event for event in inside if not any(_part(event, other) for other in inside)]
    return _counted(sorted(whole))


def sentences(items: Sequence[Told], most: int, key: str, length: int) -> str:
    """One sentence without its subject on the ``most`` telling items, in a clip of ``length`` frames; "" for none."""
    chosen = sorted(_most(items, most), key=lambda item: (item.event.start, item.event.stop))
    groups: list[list[Told]] = []
    for item in chosen:
        if groups and _during(groups[-1][0].event, item.event) and len(groups[-1]) == 1:
            groups[-1].append(item)
        else:
            groups.append([item])
    clauses = [_clause(group, f"{key} {number}") for number, group in enumerate(groups)]
    if not clauses:
        return ""
    if len(clauses) == 1:
        return clauses[0]
    if len(clauses) == 2:
        return pick(("{}, then {}", "{} and then {}", "{} and {}", "{}, then {}"), f"{key} join").format(*clauses)
    joined = pick((", then ", ", "), f"{key} join").join(clauses[:-1])
    return joined + pick((" and {}", " and then {}", ", then {}", " and finally {}"), f"{key} last").format(clauses[-1])


def captions(
    items: Sequence[Told], note: Sequence[str], implies: frozenset[str], key: str, length: int
) -> list[Caption]:
    """Three to five different captions of a clip of ``length`` frames."""
    texts: list[str] = []
    beyond = [item for item in items if item.event.kind not in implies]
    moving = [item for item in items if item.event.kind != "still"]
    if not moving:
        texts += [_subject(said(phrase), f"{key} {n}") for n, phrase in enumerate(_stands(items, key))]
    else:
        first = pick(note, f"{key} note") if note else ""
        others = [sentence for sentence in note if sentence != first]
        if first:
            texts.append(_with_subject(first, f"{key} a"))
            extra = _extra([item for item in beyond if item.event.kind != "still"], key)
            texts.append(_with_subject(pick(others or [first], f"{key} other") + extra, f"{key} b"))
        for number, most in enumerate((3, 2, 4) if first else (3, 1, 2, 4)):
            sentence = sentences(items, most, f"{key} {number}", length)
            if sentence:
                texts.append(_subject(sentence, f"{key} c{number}"))
    distinct = list(dict.fromkeys(texts))[:5]
    return [Caption(text) for text in distinct] + _spans(moving, key, length)


def _spans(items: Sequence[Told], key: str, length: int) -> list[Caption]:
    """A caption of a part of the clip: its most telling item, where that is a part that can be cut out."""
    found = []
    for item in _most(items, 1):
        margin = max(0, 44 - item.event.frames) // 2 + 4
        start, stop = max(0, item.event.start - margin), min(length, item.event.stop + margin)
        if 44 <= stop - start < 0.6 * length and sum(_overlap(other.event, start, stop) for other in items) == 1:
            text = _subject(said(pick(phrases(item.event, item.times), f"{key} span")), f"{key} d")
            found.append(Caption(text, (), round(start / RATE, 2), round(stop / RATE, 2)))
    return found


def _stands(items: Sequence[Told], key: str) -> list[str]:
    if items:
        return ["*stand* still", "*stand* still in place", "*stand* still and *do* not move", "*stay* in place, standing still"]
    return ["*stand* in place", "*stand* and *move* only a little", "*stand* nearly still"]


def _extra(items: Sequence[Told], key: str) -> str:
    """What a note does not tell, as ", turning to the left and ..."."""
    chosen = sorted(_most(items, 2), key=lambda item: item.event.start)
    words = [said(pick(phrases(item.event, item.times), f"{key} extra {n}"), "ing") for n, item in enumerate(chosen)]
    return f", {' and '.join(words)}" if words else ""


def _clause(group: Sequence[Told], key: str) -> str:
    main = said(pick(phrases(group[0].event, group[0].times), key))
    if len(group) == 1:
        return main
    return f"{main} while {said(pick(phrases(group[1].event, group[1].times), f'{key} while'), 'ing')}"


def _most(items: Sequence[Told], most: int) -> list[Told]:
    return sorted(items, key=lambda item: (-item.weight, item.event))[:most]


def _counted(events: Sequence[Event]) -> list[Told]:
    """Events of one kind and side in a row as one; of both sides in turn as one of both."""
    found: list[Told] = []
    for event in events:
        last = next((item for item in reversed(found) if item.event.kind == event.kind), None)
        if last is not None and event.kind not in ("walk", "run", "still") and event.start - last.event.stop < 2.2 * RATE:
            turning = event.kind == "turn" and last.event.side != event.side
            same = last.event.side == event.side and last.event.manner == event.manner
            either = event.kind in ("kick", "knee", "leg", "punch") and event.side != last.event.side
            if (same or either) and not turning:
                side = event.side if last.event.side == event.side else "both"
                size = max(last.event.size, event.size) if event.kind != "turn" else event.size
                grown = replace(last, event=last.event._replace(stop=max(event.stop, last.event.stop), side=side, size=size), times=last.times + 1)
                found[found.index(last)] = grown
                continue
        found.append(Told(event))
    return found


def _part(event: Event, other: Event) -> bool:
    if event is other or event.kind not in PARTS.get(other.kind, ()):
        return False
    return min(event.stop, other.stop + 8) - max(event.start, other.start - 8) > 0.5 * event.frames


def _during(outer: Event, inner: Event) -> bool:
    shared = min(outer.stop, inner.stop) - max(outer.start, inner.start)
    return outer.kind != inner.kind and shared > 0.6 * inner.frames and outer.kind not in ("still", "turn", "jump", "kick")


def _overlap(event: Event, start: int, stop: int) -> bool:
    return min(event.stop, stop) - max(event.start, start) > 6


def _subject(sentence: str, key: str) -> str:
    return f"{pick(SUBJECTS, key)} {sentence}"


def _with_subject(sentence: str, key: str) -> str:
    """A sentence of a note with another subject."""
    return sentence.replace("a person", pick(SUBJECTS, key), 1)
