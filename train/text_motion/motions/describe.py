"""Captions of a clip: what its note says, what its motion shows, and both together.

Events are first made what a person would tell: the same thing in a row becomes a count, what is part of something
greater (a knee that rises in a kick, a crouch before a jump) is left out, and only the most telling are kept. They are
then told in order of time; what happens during something else is joined by "while". Which words are taken follows from
the clip's name alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from train.text_motion.motions.event import Event
from train.text_motion.motions.phrases import phrases
from train.text_motion.motions.signals import RATE
from train.text_motion.motions.tagging import tagged
from train.text_motion.motions.wording import pick, said
from train.text_motion.texts import Caption

STANDING, WAITING, EXTRA = 0.8, 0.5, 3.4
"""Share of a clip with a body that stands still, above which it only stands; above which its note is not told; weight
from which an event is told beside a note."""
STANDS = ("*stand* still", "*stand* still in place", "*stand* still and *do* not move", "*stand* without moving")
SUBJECTS = ("a person", "a person", "a person", "the person", "someone")
WEIGHT = {
    "upside down": 6.0, "jump": 5.0, "hop": 5.0, "kick": 4.5, "wave": 4.5, "run": 4.5, "climb": 5.0,
    "leap": 4.0, "punch": 4.0,
    "ground": 4.0, "squat": 4.0, "bend": 3.5, "leg": 3.5, "walk": 3.0, "raise": 2.5, "spread": 2.5, "crouch": 2.2,
    "lunge": 2.2, "turn": 2.0, "hips": 2.0, "knee": 2.0, "reach": 1.5, "still": 0.5,
}  # fmt: skip
"""How much each kind of event tells, before its length and size."""
PARTS = {
    "kick": {"knee", "leg", "lunge", "crouch", "reach"},
    "jump": {"crouch", "squat", "knee", "leg"},
    "climb": {"walk", "knee", "leg", "crouch", "squat", "jump", "leap"},
    "leap": {"crouch", "knee", "leg", "kick"},
    "hop": {"crouch", "knee", "leg", "jump"},
    "wave": {"raise", "reach"},
    "punch": {"reach", "raise"},
    "squat": {"bend", "crouch"},
    "upside down": {"bend", "kick", "leg", "raise", "squat", "turn"},
    "ground": {"bend", "crouch", "kick", "leg", "knee", "squat", "turn", "lunge", "reach", "walk"},
    "run": {"knee", "leap", "kick"},
    "leg": {"knee"},
    "bend": {"reach", "crouch"},
}
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


def told(events: Sequence[Event]) -> list[Told]:
    """What is told of a clip with these events."""
    whole = [event for event in events if not any(_part(event, other) for other in events)]
    whole = [event for event in whole if not any(_bent(event, other) for other in whole)]
    return _counted(sorted(whole))


def stands(events: Sequence[Event], length: int) -> bool:
    """Whether a clip of ``length`` frames only shows a body that stands still."""
    still = sum(event.frames for event in events if event.kind == "still")
    return still > STANDING * length and all(event.kind == "still" for event in events)


def sentences(items: Sequence[Told], most: int, key: str) -> str:
    """One sentence without its subject on the ``most`` telling items; "" for none."""
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
    events: Sequence[Event], note: Sequence[str], implies: frozenset[str], key: str, length: int
) -> list[Caption]:
    """Up to five different captions of a clip of ``length`` frames, at least one: two of its note, and what it shows at
    length, in short and in a word; ``implies`` are kinds of events that the note tells already."""
    if sum(event.frames for event in events if event.kind == "still") > WAITING * length:
        note = ()
    if stands(events, length):
        return [_caption(_subject(said(phrase), f"{key} {number}")) for number, phrase in enumerate(STANDS)]
    items = told(events)
    texts = []
    if note:
        first = pick(note, f"{key} note")
        other = pick([sentence for sentence in note if sentence != first] or [first], f"{key} other")
        beyond = [item for item in items if item.event.kind not in implies and item.weight > EXTRA]
        texts += [_with_subject(first, f"{key} a"), _with_subject(other + _extra(beyond, key), f"{key} b")]
    if not items:
        return [_caption(text) for text in dict.fromkeys([*texts, *([] if note else _little(key))])]
    for most in (3, 2, 1) if len(items) > 1 else (1, 1, 1):
        texts.append(_subject(sentences(items, most, f"{key} {len(texts)}"), f"{key} {len(texts)}"))
    return [_caption(text) for text in dict.fromkeys(texts)] + _spans(items, key, length)


def _spans(items: Sequence[Told], key: str, length: int) -> list[Caption]:
    """A caption of a part of the clip: its most telling item, where that is a part that can be cut out."""
    found = []
    items = [item for item in items if item.event.kind != "still"]
    for item in _most(items, 1):
        margin = max(0, 44 - item.event.frames) // 2 + 4
        start, stop = max(0, item.event.start - margin), min(length, item.event.stop + margin)
        if 44 <= stop - start < 0.6 * length and sum(_overlap(other.event, start, stop) for other in items) == 1:
            text = _subject(said(pick(phrases(item.event, item.times), f"{key} span")), f"{key} d")
            found.append(Caption(text, tagged(text), round(start / RATE, 2), round(stop / RATE, 2)))
    return found


def _little(key: str) -> list[str]:
    """What is said where nothing is found and no note tells anything."""
    options = ("stands in place", "stands and moves only a little", "stays where they are")
    return [_subject(phrase, f"{key} {number}") for number, phrase in enumerate(options)]


def _extra(items: Sequence[Told], key: str) -> str:
    """What a note does not tell, as ", turning to the left and ..."."""
    chosen = sorted(_most(items, 2), key=lambda item: item.event.start)
    words = [said(pick(phrases(item.event, item.times), f"{key} extra {n}"), "ing") for n, item in enumerate(chosen)]
    return "".join(f", {phrase}" for phrase in dict.fromkeys(words))


def _clause(group: Sequence[Told], key: str) -> str:
    main = said(pick(phrases(group[0].event, group[0].times), key))
    if len(group) == 1:
        return main
    beside = said(pick(phrases(group[1].event, group[1].times), f"{key} while"), "ing")
    return f"{main}, {beside} in between" if group[0].times > 1 else f"{main} while {beside}"


def _most(items: Sequence[Told], most: int) -> list[Told]:
    return sorted(items, key=lambda item: (-item.weight, item.event))[:most]


def _counted(events: Sequence[Event]) -> list[Told]:
    """Events of one kind in a row as one: of one side counted, of both sides in turn as one of both."""
    found: list[Told] = []
    for event in events:
        at = next((n for n in reversed(range(len(found))) if found[n].event.kind == event.kind), None)
        joined = None if at is None else _joined(found[at], event)
        if at is None or joined is None:
            found.append(Told(event))
        else:
            found[at] = joined
    return found


def _joined(last: Told, event: Event) -> Told | None:
    """An event and the last of its kind as one, None where they are told apart."""
    before = last.event
    pause = event.start - before.stop
    same = before.side == event.side
    if event.kind == "still" or pause > 2.2 * RATE:
        return None
    if event.kind in ("walk", "run"):
        if not same or before.manner[1] != "straight" or event.manner[1] != "straight":
            return None
        steps = str(int(before.manner[2]) + int(event.manner[2]))
        way = before._replace(stop=event.stop, size=before.size + event.size, manner=("", "straight", steps))
        return replace(last, event=way)
    stop, size = max(event.stop, before.stop), max(event.size, before.size)
    if not same and event.kind not in ("kick", "knee", "leg", "punch"):
        return None
    side = event.side if same else "both"
    manner = event.manner if event.size > before.size else before.manner
    return Told(before._replace(stop=stop, side=side, size=size, manner=manner), last.times + 1)


def _part(event: Event, other: Event) -> bool:
    if event is other or event.kind not in PARTS.get(other.kind, ()):
        return False
    return min(event.stop, other.stop + 8) - max(event.start, other.start - 8) > 0.5 * event.frames


def _bent(turn: Event, way: Event) -> bool:
    """Whether a turn is the bend of a way, which is told with it."""
    if turn.kind != "turn" or way.kind not in ("walk", "run"):
        return False
    shared = min(turn.stop, way.stop) - max(turn.start, way.start)
    return way.manner[1].endswith(turn.side) and shared > 0.5 * turn.frames


def _during(outer: Event, inner: Event) -> bool:
    if outer.kind == inner.kind or outer.kind in ("still", "turn", "jump", "kick"):
        return False
    return min(outer.stop, inner.stop) - max(outer.start, inner.start) > 0.6 * inner.frames


def _overlap(event: Event, start: int, stop: int) -> bool:
    return min(event.stop, stop) - max(event.start, start) > 6


def _caption(text: str) -> Caption:
    return Caption(text, tagged(text))


def _subject(sentence: str, key: str) -> str:
    return f"{pick(SUBJECTS, key)} {sentence}"


def _with_subject(sentence: str, key: str) -> str:
    """A sentence of a note with another subject."""
    return sentence.replace("a person", pick(SUBJECTS, key), 1)
