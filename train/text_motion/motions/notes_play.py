"""Sentences for notes of basketball, soccer and the playground."""

from __future__ import annotations

Entry = tuple[str, str, tuple[str, ...]]
"""The theme, kinds of events that the sentences tell, and the sentences."""

_PLAY = (
    "a person climbs on a playground",
    "a person is climbing around on the bars of a playground",
    "a person plays on a climbing frame",
)

PLAY: dict[str, Entry] = {
    "basketball - dribble": (
        "basketball",
        "reach",
        (
            "a person dribbles a basketball",
            "a person is dribbling a ball with one hand",
            "a person bounces a basketball",
            "a person plays basketball and dribbles the ball",
        ),
    ),
    "basketball - forward dribble": (
        "basketball",
        "reach",
        (
            "a person dribbles a basketball forward",
            "a person walks forward and dribbles a basketball",
            "a person bounces a ball while walking forward",
            "a person moves forward dribbling a basketball with one hand",
        ),
    ),
    "basketball - backward dribble": (
        "basketball",
        "reach",
        (
            "a person dribbles a basketball backward",
            "a person walks backward and dribbles a basketball",
            "a person bounces a ball while walking backward",
        ),
    ),
    "basketball - sideways dribble": (
        "basketball",
        "reach",
        (
            "a person dribbles a basketball sideways",
            "a person steps sideways and dribbles a basketball",
            "a person bounces a ball while moving to the side",
        ),
    ),
    "basketball - forward dribble, 90-degree left turns": (
        "basketball",
        "reach turn",
        (
            "a person dribbles a basketball forward and turns left at each corner",
            "a person walks dribbling a ball and makes quarter turns to the left",
            "a person dribbles a basketball around a square to the left",
        ),
    ),
    "basketball - forward dribble, 90-degree right turns": (
        "basketball",
        "reach turn",
        (
            "a person dribbles a basketball forward and turns right at each corner",
            "a person walks dribbling a ball and makes quarter turns to the right",
            "a person dribbles a basketball around a square to the right",
        ),
    ),
    "basketball - forward dribble, 90-degree right turns, crossover dribble": (
        "basketball",
        "reach turn",
        (
            "a person dribbles a basketball, changes the hand and turns to the right",
            "a person dribbles a ball from one hand to the other while turning right",
            "a person does a crossover dribble with turns to the right",
        ),
    ),
    "basketball - crossover dribble, shoot": (
        "basketball",
        "reach raise jump",
        (
            "a person dribbles a basketball from hand to hand and shoots",
            "a person dribbles, then throws a basketball at the hoop",
            "a person does a crossover dribble and shoots a basketball",
        ),
    ),
    "soccer - kick ball": (
        "soccer",
        "kick",
        (
            "a person kicks a soccer ball with the right foot",
            "a person runs up and kicks a ball with the right foot",
            "a person kicks a football",
            "a person takes a few steps and shoots a ball with the right leg",
        ),
    ),
    "playground - climb": ("climb", "raise", _PLAY),
    "playground - forward jumps, turn around": (
        "jump",
        "jump leap",
        (
            "a person jumps forward again and again",
            "a person makes forward jumps",
            "a person jumps ahead with both feet, as children do on a playground",
        ),
    ),
    "playground - climb, hang, swing": (
        "climb",
        "raise",
        (
            "a person climbs and hangs on the bars of a playground",
            "a person climbs up and swings on a bar",
            *_PLAY[1:],
        ),
    ),
    "playground - climb, go under": (
        "climb",
        "raise crouch",
        ("a person climbs and goes under the bars of a playground", *_PLAY[1:]),
    ),
    "playground - climb, sit, dangle legs": (
        "climb",
        "raise squat ground",
        (
            "a person climbs up and sits down with the legs hanging",
            "a person climbs on a bar and sits on it",
            *_PLAY[1:],
        ),
    ),
}
