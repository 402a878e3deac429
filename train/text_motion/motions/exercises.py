"""Exercises that people labelled by time in CMU's takes 13_29 to 14_20 (Fox, Sudderth, Hughes et al.), as sentences.

``exercise_segments.csv`` says from when to when each is done.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from train.files import FileError, read_csv

HEADER = ["trial", "action", "start_s", "end_s"]


class Segment(NamedTuple):
    """An exercise in a take, in seconds."""

    action: str
    start_s: float
    end_s: float


EXERCISES: dict[str, tuple[str, tuple[str, ...]]] = {
    "JumpJack": (
        "jump raise spread",
        (
            "a person does jumping jacks",
            "a person jumps, spreading arms and legs and closing them again",
            "a person is doing jumping jacks in place",
        ),
    ),
    "Jog": (
        "walk run jump hop leap knee",
        ("a person jogs in place", "a person is running on the spot", "a person jogs on the spot with bent arms"),
    ),
    "Squat": (
        "squat crouch bend reach",
        (
            "a person does squats",
            "a person bends the knees, squats down and stands up again",
            "a person is doing deep squats",
        ),
    ),
    "KneeRaise": (
        "knee leg",
        (
            "a person raises one knee after the other",
            "a person lifts the knees high in turn",
            "a person pulls the knees up to the chest, one at a time",
        ),
    ),
    "Twist": (
        "turn",
        (
            "a person twists the upper body from side to side",
            "a person does side twists with the arms out",
            "a person turns the trunk to the left and to the right while standing",
        ),
    ),
    "ArmCircle": (
        "raise spread wave",
        (
            "a person circles the arms",
            "a person makes big circles with both arms",
            "a person swings the arms around in circles",
        ),
    ),
    "ToeTouchOneHand": (
        "bend raise spread",
        (
            "a person bends over and touches one foot with the opposite hand",
            "a person bends down to touch the toes with one hand after the other",
            "a person stretches by touching each foot with the other hand",
        ),
    ),
    "ToeTouchTwoHands": (
        "bend squat",
        (
            "a person bends over and touches the toes with both hands",
            "a person bends down until the hands reach the feet",
            "a person stretches down to the floor with both hands",
        ),
    ),
    "UpDown": (
        "raise bend squat crouch",
        (
            "a person reaches up high and then bends down",
            "a person stretches up with both arms and bends down to the floor",
            "a person reaches up to the sky and down to the ground in turn",
        ),
    ),
    "SideBend": (
        "bend",
        (
            "a person bends to the side",
            "a person leans the upper body from side to side",
            "a person does side bends",
        ),
    ),
    "SideReach": (
        "bend raise reach",
        (
            "a person reaches over to the side with one arm",
            "a person stretches one arm over the head to the other side",
            "a person does side stretches with a raised arm",
        ),
    ),
    "Box": (
        "punch reach raise",
        ("a person boxes", "a person throws punches with both fists", "a person is boxing in the air"),
    ),
}


def read_segments(path: Path) -> dict[str, list[Segment]]:
    """The exercises of each take, in order of time, from the csv. Raises :class:`FileError` naming file and line."""
    rows = read_csv(path)
    if not rows or rows[0].cells != HEADER:
        raise FileError(f"{path}: its first line must be {','.join(HEADER)!r}; copy the data again")
    found: dict[str, list[Segment]] = defaultdict(list)
    for line, cells in rows[1:]:
        try:
            take, action, start, end = cells[0], cells[1], float(cells[2]), float(cells[3])
        except (IndexError, ValueError):
            raise FileError(f"{path}:{line}: is no take, exercise, start and end; mend that line") from None
        if action not in EXERCISES:
            raise FileError(f"{path}:{line}: no exercise {action!r}; there is {', '.join(EXERCISES)}")
        found[take].append(Segment(action, start, end))
    return {take: sorted(segments, key=lambda segment: segment.start_s) for take, segments in found.items()}
