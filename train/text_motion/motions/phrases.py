"""Events in words: for each, several phrases that say the same, as people write captions of HumanML3D.

Verbs stand between asterisks in their base form, ``*walk* forward``: :func:`said` puts them into the form that a
sentence needs. Left and right are the person's own.
"""

from __future__ import annotations

from collections.abc import Callable

from train.text_motion.motions.event import Event
from train.text_motion.motions.wording import number
from train.text_motion.motions.wording import times as often_of

_PLAIN = {
    "spread": ["*hold* both arms out to the sides", "*spread* the arms", "*stretch* both arms out to the sides"],
    "hips": ["*put* both hands on the hips", "*hold* the hands at the hips", "*rest* the hands on the waist"],
    "lunge": ["*take* a wide, low stance", "*stand* in a deep lunge", "*step* into a lunge"],
    "ground": ["*go* down to the floor", "*get* down on the ground", "*move* low on the floor"],
    "upside down": ["*turn* upside down", "*go* upside down on the hands", "*flip* over"],
    "still": ["*stand* still", "*stand* still in place", "*stay* in place without moving"],
}
SHORT = 0.3
"""Metres of a step, below which steps are not counted."""


def phrases(event: Event, times: int = 1) -> list[str]:
    """Phrases for an event, or for as many of its kind in a row. The first is the plainest."""
    found = _PLAIN[event.kind] if event.kind in _PLAIN else _MAKERS[event.kind](event, times)
    return list(dict.fromkeys(found))


def _walk(event: Event, times: int) -> list[str]:
    pace, path, _ = event.manner
    how = {"slow": " slowly", "fast": " quickly", "": ""}[pace] if event.size > 1.2 else ""
    if event.side == "around":
        return [
            f"*walk* around{how}",
            f"*step* back and forth{how}",
            "*move* around with small steps",
            "*take* a few steps",
        ]
    if event.side in ("left", "right"):
        side = event.side
        return [
            f"*walk*{how} sideways to the {side}",
            f"*step* to the {side}{how}",
            f"*move* to the {side}{how}",
            f"*take* {_steps(event)} to the {side}",
            f"*sidestep* to the {side}",
        ]
    if path.startswith("circle"):
        return _circle("walk", path.split()[1], how)
    if path.startswith("back"):
        return [
            f"*walk* forward{how}, *turn* around and *walk* back",
            f"*walk*{how} ahead, *turn* around to the {path.split()[1]} and *come* back",
            f"*walk* there and back{how}",
        ]
    if path in ("left", "right"):
        return _curve("walk", path, how)
    way = "forward" if event.side == "forward" else "backward"
    found = [f"*walk* {way}{how}", f"*take* {_steps(event)} {way}", f"*walk*{how} {way}"]
    if way == "backward":
        return [*found, f"*step* back{how}", f"*walk* backwards{how}"]
    if event.size < 1.2:
        return [*found, "*step* forward", "*move* forward a little"]
    return [*found, f"*walk* straight ahead{how}", f"*walk* forward in a straight line{how}", f"*walk* ahead{how}"]


def _run(event: Event, times: int) -> list[str]:
    pace, path, _ = event.manner
    how = {"slow": " slowly", "fast": " fast", "": ""}[pace]
    verb = "run" if pace == "fast" else "jog" if pace == "slow" else "run"
    if path.startswith("circle"):
        return _circle(verb, path.split()[1], how)
    if path in ("left", "right"):
        return _curve(verb, path, how)
    way = {"left": "to the left", "right": "to the right"}.get(event.side, event.side)
    return [
        f"*{verb}* {way}{how}",
        f"*run* {way}",
        f"*{verb}* in a straight line",
        f"*jog* {way}",
        f"*run* {way} with {_steps(event)}",
    ]


def _curve(verb: str, side: str, how: str) -> list[str]:
    return [
        f"*{verb}*{how} in a curve to the {side}",
        f"*{verb}* forward{how}, curving to the {side}",
        f"*{verb}* forward{how}, bearing {side}",
        f"*{verb}*{how} along a curve to the {side}",
    ]


