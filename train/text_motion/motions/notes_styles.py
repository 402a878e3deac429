"""Sentences for notes of dances, fights, acrobatics and exercises; the words of ballet and karate are put plainly.

Takes are named for what is seen in them where their note says less: of the martial arts takes, one is the same
recording as CMU's 135_06, which tells whose they are; what each shows was found by looking (lunges with the fists at
the hips, front kicks, low blocks, round kicks, lunge punches, knife-hand guards, side kicks).
"""

from __future__ import annotations

Entry = tuple[str, str, tuple[str, ...]]

_BALLET = "leg turn raise spread leap jump"
_KARATE = "lunge crouch punch"

STYLES: dict[str, Entry] = {
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
    "UpRightSequence": (
        "acrobatics",
        "kick leg turn jump leap",
        (
            "a person does an acrobatic breakdance sequence",
            "a person breakdances on the feet",
            "a person dances hip hop with quick steps, kicks and turns",
        ),
    ),
    "FancyFootWork": (
        "acrobatics",
        "kick leg turn jump leap walk",
        (
            "a person does fancy footwork",
            "a person breakdances with quick steps of the feet",
            "a person dances with fast, complicated footwork",
        ),
    ),
    "LongSequenceGood": (
        "acrobatics",
        "kick leg turn ground",
        (
            "a person does a long breakdance sequence",
            "a person is breakdancing, with moves on the feet and on the floor",
            "a person dances hip hop and goes down to the floor",
        ),
    ),
    "BreakSequencewithFlips": (
        "acrobatics",
        "kick leg turn ground",
        (
            "a person breakdances with flips",
            "a person does an acrobatic dance with flips and handstands",
            "a person does breakdance moves and flips over",
        ),
    ),
    "swordplay": (
        "fight",
        "raise",
        (
            "a person swings a sword",
            "a person is fighting with a sword held in both hands",
            "a person practises strokes with a sword",
            "a person holds a sword and strikes with it",
        ),
    ),
    "Bassai": (
        "karate",
        _KARATE,
        (
            "a person performs a karate form with blocks, punches and kicks",
            "a person does the karate form bassai",
            "a person practises karate moves in deep stances",
        ),
    ),
    "Empi": (
        "karate",
        _KARATE,
        (
            "a person performs a karate form with strikes, blocks and turns",
            "a person does the karate form empi",
            "a person practises a series of karate moves",
        ),
    ),
    "Heiansyodan": (
        "karate",
        _KARATE,
        (
            "a person performs a basic karate form with low blocks and lunge punches",
            "a person does the first karate form, heian shodan",
            "a person blocks, steps forward and punches like in karate",
        ),
    ),
    "martial arts: stances": (
        "karate",
        _KARATE + " walk",
        (
            "a person steps forward in deep karate stances with the fists at the hips",
            "a person moves in a low karate stance",
            "a person walks in lunges as in karate and keeps the fists at the sides",
        ),
    ),
    "martial arts: front kicks": (
        "karate",
        _KARATE + " kick knee walk",
        (
            "a person does front kicks from a karate stance",
            "a person kicks forward with one leg after the other",
            "a person practises karate front kicks, stepping forward after each kick",
        ),
    ),
    "martial arts: low blocks": (
        "karate",
        _KARATE + " walk",
        (
            "a person does low blocks in a karate stance",
            "a person steps forward and swings one arm down in a low block",
            "a person practises the downward block of karate",
        ),
    ),
    "martial arts: round kicks": (
        "karate",
        _KARATE + " kick knee walk",
        (
            "a person does roundhouse kicks",
            "a person swings one leg around in a high karate kick",
            "a person practises karate round kicks with both legs in turn",
        ),
    ),
    "martial arts: lunge punches": (
        "karate",
        _KARATE + " walk reach",
        (
            "a person steps forward and punches as in karate",
            "a person does lunge punches",
            "a person makes a deep step forward and throws a punch with each step",
        ),
    ),
    "martial arts: knife hands": (
        "karate",
        _KARATE + " walk reach",
        (
            "a person does karate guards with open hands",
            "a person steps back in a karate stance and blocks with the edge of the hand",
            "a person practises the knife hand block of karate",
        ),
    ),
    "martial arts: side kicks": (
        "karate",
        _KARATE + " kick knee leg walk",
        (
            "a person does karate side kicks",
            "a person lifts a knee and kicks to the side",
            "a person practises side kicks in a low karate stance",
        ),
    ),
}
SEEN: dict[str, str] = {
    "shared_martial_03": "martial arts: stances",
    "shared_martial_04": "martial arts: front kicks",
    "shared_martial_05": "martial arts: low blocks",
    "shared_martial_07": "martial arts: round kicks",
    "shared_martial_08": "martial arts: lunge punches",
    "shared_martial_09": "martial arts: knife hands",
    "shared_martial_10": "martial arts: side kicks",
}
"""Takes whose note says less than what is seen in them."""
