"""Sentences for notes of fights and acrobatics; the words of karate are put plainly.

Takes are named for what is seen in them where their note says less: of the martial arts takes, one is the same
recording as CMU's 135_06, which tells whose they are; what each shows was found by looking (lunges with the fists at
the hips, front kicks, low blocks, round kicks, lunge punches, knife-hand guards, side kicks).
"""

from __future__ import annotations

from train.text_motion.motions.notes_play import Entry

_KARATE = "lunge crouch punch"

FIGHTS: dict[str, Entry] = {
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
