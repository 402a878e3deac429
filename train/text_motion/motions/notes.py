"""What the notes of the database mean, as sentences: written by hand, note by note, after looking at the takes.

A note such as "Bassai" tells a person nothing who has not learned karate, and "180" tells nobody anything. Each note
has three sentences or more that hold for every part of its takes; games, dances and fights are in the modules
``notes_*`` beside this one. ``implies`` are kinds of events that need not be told beside them.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.errors import EngineError
from train.text_motion.motions.notes_dances import DANCES
from train.text_motion.motions.notes_fights import FIGHTS, SEEN
from train.text_motion.motions.notes_play import PLAY, Entry


class Note(NamedTuple):
    """What is said of a take: ``sentences``, which kinds of events they tell already, and the ``theme`` in a word, by
    which takes are counted and weighed."""

    theme: str
    sentences: tuple[str, ...]
    implies: frozenset[str] = frozenset()


_WALKING = frozenset({"walk", "still"})
_EVERYDAY: dict[str, Entry] = {
    "walk": (
        "walk",
        "walk",
        (
            "a person walks",
            "a person is walking",
            "a person walks along",
            "a person takes a walk",
            "a person is walking normally",
        ),
    ),
    "slow walk": (
        "walk",
        "walk",
        (
            "a person walks slowly",
            "a person is walking at a slow pace",
            "a person takes a slow walk",
            "a person walks in no hurry",
        ),
    ),
    "run/jog": (
        "run",
        "run walk",
        (
            "a person runs forward",
            "a person is jogging",
            "a person jogs forward in a straight line",
            "a person runs at a steady pace",
        ),
    ),
    "run": (
        "run",
        "run walk",
        (
            "a person runs",
            "a person is running forward",
            "a person runs forward fast",
            "a person runs in a straight line",
        ),
    ),
    "walk on uneven terrain": (
        "terrain",
        "walk",
        (
            "a person walks on uneven ground",
            "a person walks carefully over rough terrain",
            "a person steps over bumps and holes in the ground",
            "a person is walking over uneven terrain, watching each step",
        ),
    ),
    "Start Walk Stop": (
        "walk",
        "walk",
        (
            "a person stands, walks and stops again",
            "a person starts to walk and then comes to a stop",
            "a person stands in a pose, walks a few steps and stops in a pose",
        ),
    ),
    "Start Hop Stop": (
        "hop",
        "hop leap jump",
        (
            "a person stands, hops and stops again",
            "a person takes a few steps with a hop and then stops",
            "a person steps, hops and turns, then comes to a stop",
        ),
    ),
    "bend over, scoop up, rise, lift arm": (
        "exercise",
        "bend squat crouch raise",
        (
            "a person bends over, scoops something up and lifts it over the head",
            "a person bends down to pick something up from the floor, rises and lifts the right arm",
            "a person reaches down to the ground, stands up and raises the right arm high",
            "a person scoops up something from the floor and throws it up with the right hand",
        ),
    ),
    "jump": (
        "jump",
        "jump hop leap",
        (
            "a person jumps",
            "a person is jumping",
            "a person jumps up and lands on both feet",
        ),
    ),
    "JumpTurn": (
        "jump",
        "jump turn leap",
        (
            "a person jumps and turns to the left in the air",
            "a person does a jump with a quarter turn to the left",
            "a person leaps up, turns left in the air and lands on both feet",
        ),
    ),
    "SmallJumpTurn": (
        "jump",
        "jump turn leap",
        (
            "a person makes a small jump and turns to the left",
            "a person hops up with both feet and makes a quarter turn to the left",
            "a person does a small jump with a turn to the left",
        ),
    ),
    "180 degree jump": (
        "jump",
        "jump turn leap",
        (
            "a person jumps and turns around in the air to the left",
            "a person jumps up, turns 180 degrees and lands facing the other way",
            "a person makes a jump with a half turn to the left",
        ),
    ),
    "cartwheels": (
        "flip",
        "upside down bend leg kick",
        (
            "a person does a cartwheel",
            "a person does cartwheels",
            "a person puts both hands on the floor and swings the legs over in a cartwheel",
            "a person makes a cartwheel and lands on the feet",
        ),
    ),
    "wash windows": (
        "chores",
        "raise reach wave",
        (
            "a person washes a window",
            "a person is cleaning windows with one hand",
            "a person wipes a window with a cloth",
            "a person wipes up and down on a pane of glass",
        ),
    ),
    "direct traffic, wave, point": (
        "signals",
        "raise reach wave",
        (
            "a person directs traffic",
            "a person is directing traffic with the arms, waving and pointing",
            "a person waves and points like a traffic officer",
            "a person gives hand signals to cars",
        ),
    ),
    "basketball signals": (
        "signals",
        "raise reach wave spread",
        (
            "a person gives the hand signals of a basketball referee",
            "a person is signalling like a referee",
            "a person makes referee signals with both arms",
            "a person shows the signals of a basketball referee with the arms and hands",
        ),
    ),
}
_SAME = {
    "Jump Turn": "JumpTurn",
    "180": "180 degree jump",
    "playground - climb, sit, dangle legs, descend": "playground - climb, sit, dangle legs",
    "playground - climb, sit, dangle legs, jump down": "playground - climb, sit, dangle legs",
    "playground - climb, sit, dangle legs, rock back, lower self to ground": "playground - climb, sit, dangle legs",
    "playground - climb, pull up, dangle, sit, lower self to ground": "playground - climb, sit, dangle legs",
    "playground - climb, jump down, dangle, legs push off against": "playground - climb, hang, swing",
    "playground - climb, hang, lean over, jump down": "playground - climb, hang, swing",
    "playground - climb, hang, hold self up with arms straight, swing, drop, sit, dangle legs, go under": (
        "playground - climb, hang, swing"
    ),
}


def note_of(name: str, note: str) -> Note:
    """What is said of the take ``name`` with that ``note``. Raises :class:`EngineError` where nobody wrote that."""
    key = SEEN.get(name, _SAME.get(note, note))
    entry = (_EVERYDAY | PLAY | DANCES | FIGHTS).get(key)
    if entry is None:
        raise EngineError(
            f"take {name}: nobody has written sentences for its note {note!r}; add them to "
            "train/text_motion/motions/notes.py"
        )
    theme, implies, sentences = entry
    return Note(theme, sentences, _kinds(implies))


def _kinds(words: str) -> frozenset[str]:
    """Kinds of events from a line of words; ``upside down`` is one."""
    kinds = set(words.split())
    return frozenset(kinds - {"upside", "down"} | ({"upside down"} if "upside" in kinds else set()))