def _circle(verb: str, side: str, how: str) -> list[str]:
    sense = "counterclockwise" if side == "left" else "clockwise"
    return [
        f"*{verb}*{how} in a circle to the {side}",
        f"*{verb}*{how} in a {sense} circle",
        f"*{verb}* around in a circle{how}",
        f"*{verb}* {sense} in a circle{how}",
    ]


def _steps(event: Event) -> str:
    """How many steps, in words; steps that come out shorter than feet step are not counted."""
    steps = int(event.manner[2])
    if steps < 2:
        return "a step"
    return f"{number(steps)} steps" if steps <= 10 and event.size / steps > SHORT else "a few steps"


def _turn(event: Event, times: int) -> list[str]:
    side, fast = event.side, {"fast": " quickly", "slow": " slowly", "": ""}[event.manner[0]]
    sense = "counterclockwise" if side == "left" else "clockwise"
    if event.size >= 500:
        return [
            f"*spin* around to the {side} again and again",
            f"*spin* {sense} several times",
            f"*whirl* to the {side}",
        ]
    if event.size >= 240:
        again = often_of(times)
        return [
            f"*spin* around to the {side}{fast}{again}",
            f"*make* {'a full turn' if times < 2 else f'{number(times)} full turns'} to the {side}",
            f"*turn* in a full circle {sense}{again}",
        ]
    if times > 1:
        return [f"*turn* to the {side}{often_of(times)}", f"*turn* {side} again and again"]
    if event.size < 65:
        return [
            f"*turn* slightly to the {side}{fast}",
            f"*turn* a little to the {side}",
            f"*twist* to the {side}{fast}",
        ]
    if event.size < 125:
        return [f"*turn* to the {side}{fast}", f"*make* a quarter turn to the {side}", f"*turn* {side}{fast}"]
    return [f"*turn* around to the {side}{fast}", f"*turn* around{fast}", f"*make* a half turn to the {side}"]


def _jump(event: Event, times: int) -> list[str]:
    often = often_of(times)
    where = {"place": "up", "left": "to the left", "right": "to the right"}.get(event.manner[0], event.manner[0])
    if where == "up":
        high = "*jump* up high" if event.size > 0.4 else "*jump* up"
        spot = "*jump* up and down" if times > 1 else "*jump* in place"
        return [f"{high}{often}", f"{spot}{often}", f"*jump* on the spot{often}", f"*jump* with both feet{often}"]
    far = [] if event.size < 0.35 else [f"*jump* high {where}{often}"]
    return [f"*jump* {where}{often}", f"*jump* {where} with both feet{often}", *far]


def _hop(event: Event, times: int) -> list[str]:
    side, often = event.side, often_of(times)
    return [
        f"*hop* on the {side} foot{often}",
        f"*hop* on the {side} leg{often}",
        f"*jump* on one leg, the {side} one{often}",
    ]


def _leap(event: Event, times: int) -> list[str]:
    way = {"place": "", "left": " to the left", "right": " to the right"}.get(event.manner[0], f" {event.manner[0]}")
    return [f"*leap*{way}{often_of(times)}", f"*jump*{way} from one foot to the other", f"*make* a leap{way}"]


def _climb(event: Event, times: int) -> list[str]:
    if event.side == "up":
        return ["*climb* up", "*climb* higher", "*pull* up to a higher place"]
    return ["*climb* down", "*come* down to the ground", "*get* down from a high place"]


def _kick(event: Event, times: int) -> list[str]:
    where, high = event.manner
    side, often = event.side, often_of(times)
    way = {"forward": "", "backward": " back", "left": " to the left", "right": " to the right"}[where]
    high = " high" if high == "high" else ""
    if side == "both":
        return [f"*kick*{high} with both legs in turn", f"*kick*{high} with one leg after the other"]
    return [
        f"*kick*{high}{way} with the {side} leg{often}",
        f"*kick* the {side} foot{high}{way}{often}",
        f"*swing* the {side} leg up{way} in a kick{often}" if high else f"*kick*{way} with the {side} foot{often}",
    ]


