"""Sentences for notes of dances; the words of ballet are put plainly."""

from __future__ import annotations

from train.text_motion.motions.notes_play import Entry

_BALLET = "leg turn raise spread leap jump"

DANCES: dict[str, Entry] = {
    "dance - expressive arms, pirouette": (
        "dance",
        "turn raise spread",
        (
            "a person dances with expressive arms and spins around",
            "a person moves the arms gracefully and does a pirouette",
            "a person dances and turns on one leg",
        ),
    ),
    "dance - sideways arabesque, turn step, folding arms": (
        "dance",
        _BALLET,
        (
            "a person lifts one leg to the side, turns and folds the arms",
            "a person dances, stretching a leg out to the side before turning",
            "a person does a ballet step with a raised leg and a turn",
        ),
    ),
    "dance - sideways arabesque, folding arms, bending back": (
        "dance",
        _BALLET + " bend",
        (
            "a person lifts one leg to the side and bends back with folded arms",
            "a person dances, raises a leg and leans backward",
            "a person dances slowly, folding the arms and bending back",
        ),
    ),
    "dance - quasi-cou-de-pied, raised leg above hip-height, jete en tourant": (
        "dance",
        _BALLET + " kick",
        (
            "a person raises a leg above the hip and leaps with a turn",
            "a person dances ballet with a high leg and a turning leap",
            "a person lifts one leg high, then jumps and turns",
        ),
    ),
    "dance - cartwheel-like start, pirouettes, jete": (
        "dance",
        _BALLET + " kick",
        (
            "a person swings into a turn like a cartwheel, does pirouettes and leaps",
            "a person dances with spins and a leap",
            "a person spins on one leg and leaps",
        ),
    ),
    "dance - small jetes, attitude/arabesque, shifted-axis pirouette, turn": (
        "dance",
        _BALLET,
        (
            "a person makes small leaps, lifts a leg behind and spins",
            "a person dances ballet with small leaps and turns",
            "a person leaps lightly, balances on one leg and turns around",
        ),
    ),
    "dance - rond de jambe in the air, jete, turn": (
        "dance",
        _BALLET + " kick",
        (
            "a person swings a leg around in the air, leaps and turns",
            "a person dances, circling one leg through the air before a leap",
            "a person makes a circle with a raised leg, then leaps and turns",
        ),
    ),
    "dance - glissade devant, glissade derriere, attitude/arabesque": (
        "dance",
        _BALLET,
        (
            "a person glides to the side and lifts one leg behind",
            "a person dances ballet with gliding steps and a raised leg",
            "a person makes gliding steps to the side, then balances on one leg",
        ),
    ),
    "dance - arms held high, pointe tendue a terre, upper body rotation": (
        "dance",
        "raise spread leg bend",
        (
            "a person holds the arms high, stretches one foot out on the floor and turns the upper body",
            "a person dances with raised arms and turns the upper body",
            "a person dances in place, pointing one foot and circling the upper body",
        ),
    ),
    "dance - small jetes, pirouette": (
        "dance",
        _BALLET,
        (
            "a person makes small leaps and a pirouette",
            "a person dances with light leaps and spins on one leg",
            "a person leaps a few times and spins around",
        ),
    ),
    "dance - retire derriere, attitude/arabesque": (
        "dance",
        _BALLET + " knee",
        (
            "a person draws one foot up to the knee and stretches the leg out behind",
            "a person dances ballet and balances on one leg",
            "a person lifts a leg behind the body and holds the arms out",
        ),
    ),
    "dance - coupe dessous, jete en tourant": (
        "dance",
        _BALLET + " kick",
        (
            "a person steps, turns and leaps",
            "a person dances ballet with a turning leap",
            "a person runs up, leaps and turns in the air",
        ),
    ),
    "dance - coupe dessous, grand jete en tourant": (
        "dance",
        _BALLET + " kick",
        (
            "a person makes a big turning leap",
            "a person dances ballet with a high leap and a turn",
            "a person takes a run, leaps high with spread legs and turns",
        ),
    ),
    "dance - attitude/arabesque, jete en tourant, bending back": (
        "dance",
        _BALLET + " kick bend",
        (
            "a person lifts a leg behind, leaps with a turn and bends back",
            "a person dances with a turning leap and leans backward",
            "a person balances on one leg, then leaps, turns and bends back",
        ),
    ),
    "dance, whirl": (
        "dance",
        "turn",
        (
            "a person dances and whirls around",
            "a person spins around again and again while dancing",
            "a person whirls around with the arms out",
        ),
    ),
    "indian dance": (
        "dance",
        "raise spread knee",
        (
            "a person performs an indian dance",
            "a person dances an indian dance with gestures of the hands",
            "a person does a classical dance from india, stamping the feet and moving the arms",
            "a person moves arms and feet in the style of an indian dance",
        ),
    ),
    "salsa dance": (
        "salsa",
        "walk",
        (
            "a person dances salsa",
            "a person is dancing salsa with a partner",
            "a person does salsa steps",
            "a person dances a latin dance",
            "a person steps back and forth to salsa music",
        ),
    ),
}