def _knee(event: Event, times: int) -> list[str]:
    if event.side == "both":
        return [
            "*raise* the knees high in turn",
            "*lift* one knee after the other",
            "*raise* both knees in turn",
        ]
    often = often_of(times)
    return [f"*raise* the {event.side} knee{often}", f"*lift* the {event.side} knee up high{often}"]


def _leg(event: Event, times: int) -> list[str]:
    where = {"forward": "to the front", "backward": "behind the body", "left": "to the side", "right": "to the side"}
    way, side, often = where[event.manner[0]], event.side, often_of(times)
    if side == "both":
        return ["*lift* both legs in turn", "*raise* one leg after the other"]
    return [
        f"*lift* the {side} leg {way}{often}",
        f"*raise* the {side} leg {way}{often}",
        f"*stretch* the {side} leg up {way}",
    ]


def _raise(event: Event, times: int) -> list[str]:
    often = often_of(times)
    what = "both arms" if event.side == "both" else f"the {event.side} arm"
    hand = "both hands" if event.side == "both" else f"the {event.side} hand"
    if event.manner[0] == "over head":
        ways = (f"*raise* {what} over the head", f"*lift* {hand} high", f"*put* {what} up in the air")
        return [f"{way}{often}" for way in ways]
    return [
        f"*raise* {what}{often}",
        f"*lift* {what} to the height of the shoulders{often}",
        f"*lift* {hand} up{often}",
    ]


def _reach(event: Event, times: int) -> list[str]:
    what = "both arms" if event.side == "both" else f"the {event.side} arm"
    return [f"*stretch* {what} out to the front", f"*hold* {what} out in front", f"*reach* forward with {what}"]


def _wave(event: Event, times: int) -> list[str]:
    what = "both hands" if event.side == "both" else f"the {event.side} hand"
    return [f"*wave* with {what}", f"*wave* {what}", f"*move* {what} from side to side"]


def _punch(event: Event, times: int) -> list[str]:
    often = often_of(times)
    if event.side == "both":
        return ["*punch* with both fists in turn", "*throw* punches with both hands"]
    return [
        f"*punch* with the {event.side} hand{often}",
        f"*throw* a punch with the {event.side} fist"
        if times < 2
        else f"*throw* {number(times)} punches with the {event.side} fist",
    ]


def _bend(event: Event, times: int) -> list[str]:
    often = often_of(times)
    if event.side == "forward":
        if event.size > 70:
            return [f"*bend* over{often}", f"*bend* down{often}", f"*bend* forward deeply{often}"]
        return [f"*bend* forward{often}", f"*lean* forward{often}", f"*bow* forward{often}"]
    if event.side == "backward":
        return [f"*lean* backward{often}", f"*bend* back{often}", f"*arch* the back{often}"]
    return [
        f"*lean* to the {event.side}{often}",
        f"*bend* to the {event.side} side{often}",
        f"*tilt* the body {event.side}{often}",
    ]


def _crouch(event: Event, times: int) -> list[str]:
    often = often_of(times)
    return [f"*bend* the knees{often}", f"*crouch* a little{often}", f"*go* down into a crouch{often}"]


def _squat(event: Event, times: int) -> list[str]:
    often = often_of(times)
    touch = " and *touch* the floor" if "hands down" in event.manner else ""
    return [
        f"*squat* down{touch}{often}",
        f"*crouch* down low{touch}{often}",
        f"*do* {'a squat' if times < 2 else f'{number(times)} squats'}",
    ]


_MAKERS: dict[str, Callable[[Event, int], list[str]]] = {
    "walk": _walk,
    "run": _run,
    "turn": _turn,
    "jump": _jump,
    "hop": _hop,
    "leap": _leap,
    "climb": _climb,
    "kick": _kick,
    "knee": _knee,
    "leg": _leg,
    "raise": _raise,
    "reach": _reach,
    "wave": _wave,
    "punch": _punch,
    "bend": _bend,
    "crouch": _crouch,
    "squat": _squat,
}
KINDS = (*_PLAIN, *_MAKERS)
"""Kinds of events that there are words for."""
